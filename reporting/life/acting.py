"""What people do with reports: each step in the history, and in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from registry.audit import Act, record
from registry.refusal import RefusedError
from reporting.audit.model import Finding, Severity
from reporting.draft import store
from reporting.draft.period import Period
from reporting.draft.run import Statistics, drafts
from reporting.draft.store import Draft
from reporting.life.content import Explained, sha256
from reporting.life.life import Role, State, Step, after, after_signature

# What stands is asked for once the lock is held: a statement that waits sees what was before.
_LOCK: Final[LiteralString] = """
SELECT report.id FROM report JOIN institution ON institution.id = institution_id
WHERE institution.code = %s AND cadence = %s AND first = %s
FOR UPDATE OF report
"""
_LAST: Final[LiteralString] = """
SELECT report_id, number, state, sha256 FROM report_revision
WHERE report_id = %s ORDER BY number DESC LIMIT 1
"""
_SIGNED: Final[LiteralString] = """
SELECT role, principal, at FROM report_deed
WHERE report_id = %(report)s AND number = %(number)s AND step = 'sign' AND id > coalesce((
    SELECT max(id) FROM report_deed
    WHERE report_id = %(report)s AND number = %(number)s AND step = 'take back'
), 0)
ORDER BY id
"""
_STATE: Final[LiteralString] = """
UPDATE report_revision SET state = %s, sha256 = %s WHERE report_id = %s AND number = %s
"""
_DEED: Final[LiteralString] = """
INSERT INTO report_deed (report_id, number, at, principal, step, role, words, sha256)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_NEXT: Final[LiteralString] = """
INSERT INTO report_revision (report_id, number, edition, compiled_at)
SELECT report_id, number + 1, edition, %s FROM report_revision
WHERE report_id = %s AND number = %s
"""
_COPIED: Final[tuple[LiteralString, ...]] = (
    """
    INSERT INTO report_cell (report_id, number, line, value, standing, why, traces, before)
    SELECT report_id, number + 1, line, value, standing, why, traces, before FROM report_cell
    WHERE report_id = %s AND number = %s
    """,
    """
    INSERT INTO report_finding (report_id, number, n, rule, severity, lines, said, mend)
    SELECT report_id, number + 1, n, rule, severity, lines, said, mend FROM report_finding
    WHERE report_id = %s AND number = %s
    """,
    """
    INSERT INTO report_explanation
        (report_id, number, rule, lines, said, words, entered_by, entered_at)
    SELECT report_id, number + 1, rule, lines, said, words, entered_by, entered_at
    FROM report_explanation WHERE report_id = %s AND number = %s AND withdrawn_at IS NULL
    """,
)
# In one order: two who do this never wait for each other.
_LOCK_ALL: Final[LiteralString] = """
SELECT FROM report WHERE cadence = %s AND first = %s ORDER BY id FOR UPDATE
"""
_CLEAN: Final[LiteralString] = """
SELECT institution.code
FROM report
JOIN institution ON institution.id = institution_id
JOIN report_revision AS one ON one.report_id = report.id AND one.state = 'submitted'
WHERE cadence = %s AND first = %s AND NOT EXISTS (
    SELECT FROM report_revision AS later
    WHERE later.report_id = report.id AND later.number > one.number
) AND NOT EXISTS (
    SELECT FROM report_finding AS found
    WHERE found.report_id = one.report_id AND found.number = one.number AND severity <> 'note'
)
ORDER BY institution.code
"""
# Of what is found now, in the same words.
_EXPLAINED: Final[LiteralString] = """
SELECT rule, lines, words
FROM report_explanation JOIN report_finding USING (report_id, number, rule, lines, said)
WHERE report_id = %s AND number = %s AND withdrawn_at IS NULL
"""
_EXPLAIN: Final[LiteralString] = """
INSERT INTO report_explanation
    (report_id, number, rule, lines, said, words, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE report_explanation SET withdrawn_by = %s, withdrawn_at = %s
WHERE report_id = %s AND number = %s AND rule = %s AND lines = %s AND withdrawn_at IS NULL
"""
_NAMED: Final = 5
"""Lines that a refusal names."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A report that nobody else changes meanwhile."""

    id: int
    number: int
    state: State
    sha256: bytes | None
    name: str


