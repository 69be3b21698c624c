"""Times as ascending spans that do not touch: (first second, first second after)."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
Spans = list[Span]


def union(*parts: Iterable[Span], bridge: int = 0) -> Spans:
    """Return all of it; what lies no further apart than ``bridge`` seconds is one."""
    found: Spans = []
    for begin, end in sorted(span for part in parts for span in part if span[0] < span[1]):
        if found and begin <= found[-1][1] + bridge:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def common(one: Spans, other: Spans) -> Spans:
    """Return what lies in both."""
    found: Spans = []
    at = 0
    for begin, end in one:
        while at < len(other) and other[at][1] <= begin:
            at += 1
        number = at
        while number < len(other) and other[number][0] < end:
            found.append((max(begin, other[number][0]), min(end, other[number][1])))
            number += 1
    return found


def without(one: Spans, other: Spans) -> Spans:
    """Return what lies in the first alone."""
    found: Spans = []
    at = 0
    for begin, end in one:
        left = begin
        while at < len(other) and other[at][1] <= begin:
            at += 1
        number = at
        while number < len(other) and other[number][0] < end:
            if other[number][0] > left:
                found.append((left, other[number][0]))
            left = max(left, other[number][1])
            number += 1
        if left < end:
            found.append((left, end))
    return found


def length(spans: Spans) -> int:
    """Return how many seconds they hold."""
    return sum(end - begin for begin, end in spans)
