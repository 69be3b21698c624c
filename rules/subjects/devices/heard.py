"""In which hours something was heard of devices. Pure."""

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
        device: id.
        since: µs UTC.
        until: µs UTC.
    """

    device: int
    since: int
    until: int


def heard(hung: Iterable[Hung], spans: Mapping[int, Sequence[Span]]) -> Holds:
    """Return where devices were heard of (1), and where not (0).

    Args:
        hung: by device and time, apart from each other; elsewhere nobody expects to hear anything.
        spans: when each was heard of, see :func:`joined`.
    """
    rows = [
        (one.device, since, until, value)
        for one in hung
        for since, until, value in _pieces(one, spans.get(one.device, ()))
    ]
    columns = tuple(zip(*rows, strict=True)) or ((), (), (), ())
    device, since, until = (np.array(column, np.int64) for column in columns[:3])
    return Holds(device, since, until, np.array(columns[3], np.float64))


def joined(device: Int64s, hour: Int64s, lasts: Int64s) -> dict[int, list[Span]]:
    """Join the hours in which there were readings.

    Args:
        device: whose; ascending.
        hour: begin of an hour with a reading, µs UTC; ascending for each device.
        lasts: how long it is heard of from then on, µs: of the device, the same in each row.
    """
    if not len(device):
        return {}
    other = np.diff(device) != 0
    apart = other | (np.diff(hour) > lasts[1:])
    first, last = np.flatnonzero(np.r_[True, apart]), np.flatnonzero(np.r_[apart, True])
    found: dict[int, list[Span]] = defaultdict(list)
    for of, since, until in zip(
        device[first].tolist(), hour[first].tolist(), (hour + lasts)[last].tolist(), strict=True
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