def sign(  # noqa: PLR0913, PLR0917 - who signs what as whom
    conn: psycopg.Connection[Any],
    act: Act,
    institution: str,
    period: Period,
    role: Role,
    statistics: Statistics,
) -> State:
    """Sign a report; the first to sign hands it in, and from then on it is frozen.

    What is handed in is what would be compiled now.

    Args:
        conn: any connection.
        act: who and when.
        institution: code.
        period: of which.
        role: in which he signs.
        statistics: forms and rules.

    Returns:
        Where it stands now.

    Raises:
        RefusedError: there is no such report, it is another's turn, what it rests on changed since
            it was compiled, something in it blocks or waits for an explanation, or it is not what
            the others signed.
    """
    with conn.transaction():
        held = _hold(conn, institution, period)
        signed = [one.role for one in signatures(conn, held.id, held.number)]
        state = after_signature(held.state, role, signed)
        draft, explained = _content(conn, held, institution, period)
        if held.state is State.DRAFT:
            _refuse_old(draft, *drafts(conn, period, [institution], statistics, act.at))
            _refuse_unfinished(draft, explained)
        found = sha256(draft, explained)
        if held.sha256 not in {None, found}:
            raise RefusedError(f"{held.name}与已签的内容不符：请撤回后重新签字")
        _note(conn, act, held, Step.SIGN, (state, found), role=role)
    return state


def do(  # noqa: PLR0913, PLR0917 - who does what with what
    conn: psycopg.Connection[Any],
    act: Act,
    institution: str,
    period: Period,
    step: Step,
    words: str = "",
) -> State:
    """Do something with a report that is no signature.

    Args:
        conn: any connection.
        act: who and when.
        institution: code.
        period: of which.
        step: what is done.
        words: why.

    Returns:
        Where its last revision stands now.

    Raises:
        RefusedError: there is no such report, the step does not follow, or nobody says why.
    """
    with conn.transaction():
        held = _hold(conn, institution, period)
        state = after(held.state, step, words)
        kept = None if state is State.DRAFT else held.sha256
        _note(conn, act, held, step, (state, kept), words)
        if step is Step.REVISE:
            conn.execute(_NEXT, [act.at, held.id, held.number])
            for copied in _COPIED:
                conn.execute(copied, [held.id, held.number])
            state = State.DRAFT
    return state


def accept_clean(conn: psycopg.Connection[Any], act: Act, period: Period) -> list[str]:
    """Accept every submitted report of a period in which nothing asked for an explanation.

    Args:
        conn: any connection; all are accepted, or none.
        act: who and when.
        period: of which.

    Returns:
        The codes of the institutions.
    """
    with conn.transaction():
        asked = [period.cadence.value, period.first]
        conn.execute(_LOCK_ALL, asked)
        codes = [code for (code,) in conn.execute(_CLEAN, asked)]
        for code in codes:
            do(conn, act, code, period, Step.ACCEPT)
    return codes


