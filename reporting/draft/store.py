"""Drafts in the database: written whole, read back as they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
import psycopg

from registry.refusal import RefusedError
from reporting.audit.model import Finding, Severity
from reporting.draft.cells import Cell, Standing, Trace
from reporting.draft.period import Period
from reporting.life.life import State

_REPORTS: Final[LiteralString] = """
INSERT INTO report (institution_id, cadence, first)
SELECT id, %(cadence)s, %(first)s FROM institution WHERE code = ANY(%(institutions)s) ORDER BY id
ON CONFLICT DO NOTHING
"""
# Who is about to sign one waits, or we for him: what he signs is what stands there.
_LOCKED: Final[LiteralString] = """
SELECT institution.code, report.id
FROM report JOIN institution ON institution.id = institution_id
WHERE cadence = %(cadence)s AND first = %(first)s AND institution.code = ANY(%(institutions)s)
ORDER BY report.id FOR UPDATE OF report
"""
_NUMBERS: Final[LiteralString] = """
SELECT DISTINCT ON (report_id) report_id, number, state FROM report_revision
WHERE report_id = ANY(%(reports)s) ORDER BY report_id, number DESC
"""
_REVISIONS: Final[LiteralString] = """
INSERT INTO report_revision (report_id, number, edition, compiled_at)
SELECT report_id, number, %(edition)s, %(now)s
FROM unnest(%(reports)s::int[], %(numbers)s::int[]) AS one (report_id, number)
ON CONFLICT (report_id, number) DO UPDATE
    SET edition = excluded.edition, compiled_at = excluded.compiled_at
"""
_EMPTY: Final[LiteralString] = """
WITH one AS (
    SELECT * FROM unnest(%(reports)s::int[], %(numbers)s::int[]) AS one (report_id, number)
), gone AS (
    DELETE FROM report_finding AS old USING one
    WHERE old.report_id = one.report_id AND old.number = one.number
)
DELETE FROM report_cell AS old USING one
WHERE old.report_id = one.report_id AND old.number = one.number
"""
_CELLS: Final[LiteralString] = """
COPY report_cell (report_id, number, line, value, standing, why, traces, before) FROM STDIN
"""
_FINDINGS: Final[LiteralString] = """
COPY report_finding (report_id, number, n, rule, severity, lines, said, mend) FROM STDIN
"""
_LAST: Final[LiteralString] = """
SELECT institution.code, revision.report_id, revision.number, revision.edition,
       revision.compiled_at, revision.state
FROM report
JOIN institution ON institution.id = institution_id
JOIN LATERAL (
    SELECT * FROM report_revision WHERE report_id = report.id ORDER BY number DESC LIMIT 1
) AS revision ON true
WHERE cadence = %(cadence)s AND first = %(first)s AND institution.code = ANY(%(institutions)s)
ORDER BY institution.code
"""
_NUMBERED: Final[LiteralString] = """
SELECT institution.code, revision.report_id, revision.number, revision.edition,
       revision.compiled_at, revision.state
