"""Units that enter their figures month by month: in time, late, or never.

Whatever the quarter of a scenario: what is asked for in the year in which it begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Final

import numpy as np

from simulators.city.life import midnight_s
from simulators.city.model import Case, Subject
from simulators.city.plan import LEDGER_HARMLESS, MISSING, By, Plan
from simulators.city.spans import Span, Spans, common, union, without

_HOUR_S, _DAY_S = 3_600, 86_400
_EPOCH: Final = date(1970, 1, 1)
MONTHS: Final = 36
"""Of the year that is looked at, and of the two before: of the first one all is known for long."""
_SHARES: Final = {"electricity": 1.0, "water": 1.0, "gas": 0.5, "heat": 0.6}
"""Of units that use it."""
_HEATED: Final = frozenset({1, 2, 3, 11, 12})
_WITHOUT: Final = 0.1
"""Share of electricity and water that is paid with the rent: no account is there for it."""
_LENGTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_DUE_D: Final = {"month": 15, "quarter": 15, "year": 90}
"""Days behind the end of a period until which its figures are due."""
_REMINDED_D: Final = {"month": 5, "quarter": 5, "year": 15}
"""So many days before, who has not entered all of them is reminded."""
_NEVER_D: Final = {"month": 10, "quarter": 70, "year": 260}
"""What is to come so late does not come at all."""
_CORRECTED_D: Final = (12, 80)
_TAKEN_BACK_S: Final = (180, 1_800)


@dataclass(frozen=True, slots=True)
class Figure:
    """What is told of an energy and a month.

    Attributes:
        used: in thousandths of its unit.
        account: one is there for it.
        known: when it stood in the ledger, s UTC.
    """

    used: int
    account: bool
    known: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger(Subject):
    """What a unit entered.

    Attributes:
        year: that is looked at.
        figures: energy → of :data:`MONTHS` months.
    """

    year: int
    figures: dict[str, tuple[Figure, ...]]


@dataclass(frozen=True, slots=True)
class Wish:
    """Something at a unit; period: its first month; days: behind the deadline, of what is late."""

    name: str
    period: int
    days: float = 0.0


@dataclass(frozen=True, slots=True)
class City:
    """What happens at which unit."""

    plan: Plan
    seed: int
    year: int
    wishes: dict[int, list[Wish]] = field(default_factory=lambda: defaultdict(list))

    def begin_s(self, month: int) -> int:
        """When a month begins, s UTC."""
        first = date(self.year - 2 + month // 12, month % 12 + 1, 1)
        return midnight_s((first - _EPOCH).days)


def live(plan: Plan, seed: int) -> Callable[[int], list[Ledger]]:
    """Make up units; return what makes up those of an institution.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    rng = np.random.default_rng([seed, 81])
    city = City(plan, seed, (_EPOCH + timedelta(days=plan.first)).year)
    for cadence, kind in MISSING.items():
        sizes = (s for one in plan.wanted if one.kind == kind for s in one.sizes * one.each)
        for size in sizes:
            _enter(city, rng, Wish(cadence, 0, size * rng.uniform(1.0, 1.05)))
    for name in LEDGER_HARMLESS:
        for _ in range(plan.ledger_harmless.get(name, 0)):
            _enter(city, rng, Wish(name, 0))
    return partial(_institution, city)


