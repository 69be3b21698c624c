"""Terminals of vehicles: when reports were made, by which clock, and when they came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city.life import midnight_s, span
from simulators.city.model import Case, Int64s, Series, Subject
from simulators.city.plan import CLOCK, By, Plan
from simulators.city.spans import Span, Spans, common, length, union

_HOUR_S, _DAY_S = 3_600, 86_400
_EVERY_S: Final = (10, 15, 30, 60)
"""Between reports under way."""
_SELDOM_S: Final = (600, 1_200)
_PARKED_S: Final = 1_800
"""And while parked, of every second terminal; the others tell nothing then."""
_RIGHT_S: Final = 20.0
"""By so much a right clock may be off."""
_OFF_D: Final = (3.0, 9.0)
_TOLD_S: Final = 2 * _HOUR_S
"""So long it is under way at least while its clock is wrong; else nothing tells of it."""
_LASTS_S: Final = {
    "offline": (_HOUR_S, 10 * _HOUR_S),
    "gap": (60, 900),
    "delayed": (_DAY_S, 10 * _DAY_S),
    "duplicate": (_DAY_S, 3 * _DAY_S),
    "outage": (2_400, 5_400),
}
_DELAY_S: Final = (20, 360)
_BATCH_S: Final = (60, 300)
"""What is passed on together."""
_FASTER: Final = (1.5, 20.0)
"""So many times as fast as reports are made a queue is sent."""
_AGAIN_S: Final = (1, 4 * _HOUR_S)
_APART_S: Final = 10 * _DAY_S
"""Between two times of a terminal in which its clock is wrong."""
_TRIES: Final = 4_000
_MANNERS: Final = ("first", "last", "queue", "beside")
"""How what was kept is sent: from the oldest or the newest on, live reports meanwhile; live reports
wait behind it; one with each live report."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Event:
    """Something at a terminal; size: minutes that its clock is off, above 0: ahead."""

    name: str
    span: Span
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class City:
    """What happens at which terminal; ``outages``: at all of them; ``seldom``: who is so."""

    plan: Plan
    seed: int
    outages: Spans
    seldom: frozenset[int]
    events: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))