def explain(  # noqa: PLR0913, PLR0917 - who says what of what
    conn: psycopg.Connection[Any],
    act: Act,
    institution: str,
    period: Period,
    rule: str,
    words: str,
) -> list[Finding]:
    """Say why what a rule of the audit found is as it is; what was said before is withdrawn.

    Returns:
        The findings that it explains.

    Raises:
        RefusedError: there is no such report, it is no draft, the rule found nothing in it, or
            nothing is said.
    """
    with conn.transaction():
        held = _hold(conn, institution, period)
        if held.state is not State.DRAFT:
            raise RefusedError(f"{held.name}已提交签字，不能再说明：先撤回或修订")
        if not words.strip():
            raise RefusedError("请写明原因")
        draft = store.read(conn, period, [institution])[institution]
        found = [one for one in draft.findings if one.rule == rule]
        if not found:
            rules = "、".join(dict.fromkeys(one.rule for one in draft.findings)) or "无"
            raise RefusedError(f"{held.name}没有 {rule} 的审核结果：现有 {rules}")
        for one in found:
            of = held.id, held.number, rule, list(one.cells)
            conn.execute(_WITHDRAW, [act.principal, act.at, *of])
            conn.execute(_EXPLAIN, [*of, one.said, words.strip(), act.principal, act.at])
        record(conn, act, "report.explain", held.name, {"rule": rule, "words": words.strip()})
    return found


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed as what, and when."""

    role: Role
    name: str
    at: datetime


def signatures(conn: psycopg.Connection[Any], report: int, number: int) -> list[Signed]:
    """Return who signed a revision since it was last a draft, in order."""
    rows = conn.execute(_SIGNED, {"report": report, "number": number})
    return [Signed(Role(role), name, at) for role, name, at in rows]


def explained_of(conn: psycopg.Connection[Any], report: int, number: int) -> Explained:
    """Return what was said of what is found in a revision of a report."""
    rows = conn.execute(_EXPLAINED, [report, number])
    return {(rule, tuple(lines)): words for rule, lines, words in rows}


def unfinished(findings: Sequence[Finding], explained: Explained) -> list[Finding]:
    """Return what keeps a draft from being signed."""
    return [
        one
        for one in findings
        if one.severity is Severity.BLOCK
        or (one.severity is Severity.EXPLAIN and (one.rule, one.cells) not in explained)
    ]


def _hold(conn: psycopg.Connection[Any], institution: str, period: Period) -> _Held:
    values = [institution, period.cadence.value, period.first]
    row = conn.execute(_LOCK, values).fetchone()
    row = None if row is None else conn.execute(_LAST, row).fetchone()
    if row is None:
        raise store.missing(institution, period)
    return _Held(row[0], row[1], State(row[2]), row[3], f"{institution} {period.name}报表")


def _content(
    conn: psycopg.Connection[Any], held: _Held, institution: str, period: Period
) -> tuple[Draft, Explained]:
    """Return a draft, and what was said of what is found in it now."""
    draft = store.read(conn, period, [institution])[institution]
    return draft, explained_of(conn, held.id, held.number)


def _refuse_old(draft: Draft, now: Draft) -> None:
    if (draft.edition, draft.cells, draft.findings) == (now.edition, now.cells, now.findings):
        return
    codes = [code for code, cell in now.cells.items() if cell != draft.cells.get(code)]
    which = f"（指标 {'、'.join(codes[:_NAMED])}{'等' * (len(codes) > _NAMED)}）" if codes else ""
    advice = f"jieyong report run --period {draft.period.code} --institution {draft.institution}"
    raise RefusedError(f"尚不能签字：编制之后依据有变{which}，重新编制并核对：{advice}")


def _refuse_unfinished(draft: Draft, explained: Explained) -> None:
    left = unfinished(draft.findings, explained)
    if left:
        first = left[0]
        more = f"（另有 {len(left) - 1} 项）" if len(left) > 1 else ""
        raise RefusedError(f"尚不能签字：{first.said}；{first.mend}{more}")


def _note(  # noqa: PLR0913, PLR0917 - one line of two logs
    conn: psycopg.Connection[Any],
    act: Act,
    held: _Held,
    step: Step,
    then: tuple[State, bytes | None],
    words: str = "",
    *,
    role: Role | None = None,
) -> None:
    state, found = then
    conn.execute(_STATE, [state.value, found, held.id, held.number])
    said = [step.value, role, words.strip(), found]
    conn.execute(_DEED, [held.id, held.number, act.at, act.principal, *said])
    detail = {"revision": held.number, "from": held.state.value, "to": state.value, "role": role}
    record(conn, act, f"report.{step.value.replace(' ', '-')}", held.name, detail)
