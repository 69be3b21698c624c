"""From figures of meters to layers: each figure beside what is usual for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from metering.counter.model import Bools, Int64s
from metering.gauge.hold import Float64s, Holds
from registry.calendar import Calendar
from rules.kinds.metered import Metered
from rules.subjects.meters import learned
from rules.subjects.meters.balances import read_balances
from rules.subjects.meters.days import LEARNED, Days, Table, of_days, of_hours, spanning, touched
from rules.subjects.meters.otherwise import behind, read_mains, read_power, told_by
from rules.subjects.meters.read import Figures, read_days, read_hours
from rules.subjects.meters.weather import mean_temperatures
from rules.subjects.model import Conn, Inputs
from rules.timeline.overlay import Windows

_MOST: Final = 6_000
"""Days of meters at a time: what is learned from each takes 28 times their memory."""
_DAY_HOURS: Final = 24
WEATHERED: Final = frozenset({"electricity", "gas", "heat", "cooling"})
"""Energies of which days are held against days as warm."""
HEATED: Final = 5.0
"""°C of a day's mean up to which buildings are heated, from experience; above it may be over."""

Names = tuple[Metered, ...]
"""A figure, what is usual for it, how that spreads; and what else is told of it."""
WATER_NIGHT: Final = (Metered.WATER_NIGHT, Metered.WATER_NIGHT_USUAL, Metered.WATER_NIGHT_SPREAD)
WATER_HOUR: Final = (Metered.WATER_HOUR, Metered.WATER_HOUR_USUAL, Metered.WATER_HOUR_MOST)
LOAD_NIGHT: Final = (Metered.LOAD_NIGHT, Metered.LOAD_NIGHT_USUAL, Metered.LOAD_NIGHT_SPREAD)
DAY: Final = (Metered.DAY, Metered.DAY_USUAL, Metered.DAY_SPREAD)
IDLE: Final = (Metered.DAY_OFTEN, Metered.DRAWN)
BALANCE: Final = (Metered.SUPPLIED, Metered.TAKEN, Metered.REST_USUAL)

Told = Mapping[str, Holds]
_NOTHING: Final[frozenset[str]] = frozenset()


class Source(Protocol):
    """Where figures of meters come from; what is not certain is NaN."""

    def hours(self, meters: Int64s, days: Days, before: int) -> Figures:
        """Return figures by meter, day and hour of the local day before this one."""

    def days(self, meters: Int64s, days: Days) -> Figures:
        """Return figures by meter and local day."""

    def balances(self, meters: Int64s, days: Days) -> tuple[Table, Table]:
        """Return what came in and what the sub-meters took, by main meter and local day."""

    def mains(self, meters: Int64s, days: Days) -> Int64s:
        """Return the main meter in front by meter and day, where it is so all day; -1: none."""

    def by_power(self, meters: Int64s, days: Days) -> Table:
        """Return what the power that its device tells makes of a day, by meter and local day."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Figures of the database.

    Attributes:
        conn: any connection.
        zone: of the site.
    """

    conn: Conn
    zone: ZoneInfo

    def hours(self, meters: Int64s, days: Days, before: int) -> Figures:
        """See :func:`rules.subjects.meters.read.read_hours`."""
        return read_hours(self.conn, meters, days, self.zone, before)

    def days(self, meters: Int64s, days: Days) -> Figures:
        """See :func:`rules.subjects.meters.read.read_days`."""
        return read_days(self.conn, meters, days)

    def balances(self, meters: Int64s, days: Days) -> tuple[Table, Table]:
        """See :func:`rules.subjects.meters.balances.read_balances`."""
        return read_balances(self.conn, meters, days, self.zone)

    def mains(self, meters: Int64s, days: Days) -> Int64s:
        """See :func:`rules.subjects.meters.otherwise.read_mains`."""
        return read_mains(self.conn, meters, days)

    def by_power(self, meters: Int64s, days: Days) -> Table:
        """See :func:`rules.subjects.meters.otherwise.read_power`."""
        return read_power(self.conn, meters, days)


