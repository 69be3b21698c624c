"""Units that are asked about doubts, and what became of each: explained, settled, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np

from simulators.city.life import span
from simulators.city.model import Case, Subject
from simulators.city.plan import RESPONDENT_HARMLESS, UNANSWERED, By, Plan
from simulators.city.spans import Span, Spans, common

_DAY_S: Final = 86_400
_A_MONTH: Final = (1.0, 12.0)
"""Doubts that are put to a unit."""
_SITS_D: Final = (2.0, 9.0)
"""Between the days on which somebody answers what waits."""
_SELDOM_D: Final = (8.0, 24.0)
"""And of those who answer one now and then."""
_AGAIN: Final = 0.1
"""Share of explanations that are returned."""
_SETTLES_D: Final = (2.0, 18.0)
_SETTLED: Final = 0.25
"""Share of doubts that the data show no more, or that are exempted, before anybody speaks."""
_SEVERAL: Final = 3
_AT_ONCE: Final = (3, 9)
"""Doubts that wait from the first day on of who ceases to answer."""
_WEEKS_S: Final = 10 * _DAY_S
"""What is shorter is no case."""

Deeds = list[tuple[int, str]]
"""When, s UTC: ``explained``, ``returned``, ``withdrawn`` or ``exempted``; ascending."""


@dataclass(frozen=True, slots=True)
class Put:
    """A doubt that was put to a unit, s UTC."""

    opened_s: int
    deeds: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Respondent(Subject):
    """A unit that is asked."""

    doubts: tuple[Put, ...]


@dataclass(frozen=True, slots=True)
class City:
    """Who is how, and who answers nothing for how many days; others answer."""

    plan: Plan
    seed: int
    manner: dict[int, str]
    silent: dict[int, float]


def live(plan: Plan, seed: int) -> Callable[[int], list[Respondent]]:
    """Make up units; return what makes up those of an institution.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    rng = np.random.default_rng([seed, 91])
    order = iter(rng.permutation(plan.institutions * plan.respondents).tolist())
    manner: dict[int, str] = {}
    silent: dict[int, float] = {}
    for size in (s for w in plan.wanted if w.kind == UNANSWERED for s in w.sizes * w.each):
        silent[_next(order, UNANSWERED)] = size * rng.uniform(1.0, 1.05)
    for name in RESPONDENT_HARMLESS:
        for _ in range(plan.respondent_harmless.get(name, 0)):
            manner[_next(order, name)] = name
    return partial(_institution, City(plan, seed, manner, silent))


def _next(order: Iterator[int], name: str) -> int:
    found = next(order, None)
    if found is None:
        raise ValueError(f"no unit is left for {name}: fewer of it, or a larger city")
    return found


def _institution(city: City, number: int) -> list[Respondent]:
    each = city.plan.respondents
    return [_respondent(city, one) for one in range(number * each, number * each + each)]


def _respondent(city: City, number: int) -> Respondent:
    rng = np.random.default_rng([city.seed, 92, number])
    begin, end = bounds = span(city.plan)
    manner, days = city.manner.get(number, ""), city.silent.get(number)
    opened = _opened(rng, bounds, manner)
    sittings = [] if manner in {"settled", "once"} else [*_sittings(rng, bounds, manner)]
    at_once: list[int] = []
    if days is not None:
        lasts = int(days * _DAY_S)
        ceased = int(rng.integers(begin + 3 * _DAY_S, end - lasts - 2 * _DAY_S))
        at_once = [ceased] * int(rng.integers(*_AT_ONCE))
        speaks = [at for at in sittings if not ceased < at < ceased + lasts]
        sittings = sorted([*speaks, ceased + lasts])
    doubts = [
        *(_put(rng, at, sittings, manner) for at in opened),
        # These nobody settles otherwise.
        *(Put(at, tuple(_answered(rng, at, sittings))) for at in at_once),
    ]
    spans = [*unanswered(doubts, bounds)]
    marked = ((manner, [bounds]),) if manner else ()
    return Respondent(
        code=f"i{number // city.plan.respondents:03}-r{number:04}",
        series=(),
        beside=(),
        tags=(),
        cases=tuple(_case(one) for one in spans if one[1] - one[0] >= _WEEKS_S),
        true={UNANSWERED: spans},
        marked=marked,
        doubts=tuple(sorted(doubts, key=lambda one: one.opened_s)),
    )


def _opened(rng: np.random.Generator, bounds: Span, manner: str) -> list[int]:
    months = (bounds[1] - bounds[0]) / _DAY_S / 30
    count = (
        int(rng.integers(1, 3))
        if manner == "once"
        else rng.poisson(rng.uniform(*_A_MONTH) * months)
    )
    return [int(at) for at in np.sort(rng.uniform(*bounds, count))]


def _sittings(rng: np.random.Generator, bounds: Span, manner: str) -> Iterator[int]:
    apart = _SELDOM_D if manner == "now_and_then" else _SITS_D
    at = bounds[0] + int(rng.uniform(*apart) * _DAY_S)
    while at < bounds[1]:
        yield at
        at += int(rng.uniform(*apart) * _DAY_S)


def _put(rng: np.random.Generator, opened: int, sittings: list[int], manner: str) -> Put:
    """What becomes of a doubt: whatever happens first."""
    deeds = [] if manner in {"settled", "once"} else _answered(rng, opened, sittings, manner)
    if manner == "settled" or (manner != "once" and rng.random() < _SETTLED):
        at = opened + int(rng.uniform(*_SETTLES_D) * _DAY_S)
        if not deeds or at < deeds[0][0]:
            return Put(opened, ((at, str(rng.choice(["withdrawn", "exempted"]))),))
    return Put(opened, tuple(deeds))


def _answered(
    rng: np.random.Generator, opened: int, sittings: list[int], manner: str = ""
) -> Deeds:
    """Explained when next somebody sits down to it; at times returned, and explained again."""
    coming = [at for at in sittings if at > opened]
    # Of who answers one now and then most wait for another time, or for ever.
    while manner == "now_and_then" and coming and rng.random() < 0.7:
        coming.pop(0)
    if not coming:
        return []
    deeds = [(coming[0], "explained")]
    if rng.random() < _AGAIN:
        back = coming[0] + int(rng.uniform(1, 5) * _DAY_S)
        deeds.append((back, "returned"))
        deeds += [(at, "explained") for at in [at for at in coming if at > back][:1]]
    return deeds


def unanswered(doubts: list[Put], bounds: Span) -> Iterator[Span]:
    """Yield when several doubts waited and none was answered; an answer parts them."""
    answers = {at for one in doubts for at, what in one.deeds if what == "explained"}
    waiting = [span for one in doubts for span in _waits(one, bounds[1])]
    edges = sorted({at for span in waiting for at in span} | answers | {*bounds})
    begun: int | None = None
    for at, until in pairwise(one for one in edges if bounds[0] <= one <= bounds[1]):
        several = sum(span[0] <= at < span[1] for span in waiting) >= _SEVERAL
        if begun is not None and (not several or at in answers):
            yield begun, at
            begun = None
        if several and begun is None:
            begun = at
        if begun is not None and until == bounds[1]:
            yield begun, until


def _waits(one: Put, end: int) -> Spans:
    found, since = [], one.opened_s
    for at, what in one.deeds:
        if what == "returned":
            since = at
        else:
            found.append((since, at))
            since = end
    return common([*found, (since, end)], [(0, end)])


def _case(one: Span) -> Case:
    return Case(UNANSWERED, *one, {By.DAYS: (one[1] - one[0]) / _DAY_S}, told=True)
