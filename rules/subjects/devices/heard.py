"""In which hours something was heard of devices, or of all on a bus. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.counter.model import Int64s
from metering.gauge.hold import Holds
from storage.times import OPEN_US

HOUR_US: Final = 3_600_000_000

Span = tuple[int, int]
"""From, to; µs UTC."""


@dataclass(frozen=True, slots=True)
class Hung:
    """A time in which a device hung somewhere, so that something should be heard of it.

    Attributes:
        subject: id of the device, or of the bus on which devices hung.
        since: µs UTC.
        until: µs UTC.
    """

    subject: int
    since: int
    until: int


def heard(hung: Iterable[Hung], spans: Mapping[int, Sequence[Span]]) -> Holds:
    """Return where subjects were heard of (1), and where not (0).

    Args:
        hung: by subject and time, apart from each other; elsewhere nobody expects to hear anything.
        spans: when each was heard of, see :func:`joined`.
    """
    rows = [
        (one.subject, since, until, value)
        for one in hung
        for since, until, value in _pieces(one, spans.get(one.subject, ()))
    ]
    columns = tuple(zip(*rows, strict=True)) or ((), (), (), ())
    subject, since, until = (np.array(column, np.int64) for column in columns[:3])
    return Holds(subject, since, until, np.array(columns[3], np.float64))


def lasting(silence_s: int) -> int:
    """Return how long is heard of what may be silent so long, from the hour of a reading on, µs.

    The hour of the reading, and whole hours for as long as values hold.
    """
    return (1 + -(-silence_s // 3600)) * HOUR_US


def joined(subject: Int64s, hour: Int64s, lasts: Int64s) -> dict[int, list[Span]]:
    """Join the hours in which there were readings.

    Args:
        subject: whose; ascending.
        hour: begin of an hour with a reading, µs UTC; ascending for each subject.
        lasts: how long it is heard of from then on, µs: of the subject, the same in each row.
    """
    if not len(subject):
        return {}
    other = np.diff(subject) != 0
    apart = other | (np.diff(hour) > lasts[1:])
    first, last = np.flatnonzero(np.r_[True, apart]), np.flatnonzero(np.r_[apart, True])
    found: dict[int, list[Span]] = defaultdict(list)
    for of, since, until in zip(
        subject[first].tolist(), hour[first].tolist(), (hour + lasts)[last].tolist(), strict=True
    ):
        found[of].append((since, until))
    return found


def _pieces(hung: Hung, spans: Sequence[Span]) -> Iterator[tuple[int, int, float]]:
    at, end = hung.since, min(hung.until, OPEN_US)
    for span in spans:
        since, until = max(span[0], at), min(span[1], end)
        if since >= until:
            continue
        if at < since:
            yield at, since, 0.0
        yield since, until, 1.0
        at = until
    if at < end:
        yield at, end, 0.0