@dataclass(frozen=True, slots=True)
class Part:
    """Some meters over some days.

    Attributes:
        source: of figures.
        meters: ids, ascending.
        days: the 28 before them included.
        energies: what each counts.
    """

    source: Source
    meters: Int64s
    days: Days
    energies: Sequence[str]

    def of(self, energies: Collection[str]) -> Bools:
        """Tell which meters count one of some energies."""
        return np.array([one in energies for one in self.energies], np.bool_)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of meters.

    Attributes:
        calendar: which days are workdays.
        zone: of the site.
        having: which of the layers that are asked for there are of each meter.
        energies: what each counts.
    """

    calendar: Calendar
    zone: ZoneInfo
    having: Mapping[int, frozenset[str]]
    energies: Mapping[int, str]


def load(conn: Conn, asked: Asked, windows: Windows) -> Inputs:
    """Return layers within windows of meters; see :class:`rules.subjects.model.Known`.

    Args:
        conn: any connection.
        asked: of which meters, and what.
        windows: of meters.
    """
    source = Stored(conn, asked.zone)
    found: dict[str, list[Holds]] = {}
    for days, meters in _alike(conn, asked, windows):
        for names, make in MAKERS.items():
            mine = [one for one in meters if not asked.having.get(one, _NOTHING).isdisjoint(names)]
            if mine:
                energies = [asked.energies[one] for one in mine]
                part = Part(source, np.array(mine, np.int64), days, energies)
                for name, holds in make(part).items():
                    found.setdefault(name, []).append(holds)
    return {name: [_joined(parts)] for name, parts in found.items()}


def _alike(conn: Conn, asked: Asked, windows: Windows) -> Iterator[tuple[Days, list[int]]]:
    """Put together meters of which the same days are looked at, not too many at a time."""
    groups: dict[tuple[date, date], list[int]] = {}
    rows = zip(windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist(), strict=True)
    for subject, begin, end in rows:
        groups.setdefault(touched(begin, end, asked.zone), []).append(subject)
    warmth = partial(mean_temperatures, conn, asked.zone)
    for (first, last), meters in groups.items():
        days = spanning(first, last, asked.calendar, asked.zone, warmth)
        step = max(_MOST // len(days), 1)
        for number in range(0, len(meters), step):
            yield days, meters[number : number + step]


def _joined(parts: list[Holds]) -> Holds:
    subject = np.concatenate([one.subject for one in parts])
    since = np.concatenate([one.since for one in parts])
    order = np.lexsort((since, subject))
    until = np.concatenate([one.until for one in parts])
    value = np.concatenate([one.value for one in parts])
    return Holds(subject[order], since[order], until[order], value[order])


def _water_nights(part: Part) -> Told:
    return _nights(WATER_NIGHT, part, None)


def _load_nights(part: Part) -> Told:
    return _nights(LOAD_NIGHT, part, part.days.celsius)


def _nights(names: Names, part: Part, celsius: Float64s | None) -> Told:
    figures = part.source.hours(part.meters, part.days, learned.NIGHT_HOURS)
    idle = learned.idle_days(part.source.days(part.meters, part.days).value, part.days.group)
    usual = learned.nights(figures.value, figures.micro, part.days.after, celsius, idle)
    return _told(names, (usual.now, usual.usual, usual.spread), part, of_days)


def _hours(part: Part) -> Told:
    usual = learned.hours(part.source.hours(part.meters, part.days, _DAY_HOURS).value)
    return _told(WATER_HOUR, (usual.now, usual.usual, usual.spread), part, of_hours)


def _days(part: Part) -> Told:
    value, group = part.source.days(part.meters, part.days).value, part.days.group
    idle = learned.idle_days(value, group)
    usual = learned.days(value, group, None, idle)
    rows = np.flatnonzero(part.of(WEATHERED))
    warm = learned.days(value[rows], group, part.days.celsius, idle[rows])
    usual.usual[rows], usual.spread[rows] = warm.usual, warm.spread
    often = learned.often(value, idle)
    tables = (usual.now, usual.usual, usual.spread, often, _drawn(part, usual.now, often))
    return _told((*DAY, *IDLE), tables, part, of_days)


def _drawn(part: Part, now: Table, usual: Table) -> Table:
    """Tell what meters drew on days on which they counted nothing; NaN: nothing tells.

    Only those are looked up: other accounts of the same use cost more to read.
    """
    idle = (now <= 0) & (usual > 0)
    rows = np.flatnonzero(idle.any(axis=1))
    drawn = np.where(_off(part), 0.0, np.nan)
    if len(rows):
        meters, days = part.meters[rows], part.days
        power = part.source.by_power(meters, days)[:, LEARNED:]
        front = part.source.mains(meters, days)[:, LEARNED:]
        mains = np.unique(front[front >= 0])
        lacking = behind(*part.source.balances(mains, days)) if len(mains) else None
        balance = told_by(lacking, mains, front, usual[rows])
        told = np.where(np.isfinite(power), power, balance)
        drawn[rows] = np.where(np.isfinite(told), told, drawn[rows])
    return np.where(idle, drawn, np.nan)


def _off(part: Part) -> Bools:
    """Tell of which days, where nothing else tells, heating or cooling was off: it has a season.

    Not so of heating on days on which buildings are heated.
    """
    cold: Bools = part.days.celsius[LEARNED:] <= HEATED
    off: Bools = part.of({"cooling"})[:, None] | (part.of({"heat"})[:, None] & ~cold)
    return off


def _balance(part: Part) -> Told:
    supplied, taken = part.source.balances(part.meters, part.days)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(supplied > 0, (supplied - taken) / supplied, np.nan)
    tables = (supplied[:, LEARNED:], taken[:, LEARNED:], learned.usual_share(share))
    return _told(BALANCE, tables, part, of_days)


def _told(
    names: Names,
    tables: tuple[Table, ...],
    part: Part,
    layer: Callable[[Int64s, Days, Table], Holds],
) -> Told:
    # What is usual is told of what is known: it does not go on where nothing was counted.
    known = np.isfinite(tables[0])
    return {
        name.value: layer(part.meters, part.days, np.where(known, table, np.nan))
        for name, table in zip(names, tables, strict=True)
    }


MAKERS: Final[Mapping[Names, Callable[[Part], Told]]] = {
    WATER_NIGHT: _water_nights,
    WATER_HOUR: _hours,
    LOAD_NIGHT: _load_nights,
    (*DAY, *IDLE): _days,
    BALANCE: _balance,
}
"""Layers of meters, and what makes them of figures."""
