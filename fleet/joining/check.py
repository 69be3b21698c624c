"""The one way in: records in, verdicts out. Pure; the same records in any order give the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from fleet.joining import learn
from fleet.joining.bills import bills
from fleet.joining.drivers import driver_verdict
from fleet.joining.fenced import GARAGE, STATION, fenced
from fleet.joining.fuel_holder import holder_verdict
from fleet.joining.fuel_kind import fuel_verdict
from fleet.joining.fuel_litres import litres_verdict
from fleet.joining.fuel_pair import Pair, pair_verdict, pairs
from fleet.joining.fuel_place import place_verdict
from fleet.joining.fuel_tank import room_verdict, tank_verdict
from fleet.joining.fuel_travel import Moved, moves, travel_verdict
from fleet.joining.learn import Place, Site
from fleet.joining.model import Fence, Filling, Order, Records, Repair, Unheld, Vehicle
from fleet.joining.orders import order_verdicts, trip_verdicts
from fleet.joining.pumped import pumped
from fleet.joining.rates import Legs
from fleet.joining.repair import repair_verdict
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.spoken import span_of
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Figure, Kind, Verdict, Why
from fleet.joining.ways import Ways

PAIR_DAYS: Final = 2
"""So far around what is checked lie the fillings that its own are paired with."""


class Learned(Protocol):
    """Stations and garages as of the begin of months, µs UTC: name → place."""

    def stations(self, month_us: int) -> Mapping[str, Place]:
        """Return where stations are."""

    def garages(self, month_us: int) -> Mapping[str, Place]:
        """Return where garages are."""


class FromRecords:
    """Learns from records of all vehicles what is asked for, once."""

    def __init__(self, records: Records, rules: Rules) -> None:
        self._records, self._rules = records, rules
        self.stations = functools.cache(self._stations)
        self.garages = functools.cache(self._garages)

    def _stations(self, month_us: int) -> Mapping[str, Place]:
        return learn.stations(self._records, month_us, self._rules)

    def _garages(self, month_us: int) -> Mapping[str, Place]:
        return learn.garages(self._records, month_us, self._rules)


class Places:
    """Stations and garages: as of the begin of each month, as learned; fences of each day."""

    def __init__(self, learned: Learned, fences: Sequence[Fence]) -> None:
        self._learned, self._fences = learned, fences
        self._of_day: dict[tuple[str, int, int], Mapping[str, Site]] = {}

    def stations(self, one: Filling) -> Mapping[str, Site]:
        """Return where stations are, as a filling is held against them."""
        return self._known(STATION, self._learned.stations(one.month_us), one)

    def garages(self, one: Repair) -> Mapping[str, Site]:
        """Return where garages are, as an invoice is held against them."""
        return self._known(GARAGE, self._learned.garages(one.month_us), one)

    def _known(
        self, purpose: str, learned: Mapping[str, Place], one: Filling | Repair
    ) -> Mapping[str, Site]:
        if not self._fences:
            return learned
        key = purpose, one.month_us, one.day_us
        if key not in self._of_day:
            self._of_day[key] = {**learned, **fenced(self._fences, one.day_us, purpose)}
        return self._of_day[key]


def verdicts(  # noqa: PLR0913 - what is compared, each by its name
    records: Records,
    from_us: int,
    to_us: int,
    rules: Rules,
    *,
    only: Collection[str] | None = None,
    checks: Collection[Check] = tuple(Check),
    places: Places | None = None,
) -> Iterator[Verdict]:
    """Yield what comparing papers with tracks finds, by vehicle and time.

    Args:
        records: of all vehicles, also of ``Rules.past_us`` before and ``Rules.ahead_us`` behind.
        from_us: papers and trips from this moment on, µs UTC.
        to_us: until before this one.
        rules: what is believed.
        only: codes of vehicles; None: all. Stations are learned from all of them anyhow.
        checks: what to compare.
        places: learned from these records; None: to be learned.
    """
    places = places or Places(FromRecords(records, rules), records.fences)
    for code in sorted(records.vehicles):
        if only is None or code in only:
            vehicle = _in_order(records.vehicles[code])
            yield from _vehicle(vehicle, (from_us, to_us), frozenset(checks), places, rules)
    if only is None and Check.PLACE in checks:
        for one in sorted(records.unheld, key=lambda one: (one.at_us, one.number)):
            if from_us <= one.at_us < to_us:
                yield _unheld(one)


def _unheld(one: Unheld) -> Verdict:
    about = About(Kind.FILLING, one.number, "", one.at_us, Check.PLACE, one.at_us, one.at_us)
    return about.cannot_tell(Why.CARD_UNHELD, Figure("card", one.card))


def _in_order(vehicle: Vehicle) -> Vehicle:
    return replace(
        vehicle,
        fillings=tuple(sorted(vehicle.fillings, key=_place)),
        repairs=tuple(sorted(vehicle.repairs, key=lambda one: (one.at_us, one.number))),
        orders=tuple(sorted(vehicle.orders, key=_turn)),
        cards=tuple(sorted(vehicle.cards, key=lambda one: one.at_us)),
    )


def _place(one: Filling) -> tuple[int, int, int]:
    return one.at_us, one.odometer_hm or 0, one.number


def _turn(one: Order) -> tuple[int, int, int]:
    return *span_of(one), one.number


def _vehicle(
    vehicle: Vehicle,
    span: tuple[int, int],
    checks: frozenset[Check],
    places: Places,
    rules: Rules,
) -> Iterator[Verdict]:
    ways = Ways(vehicle.track, rules)
    if checks & _OF_FILLINGS.keys():
        yield from _fillings(vehicle, span, checks, _Joined(ways, places, rules))
    if Check.GARAGE in checks:
        for repair in vehicle.repairs:
            if span[0] <= repair.at_us < span[1]:
                known = places.garages(repair)
                yield repair_verdict(vehicle, repair, ways, known, rules)
    orders = [one for one in vehicle.orders if span[0] <= span_of(one)[0] < span[1]]
    if Check.ORDER in checks:
        yield from order_verdicts(vehicle, orders, ways, rules)
    if Check.DRIVER in checks:
        yield from (driver_verdict(vehicle, one, rules) for one in orders)
    if Check.TRIP in checks:
        yield from trip_verdicts(vehicle, vehicle.orders, span, rules)


@dataclass(frozen=True, slots=True)
class _Joined:
    """What the fillings of a vehicle are compared with."""

    ways: Ways
    places: Places
    rules: Rules


@dataclass(frozen=True, slots=True)
class _Filled:
    """A filling, and what is known about it."""

    vehicle: Vehicle
    one: Filling
    before: Filling | None
    pairs: Mapping[int, Pair]
    bill: int
    legs: Legs
    moved: Moved
    stations: Mapping[str, Site]
    rules: Rules


def _fillings(
    vehicle: Vehicle, span: tuple[int, int], checks: frozenset[Check], joined: _Joined
) -> Iterator[Verdict]:
    whole = bills(vehicle.fillings, joined.rules)
    legs = Legs(whole, joined.ways, joined.rules)
    before: Filling | None = None
    needed = checks & {Check.PLACE, Check.TRAVEL}
    moved = moves(vehicle.fillings, joined.ways, joined.rules)
    paired = _pairs(vehicle, span, joined) if Check.PAIR in checks else {}
    for bill, one, near in zip(whole.of, vehicle.fillings, moved, strict=True):
        if span[0] <= one.at_us < span[1]:
            known = joined.places.stations(one) if needed else {}
            about = before, paired, bill, legs, near
            it = _Filled(vehicle, one, *about, known, joined.rules)
            yield from (compare(it) for check, compare in _OF_FILLINGS.items() if check in checks)
        before = one


def _pairs(vehicle: Vehicle, span: tuple[int, int], joined: _Joined) -> dict[int, Pair]:
    """Return the fillings of a span of time with those before them."""
    near = span[0] - PAIR_DAYS * DAY_US, span[1] + PAIR_DAYS * DAY_US
    papers = tuple(one for one in vehicle.fillings if near[0] <= one.at_us < near[1])
    some = replace(vehicle, fillings=papers)
    return pairs(papers, pumped(some, joined.places.stations, joined.rules))


_OF_FILLINGS: Final[Mapping[Check, Callable[[_Filled], Verdict]]] = {
    Check.PLACE: lambda it: place_verdict(it.vehicle, it.one, it.stations, it.rules),
    Check.TRAVEL: lambda it: travel_verdict(
        it.vehicle, it.one, it.before, it.moved, it.stations, it.rules
    ),
    Check.TANK: lambda it: tank_verdict(it.vehicle.code, it.one, it.bill, it.legs, it.rules),
    Check.ROOM: lambda it: room_verdict(it.vehicle.code, it.one, it.bill, it.legs, it.rules),
    Check.PAIR: lambda it: pair_verdict(it.vehicle.code, it.pairs[it.one.number], it.rules),
    Check.LITRES: lambda it: litres_verdict(it.vehicle.code, it.one, it.bill, it.legs, it.rules),
    Check.HOLDER: lambda it: holder_verdict(it.vehicle.code, it.one),
    Check.FUEL: lambda it: fuel_verdict(it.vehicle.code, it.one),
}