def live(plan: Plan, seed: int) -> Callable[[int], list[Subject]]:
    """Make up terminals; return what makes up those of an institution.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    rng = np.random.default_rng([seed, 71])
    count = plan.institutions * plan.terminals
    few = plan.terminal_troubles.get("seldom", 0)
    if few > count:
        raise ValueError(f"{few} terminals are wanted for seldom: fewer of it, or more of them")
    outages = [_outage(plan, rng) for _ in range(plan.terminal_troubles.get("outage", 0))]
    city = City(plan, seed, union(outages), frozenset(rng.permutation(count)[:few].tolist()))
    for one in (one for one in plan.wanted if one.kind == CLOCK):
        sign = 1 if one.by == By.AHEAD else -1
        for size in one.sizes * one.each:
            lasts = int(rng.uniform(*_OFF_D) * _DAY_S)
            _enter(city, rng, CLOCK, lasts, sign * size * rng.uniform(1.0, 1.05))
    for name in ("offline", "gap", "delayed", "duplicate"):
        for _ in range(plan.terminal_troubles.get(name, 0)):
            _enter(city, rng, name, _drawn(rng, _LASTS_S[name]))
    return partial(_institution, city)


def _outage(plan: Plan, rng: np.random.Generator) -> Span:
    """In working hours, when it hits most."""
    days = [day for day in range(1, plan.days - 1) if plan.works(plan.first + day)]
    begin = midnight_s(plan.first + int(rng.choice(days))) + int(rng.integers(8, 17) * _HOUR_S)
    return begin, begin + _drawn(rng, _LASTS_S["outage"])


def _drawn(rng: np.random.Generator, bounds: tuple[float, float]) -> int:
    return int(np.exp(rng.uniform(*np.log(bounds))))


def _enter(city: City, rng: np.random.Generator, name: str, lasts: int, size: float = 0.0) -> None:
    plan = city.plan
    begin, end = span(plan)
    count, near = plan.institutions * plan.terminals, _APART_S if name == CLOCK else 0
    for _ in range(_TRIES if count else 0):
        one = int(rng.integers(count))
        at = int(rng.integers(begin + 2 * _DAY_S, max(end - lasts, begin + 2 * _DAY_S) - _DAY_S))
        mine = [
            other.span for other in city.events[one] if (other.name == CLOCK) == (name == CLOCK)
        ]
        free = name != CLOCK or one not in city.seldom
        if free and not common([(at - near, at + lasts + near)], union(mine)):
            city.events[one].append(Event(name, (at, at + lasts), size))
            return
    raise ValueError(f"no terminal is left for {name}: fewer of it, or a larger city")


def _institution(city: City, number: int) -> list[Subject]:
    each = city.plan.terminals
    return [_terminal(city, one) for one in range(number * each, number * each + each)]


def _terminal(city: City, number: int) -> Subject:
    rng = np.random.default_rng([city.seed, 72, number])
    events = sorted(city.events[number], key=lambda one: one.span)
    under_way = _under_way(city.plan, rng)
    every_s = int(rng.integers(*_SELDOM_S) if number in city.seldom else rng.choice(_EVERY_S))
    made = _made(city.plan, rng, under_way, every_s)
    came = _came(made, every_s, events, city.outages, rng)
    wrong = [one for one in events if one.name == CLOCK]
    shown = made + rng.uniform(-_RIGHT_S, _RIGHT_S)
    for one in wrong:
        shown = shown + np.where(_within(made, one.span), one.size * 60, 0)
    series = _series(
        city.plan, shown, came, [one for one in events if one.name == "duplicate"], rng
    )
    return Subject(
        code=f"i{number // city.plan.terminals:03}-t{number:04}",
        series=(series,),
        beside=(),
        tags=(),
        cases=tuple(_case(one, under_way) for one in wrong),
        true={CLOCK: union(*(_spoken_of(one) for one in wrong))},
        marked=(
            *((one.name, [one.span]) for one in events if one.name != CLOCK),
            ("outage", city.outages),
        ),
    )


def _under_way(plan: Plan, rng: np.random.Generator) -> Spans:
    """Two or three outings on a workday, at times one on another day."""
    found: Spans = []
    for day in range(plan.days):
        works = plan.works(plan.first + day)
        count = int(rng.integers(1, 4)) if works else int(rng.random() < 0.1)
        for hour in np.sort(rng.uniform(7.5, 18.5, count)).tolist():
            begin = midnight_s(plan.first + day) + int(hour * _HOUR_S)
            found.append((begin, begin + int(rng.uniform(900, 5_400))))
    return union(found)


def _made(plan: Plan, rng: np.random.Generator, under_way: Spans, every_s: int) -> Floats:
    parts = [np.arange(begin, end, every_s) for begin, end in under_way]
    if rng.random() < 0.5:
        begin, end = span(plan)
        parts.append(np.arange(begin + int(rng.integers(_PARKED_S)), end, _PARKED_S))
    return np.unique(np.concatenate(parts)).astype(np.float64)


def _came(
    made: Floats, every_s: int, events: list[Event], outages: Spans, rng: np.random.Generator
) -> Floats:
    """When reports came; NaN: never."""
    came: Floats = made + 1 + rng.gamma(2, 1, len(made))
    lost = [*(one for one in events if one.name in {"offline", "gap"})]
    for one in (one for one in events if one.name == "delayed"):
        there = _within(made, one.span)
        batch = rng.uniform(*_BATCH_S) if rng.random() < 0.5 else 1.0
        late = np.ceil(came[there] / batch) * batch + rng.uniform(*_DELAY_S)
        came[there] = late + rng.gamma(2, 1, len(late))
    for one in sorted([*lost, *(Event("outage", s) for s in outages)], key=lambda one: one.span):
        _kept(came, every_s, one.span, rng)
    return came


def _kept(came: Floats, every_s: int, lost: Span, rng: np.random.Generator) -> None:
    """Let what would have come in a time come behind it."""
    kept = np.flatnonzero((came >= lost[0]) & (came < lost[1]))
    if not len(kept):
        return
    manner, back = rng.choice(_MANNERS), lost[1] + rng.uniform(5, 60)
    one_s = float(np.exp(rng.uniform(np.log(0.02), np.log(2))))
    if manner == "first":
        came[kept] = back + one_s * np.arange(len(kept))
    elif manner == "last":
        came[kept[::-1]] = back + one_s * np.arange(len(kept))
    elif manner == "queue":
        _queued(came, kept, back, every_s / float(rng.uniform(*_FASTER)))
    else:
        after = np.flatnonzero(came >= back)[: len(kept)]
        came[kept[: len(after)]] = came[after] + 0.5
        came[kept[len(after) :]] = np.nan


def _queued(came: Floats, kept: Int64s, back: float, one_s: float) -> None:
    """All waits in a queue: each report takes so long."""
    rest = slice(int(kept[0]), None)
    number = np.arange(len(came[rest])) * one_s
    sent = np.maximum.accumulate(np.maximum(came[rest], back) - number) + number
    empty = np.flatnonzero(sent[len(kept) :] <= came[rest][len(kept) :])
    upto = len(kept) + (int(empty[0]) if len(empty) else len(sent))
    came[int(kept[0]) : int(kept[0]) + upto] = sent[:upto]


def _series(
    plan: Plan, shown: Floats, came: Floats, twice: list[Event], rng: np.random.Generator
) -> Series:
    """What came, by the time that the terminal told; its value: the number of the report."""
    again = np.zeros(len(came), np.bool_)
    for one in twice:
        again |= _within(came, one.span) & (rng.random(len(came)) < 0.3)
    number = np.r_[np.arange(len(came)), np.flatnonzero(again)]
    late = np.r_[came, came[again] + rng.uniform(*_AGAIN_S, int(again.sum()))]
    number, late = number[np.isfinite(late)], late[np.isfinite(late)]
    ts = np.round(shown[number]).astype(np.int64) * 1_000_000
    order = np.lexsort((late, ts))
    received = (late * 1_000_000).astype(np.int64)
    return Series(
        "report", ts[order], number[order].astype(np.float64), received[order], *span(plan)
    )


def _within(at: Floats, bounds: Span) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (at >= bounds[0]) & (at < bounds[1])
    return found


def _spoken_of(one: Event) -> Spans:
    """When it was so, by the right clock and by its own: what it tells bears its own time."""
    off = int(one.size * 60)
    return [one.span, (one.span[0] + off, one.span[1] + off)]


def _case(one: Event, under_way: Spans) -> Case:
    by = By.AHEAD if one.size > 0 else By.BEHIND
    (since, until), off = one.span, int(one.size * 60)
    told = length(common([one.span], under_way)) >= _TOLD_S
    return Case(CLOCK, min(since, since + off), max(until, until + off), {by: abs(one.size)}, told)
