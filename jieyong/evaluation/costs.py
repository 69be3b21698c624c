"""How much of what vehicles use, or pay, too much is found: measured on simulated fleets.

What is measured is the kind of rule itself with its defaults, on the layers that it looks at. A
vehicle that changes counts once: as found when a month from its day on is a doubt, as one that can
be told when that is so or when two thirds of the months behind it are known to be none. What is a
doubt of a true vehicle, or before the day, is a false alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
from numpy.random import Generator

from fleet.joining.model import Filling, Stops, Track, Trips
from fleet.joining.rules import Rules
from fleet.ledger.window import later
from fleet.norms.compare import Compared, Member, compared
from fleet.norms.prices import Prices, in_money
from fleet.norms.used import Books
from jieyong.evaluation.run import Curve
from jieyong.evaluation.score import Score, together
from jieyong.evaluation.staged import ZONE, filling_of
from rules.kinds.catalogue import KINDS as RULE_KINDS
from rules.subjects.vehicles.normal import norm_events
from rules.timeline.overlay import Pieces
from rules.timeline.truth import FALSE, TRUE
from simulators import almanac, noise
from simulators.receipts.case import Kind
from simulators.receipts.costly import Costly, costly
from simulators.receipts.life import Life
from storage.times import midnight, us_of

SIZES: Final = (10, 20, 30, 40, 50)
KINDS: Final = (
    Kind("fuel_rate", "%", SIZES, 10),
    Kind("fuel_cost", "%", SIZES, 10),
)
_SECOND: Final = 1_000_000
_LEARNED: Final = 12
"""Months before the first one that is looked at."""


def evaluate_costs(
    seed: int,
    rules: Rules,
    *,
    fleets: int,
    kinds: Sequence[Kind] = KINDS,
    done: Callable[[], None] = lambda: None,
) -> list[Curve]:
    """Return the curve of every kind; see :func:`jieyong.evaluation.run.evaluate`."""
    sums: dict[str, list[list[Score]]] = {kind.name: [[] for _ in kind.sizes] for kind in kinds}
    for number in range(fleets):
        for kind in kinds:
            for at, size in enumerate(kind.sizes):
                sums[kind.name][at].append(_score(seed * 1_000 + number, kind, size, rules))
        done()
    return [Curve(kind, tuple(together(part) for part in sums[kind.name])) for kind in kinds]


def _score(seed: int, kind: Kind, size: int, rules: Rules) -> Score:
    money = kind.name == "fuel_cost"
    made = costly(seed, yuan_pct=size) if money else costly(seed, litres_pct=size)
    months = _months(made)
    begins = [us_of(midnight(month, ZONE)) for month in months]
    members = _members(made, seed, rules, money=money)
    found = compared(members, begins, range(_LEARNED, len(months) - 1), rules)
    by_month = {months[number]: its for number, its in found.items()}
    return _counted(made, size, _told(made, kind, by_month), begins)


def _months(made: Costly) -> list[date]:
    first, last = (
        datetime.fromtimestamp(almanac.start_of(day) / 1e6, UTC).astimezone(ZONE).date()
        for day in (made.first_day, made.first_day + made.days - 1)
    )
    found = [first.replace(day=1)]
    while found[-1] <= last:
        found.append(later(found[-1], 1))
    return found


def _members(made: Costly, seed: int, rules: Rules, *, money: bool) -> list[Member]:
    papers: dict[str, list[Filling]] = {code: [] for code in made.lives}
    for one in made.receipts:
        car = made.lives[one.vehicle].car
        papers[one.vehicle].append(filling_of(one, car.energy, car.tank_l * 1_000))
    papers = {
        code: [replace(one, fen=made.fen.get(one.number)) for one in its]
        for code, its in papers.items()
    }
    if money:
        prices = Prices.paid(one for its in papers.values() for one in its)
        papers = {code: [in_money(one, prices) for one in its] for code, its in papers.items()}
    rng = np.random.default_rng(noise.derive(seed, "ways", 0))
    tracks = {code: _track(life, rng) for code, life in made.lives.items()}
    return [
        Member(
            code,
            Books(its, Track() if code in made.unseen else tracks[code], rules),
            made.lives[code].car.energy,
            ((0, "sedan"),),
        )
        for code, its in papers.items()
    ]


def _track(life: Life, rng: Generator) -> Track:
    """Return the ways of a life, each terminal a little off; finding them is measured elsewhere."""
    begun = np.array([stay[0] for stay in life.stays], np.int64)
    ended = np.array([stay[1] for stay in life.stays], np.int64)
    started, arrived = ended[:-1], begun[1:]
    drove = arrived > started
    started, arrived = started[drove], arrived[drove]
    read = np.interp(arrived, life.t, life.metres) - np.interp(started, life.t, life.metres)
    mm = (read * 1_000 * (1 + rng.normal(0, 0.008))).astype(np.int64)
    none, unknown = np.zeros(len(mm), np.int64), np.full(len(mm), -1, np.int64)
    nowhere, stood = np.zeros(len(begun)), np.zeros(len(begun), np.int64)
    return Track(
        Stops(begun * _SECOND, ended * _SECOND, nowhere, nowhere, stood - 1, stood),
        Trips(started * _SECOND, arrived * _SECOND, mm, none, unknown, none),
    )


def _told(
    made: Costly, kind: Kind, months: dict[date, list[Compared]]
) -> dict[tuple[str, int], int]:
    """Return (vehicle, begin of a month) → what the rule says of it; unknown is left out."""
    ids = {code: number for number, code in enumerate(made.lives)}
    events = norm_events(kind.name.removeprefix("fuel_"), months, ids, ZONE)
    cells = sorted({(one.vehicle, one.since, one.until) for its in events.values() for one in its})
    columns = {name: np.full(len(cells), np.nan) for name in events}
    row = {cell: number for number, cell in enumerate(cells)}
    for name, its in events.items():
        for one in its:
            columns[name][row[one.vehicle, one.since, one.until]] = one.value
    subject, since, until = (np.array(column, np.int64) for column in zip(*cells, strict=True))
    rule = RULE_KINDS[f"vehicle.{kind.name}"]
    values = {name: one.default or 0.0 for name, one in rule.parameters.items()}
    truth = rule.holds(Pieces(subject, since, until, columns), values)
    codes = list(made.lives)
    told = zip(subject.tolist(), since.tolist(), truth.tolist(), strict=True)
    return {(codes[one], at): said for one, at, said in told if said in {FALSE, TRUE}}


@dataclass(frozen=True, slots=True)
class _Vehicle:
    """What was said of a vehicle: found, false alarm, and whether it can be told."""

    found: bool
    false: bool
    told: bool


def _counted(
    made: Costly, size: int, told: dict[tuple[str, int], int], begins: Sequence[int]
) -> Score:
    changed = [_changed(code, almanac.start_of(day), told, begins)
               for code, day in made.changed.items()]  # fmt: skip
    true = [_true(code, told, begins) for code in made.lives if code not in made.changed]
    return Score(
        size,
        len(changed),
        sum(one.told for one in changed),
        sum(one.found for one in changed),
        sum(one.false for one in (*changed, *true)),
        sum(one.told for one in true),
    )


def _changed(
    code: str, day_us: int, told: dict[tuple[str, int], int], begins: Sequence[int]
) -> _Vehicle:
    spans = list(zip(begins[_LEARNED:], begins[_LEARNED + 1 :], strict=False))
    found = any(told.get((code, begin)) == TRUE for begin, end in spans if end > day_us)
    early = any(told.get((code, begin)) == TRUE for begin, end in spans if end <= day_us)
    behind = [told.get((code, begin)) for begin, _ in spans if begin >= day_us]
    known = sum(one is not None for one in behind) * 3 >= len(behind) * 2
    return _Vehicle(found, early, found or known)


def _true(code: str, told: dict[tuple[str, int], int], begins: Sequence[int]) -> _Vehicle:
    said = [told[code, begin] for begin in begins if (code, begin) in told]
    return _Vehicle(found=False, false=TRUE in said, told=bool(said))
