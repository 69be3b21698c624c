"""The measurement: fleets from a seed, untrue papers among true ones, what is found of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.joining.check import verdicts
from fleet.joining.model import Track
from fleet.joining.rules import Rules
from fleet.joining.verdict import Check, Doubt
from jieyong.evaluation.score import Score, floor, score, together
from jieyong.evaluation.staged import records, tracks
from simulators.receipts.tamper import KINDS, Kind, scored_from_us, tampered
from simulators.receipts.world import DAYS, VEHICLES, World, world

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
    "garage_never_visited": Check.GARAGE,
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


def evaluate(  # noqa: PLR0913 - how large a measurement, each by its name
    seed: int,
    rules: Rules,
    *,
    fleets: int = FLEETS,
    vehicles: int = VEHICLES,
    days: int = DAYS,
    kinds: Sequence[Kind] = KINDS,
    done: Callable[[], None] = lambda: None,
) -> list[Curve]:
    """Return the curve of every kind.

    Args:
        seed: of everything; seeds below 1000 were looked at when thresholds were chosen.
        rules: the thresholds.
        fleets: how many are made up; their counts are summed.
        vehicles: in each.
        days: of each.
        kinds: of untrue papers, with their sizes.
        done: called behind every fleet, for people who wait.
    """
    sums: dict[str, list[list[Score]]] = {kind.name: [[] for _ in kind.sizes] for kind in kinds}
    for number in range(fleets):
        one = world(seed * 1_000 + number, vehicles, days)
        made = tracks(one)
        for kind in kinds:
            for at, size in enumerate(kind.sizes):
                sums[kind.name][at].append(_score(one, made, kind, size, rules))
        done()
    return [Curve(kind, tuple(together(part) for part in sums[kind.name])) for kind in kinds]


def _score(one: World, made: dict[str, Track], kind: Kind, size: int, rules: Rules) -> Score:
    case = tampered(one, kind, size)
    doubt = Doubt(kind.name.partition(":")[0])
    found = verdicts(
        records(one, made, case),
        scored_from_us(one),
        _NEVER_US,
        rules,
        checks={_CHECKS[kind.name]},
    )
    return score(size, case, found, doubt, runs=doubt is Doubt.PADDED_LITRES)
