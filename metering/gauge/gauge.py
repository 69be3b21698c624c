"""Gauges by quarter hour: lowest, highest, time-weighted mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from metering.counter.model import GRAIN_US, Int64s
from metering.gauge.hold import Float64s, Holds, by_quarter

SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class GaugeQuarters:
    """Quarter hours of which something is known, by subject, then time.

    Attributes:
        subject: whose.
        slot: begin of the quarter, µs UTC.
        low: lowest value that held at some time of the quarter.
        high: highest.
        mean: weighted by time, over the known time; between ``low`` and ``high``.
        covered_s: whole seconds known, at least 1.
    """

    subject: Int64s
    slot: Int64s
    low: Float64s
    high: Float64s
    mean: Float64s
    covered_s: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.slot)


def gauge_quarters(found: Holds) -> GaugeQuarters:
    """Return the quarter hours of holds. A value held into a quarter counts there."""
    pieces = by_quarter(found)
    slot = pieces.since // GRAIN_US * GRAIN_US
    first = firsts(pieces.subject, slot)
    if not len(first):
        empty = np.empty(0)
        return GaugeQuarters(pieces.subject, slot, empty, empty, empty, np.empty(0, np.int16))
    low = np.minimum.reduceat(pieces.value, first)
    high = np.maximum.reduceat(pieces.value, first)
    elapsed = pieces.until - pieces.since
    covered = np.add.reduceat(elapsed, first)
    # In units of 2**30 µs, in which a quarter is below 1: no product of a finite value overflows.
    # The quotient may by an ulp, or pass its bounds by one.
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(pieces.value * np.ldexp(elapsed.astype(np.float64), -30), first)
        mean = np.clip(sums / np.ldexp(covered.astype(np.float64), -30), low, high)
    return GaugeQuarters(
        pieces.subject[first], slot[first], low, high, mean, whole_seconds(covered)
    )


def firsts(*keys: Int64s) -> npt.NDArray[np.intp]:
    """Return where a new combination of keys begins, in arrays ordered by them."""
    if not len(keys[0]):
        return np.empty(0, np.intp)
    new = np.zeros(len(keys[0]), np.bool_)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def whole_seconds(covered_us: Int64s) -> npt.NDArray[np.int16]:
    """Return the whole seconds of known times; less than one counts as one, it is known."""
    return np.maximum(covered_us // SECOND_US, 1).astype(np.int16)
