"""The measurement: fleets from a seed, untrue papers among true ones, what is found of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.joining.check import verdicts
from fleet.joining.rules import Rules
from fleet.joining.verdict import Check, Doubt
from jieyong.evaluation.score import Score, floor, floor_of_told, score, together
from jieyong.evaluation.staged import Fleet, records, simulated
from jieyong.evaluation.trips import numbered
from simulators.receipts.case import Kind
from simulators.receipts.tamper import KINDS, tampered
from simulators.receipts.world import scored_from_us

FLEETS: Final = 2
_NEVER_US: Final = 1 << 62
_CHECKS: Final = {
    "borrowed_card": Check.PLACE,
    "station_elsewhere": Check.PLACE,
    "without_travel": Check.TRAVEL,
    "overfill:tank": Check.TANK,
    "overfill:since": Check.ROOM,
    "two_fills": Check.PAIR,
    "padded_litres": Check.LITRES,
    "wrong_fuel": Check.FUEL,
    "other_vehicle": Check.HOLDER,
    "garage_never_visited": Check.GARAGE,
    "order_without_trip": Check.ORDER,
    "order_kilometres": Check.ORDER,
    "trip_without_order": Check.TRIP,
    "trip_without_order:shifted": Check.TRIP,
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A kind at all its sizes.

    Attributes:
        kind: which, with its unit.
        scores: by size, ascending.
    """

    kind: Kind
    scores: tuple[Score, ...]

    @property
    def floor(self) -> int | None:
        """The detection floor; None: no size is enough."""
        return floor(self.scores)

    @property
    def floor_of_told(self) -> int | None:
        """The same, however little of what is untrue can be told."""
        return floor_of_told(self.scores)


def evaluate(  # noqa: PLR0913 - how large a measurement, each by its name
    seed: int,
    rules: Rules,
    *,
    fleets: int = FLEETS,
    fleet: Callable[[int], Fleet] = simulated,
    kinds: Sequence[Kind] = KINDS,
    done: Callable[[], None] = lambda: None,
) -> list[Curve]:
    """Return the curve of every kind.

    Args:
        seed: of everything; seeds below 1000 and 7001 to 7010 were looked at when thresholds were
            chosen.
        rules: the thresholds.
        fleets: how many are made up; their counts are summed.
        fleet: what makes one up from a seed.
        kinds: of untrue papers, with their sizes.
        done: called behind every fleet, for people who wait.
    """
    sums: dict[str, list[list[Score]]] = {kind.name: [[] for _ in kind.sizes] for kind in kinds}
    for number in range(fleets):
        one = fleet(seed * 1_000 + number)
        for kind in kinds:
            for at, size in enumerate(kind.sizes):
                sums[kind.name][at].append(_score(one, kind, size, rules))
        done()
    return [Curve(kind, tuple(together(part) for part in sums[kind.name])) for kind in kinds]


def _score(one: Fleet, kind: Kind, size: int, rules: Rules) -> Score:
    case = tampered(one.world, kind, size)
    doubt = Doubt(kind.name.partition(":")[0])
    begin, checks = scored_from_us(one.world), {_CHECKS[kind.name]}
    found = list(verdicts(records(one, case), begin, _NEVER_US, rules, checks=checks))
    if case.driven:
        case, found = numbered(case, found)
    return score(size, case, found, doubt, runs=doubt is Doubt.PADDED_LITRES)
