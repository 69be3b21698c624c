"""Registers of counters, told hour by hour, and readings that cannot be true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city.life import midnight_s, span
from simulators.city.model import Case, Int64s, Series, Subject
from simulators.city.plan import ODD, REGISTER_TROUBLES, By, Plan
from simulators.city.spans import Span, Spans, common, length, union

_HOUR_S: Final = 3_600
_SORTS: Final = ("dip", "spike", "backwards", "set_back", "set_ahead")
"""What a wrong reading is: too low or too high, mostly one and at most three; the register runs
backwards; it is set to another value, and counts on from there."""
_LASTS_H: Final = {"dip": (1, 4), "spike": (1, 4), "backwards": (8, 20)}
_APART_H: Final = 10 * 24
"""Odd readings of a week are one doubt."""
_TROUBLED_H: Final = {
    "told_late": (2, 60),
    "busy": (2, 6),
    "standing": (48, 216),
    "exchanged": (3, 4),
}
_BUSY: Final = 5.0
_BUSIEST: Final = 10.0
"""What a register is said to gain at most in an hour, of its usual largest hour."""
_CAPACITY: Final = 1_000_000
_SETTLES_S: Final = 3 * _HOUR_S
"""What could not be counted in an hour can be in four: which of the readings is wrong?"""
_UNSEEN: Final = 1 / 3
_TRIES: Final = 4_000
_OFFICE: Final = np.r_[
    np.full(7, 0.1), np.linspace(0.3, 1, 3), np.ones(8), 0.5, 0.3, np.full(4, 0.1)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register(Subject):
    """A register.

    Attributes:
        capacity: ticks at which it begins anew; None: it does not.
        most_per_hour: ticks.
    """

    capacity: int | None
    most_per_hour: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something at a register: in which hours of the city, by how many of its most per hour."""

    name: str
    begin: int
    hours: int
    extent: float = 0.0

    @property
    def last(self) -> int:
        """The hour behind it."""
        return self.begin + self.hours


Events = dict[int, list[Event]]


