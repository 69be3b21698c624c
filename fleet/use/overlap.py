"""How many vehicles are out at the same moment, to the minute: pure.

Minutes are whole, counted from anywhere; a time holds its begin and not its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Minutes = tuple[int, int]
"""Begin and end, the begin before the end."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most vehicles at once.

    Attributes:
        vehicles: how many.
        minute: the first at which they are; None: there are none.
    """

    vehicles: int
    minute: int | None


def merged(times: Iterable[Minutes], pause: int) -> list[Minutes]:
    """Return the times of one vehicle as one where they touch, overlap, or lie so near.

    Args:
        times: in any order.
        pause: minutes; what is parted by no more is one.
    """
    found: list[Minutes] = []
    for begin, end in sorted(times):
        if found and begin - found[-1][1] <= pause:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def busiest(vehicles: Iterable[Sequence[Minutes]], begin: int, end: int) -> Peak:
    """Return the most vehicles at once between two minutes.

    Args:
        vehicles: of each its times, none of which touch each other.
        begin: the first minute.
        end: the minute behind the last.
    """
    steps = sorted(_steps(vehicles, begin, end))
    out, most, at = 0, 0, None
    for minute, step in steps:
        out += step
        if out > most:
            most, at = out, minute
    return Peak(most, at)


def enough(needed: Sequence[int]) -> list[tuple[int, int]]:
    """Return (vehicles, days on which so many are enough), up to those that always are.

    Args:
        needed: of each day.
    """
    steps = sorted(set(needed))
    return [(number, sum(one <= number for one in needed)) for number in steps]


def inside(times: Iterable[Minutes], begin: int, end: int) -> int:
    """Return how many minutes of some times lie between two."""
    return sum(max(0, min(end, until) - max(begin, since)) for since, until in times)


def _steps(
    vehicles: Iterable[Sequence[Minutes]], begin: int, end: int
) -> Iterator[tuple[int, int]]:
    # At one minute who comes back is counted first: -1 stands before 1.
    for times in vehicles:
        for since, until in times:
            if max(since, begin) < min(until, end):
                yield max(since, begin), 1
                yield min(until, end), -1
