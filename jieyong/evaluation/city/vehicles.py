"""Simulated vehicles as rules take them: ways and papers become events, and those become layers.

What in production is read from the database is made here on arrays; from there on it is what
production runs (:mod:`rules.subjects.vehicles`). What is normal is learned from all vehicles, so
those of a city are looked at together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

import numpy as np

from fleet.joining.check import verdicts
from fleet.joining.model import Order, Records, Track
from fleet.joining.model import Vehicle as Joined
from fleet.joining.verdict import Check
from fleet.norms.parts import Mended
from jieyong.evaluation.city.places import Basis, told
from jieyong.evaluation.city.score import Doubt
from jieyong.evaluation.city.vehicles_costs import costs, upkeeps
from jieyong.evaluation.city.vehicles_seen import Simulated, in_ledger, track_of
from metering.gauge.hold import Holds
from registry.tags import DatedTag
from rules.derive.evaluate import Layers, evaluate
from rules.derive.hours import of_all, working
from rules.kinds.model import Sort
from rules.kinds.vehicles import Layer
from rules.ruleset.model import Rule, Version
from rules.subjects.model import Basis as RuleBasis
from rules.subjects.places.modes import Modes
from rules.subjects.vehicles.laid import Event
from rules.subjects.vehicles.looking import held
from rules.subjects.vehicles.normal import norm_events, upkeep_events
from rules.subjects.vehicles.papers import paper_events, part_events
from rules.subjects.vehicles.places import LOOKS, asked, days, place_events
from rules.subjects.vehicles.tags import Fact, dated
from rules.timeline.overlay import Windows
from simulators.city.plan import DRIVEN
from simulators.city.vehicles_model import Vehicle
from storage.times import ALWAYS_US, NEVER_US, us_of

_SECOND: Final = 1_000_000
_BEGUN: Final = datetime(2000, 1, 1, tzinfo=UTC)
Events = Mapping[str, Sequence[Event]]


@dataclass(frozen=True, slots=True)
class City:
    """All vehicles, numbered by position, what their terminals told, and what rules rest on."""

    vehicles: Sequence[Vehicle]
    tracks: Sequence[Track]
    basis: RuleBasis
    begin_us: int
    end_us: int

    @property
    def ids(self) -> dict[str, int]:
        """Code → number."""
        return {one.code: number for number, one in enumerate(self.vehicles)}

    @property
    def days(self) -> tuple[date, date]:
        """Those that are looked at."""
        return days(self.begin_us, self.end_us, self.basis.zone)


@dataclass(frozen=True, slots=True)
class Laid:
    """Vehicles with what is known of them, as layers."""

    vehicles: Sequence[Vehicle]
    layers: Layers
    windows: Windows

    def doubts(self, rules: Sequence[Rule]) -> list[Doubt]:
        """Return what rules find: those for which it was laid, or others about the same.

        Raises:
            ValueError: see :func:`rules.derive.evaluate.evaluate`.
        """
        found = evaluate(_versions(rules), self.layers, self.windows)
        return [doubt for one in found for doubt in told(one, self.vehicles)]


def doubts(vehicles: Sequence[Vehicle], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated vehicles, all of a city.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    if not vehicles or not _versions(basis.rules):
        return []
    return laid(vehicles, basis).doubts(basis.rules)


def laid(vehicles: Sequence[Vehicle], basis: Basis) -> Laid:
    """Return what is known of vehicles, as far as rules look at it."""
    versions = _versions(basis.rules)
    begin, end = basis.begin_s * _SECOND, basis.until_us
    believed = RuleBasis(versions, basis.gauges, basis.calendar, basis.zone, Modes())
    numbered = [
        replace(one, car=replace(one.car, number=number)) for number, one in enumerate(vehicles)
    ]
    city = City(numbered, [track_of(one) for one in numbered], believed, begin, end)
    count = len(vehicles)
    windows = Windows(np.arange(count), np.full(count, begin), np.full(count, end))
    hours = {one.rule.hours.code: one.rule.hours for one in versions if one.rule.hours}
    words = {word for one in versions for word in one.rule.only | one.rule.without}
    tags = [list(_tags(number, one)) for number, one in enumerate(numbered)]
    layers = Layers(
        _inputs(city, windows),
        {word: _tagged(word, tags) for word in sorted(words)},
        {
            code: of_all(working(one, basis.calendar, basis.zone, begin, end), windows)
            for code, one in hours.items()
        },
    )
    return Laid(vehicles, layers, windows)


def _versions(rules: Sequence[Rule]) -> tuple[Version, ...]:
    """Return the rules of kinds that are measured here; the others: docs/joining.md."""
    return tuple(
        Version(number, rule, ALWAYS_US, NEVER_US)
        for number, rule in enumerate(rules)
        if rule.kind.sort is Sort.VEHICLE and rule.kind.code in DRIVEN
    )


def _inputs(city: City, windows: Windows) -> Mapping[str, Sequence[Holds]]:
    names, found = city.basis.inputs, dict[str, list[Event]]()
    for source in (_trips, _stood, _duty, _parts, _spent, _mended):
        for name, events in source(city, names).items():
            found.setdefault(name, []).extend(events)
    return {name: [held(name, found.get(name, []), windows)] for name in sorted(names)}


def _trips(city: City, names: frozenset[str]) -> Events:
    if Layer.DUTY not in names:
        return {}
    records = Records(
        {
            one.code: Joined(one.code, orders=_orders(one, city), track=track)
            for one, track in zip(city.vehicles, city.tracks, strict=True)
        }
    )
    rules = city.basis.believed.joining
    found = verdicts(records, city.begin_us, city.end_us, rules, checks={Check.TRIP})
    return paper_events(found, city.ids, (), city.basis.zone)


def _orders(one: Vehicle, city: City) -> tuple[Order, ...]:
    return tuple(
        Order(
            order.number,
            str(order.number),
            _midnight_us(order.out_s, city),
            order.out_s * _SECOND,
            None if order.back_s is None else order.back_s * _SECOND,
        )
        for order in one.orders
    )


def _midnight_us(at_s: int, city: City) -> int:
    at = datetime.fromtimestamp(at_s, city.basis.zone)
    return us_of(at.replace(hour=0, minute=0, second=0, microsecond=0))


def _stood(city: City, names: frozenset[str]) -> Events:
    """Return where vehicles stood, an institution at a time, as they are asked about."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(city.vehicles):
        groups[one.car.institution].append(number)
    question = asked(city.basis, *city.days)
    found: dict[str, list[Event]] = defaultdict(list)
    for numbers in groups.values():
        some = [city.vehicles[number] for number in numbers]
        span = city.begin_us // _SECOND, city.end_us // _SECOND
        source = Simulated(some, [city.tracks[n] for n in numbers], *span, city.basis.zone)
        for layer, look in LOOKS.items():
            if layer in names:
                for its in look(source, question, [in_ledger(one) for one in some]):
                    found[layer] += place_events(its)
    return found


