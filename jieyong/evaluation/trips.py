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
_SAME_S: int = 60
"""Drives are minutes apart; what ends so little into one is the drive before."""


def numbered(case: Case, found: Iterable[Verdict]) -> tuple[Case, list[Verdict]]:
    """Return a case and its verdicts on trips with numbers that are a trip's own.

    A trip's number is its begin, which two vehicles may share. A trip belongs to the drive in which
    it begins, or ends: where a terminal was silent, its begin is a guess. A drive of which no trip
    is known counts as one that cannot be told.
    """
    driven: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for (vehicle, begin, end), group in case.driven.items():
        driven[vehicle].append((begin, end + _EDGE_S, group))
    untrue: dict[int, int] = {}
    verdicts = [replace(one, number=number) for number, one in enumerate(found)]
    for one in verdicts:
        for begin, end, group in driven[one.vehicle]:
            begins = begin - _EDGE_S <= one.at_us // _SECOND < end
            if begins or begin + _SAME_S <= _ended_s(one) < end:
                untrue[one.number] = group
    unknown = set(case.driven.values()) - set(untrue.values())
    untrue |= {-1 - group: group for group in unknown}
    return replace(case, untrue=untrue), verdicts


def _ended_s(one: Verdict) -> int:
    ended = (figure.value for figure in one.figures if figure.name == "ended_us")
    return next((value for value in ended if isinstance(value, int)), one.at_us) // _SECOND
