"""Verdicts on vehicles for some days: in their yards at night, at rest while sealed.

Computed when asked for, from the fixes: a yard, an order or a duty entered late counts at once, and
nothing is stored that could be older than what it rests on. docs/fences.md says what it costs.
"""

from __future__ import annotations

import enum
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from fleet.fence import fences
from fleet.fence.fences import Fence
from fleet.fence.passage import passage
from fleet.fence.track import Silence
from fleet.fence.window import window as track_around
from fleet.track.rules import Rules
from fleet.yards import days
from fleet.yards.beside import Beside
from fleet.yards.days import Window
from fleet.yards.model import Sealed, Vehicle, Yard
from fleet.yards.movement import Limits, Sign, movement
from fleet.yards.presence import journey, presence
from fleet.yards.source import Source
from fleet.yards.verdicts import CannotTell, Doubt, Evidence, ExcuseKind, Verdict, Why
from registry.calendar import Calendar
from storage.times import at_us, us_of

_AT_ONCE: Final = 100
"""Vehicles of which papers and trips are read together; bounds the memory of a month."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which days, and what is believed.

    Attributes:
        first, last: days, both included.
        zone: the site's.
        now: what lies ahead is not judged; aware.
        calendar: of holidays.
        rules: which fixes are believed.
        silence: what is believed between them.
        tolerance_us: shorter times out of a yard do not count.
        around_order_us: an order covers so much before and behind its times.
        limits: what is let pass of sealed vehicles.
    """

    first: date
    last: date
    zone: ZoneInfo
    now: datetime
    calendar: Calendar
    rules: Rules
    silence: Silence
    tolerance_us: int
    around_order_us: int
    limits: Limits

    @property
    def days(self) -> list[date]:
        """Each day."""
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict on a vehicle; ``reason``: why it was sealed."""

    vehicle: Vehicle
    verdict: Verdict
    reason: str = ""

    @property
    def window(self) -> Window:
        """When it had to be somewhere, or stand still."""
        return self.verdict.evidence.window


class By(enum.Enum):
    """What a vehicle may be sealed by."""

    ANYTHING = enum.auto()
    NOTICE = enum.auto()
    """Its state in the ledger, or days that do not go by plates."""
    TAIL = enum.auto()
    """Days by the last digit of its plate."""

    @property
    def tail(self) -> bool:
        """Whether it goes by plates alone."""
        return self is By.TAIL


@dataclass(frozen=True, slots=True)
class _Ask:
    """A vehicle must be in one of some places; ``certain``: the day's kind is known."""

    window: Window
    fences: tuple[str, ...]
    certain: bool


def in_yards(source: Source, asked: Asked, vehicles: Sequence[Vehicle]) -> Iterator[list[Found]]:
    """Yield for each vehicle its verdicts by night; without a yard of its own: none."""
    yards, known = source.yards(), source.fences()
    if not yards:  # nothing has to be read
        yield from ([] for _ in vehicles)
        return
    for vehicle, held in _with_papers(source, asked, vehicles):
        asks = list(_asks(vehicle, yards, asked))
        found = _of_vehicle(source, asked, vehicle, held, asks, known)
        yield sorted(found, key=lambda one: one.window.from_us)


def at_rest(
    source: Source,
    asked: Asked,
    vehicles: Sequence[Vehicle],
    by: By = By.ANYTHING,
) -> Iterator[list[Found]]:
    """Yield for each vehicle its verdicts by sealed day; ``by``: what it is sealed by."""
    rules = [one for one in source.sealed() if by is By.ANYTHING or bool(one.tail) is by.tail]
    if not rules and not any(one.ever_sealed for one in vehicles):
        yield from ([] for _ in vehicles)
        return
    for vehicle, held in _with_papers(source, asked, vehicles):
        sealed = [
            found
            for day in asked.days
            if (found := _sealed(vehicle, rules, day, asked, by)) is not None
            and found[0].from_us < us_of(asked.now)
            and vehicle.there(found[0])
        ]
        yield [
            one
            for stretch in _stretches(sealed)
            for one in _still(source, asked, vehicle, held, stretch)
        ]