def live(plan: Plan, seed: int) -> Callable[[int], list[Register]]:
    """Make up registers; return what makes up those of an institution.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    return partial(_institution, plan, seed, _events(plan, seed))


def _institution(plan: Plan, seed: int, events: Events, number: int) -> list[Register]:
    each = plan.registers
    mine = range(number * each, number * each + each)
    return [_register(plan, seed, one, events.get(one, [])) for one in mine]


def _events(plan: Plan, seed: int) -> Events:
    rng = np.random.default_rng([seed, 51])
    found: Events = defaultdict(list)
    wanted = [one for one in plan.wanted if one.kind == ODD]
    for size in (size for one in wanted for size in one.sizes):
        for number in range(sum(one.each for one in wanted if size in one.sizes)):
            name = _SORTS[number % len(_SORTS)]
            hours = int(rng.integers(*_LASTS_H.get(name, (1, 2))))
            _enter(plan, rng, found, Event(name, 0, hours, size / 100))
    for name in REGISTER_TROUBLES:
        for _ in range(plan.register_troubles.get(name, 0)):
            hours = int(rng.integers(*_TROUBLED_H[name])) if name in _TROUBLED_H else 1
            _enter(plan, rng, found, Event(name, 0, hours))
    return found


def _enter(plan: Plan, rng: np.random.Generator, found: Events, event: Event) -> None:
    count, odd = plan.institutions * plan.registers, event.name in _SORTS
    for _ in range(_TRIES if count else 0):
        one = int(rng.integers(count))
        begin = int(rng.integers(48, plan.days * 24 - event.hours - 48))
        placed = Event(event.name, begin, event.hours, event.extent)
        near = _APART_H if odd else 12
        meets = any(
            other.begin < placed.last + near and placed.begin < other.last + near
            for other in found[one]
            if not odd or other.name in _SORTS
        )
        if not meets and not (event.name == "rollover" and _has(found[one], "rollover")):
            found[one].append(placed)
            return
    raise ValueError(f"no register is left for {event.name}: fewer of it, or a larger city")


def _has(events: list[Event], name: str) -> bool:
    return any(one.name == name for one in events)


def _register(plan: Plan, seed: int, number: int, events: list[Event]) -> Register:
    rng = np.random.default_rng([seed, 52, number])
    used = _used(plan, rng, events)
    most = int(_BUSIEST * np.quantile(used, 0.99)) + 1
    level = np.r_[0, np.cumsum(used)]
    rolls = next((one.begin for one in events if one.name == "rollover"), None)
    begun = int(rng.integers(20 * most, 200 * most))
    begun = begun if rolls is None else _CAPACITY * 1_000 - int(level[rolls])
    shown = begun + level + _odd(events, most, len(level))
    capacity = None if rolls is None else _CAPACITY * 1_000
    shown = shown if capacity is None else shown % capacity
    silent = [_span(plan, one) for one in events if one.name in {"told_late", "exchanged"}]
    odd = [one for one in events if one.name in _SORTS]
    return Register(
        code=f"i{number // plan.registers:03}-n{number:04}",
        series=_series(plan, shown, events),
        beside=(),
        tags=(),
        cases=tuple(_case(plan, one, union(silent)) for one in odd),
        true={ODD: union([_wrong(plan, one) for one in odd])},
        marked=tuple((one.name, [_span(plan, one)]) for one in events if one.name not in _SORTS),
        capacity=capacity,
        most_per_hour=most,
    )


def _used(plan: Plan, rng: np.random.Generator, events: list[Event]) -> Int64s:
    """Ticks of each hour."""
    work = np.array([plan.works(plan.first + day) for day in range(plan.days)])
    busy = np.where(work, 1.0, 0.3)[:, None] * _OFFICE * rng.gamma(12, 1 / 12, (plan.days, 24))
    used: Int64s = (busy.reshape(-1) * rng.uniform(100, 3_000)).astype(np.int64)
    for one in events:
        if one.name == "busy":
            used[one.begin : one.last] = (used[one.begin : one.last] * _BUSY).astype(np.int64)
        elif one.name == "standing":
            used[one.begin : one.last] = 0
    return used


def _odd(events: list[Event], most: int, count: int) -> Int64s:
    """By how many ticks the register is off, at each hour."""
    off = np.zeros(count, np.int64)
    for one in events:
        far = int(one.extent * most)
        if one.name in {"dip", "spike"}:
            off[one.begin : one.last] += far if one.name == "spike" else -far
        elif one.name in {"set_back", "set_ahead"}:
            off[one.begin :] += far if one.name == "set_ahead" else -far
        elif one.name == "backwards":
            off[one.begin : one.last] -= np.linspace(far / one.hours, far, one.hours).astype(int)
            off[one.last :] -= far
    return off


def _series(plan: Plan, shown: Int64s, events: list[Event]) -> tuple[Series, ...]:
    """What was told, of the newest counter first."""
    begin_s, end_s = span(plan)
    heard = np.ones(len(shown), np.bool_)
    for one in events:
        if one.name == "told_late":
            heard[one.begin : one.last] = False
    swapped = next((one for one in events if one.name == "exchanged"), None)
    parts = [(0, len(shown), 0)]
    if swapped is not None:
        begun = int(shown[swapped.last])
        parts = [(swapped.last, len(shown), begun), (0, swapped.begin, 0)]
    found = []
    for first, last, less in parts:
        at = first + np.flatnonzero(heard[first:last])
        ts = (begin_s + at * _HOUR_S) * 1_000_000
        bounds = begin_s + first * _HOUR_S, min(begin_s + last * _HOUR_S, end_s)
        value: NDArray[np.float64] = (shown[at] - less).astype(np.float64)
        found.append(Series("register", ts, value, ts, *bounds))
    return tuple(found)


def _span(plan: Plan, one: Event) -> Span:
    begin = midnight_s(plan.first)
    return begin + one.begin * _HOUR_S, begin + one.last * _HOUR_S


def _wrong(plan: Plan, one: Event) -> Span:
    """From the reading before to those behind that cannot be joined to it.

    Of dips and spikes as many on either side as are wrong: nobody can tell whether three are too
    high, or the three behind them too low.
    """
    begin, end = _span(plan, one)
    if one.name in {"dip", "spike"}:
        return begin - one.hours * _HOUR_S, end + one.hours * _HOUR_S
    return begin - _SETTLES_S, end + _SETTLES_S


def _case(plan: Plan, one: Event, silent: Spans) -> Case:
    wrong = _wrong(plan, one)
    unseen = length(common([wrong], silent)) / (wrong[1] - wrong[0])
    return Case(ODD, *wrong, {By.SHARE: one.extent * 100}, unseen <= _UNSEEN)
