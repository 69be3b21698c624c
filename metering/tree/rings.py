"""Meters that hang on themselves: found, named, and cut."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from metering.tree.timeline import Span, Timeline


def cut(
    mains: Mapping[int, Timeline[int]], sources: Mapping[int, Collection[int]]
) -> tuple[dict[int, Timeline[int]], set[int]]:
    """Take every main meter away that a meter has while it stands in a ring.

    Args:
        mains: main meter of each meter.
        sources: what virtual meters are made of; without rings among themselves.

    Returns:
        The mains that are left, and the meters that stood in a ring some day.
    """
    left = dict(mains)
    suspects = _suspects(mains, sources)
    ringed: set[int] = set()
    links = [span for meter in suspects for span in mains.get(meter, ())]
    days = sorted({day for span in links for day in (span.begin, span.end)})
    for begin, end in itertools.pairwise(days):
        ring = _rings_on(begin, mains, sources, suspects)
        ringed |= ring
        for meter in ring & mains.keys():
            left[meter] = _without(left[meter], begin, end)
    return left, ringed


def _suspects(
    mains: Mapping[int, Timeline[int]], sources: Mapping[int, Collection[int]]
) -> set[int]:
    """Those from whom, on whatever days, a way leads on for ever."""
    ways = {meter: {span.value for span in line} for meter, line in mains.items()}
    for meter, others in sources.items():
        ways[meter] = ways.get(meter, set()) | set(others)
    suspects = set(ways)
    while ended := {m for m in suspects if suspects.isdisjoint(ways[m])}:
        suspects -= ended
    return suspects


def _rings_on(
    day: date,
    mains: Mapping[int, Timeline[int]],
    sources: Mapping[int, Collection[int]],
    suspects: Collection[int],
) -> set[int]:
    ways = {meter: list(sources.get(meter, ())) for meter in suspects}
    for meter in suspects:
        ways[meter] += [s.value for s in mains.get(meter, ()) if s.begin <= day < s.end]
    return {meter for meter in suspects if _returns(meter, ways)}


def _returns(start: int, ways: Mapping[int, Sequence[int]]) -> bool:
    seen: set[int] = set()
    stack = list(ways[start])
    while stack:
        at = stack.pop()
        if at == start:
            return True
        if at not in seen:
            seen.add(at)
            stack += ways.get(at, ())
    return False


def _without(line: Timeline[int], begin: date, end: date) -> Timeline[int]:
    kept: list[Span[int]] = []
    for span in line:
        before = Span(span.begin, min(span.end, begin), span.value)
        behind = Span(max(span.begin, end), span.end, span.value)
        kept += [part for part in (before, behind) if part.begin < part.end]
    return tuple(kept)
