"""What only people know: entered for a line of a report, corrected, withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.factors.rounding import rounded
from registry.audit import Act, record
from registry.refusal import RefusedError
from reporting.draft.period import Period
from reporting.forms.model import Cadence, Edition, Entry
from reporting.life.life import STATES, State

_REPORT: Final[LiteralString] = """
INSERT INTO report (institution_id, cadence, first)
SELECT id, %s, %s FROM institution WHERE code = %s
ON CONFLICT (institution_id, cadence, first) DO UPDATE SET first = excluded.first
RETURNING id
"""
_STATE: Final[LiteralString] = """
SELECT state FROM report_revision WHERE report_id = %s ORDER BY number DESC LIMIT 1
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE report_entry SET withdrawn_by = %s, withdrawn_at = %s
WHERE report_id = %s AND line = %s AND withdrawn_at IS NULL
"""
_ENTER: Final[LiteralString] = """
INSERT INTO report_entry (report_id, line, value, note, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_MOST: Final = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Entered:
    """A value that somebody states.

    Attributes:
        line: code.
        value: in its unit; None: what was stated does not hold any more.
        note: where it comes from.
    """

    line: str
    value: Decimal | None
    note: str = ""


def enter(
    conn: psycopg.Connection[Any],
    act: Act,
    whose: tuple[str, Period],
    edition: Edition,
    one: Entered,
) -> None:
    """Enter a value in place of the one that stands; it is in the draft once it is compiled anew.

    Args:
        conn: any connection.
        act: who and when.
        whose: code of the institution, and the period.
        edition: of the period.
        one: what is stated.

    Raises:
        RefusedError: it is a year, there is no such line, it is compiled, the value does not fit,
            the report is no draft, or there is no such institution.
    """
    institution, period = whose
    if period.cadence is Cadence.YEAR:
        raise RefusedError("年报由四个季度的报表得出：请录入到季度，如 2026Q4")
    _refuse_wrong(edition, one)
    with conn.transaction():
        row = conn.execute(_REPORT, [period.cadence.value, period.first, institution]).fetchone()
        if row is None:
            raise RefusedError(f"没有编码为 {institution} 的机构")
        (report,) = row
        state = conn.execute(_STATE, [report]).fetchone()
        if state is not None and State(state[0]) is not State.DRAFT:
            raise RefusedError(
                f"{institution} {period.name}报表{STATES[State(state[0])]}，不能录入：先撤回或修订"
            )
        conn.execute(_WITHDRAW, [act.principal, act.at, report, one.line])
        if one.value is not None:
            said = [report, one.line, one.value, one.note.strip(), act.principal, act.at]
            conn.execute(_ENTER, said)
        value = None if one.value is None else str(one.value)
        detail = {"line": one.line, "value": value, "note": one.note.strip()}
        record(conn, act, "report.enter", f"{institution} {period.name}报表", detail)


def _refuse_wrong(edition: Edition, one: Entered) -> None:
    line = next((line for line in edition.lines() if line.code == one.line), None)
    if line is None:
        raise RefusedError(f"{edition.name}没有指标 {one.line}")
    if not isinstance(line.basis, Entry):
        raise RefusedError(
            f"{line.name}（{line.code}）由账单、计量或单位情况得出，不在此录入：请补录其依据"
        )
    if one.value is None:
        return
    if not 0 <= one.value < _MOST:
        raise RefusedError(f"{line.name}（{line.code}）为 {one.value}：须不小于 0，且小于 10^15")
    if rounded(one.value, line.digits) != one.value:
        raise RefusedError(f"{line.name}（{line.code}）最多 {line.digits} 位小数：请改 {one.value}")