FROM report
JOIN institution ON institution.id = institution_id
JOIN report_revision AS revision ON revision.report_id = report.id
WHERE cadence = %(cadence)s AND first = %(first)s AND institution.code = ANY(%(institutions)s)
ORDER BY number
"""
_READ_CELLS: Final[LiteralString] = """
SELECT report_id, number, line, value, standing, why, traces::text, before FROM report_cell
JOIN unnest(%s::int[], %s::int[]) AS last (report_id, number) USING (report_id, number)
"""
_READ_FINDINGS: Final[LiteralString] = """
SELECT report_id, number, rule, severity, lines, said, mend FROM report_finding
JOIN unnest(%s::int[], %s::int[]) AS last (report_id, number) USING (report_id, number)
ORDER BY report_id, number, n
"""
_TRACES: Final = msgspec.json.Decoder(tuple[Trace, ...])


@dataclass(frozen=True, slots=True)
class Draft:
    """What an institution reports of a period.

    Attributes:
        institution: code.
        period: of which.
        edition: code of the forms.
        number: of the revision.
        compiled_at: aware.
        cells: by code of the line, in the order of the forms.
        findings: what the audit found, in the order of its rules.
        state: of the revision.
    """

    institution: str
    period: Period
    edition: str
    number: int
    compiled_at: datetime
    cells: Mapping[str, Cell]
    findings: tuple[Finding, ...]
    state: State = State.DRAFT


def write(conn: psycopg.Connection[Any], drafts: Sequence[Draft]) -> list[Draft]:
    """Write drafts in place of those that stand, all or none; what is no draft any more stays.

    Args:
        conn: it becomes part of an open transaction.
        drafts: of institutions, each once; all of the same period and edition. Their numbers do not
            matter: the last revision is the draft.

    Returns:
        Those that were written, with the numbers of their revisions.
    """
    if not drafts:
        return []
    values = {
        **_of(drafts[0].period, [one.institution for one in drafts]),
        "edition": drafts[0].edition,
        "now": drafts[0].compiled_at,
    }
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(_REPORTS, values)
        ids = dict(cursor.execute(_LOCKED, values).fetchall())
        last = dict.fromkeys(ids.values(), (1, State.DRAFT))
        for id_, number, state in cursor.execute(_NUMBERS, {"reports": [*last]}):
            last[id_] = number, State(state)
        keys = {
            code: (id_, last[id_][0]) for code, id_ in ids.items() if last[id_][1] is State.DRAFT
        }
        reports, numbers = [id_ for id_, _ in keys.values()], [n for _, n in keys.values()]
        numbered = {**values, "reports": reports, "numbers": numbers}
        cursor.execute(_REVISIONS, numbered)
        cursor.execute(_EMPTY, numbered)
        written = [(keys[one.institution], one) for one in drafts if one.institution in keys]
        with cursor.copy(_CELLS) as copy:
            for key, one in written:
                for cell in one.cells.values():
                    copy.write_row((*key, *_row(cell)))
        with cursor.copy(_FINDINGS) as copy:
            for key, one in written:
                for n, found in enumerate(one.findings):
                    copy.write_row((*key, n, *_finding_row(found)))
    return [replace(one, number=number) for (_, number), one in written]


def read(
    conn: psycopg.Connection[Any], period: Period, institutions: Sequence[str]
) -> Mapping[str, Draft]:
    """Return the last revisions that stand, by code of the institution."""
    rows = conn.execute(_LAST, _of(period, institutions)).fetchall()
    return {one.institution: one for one in _drafts(conn, period, rows)}


def missing(institution: str, period: Period) -> RefusedError:
    """Return what is said where there is no report, and how to make one."""
    advice = f"运行 jieyong report run --period {period.code} --institution {institution}"
    return RefusedError(f"{institution} 没有 {period.name}的报表草稿：{advice}")


def revisions(conn: psycopg.Connection[Any], period: Period, institution: str) -> list[Draft]:
    """Return all revisions of a report, the first one first."""
    rows = conn.execute(_NUMBERED, _of(period, [institution])).fetchall()
    return [*_drafts(conn, period, rows)]


def _drafts(
    conn: psycopg.Connection[Any], period: Period, rows: Sequence[tuple[Any, ...]]
) -> Iterator[Draft]:
    keys = [[row[1] for row in rows], [row[2] for row in rows]]
    cells: dict[tuple[int, int], dict[str, Cell]] = defaultdict(dict)
    for *key, line, value, standing, why, traces, before in conn.execute(_READ_CELLS, keys):
        one = Cell(line, value, Standing(standing), why, _TRACES.decode(traces), before)
        cells[key[0], key[1]][line] = one
    findings: dict[tuple[int, int], list[Finding]] = defaultdict(list)
    for *key, rule, severity, lines, said, mend in conn.execute(_READ_FINDINGS, keys):
        found = Finding(rule, Severity(severity), tuple(lines), said, mend)
        findings[key[0], key[1]].append(found)
    for code, report, number, edition, at, state in rows:
        told = cells[report, number], tuple(findings[report, number]), State(state)
        yield Draft(code, period, edition, number, at, *told)


def _of(period: Period, institutions: Sequence[str]) -> dict[str, object]:
    return {
        "cadence": period.cadence.value,
        "first": period.first,
        "institutions": list(institutions),
    }


def _row(cell: Cell) -> tuple[object, ...]:
    traces = msgspec.json.encode(cell.traces).decode()
    return cell.code, cell.value, cell.standing.value, cell.why, traces, cell.before


def _finding_row(found: Finding) -> tuple[object, ...]:
    return found.rule, found.severity.value, list(found.cells), found.said, found.mend