def _with_papers(
    source: Source, asked: Asked, vehicles: Sequence[Vehicle]
) -> Iterator[tuple[Vehicle, Beside]]:
    """Yield vehicles with what is held beside their tracks, read for many at once."""
    begin = days.whole(asked.first, asked.zone)
    end = days.whole(asked.last + timedelta(days=1), asked.zone)  # a night ends on the next day
    span = at_us(begin.from_us), at_us(end.to_us)
    for start in range(0, len(vehicles), _AT_ONCE):
        part = vehicles[start : start + _AT_ONCE]
        ids = [one.id for one in part]
        held = source.beside(ids, span, asked.around_order_us, asked.zone)
        yield from ((vehicle, held) for vehicle in part)


def _asks(vehicle: Vehicle, yards: Sequence[Yard], asked: Asked) -> Iterator[_Ask]:
    for day in asked.days:
        its = _its_yards(vehicle, [y for y in yards if _holds(y.since, y.until, day)])
        grouped: dict[tuple[Window, bool], list[str]] = defaultdict(list)
        for yard in its:
            meets = days.meets(yard.days, day, asked.calendar)
            if meets is not False:
                window = days.window(day, yard.from_time, yard.to_time, asked.zone)
                grouped[window, meets is True].append(yard.fence)
        for (window, certain), codes in grouped.items():
            if window.from_us < us_of(asked.now) and vehicle.there(window):
                yield _Ask(window, tuple(dict.fromkeys(codes)), certain)


def _its_yards(vehicle: Vehicle, yards: Sequence[Yard]) -> list[Yard]:
    """Return a vehicle's own yards, or else its institution's, or else those of all."""
    for its in (
        [one for one in yards if one.vehicle_id == vehicle.id],
        [one for one in yards if one.institution_id == vehicle.institution_id],
    ):
        if its:
            return its
    return [one for one in yards if one.vehicle_id is None and one.institution_id is None]


def _holds(since: date, until: date | None, day: date) -> bool:
    return since <= day and (until is None or day < until)


def _of_vehicle(  # noqa: PLR0913, PLR0917 - who is asked, and all that is known
    source: Source,
    asked: Asked,
    vehicle: Vehicle,
    held: Beside,
    asks: Sequence[_Ask],
    known: Sequence[Fence],
) -> Iterator[Found]:
    there = list[tuple[_Ask, tuple[Fence, ...]]]()
    for ask in asks:
        day = ask.window.day
        shapes = tuple(f for code in ask.fences if (f := fences.of_day(known, code, day)))
        why = _why_not(vehicle, ask, shapes, asked.zone)
        if why is None:
            there.append((ask, shapes))
        else:
            yield Found(vehicle, CannotTell(why, Evidence(ask.window, ask.fences)))
    if there:
        yield from _watched(source, asked, vehicle, held, there)


def _why_not(vehicle: Vehicle, ask: _Ask, shapes: Sequence[Fence], zone: ZoneInfo) -> Why | None:
    if vehicle.sensitive_in(ask.window, zone):
        return Why.SENSITIVE
    if not ask.certain:
        return Why.CALENDAR
    return None if shapes else Why.NO_FENCE


def _watched(
    source: Source,
    asked: Asked,
    vehicle: Vehicle,
    held: Beside,
    there: Sequence[tuple[_Ask, tuple[Fence, ...]]],
) -> Iterator[Found]:
    first = min(ask.window.from_us for ask, _ in there)
    last = max(ask.window.to_us for ask, _ in there)
    shapes = {one.id: one for _, its in there for one in its}
    watches = [one.watch for one in shapes.values()]
    positions = source.positions(vehicle.id)
    track = track_around(positions, first, last, watches, asked.rules, asked.silence)
    passages = {number: passage(track, one.watch) for number, one in shapes.items()}
    excuses = held.excuses.get(vehicle.id, ())
    trips = [(one.from_us, one.to_us) for one in held.trips(vehicle.id, (first, last))]
    for ask, its in there:
        verdict = presence(
            ask.window,
            [one.code for one in its],
            [passages[one.id] for one in its],
            [*excuses, *journey(trips, ask.window.from_us)],
            asked.tolerance_us,
            us_of(asked.now),
        )
        yield Found(vehicle, _settled(source, vehicle, held, verdict))


