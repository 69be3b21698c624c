"""What rules would find, or would have found: looked at, not written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from rules.derive.evaluate import Version
from rules.derive.recompute import Basis, Known, grouped
from rules.derive.sources import Sources
from rules.derive.span import look, windows
from rules.timeline.runs import Runs

PORTION: Final = 500
"""Places looked at in one go."""
_PLACES: Final[LiteralString] = """
SELECT DISTINCT bound.place_id
FROM device_place AS bound
JOIN point ON point.device_id = bound.device_id AND point.class <> 'counter'
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Portion:
    """What was found at some places.

    Attributes:
        places: how many were looked at.
        found: runs by version; those that begin before the time, or behind it, are left out.
    """

    places: int
    found: tuple[tuple[Version, Runs], ...]


def places(conn: psycopg.Connection[Any]) -> list[int]:
    """Return the places that rules can be about."""
    return [place for (place,) in conn.execute(_PLACES)]


def backtest(
    conn: psycopg.Connection[Any], basis: Basis, among: list[int], begin_us: int, end_us: int
) -> Iterator[Portion]:
    """Yield what the rules find in a time, portion by portion.

    Args:
        conn: any connection.
        basis: rules and what else.
        among: places, ascending.
        begin_us: doubts that begin from then on, µs UTC.
        end_us: and before this, µs UTC. How long they went on is looked up as far as needed to
            tell whether they had stood long enough, and no further.
    """
    for first in range(0, len(among), PORTION):
        part = among[first : first + PORTION]
        sources = Sources.load(conn, part, basis.gauges, basis.inputs)
        found: list[tuple[Version, Runs]] = []
        for versions, group in grouped(part, sources, basis.versions):
            reach = basis.reach_us(versions)
            seen = windows([look(place, begin_us - reach, end_us + reach) for place in group])
            known = Known(conn, basis, versions, sources)
            found += [(o.version, _within(o.runs, begin_us, end_us)) for o in known.found(seen)]
        yield Portion(len(part), tuple(found))


def _within(runs: Runs, begin_us: int, end_us: int) -> Runs:
    return runs.where(np.asarray((runs.since >= begin_us) & (runs.since < end_us)))