def _enter(city: City, rng: np.random.Generator, wish: Wish) -> None:
    """Put it where nothing else happens to the same period; of a unit one year is late, or none."""
    order = rng.permutation(city.plan.institutions * city.plan.ledgers).tolist()
    for unit in order:
        mine = city.wishes[unit]
        length = _LENGTHS.get(wish.name, 3)
        first = 12 if wish.name == "year" else 21
        begin = first + length * int(rng.integers(1 if wish.name == "year" else 12 // length))
        spans = [(one.period, one.period + _LENGTHS.get(one.name, 3)) for one in mine]
        names = {one.name for one in mine}
        once = wish.name in names and wish.name in {"closed", "opened"}
        if not once and not common([(begin, begin + length)], union(spans)):
            mine.append(Wish(wish.name, begin, wish.days))
            return
    raise ValueError(f"no unit is left for {wish.name}: fewer of it, or a larger city")


def _institution(city: City, number: int) -> list[Ledger]:
    each = city.plan.ledgers
    return [_ledger(city, one) for one in range(number * each, number * each + each)]


def _ledger(city: City, number: int) -> Ledger:
    rng = np.random.default_rng([city.seed, 82, number])
    wishes = city.wishes[number]
    sat = _sittings(city, wishes, rng)
    moved = {one.name: one.period for one in wishes if one.name in {"closed", "opened"}}
    uses = [energy for energy, share in _SHARES.items() if rng.random() < share]
    moves = str(rng.choice(uses))
    figures = {
        energy: tuple(_figures(city, energy, sat, moved if energy == moves else {}, rng))
        for energy in uses
    }
    for one in wishes:
        _late(city, one, figures, rng)
    spans = {cadence: [*_missing(city, cadence, figures)] for cadence in MISSING}
    return Ledger(
        code=f"i{number // city.plan.ledgers:03}-l{number:04}",
        series=(),
        beside=(),
        tags=(),
        cases=tuple(
            Case(MISSING[cadence], *span, {By.LATE: (span[1] - due) / _DAY_S}, told=True)
            for cadence, its in spans.items()
            for due, span in its
            if span[0] < due < span[1]
        ),
        true={MISSING[cadence]: union(span for _, span in its) for cadence, its in spans.items()},
        marked=tuple(
            (one.name, [(city.begin_s(one.period), city.begin_s(MONTHS))])
            for one in wishes
            if one.name in LEDGER_HARMLESS
        ),
        year=city.year,
        figures=figures,
    )


def _sittings(city: City, wishes: list[Wish], rng: np.random.Generator) -> list[int]:
    """When the figures of each month are entered, all of them in one sitting."""
    quarterly = rng.random() < 0.4
    found = []
    for month in range(MONTHS):
        end = month // 3 * 3 + 3 if quarterly else month + 1
        found.append(_behind(city, end, rng, 0, 8))
    for one in wishes:
        day = {"last_day": 14, "day_before": 9}.get(one.name)
        if day is not None:
            found[one.period : one.period + 3] = [_behind(city, one.period + 3, rng, day, day)] * 3
    return found


def _behind(city: City, month: int, rng: np.random.Generator, first: int, last: int) -> int:
    """A moment of working hours, so many days behind the begin of a month."""
    day = int(rng.integers(first, last + 1))
    return city.begin_s(month) + day * _DAY_S + int(rng.integers(9 * _HOUR_S, 18 * _HOUR_S))


def _figures(
    city: City, energy: str, sat: list[int], moved: dict[str, int], rng: np.random.Generator
) -> Iterator[Figure]:
    """A figure is there as soon as it is entered, and stays."""
    account = energy in {"gas", "heat"} or rng.random() >= _WITHOUT
    ends, end = moved.get("closed", MONTHS), city.begin_s(MONTHS)
    begins = min(moved.get("opened", 0), ends)
    for month in range(MONTHS):
        there = begins <= month < ends
        uses = there and (energy != "heat" or month % 12 + 1 in _HEATED)
        used = int(rng.integers(1_000, 1_000_000)) if uses else 0
        at = 0 if month < 12 else sat[month]
        yield Figure(used, account and there, ((at, end),) if used and at < end else ())


def _late(
    city: City, wish: Wish, figures: dict[str, tuple[Figure, ...]], rng: np.random.Generator
) -> None:
    """Let one figure of a period come late, or be corrected; others of the month stand."""
    length, end = _LENGTHS.get(wish.name, 3), city.begin_s(MONTHS)
    due = [
        (energy, month)
        for energy, its in figures.items()
        for month in range(wish.period, wish.period + length)
        if its[month].used and (length < 12 or month < 21)
    ]
    if wish.name not in {*MISSING, "corrected", "taken_back"} or not due:
        return
    # Of a year one of its first three quarters: the fourth is asked for by itself.
    energy, month = due[int(rng.integers(len(due)))]
    over = city.begin_s(wish.period + length)
    if wish.name in {"corrected", "taken_back"}:
        # Entered anew in one act with taking it back, or only then.
        lasts = int(rng.integers(*_TAKEN_BACK_S)) if wish.name == "taken_back" else 0
        begun = figures[energy][month].known[0][0] if figures[energy][month].known else end
        back = max(over + int(rng.uniform(*_CORRECTED_D) * _DAY_S), begun)
        known: tuple[Span, ...] = ((begun, back), (back + lasts, end))
    else:
        at = over + int((_DUE_D[wish.name] + wish.days) * _DAY_S)
        known = ((at, end),) if wish.days < _NEVER_D[wish.name] and at < end else ()
    mine = [*figures[energy]]
    mine[month] = Figure(mine[month].used, mine[month].account, known)
    figures[energy] = tuple(mine)


def _missing(
    city: City, cadence: str, figures: dict[str, tuple[Figure, ...]]
) -> Iterator[tuple[int, Span]]:
    """Yield deadlines, and spans in which something was missing that was due or nearly so.

    Of the period that ended last, until the next one is over; within the year that is looked at.
    """
    length = _LENGTHS[cadence]
    for first in range(24 - length, MONTHS - length, length):
        over, end = city.begin_s(first + length), city.begin_s(min(first + 2 * length, MONTHS))
        due = over + _DUE_D[cadence] * _DAY_S
        asked: Spans = [(due - _REMINDED_D[cadence] * _DAY_S, end)]
        lacking = union(
            span
            for its in figures.values()
            for one in its[first : first + length]
            if one.used
            for span in without(asked, union(one.known))
        )
        yield from ((due, span) for span in lacking)