def _settled(source: Source, vehicle: Vehicle, held: Beside, verdict: Verdict) -> Verdict:
    """Say of a doubt where the vehicle stood; leave open what rests on trips that are due."""
    evidence = verdict.evidence
    by_trip = any(one.kind is ExcuseKind.JOURNEY for one in evidence.excuses)
    if by_trip or isinstance(verdict, Doubt):
        window = evidence.window
        # Once more: the track was read behind what is held beside it.
        if held.pending(vehicle.id, (window.from_us, window.to_us)) or source.pending(
            vehicle.id, _times(window)
        ):
            return CannotTell(Why.PENDING, evidence)
    if not isinstance(verdict, Doubt):
        return verdict
    away = max(evidence.away, key=lambda span: span[1] - span[0])
    place = source.stood(vehicle.id, (at_us(away[0]), at_us(away[1])))
    return replace(verdict, evidence=replace(evidence, place=place))


_Day = tuple[Window, str, bool]
"""A sealed day: when, why, and whether that it is one is certain."""


def _sealed(
    vehicle: Vehicle, rules: Sequence[Sealed], day: date, asked: Asked, by: By
) -> _Day | None:
    """Return when on a day a vehicle is sealed; the first rule counts, those of whole days first.

    None: it is not.
    """
    if not by.tail and vehicle.fact("state", day) == "sealed":
        return days.whole(day, asked.zone), "车辆状态：封存", True
    unsure = None
    for rule in rules:
        meets = _concerns(vehicle, rule, day) and days.meets(rule.days, day, asked.calendar)
        if meets:
            return _window(rule, day, asked.zone), rule.reason, True
        if meets is None:
            unsure = _window(rule, day, asked.zone), rule.reason, False
    return unsure


def _window(rule: Sealed, day: date, zone: ZoneInfo) -> Window:
    if rule.from_time is None or rule.to_time is None:
        return days.whole(day, zone)
    return days.window(day, rule.from_time, rule.to_time, zone)


def _concerns(vehicle: Vehicle, rule: Sealed, day: date) -> bool:
    return (
        _holds(rule.since, rule.until, day)
        and rule.vehicle_id in {None, vehicle.id}
        and rule.institution_id in {None, vehicle.institution_id}
        and rule.kind in {"", vehicle.fact("class", day)}
        and (not rule.tail or (vehicle.tail(day) in tuple(rule.tail) and not vehicle.special(day)))
    )


def _stretches(sealed: Sequence[_Day]) -> Iterator[list[_Day]]:
    """Yield days that follow each other together: they are read at once."""
    if not sealed:
        return
    parts = [0, *(n for n, (one, other) in enumerate(pairwise(sealed), 1) if _apart(one, other))]
    for start, end in pairwise([*parts, len(sealed)]):
        yield list(sealed[start:end])


def _apart(one: _Day, other: _Day) -> bool:
    return one[0].to_us != other[0].from_us


def _still(
    source: Source,
    asked: Asked,
    vehicle: Vehicle,
    held: Beside,
    stretch: Sequence[_Day],
) -> Iterator[Found]:
    span = stretch[0][0].from_us, stretch[-1][0].to_us
    signs = source.signs(vehicle.id, (at_us(span[0]), at_us(span[1])))
    trips = held.trips(vehicle.id, span)
    excuses = held.excuses.get(vehicle.id, ())
    for window, reason, certain in stretch:
        sensitive = vehicle.sensitive_in(window, asked.zone)
        if not certain:
            verdict: Verdict = CannotTell(Why.CALENDAR, Evidence(window))
        elif not sensitive and held.pending(vehicle.id, (window.from_us, window.to_us)):
            verdict = CannotTell(Why.PENDING, Evidence(window))
        else:
            verdict = movement(
                window,
                _around(signs, window),
                None if sensitive else trips,
                excuses,
                asked.limits,
                us_of(asked.now),
            )
        yield Found(vehicle, verdict, reason)


def _times(window: Window) -> tuple[datetime, datetime]:
    return at_us(window.from_us), at_us(window.to_us)


def _around(signs: Sequence[Sign], window: Window) -> Sequence[Sign]:
    """Return the signs of a window, with the last before and the first behind it."""
    first = bisect_left(signs, window.from_us, key=lambda one: one.t_us)
    last = bisect_right(signs, window.to_us, key=lambda one: one.t_us)
    return signs[max(0, first - 1) : last + 1]
