"""Which tariff prices what, dated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import psycopg

from metering.factors.entering import days, insert, institution_id, refusing_overlap, withdraw
from metering.factors.tariff import Tariff
from registry.audit import Act, record
from registry.refusal import RefusedError

_INSERT: Final[LiteralString] = """
    INSERT INTO tariff_assignment
        (meter_id, institution_id, energy, tariff, valid, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_METER: Final[LiteralString] = "SELECT id, energy FROM meter WHERE code = %s"
_OF_METER: Final[LiteralString] = """
    SELECT a.tariff, lower(a.valid), upper(a.valid)
    FROM tariff_assignment a JOIN meter m ON m.id = a.meter_id
    WHERE m.code = %s AND a.withdrawn_at IS NULL AND a.valid && daterange(%s, %s)
    ORDER BY a.valid
"""
_OF_INSTITUTION: Final[LiteralString] = """
    SELECT a.tariff, lower(a.valid), upper(a.valid)
    FROM tariff_assignment a JOIN institution i ON i.id = a.institution_id
    WHERE i.code = %s AND a.energy = %s AND a.withdrawn_at IS NULL
        AND a.valid && daterange(%s, %s)
    ORDER BY a.valid
"""


@dataclass(frozen=True, slots=True)
class OfMeter:
    """A meter, by its code."""

    meter: str


@dataclass(frozen=True, slots=True)
class OfInstitution:
    """All an institution's meters of an energy that have no tariff of their own."""

    institution: str
    energy: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A tariff for a time.

    Attributes:
        tariff: its code.
        begin: first day.
        end: day after the last; None: until further notice.
    """

    tariff: str
    begin: date
    end: date | None


def assign(
    conn: psycopg.Connection[Any],
    act: Act,
    subject: OfMeter | OfInstitution,
    assignment: Assignment,
    tariffs: Iterable[Tariff],
) -> int:
    """Say which tariff prices a meter or an institution's energy, with its audit line.

    Args:
        conn: any connection; it becomes part of an open transaction.
        act: who and when.
        subject: what is priced.
        assignment: with what, when.
        tariffs: from :func:`metering.factors.tariff_file.load_tariffs`.

    Returns:
        Its id, for :func:`withdraw_assignment`.

    Raises:
        RefusedError: an unknown code, a tariff of another energy, an overlap, a wrong time.
    """
    valid = days(assignment.begin, assignment.end)
    message = f"{_name(subject)} 在这段时间内已有电价：请先撤回原记录，或改变起止日期"
    with refusing_overlap(message), conn.transaction():
        meter, institution, energy = _subject(conn, subject)
        _check_tariff(tariffs, assignment, energy)
        of_institution = energy if institution is not None else None
        what = (meter, institution, of_institution, assignment.tariff, valid)
        entry = insert(conn, _INSERT, [*what, act.principal, act.at])
        record(conn, act, "tariff.assign", _name(subject), _detail(assignment, entry))
    return entry


def withdraw_assignment(conn: psycopg.Connection[Any], act: Act, entry: int) -> None:
    """Withdraw an assignment.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    withdraw(conn, act, "tariff_assignment", "tariff.withdraw", entry)


def assignments(
    conn: psycopg.Connection[Any], subject: OfMeter | OfInstitution, begin: date, end: date
) -> list[Assignment]:
    """Return what is assigned in a time, in order; for a meter's gaps ask its institution."""
    if isinstance(subject, OfMeter):
        rows = conn.execute(_OF_METER, [subject.meter, begin, end]).fetchall()
    else:
        keys = [subject.institution, subject.energy, begin, end]
        rows = conn.execute(_OF_INSTITUTION, keys).fetchall()
    return [Assignment(*row) for row in rows]


def _subject(
    conn: psycopg.Connection[Any], subject: OfMeter | OfInstitution
) -> tuple[int | None, int | None, str]:
    """Return the meter's or the institution's id, and the energy."""
    if isinstance(subject, OfInstitution):
        return None, institution_id(conn, subject.institution), subject.energy
    row = conn.execute(_METER, [subject.meter]).fetchone()
    if row is None:
        raise RefusedError(f"没有编码为 {subject.meter} 的计量表：请核对编码")
    return int(row[0]), None, str(row[1])


def _check_tariff(tariffs: Iterable[Tariff], assignment: Assignment, energy: str) -> None:
    known = [t for t in tariffs if t.code == assignment.tariff]
    if not known:
        raise RefusedError(f"没有编码为 {assignment.tariff} 的电价方案：请核对编码，或先加入文件")
    if known[0].energy != energy:
        raise RefusedError(f"{known[0].name}不适用于 {energy}：请选择同一能源的价格方案")
    first = min(t.since for t in known)
    if assignment.begin < first:
        raise RefusedError(f"{known[0].name}自 {first} 起执行：起始日期不能早于该日")


def _name(subject: OfMeter | OfInstitution) -> str:
    if isinstance(subject, OfMeter):
        return subject.meter
    return f"{subject.institution}/{subject.energy}"


def _detail(assignment: Assignment, entry: int) -> dict[str, object]:
    return {
        "id": entry,
        "tariff": assignment.tariff,
        "begin": assignment.begin.isoformat(),
        "end": None if assignment.end is None else assignment.end.isoformat(),
    }
