"""Whose a silence is: a device's own, or that of all that is on its bus, or of everything. Pure.

When a gateway is down, all behind it are silent; that is one thing, and asked about once. So a
silence is a subject's own only while something beside it was heard of, or nothing else is there. A
reading beside it proves that for its hour and as long as values hold; after a day of such hours it
is certain, and what is beside it may fall silent, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.gauge.hold import Holds
from rules.subjects.devices.heard import HOUR_US, Span

PROVEN_HOURS: Final = 24
"""Hours heard beside a silence after which it is a subject's own for as long as it lasts: more than
any pause in which those beside it happen to be asked and it is not. One that had to be proven anew
for ever would be looked at anew for ever."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nothing is heard of a subject.

    Attributes:
        subject: id.
        since: when it began, µs UTC: maybe before anything that is looked at.
        shown: from when on it is looked at.
        until: when it ends, or what is looked at does.
    """

    subject: int
    since: int
    shown: int
    until: int


def own(heard: Holds, silences: Iterable[tuple[Silence, Sequence[Span]]]) -> Holds:
    """Return where silences are subjects' own (1), and where there is none (0).

    Args:
        heard: where something is heard of them (1), and where not (0).
        silences: all of these, by subject, then time, each with the times in which something beside
            it was heard of, or nothing is beside it, in order and apart from each other.
    """
    spoke = heard.value > 0
    rows = [
        (one.subject, max(since, one.shown), until, 1.0)
        for one, beside in silences
        for since, until in proven(one, beside)
        if until > one.shown
    ]
    rows += [
        (subject, since, until, 0.0)
        for subject, since, until in zip(
            heard.subject[spoke].tolist(),
            heard.since[spoke].tolist(),
            heard.until[spoke].tolist(),
            strict=True,
        )
    ]
    columns = tuple(zip(*sorted(rows), strict=True)) or ((), (), (), ())
    subject, since, until = (np.array(column, np.int64) for column in columns[:3])
    return Holds(subject, since, until, np.array(columns[3], np.float64))


def proven(silence: Silence, beside: Sequence[Span]) -> Iterator[Span]:
    """Yield the times in which a silence is a subject's own, in order."""
    total = 0
    for begin, end in beside:
        since, until = max(begin, silence.since), min(end, silence.until)
        if since >= until:
            continue
        total += until - since
        if total >= PROVEN_HOURS * HOUR_US:
            yield since, silence.until
            return
        yield since, until


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return times in order, those that touch made one."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        else:
            found.append((since, until))
    return found


def without(within: Span, spans: Sequence[Span]) -> list[Span]:
    """Return what of a time is in none of some others, which are in order and apart."""
    found: list[Span] = []
    at, end = within
    for since, until in spans:
        if since > at:
            found.append((at, min(since, end)))
        at = max(at, until)
        if at >= end:
            return [one for one in found if one[0] < one[1]]
    return [*found, (at, end)]


def several(spans: Iterable[Span]) -> list[Span]:
    """Return when at least two of some times hold, in order and apart from each other."""
    edges = sorted(
        edge for since, until in spans for edge in ((since, 1), (until, -1)) if since < until
    )
    found: list[Span] = []
    count = 0
    for at, change in edges:
        count += change
        if count == 2 and change == 1:
            found.append((at, at))
        elif count == 1 and change == -1:
            found[-1] = found[-1][0], at
    return merged(found)
