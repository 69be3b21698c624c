"""Totals of months and days as officers read them: codes, names, districts, and their sum."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.derive.times import next_month
from metering.tree.days import day_totals
from metering.tree.holders import NOBODY, OUTSIDE
from metering.tree.levels import Level
from metering.tree.standing import standings
from metering.tree.totals import Figure, Line, month_totals, sum_by

SUM: Final = "合计"
NO_DISTRICT: Final = "未登记区县"
UNHELD: Final[Mapping[int, str]] = {NOBODY: "未归属（没有安装位置）", OUTSIDE: "不计入和外供"}
_NAMES: Final[Mapping[Level, LiteralString]] = {
    Level.INSTITUTION: "SELECT id, code, name FROM institution",
    Level.ITEM: "SELECT id, code, name FROM institution",
    Level.BUILDING: "SELECT id, code, name FROM building",
    Level.ROOM: "SELECT id, code, name FROM room",
}


class Grouping(StrEnum):
    """By what totals are told apart."""

    INSTITUTION = "institution"
    BUILDING = "building"
    ROOM = "room"
    ITEM = "item"  # institution and sub-item
    DISTRICT = "district"  # where the institution stands on the last day of the month


class State(StrEnum):
    """How much is known of a figure; the values are for people."""

    COMPLETE = "完整"
    INCOMPLETE = "不完整"
    UNKNOWN = "未知"


@dataclass(frozen=True, slots=True)
class Row:
    """What a holder used of an energy.

    Attributes:
        code: of the institution, building, room or district; empty for what has none.
        name: the same, for people; :data:`SUM` for the sum of all that have a code, of institutions
            without a district too.
        item: code of the sub-item, when told apart by it; else empty.
        energy: its kind.
        unit: of the figure.
        figure: what was counted.
    """

    code: str
    name: str
    item: str
    energy: str
    unit: str
    figure: Figure

    @property
    def state(self) -> State:
        """Say how much is known."""
        if self.figure.micro is None:
            return State.UNKNOWN
        return State.COMPLETE if self.figure.complete else State.INCOMPLETE

    @property
    def quantities(self) -> tuple[int | None, int | None, int | None, int | None]:
        """Taken in, generated, supplied and total, millionths; None: unknown.

        While a meter is unknown a zero is: nobody can say that it is none.
        """
        figure = self.figure
        parts = (figure.taken_in, figure.generated, figure.supplied, figure.micro)
        taken, generated, supplied, total = (
            None if figure.unknown and not micro else micro for micro in parts
        )
        return taken, generated, supplied, total

    @property
    def estimated_share(self) -> Decimal | None:
        """How much of what was taken in, generated and supplied is estimated, 0 to 1.

        None when nothing is known.
        """
        figure = self.figure
        gross = abs(figure.taken_in) + abs(figure.generated) + abs(figure.supplied)
        if not gross:
            return None if figure.unknown else Decimal(0)
        return min(Decimal(figure.estimated) / gross, Decimal(1))


@dataclass(frozen=True, slots=True)
class Report:
    """A month.

    Attributes:
        month: its first day.
        by: how the rows are told apart.
        rows: by code, item and energy; then the sums; then what has no holder.
    """

    month: date
    by: Grouping
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class DayReport:
    """Days.

    Attributes:
        begin: first day.
        end: the day behind the last.
        by: how the rows are told apart.
        rows: of each day in turn, ordered as those of a month.
    """

    begin: date
    end: date
    by: Grouping
    rows: tuple[tuple[date, Row], ...]


def month_report(
    conn: psycopg.Connection[Any],
    month: date,
    zone: ZoneInfo,
    by: Grouping = Grouping.INSTITUTION,
    energy: str | None = None,
) -> Report:
    """Return the totals of a month.

    Args:
        conn: may write: the attribution is brought up to date first.
        month: its first day.
        zone: the site's.
        by: how rows are told apart.
        energy: only of this kind.

    Raises:
        ValueError: the month is not its first day.
    """
    found = _chosen(month_totals(conn, [month], zone, _level(by)), energy)
    return Report(month, by, _ordered(found, _names(conn, month, by, found)))


def day_report(
    conn: psycopg.Connection[Any],
    days: tuple[date, date],
    zone: ZoneInfo,
    by: Grouping = Grouping.INSTITUTION,
    energy: str | None = None,
) -> DayReport:
    """Return the totals of some days; those of a month add up to it.

    Args:
        conn: may write: the attribution is brought up to date first.
        days: the first, and the one behind the last.
        zone: the site's.
        by: how rows are told apart.
        energy: only of this kind.
    """
    found = _chosen(day_totals(conn, *days, zone, _level(by)), energy)
    rows = []
    for month, of_month in itertools.groupby(found, lambda line: line.begin.replace(day=1)):
        lines = list(of_month)
        names = _names(conn, month, by, lines)
        for day, of_day in itertools.groupby(lines, lambda line: line.begin):
            rows += [(day, row) for row in _ordered(list(of_day), names)]
    return DayReport(*days, by, tuple(rows))


def _chosen(lines: Iterable[Line], energy: str | None) -> list[Line]:
    return [line for line in lines if energy in {None, line.energy}]


def _level(by: Grouping) -> Level:
    return Level.INSTITUTION if by is Grouping.DISTRICT else Level(by.value)


def _names(
    conn: psycopg.Connection[Any], month: date, by: Grouping, lines: Iterable[Line]
) -> Mapping[int, tuple[str, str]]:
    """Return code and name of whoever holds the lines of a month."""
    if by is Grouping.DISTRICT:
        return districts(conn, month, {line.holder for line in lines})
    return {id_: (code, name) for id_, code, name in conn.execute(_NAMES[_level(by)])}


def _ordered(lines: Sequence[Line], names: Mapping[int, tuple[str, str]]) -> tuple[Row, ...]:
    """Make the rows of one month or one day."""
    held = [line for line in lines if line.holder not in UNHELD]
    return (
        *sorted(_rows(held, names), key=lambda row: (not row.code, row.code, row.item, row.energy)),
        *_sums(held),
        *_rows((line for line in lines if line.holder in UNHELD), _WITHOUT),
    )


_WITHOUT: Final = {holder: ("", name) for holder, name in UNHELD.items()}


def _rows(lines: Iterable[Line], names: Mapping[int, tuple[str, str]]) -> Iterator[Row]:
    sums = sum_by(lines, lambda line: (*names[line.holder], line.item))
    for ((code, name, item), _, energy, unit), figure in sums.items():
        yield Row(code, name, item, energy, unit, figure)


def _sums(lines: Iterable[Line]) -> Iterator[Row]:
    sums = sum_by(lines, lambda _: SUM)
    for (name, _, energy, unit), figure in sorted(sums.items(), key=lambda one: one[0]):
        yield Row("", name, "", energy, unit, figure)


def districts(
    conn: psycopg.Connection[Any], day: date, holders: Iterable[int]
) -> dict[int, tuple[str, str]]:
    """Return code and name of the district in which institutions stand at the end of a month.

    Args:
        conn: any.
        day: of the month.
        holders: ids of the institutions.
    """
    last = next_month(day) - timedelta(days=1)
    known = {id_: one.district for id_, one in standings(conn, last).items()}
    return {
        holder: (known[holder], known[holder]) if holder in known else ("", NO_DISTRICT)
        for holder in holders
    }
