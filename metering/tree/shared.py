"""What several virtual sub-meters of one main contain, and how much of it counts twice. Pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

Within = tuple[tuple[str, Fraction], ...]
"""Codes of sub-meters, each with its factor of a source."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A virtual sub-meter belongs to a balance for some time.

    Attributes:
        meter: its id.
        code: of the meter.
        begin: UTC.
        end: exclusive.
    """

    meter: int
    code: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Overlap:
    """For some time a source counts more than once.

    Attributes:
        source: id of the physical meter.
        within: the sub-meters that add it.
        begin: UTC.
        end: exclusive.
    """

    source: int
    within: Within
    begin: datetime
    end: datetime


def twice(factors: Iterable[Fraction]) -> Fraction:
    """Return how much of a source counts twice.

    Parts of it in several sub-meters are right as long as they make no more than the whole of it,
    or than one sub-meter alone has on purpose.

    Args:
        factors: of the source in each of the sub-meters that add it.
    """
    those = list(factors)
    return max(sum(those, Fraction(0)) - max([Fraction(1), *those]), Fraction(0))


def overlaps(
    stays: Iterable[Stay], contents: Mapping[int, Mapping[int, Fraction]]
) -> Iterator[Overlap]:
    """Yield which sources count more than once, and when.

    What a formula takes off is in none of its sub-meters: ``{P} - {A}`` is the rest of P.

    Args:
        stays: of virtual sub-meters.
        contents: factors of all that virtual meters are made of.
    """
    adding: dict[int, list[tuple[Stay, Fraction]]] = defaultdict(list)
    for stay in stays:
        for source, factor in contents[stay.meter].items():
            if factor > 0 and source not in contents:
                adding[source].append((stay, factor))
    for source, those in adding.items():
        edges = sorted({at for stay, _ in those for at in (stay.begin, stay.end)})
        for begin, end in itertools.pairwise(edges):
            there = [(s.code, factor) for s, factor in those if s.begin <= begin < s.end]
            if twice(factor for _, factor in there):
                yield Overlap(source, tuple(there), begin, end)


def half_away(value: Fraction) -> int:
    """Round to a whole number, halves away from zero."""
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole
