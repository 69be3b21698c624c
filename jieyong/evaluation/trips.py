"""Trips that no true order covers, counted as untrue papers are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from fleet.joining.verdict import Verdict
from simulators.receipts.case import Case

_SECOND: int = 1_000_000
_EDGE_S: int = 600
"""A terminal sees a trip begin, and end, so much beside the truth."""


def numbered(case: Case, found: Iterable[Verdict]) -> tuple[Case, list[Verdict]]:
    """Return a case and its verdicts on trips with numbers that are a trip's own.

    A trip's number is its begin, which two vehicles may share. A drive of which no trip is known
    counts as one that cannot be told.
    """
    driven: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for (vehicle, begin, end), group in case.driven.items():
        driven[vehicle].append((begin - _EDGE_S, end + _EDGE_S, group))
    untrue: dict[int, int] = {}
    verdicts = [replace(one, number=number) for number, one in enumerate(found)]
    for one in verdicts:
        for begin, end, group in driven[one.vehicle]:
            if begin * _SECOND <= one.at_us < end * _SECOND:
                untrue[one.number] = group
    unknown = set(case.driven.values()) - set(untrue.values())
    untrue |= {-1 - group: group for group in unknown}
    return replace(case, untrue=untrue), verdicts
