"""What a trip, a stop or the rest gives to each local day."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fleet.track.fixes import Bools, Int64s
from fleet.track.rules import SECOND_US
from fleet.trips.days import Calendar
from fleet.trips.model import Kind, Share
from fleet.trips.odometer import Steps
from fleet.trips.way import Way


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amounts, each of a span of time; every array has one entry per span.

    Attributes:
        from_us, to_us: the spans, ascending.
        columns: name of a figure of a share → how much.
    """

    from_us: Int64s
    to_us: Int64s
    columns: dict[str, Int64s]


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be shared.

    Attributes:
        owner_us, kind: see :class:`fleet.trips.model.Share`.
        started_us: when a trip starts; None: it is none.
        fixes_us: times of all its fixes.
        counting: which of them count.
        amounts: everything else.
    """

    owner_us: int
    kind: Kind
    started_us: int | None
    fixes_us: Int64s
    counting: Bools
    amounts: tuple[Amounts, ...]


@dataclass(slots=True)
class _Day:
    figures: dict[str, int] = field(default_factory=dict)
    first_us: int | None = None
    last_us: int | None = None

    def add(self, name: str, amount: int) -> None:
        self.figures[name] = self.figures.get(name, 0) + amount


def amounts_of_steps(steps: Steps, mine: Int64s) -> Amounts:
    """Return what some steps of the odometer gained; those that cannot be believed, nothing."""
    gained = np.where(steps.good[mine], steps.after[mine] - steps.before[mine], 0)
    return Amounts(steps.from_us[mine], steps.to_us[mine], {"terminal_mm": gained})


def amounts_of_way(way: Way) -> Amounts:
    """Return the distances and times of a way."""
    return Amounts(
        way.from_us,
        way.to_us,
        {
            "distance_mm": way.mm,
            "gap_mm": np.where(way.gap, way.mm, 0),
            "moving_us": way.moving_us,
            "idle_us": way.idle_us,
        },
    )


def shares_of(given: Given, days: Calendar) -> list[Share]:
    """Return the shares of the days that it touches, ascending."""
    found: dict[int, _Day] = {}
    if given.started_us is not None:
        _day(found, days.number(given.started_us)).add("trips", 1)
    for amounts in given.amounts:
        _spread(found, amounts, days)
    _count(found, given, days)
    return [_share(given, days, number, found[number]) for number in sorted(found)]


def _day(found: dict[int, _Day], number: int) -> _Day:
    return found.setdefault(number, _Day())


def _spread(found: dict[int, _Day], amounts: Amounts, days: Calendar) -> None:
    if not len(amounts.from_us):
        return
    begin, end = int(amounts.from_us[0]), int(amounts.to_us[-1])
    first = days.number(begin)
    if first == days.number(max(begin, end - 1)):
        for name, column in amounts.columns.items():
            _day(found, first).add(name, int(column.sum()))
        return
    begun = days.numbers(amounts.from_us)
    whole = begun == days.numbers(np.maximum(amounts.from_us, amounts.to_us - 1))
    cut = np.flatnonzero(~whole).tolist()
    for name, column in amounts.columns.items():
        for number in np.unique(begun[whole]).tolist():
            _day(found, number).add(name, int(column[whole & (begun == number)].sum()))
        for index in cut:
            span = int(amounts.from_us[index]), int(amounts.to_us[index])
            for number, part in days.share(*span, int(column[index])):
                _day(found, number).add(name, part)


def _count(found: dict[int, _Day], given: Given, days: Calendar) -> None:
    times = given.fixes_us
    if not len(times):
        return
    for number in range(days.number(int(times[0])), days.number(int(times[-1])) + 1):
        start, stop = np.searchsorted(times, days.midnights_us[number : number + 2]).tolist()
        if start == stop:
            continue
        day = _day(found, number)
        counting = int(given.counting[start:stop].sum())
        day.add("fixes", stop - start)
        day.add("left_out", stop - start - counting)
        day.first_us, day.last_us = int(times[start]), int(times[stop - 1])


def _share(given: Given, days: Calendar, number: int, day: _Day) -> Share:
    figures = day.figures
    return Share(
        given.owner_us,
        given.kind,
        days.day(number),
        figures.get("trips", 0),
        figures.get("distance_mm", 0),
        figures.get("gap_mm", 0),
        figures.get("terminal_mm"),
        figures.get("moving_us", 0) // SECOND_US,
        figures.get("idle_us", 0) // SECOND_US,
        figures.get("fixes", 0),
        figures.get("left_out", 0),
        day.first_us,
        day.last_us,
    )
