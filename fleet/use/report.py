"""Utilisation: of each vehicle, and how many would have been enough: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from fleet.use.idle import DayUse, Tail, tail
from fleet.use.load import Known, Vehicle, minutes
from fleet.use.overlap import Minutes, Peak, busiest, enough, inside, merged


@dataclass(frozen=True, slots=True)
class Use:
    """One vehicle.

    Attributes:
        vehicle: which.
        days: in service.
        state: at the end.
        used, unused, unknown: of them.
        out_minutes: on workdays; None: nothing is known of any day.
        way_mm: driven on the days that were seen; None: none was.
        awake: days since it was under seal last.
        tail: what these say.
    """

    vehicle: Vehicle
    state: str
    days: int
    used: int
    unused: int
    unknown: int
    out_minutes: int | None
    way_mm: int | None
    awake: int
    tail: Tail


@dataclass(frozen=True, slots=True)
class Pool:
    """Vehicles that could stand for each other.

    Attributes:
        name: of the institution, or of the yard that several share.
        institutions: their codes.
        vehicles: how many there were, without those that were under seal throughout.
        road: the most that were driving at once; None: none of them was ever seen.
        out: the most that were out at once, waiting included; None: nothing is known of any day.
        needed: of each day, the most at once, with every vehicle of which nothing is known that day
            counted as out.
        unknown: vehicle-days of which nothing is known.
    """

    name: str
    institutions: tuple[str, ...]
    vehicles: int
    road: Peak | None
    out: Peak | None
    needed: tuple[int, ...]
    unknown: int

    @property
    def enough(self) -> list[tuple[int, int]]:
        """(vehicles, days on which so many are enough)."""
        return enough(self.needed)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about.

    Attributes:
        first, last: days, both included.
        zone: of days.
        pause: minutes; who stands no longer between two trips is still out.
        idle_days: not driven for so many is idle.
        workday: tells whether a day is one.
    """

    first: date
    last: date
    zone: ZoneInfo
    pause: int
    idle_days: int
    workday: Callable[[date], bool]

    @property
    def days(self) -> list[date]:
        """The days."""
        count = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(count)]

    def span(self, day: date) -> Minutes:
        """Return the minutes of a day."""
        begin = datetime.combine(day, time(0), self.zone)
        return minutes(begin, datetime.combine(day + timedelta(days=1), time(0), self.zone))


def uses(known: Known, asked: Asked) -> list[Use]:
    """Return the use of each vehicle."""
    return [_use(one, known, asked) for one in known.vehicles]


def pools(known: Known, asked: Asked, together: Iterable[Sequence[str]] = ()) -> list[Pool]:
    """Return each institution, the yards that several share, and what else is asked for.

    Args:
        known: of all institutions in question.
        asked: when.
        together: codes of institutions that are to be looked at as one.
    """
    names = {one.institution: one.institution_name for one in known.vehicles}
    groups: list[tuple[str, tuple[str, ...]]] = [(name, (code,)) for code, name in names.items()]
    groups += [
        (f"合用：{yard}", tuple(code for code in codes if code in names))
        for yard, codes in known.yards.items()
    ]
    groups += [(f"合用：{'、'.join(names.get(c, c) for c in its)}", tuple(its)) for its in together]
    return [_pool(name, codes, known, asked) for name, codes in groups if codes]


def _use(one: Vehicle, known: Known, asked: Asked) -> Use:
    days = [day for day in asked.days if one.serves(day)]
    states = [_state(one, day, known) for day in days]
    out = _times(one, known, asked.pause)
    rows = [known.days.get((one.vehicle_id or -1, day)) for day in days]
    ways = [row.way_mm for row in rows if row is not None and row.seen]
    told = [way for way in ways if way is not None]
    awake = len(list(takewhile(one.free, reversed(days))))
    return Use(
        vehicle=one,
        state=one.state(asked.last),
        days=len(days),
        used=states.count(DayUse.USED),
        unused=states.count(DayUse.UNUSED),
        unknown=states.count(DayUse.UNKNOWN),
        out_minutes=None if {*states} <= {DayUse.UNKNOWN} else _out_minutes(out, days, asked),
        way_mm=sum(told) if told else None,
        awake=awake,
        tail=tail(states[len(states) - awake :], asked.idle_days),
    )


def _out_minutes(out: Sequence[Minutes], days: Sequence[date], asked: Asked) -> int:
    return sum(inside(out, *asked.span(day)) for day in days if asked.workday(day))


def _state(one: Vehicle, day: date, known: Known) -> DayUse:
    if one.consumer_id is not None and day in known.order_days.get(one.consumer_id, ()):
        return DayUse.USED
    row = known.days.get((one.vehicle_id or -1, day))
    if row is None or row.way_mm is None:
        return DayUse.UNKNOWN
    if row.way_mm > 0:
        return DayUse.USED
    return DayUse.UNUSED if row.seen else DayUse.UNKNOWN


def _times(one: Vehicle, known: Known, pause: int) -> list[Minutes]:
    """Return when a vehicle was out: by its trips, joined over short pauses, and by its orders."""
    trips = merged(known.trips.get(one.vehicle_id or -1, ()), pause)
    return merged([*trips, *known.orders.get(one.consumer_id or -1, ())], 0)


def _pool(name: str, codes: tuple[str, ...], known: Known, asked: Asked) -> Pool:
    its = [one for one in known.vehicles if one.institution in codes]
    fit = [one for one in its if any(one.free(day) for day in asked.days)]
    out = [_times(one, known, asked.pause) for one in fit]
    road = [merged(known.trips.get(one.vehicle_id or -1, ()), 0) for one in fit]
    begin, end = asked.span(asked.first)[0], asked.span(asked.last)[1]
    seen = any(
        (row := known.days.get((one.vehicle_id or -1, day))) is not None and row.seen
        for one in fit
        for day in asked.days
    )
    served = sum(one.free(day) for one in fit for day in asked.days)
    hidden = [
        sum(one.free(day) and _state(one, day, known) is DayUse.UNKNOWN for one in fit)
        for day in asked.days
    ]
    needed = [
        busiest(out, *asked.span(day)).vehicles + unseen
        for day, unseen in zip(asked.days, hidden, strict=True)
    ]
    return Pool(
        name,
        codes,
        len(fit),
        busiest(road, begin, end) if seen else None,
        busiest(out, begin, end) if sum(hidden) < served else None,
        tuple(needed),
        sum(hidden),
    )
