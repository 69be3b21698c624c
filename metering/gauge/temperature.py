"""Outdoor temperatures that people and programs enter; the newest entry of a time counts.

Nothing is edited: a correction is a later entry, and an entry without a value takes the earlier
ones back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, LiteralString

import psycopg

from metering.facts.refusal import writing
from registry.audit import Act, record
from registry.refusal import Fault, raise_if_any
from registry.years import sensible, wrong_year

LOWEST_C: Final = -60.0
HIGHEST_C: Final = 60.0
_LOCK: Final = 0x4F55_5444
"""First half of the advisory lock of a site; the other half is the hash of its name."""

_MOMENTS: Final[LiteralString] = """
SELECT DISTINCT ON (ts) ts, celsius, entered_at FROM outdoor_temperature
WHERE site = %s AND ts = ANY(%s) ORDER BY ts, entered_at DESC
"""
_DAYS: Final[LiteralString] = """
SELECT DISTINCT ON (day) day, celsius, entered_at FROM outdoor_day
WHERE site = %s AND day = ANY(%s) ORDER BY day, entered_at DESC
"""
_ADD_MOMENT: Final[LiteralString] = """
INSERT INTO outdoor_temperature (site, ts, celsius, source, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_ADD_DAY: Final[LiteralString] = """
INSERT INTO outdoor_day (site, day, celsius, source, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Observed:
    """One temperature as it is entered.

    Attributes:
        when: a moment (aware), or a day of which this is the mean.
        celsius: °C; None takes back what was entered for this time.
        where: where it stands, as whoever enters it sees it: a cell, a line.
    """

    when: datetime | date
    celsius: float | None
    where: str

    @property
    def is_moment(self) -> bool:
        """Whether it is of a moment, not of a day."""
        return isinstance(self.when, datetime)


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a list.

    Attributes:
        written: how many were new or different.
        unchanged: how many said what counts already.
    """

    written: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Known:
    celsius: float | None
    entered_at: datetime


def enter(
    conn: psycopg.Connection[Any], act: Act, site: str, rows: Sequence[Observed], source: str
) -> Entered:
    """Enter temperatures of a site: all of them, or none when one is wrong.

    The same list again changes nothing.

    Args:
        conn: inside an open transaction the entry becomes part of it.
        act: who and when.
        site: name of the place that the temperature is of.
        rows: in any order, each time once.
        source: where they come from: a person, a bulletin, an API.

    Raises:
        RefusedError: something is wrong; it names every place, in Chinese.
    """
    raise_if_any([*_heading_faults(site, source), *_faults(rows, act)])
    with writing(conn, site):
        conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, site])
        known = _known(conn, site, rows)
        raise_if_any(_overtaken(rows, known, act))
        new = [row for row in rows if _differs(row, known.get(row.when))]
        _write(conn, act, site, new, source)
    return Entered(len(new), len(rows) - len(new))


def _write(
    conn: psycopg.Connection[Any], act: Act, site: str, rows: Sequence[Observed], source: str
) -> None:
    if not rows:
        return
    for statement, moments in ((_ADD_MOMENT, True), (_ADD_DAY, False)):
        values = [
            (site, row.when, row.celsius, source, act.principal, act.at)
            for row in rows
            if row.is_moment == moments
        ]
        conn.cursor().executemany(statement, values)
    times = sorted(_utc(row.when).isoformat() for row in rows)
    detail = {"rows": len(rows), "first": times[0], "last": times[-1], "source": source}
    record(conn, act, "outdoor.enter", site, detail)


def _known(
    conn: psycopg.Connection[Any], site: str, rows: Sequence[Observed]
) -> dict[datetime | date, _Known]:
    known: dict[datetime | date, _Known] = {}
    for statement, moments in ((_MOMENTS, True), (_DAYS, False)):
        times = [row.when for row in rows if row.is_moment == moments]
        for when, celsius, entered_at in conn.execute(statement, [site, times]):
            known[when] = _Known(celsius, entered_at)
    return known


def _differs(row: Observed, known: _Known | None) -> bool:
    return row.celsius != (None if known is None else known.celsius)


def _heading_faults(site: str, source: str) -> Iterator[Fault]:
    if not site.strip():
        yield Fault("站点", "没有填写站点名称；请填写气温属于哪个站点")
    if not source.strip():
        yield Fault("来源", "没有填写数据来源；请填写，例如“气象公报”")


def _faults(rows: Sequence[Observed], act: Act) -> Iterator[Fault]:
    first: dict[datetime | date, str] = {}
    for row in rows:
        if isinstance(row.when, datetime) and row.when.tzinfo is None:
            yield Fault(row.where, "时间没有时区，无法确定是哪一刻；请注明时区")
            continue
        if row.when in first:
            yield Fault(row.where, f"与 {first[row.when]} 的时间相同；同一时间只能有一行")
        first.setdefault(row.when, row.where)
        if _is_future(row.when, act.at):
            yield Fault(row.where, f"{row.when} 晚于录入时间；只录入实测气温，不录入预报")
        elif not sensible(row.when):
            yield Fault(row.where, wrong_year(row.when))
        if row.celsius is not None and not LOWEST_C <= row.celsius <= HIGHEST_C:
            shown = "不是数" if math.isnan(row.celsius) else f"{row.celsius:g} ℃"
            yield Fault(row.where, f"气温 {shown}，应在 -60 至 60 ℃ 之间；请核对")


def _is_future(when: datetime | date, now: datetime) -> bool:
    return when > now if isinstance(when, datetime) else when > now.date()


def _overtaken(
    rows: Sequence[Observed], known: dict[datetime | date, _Known], act: Act
) -> Iterator[Fault]:
    """A row that would not count, because a later entry of its time stands already."""
    for row in rows:
        there = known.get(row.when)
        if there is not None and there.entered_at >= act.at and _differs(row, there):
            at = f"{there.entered_at:%Y-%m-%d %H:%M:%S %Z}"
            yield Fault(row.where, f"{row.when} 在 {at} 已有更新的录入；请核对后以当前时间重新录入")


def _utc(when: datetime | date) -> datetime | date:
    return when.astimezone(UTC) if isinstance(when, datetime) else when