def _duty(city: City, names: frozenset[str]) -> Events:
    del names
    return {
        Layer.DUTY: [
            Event(number, begin * _SECOND, end * _SECOND)
            for number, one in enumerate(city.vehicles)
            for begin, end in one.duty
        ]
    }


def _parts(city: City, names: frozenset[str]) -> Events:
    del names
    mended = {
        one.code: [
            Mended(line.number, line.at_s * _SECOND, line.text, line.odometer_hm, line.fen)
            for line in one.repairs
        ]
        for one in city.vehicles
    }
    return {Layer.PART_EARLY: part_events(mended, city.ids, city.basis.zone)}


def _spent(city: City, names: frozenset[str]) -> Events:
    first, last = city.days
    rules, zone = city.basis.believed.joining, city.basis.zone
    found: dict[str, list[Event]] = {}
    for what in ("rate", "cost"):
        if f"{what}_own_least" in names:
            months = costs(what, city.vehicles, city.tracks, (first, last), rules, zone)
            found |= norm_events(what, months, city.ids, zone)
    return found


def _mended(city: City, names: frozenset[str]) -> Events:
    if Layer.UPKEEP not in names:
        return {}
    first, last = city.days
    months = upkeeps(city.vehicles, (first, last), city.basis.zone)
    return {Layer.UPKEEP: upkeep_events(months, city.ids, city.basis.zone)}


def _tags(number: int, one: Vehicle) -> Iterator[DatedTag]:
    facts = [
        Fact(number, one.code, 1, name, value, _BEGUN, None)
        for name, value in (("use", one.car.use or "business"), ("class", one.car.kind))
    ]
    entered = [
        DatedTag(tag.word, None, None, "vehicle", one.code, one.code, 1, "") for tag in one.tags
    ]
    return dated(facts, entered)


def _tagged(word: str, tags: Sequence[Sequence[DatedTag]]) -> Holds:
    numbers = [number for number, its in enumerate(tags) if any(one.tag == word for one in its)]
    always, never = np.full(len(numbers), ALWAYS_US), np.full(len(numbers), NEVER_US)
    return Holds(np.array(numbers, np.int64), always, never, np.ones(len(numbers)))
