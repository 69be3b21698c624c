"""Arithmetic of spans of time: (from, to) in µs, ascending and apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the time that lies in any of some spans."""
    found = list[Span]()
    for start, end in sorted(one for one in spans if one[0] < one[1]):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def within(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the time that lies in both; each ascending and apart."""
    met = ((max(start, begin), min(end, close)) for start, end in spans for begin, close in others)
    return [(start, end) for start, end in met if start < end]


def without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the time of the first that does not lie in the second; each ascending and apart."""
    left = list(spans)
    for begin, close in others:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, begin)), (max(start, close), end))
            if part[0] < part[1]
        ]
    return left


def total(spans: Iterable[Span]) -> int:
    """Return how much time it is, µs."""
    return sum(end - start for start, end in spans)


def longest(spans: Iterable[Span]) -> int:
    """Return the length of the longest, µs; 0: there is none."""
    return max((end - start for start, end in spans), default=0)
