"""States by quarter hour: how many seconds at which value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from metering.counter.model import GRAIN_US, Bools, Int64s
from metering.gauge.gauge import SECOND_US, firsts, whole_seconds
from metering.gauge.hold import Float64s, Holds, by_quarter

_LIMIT: Final = 2**31


@dataclass(frozen=True, slots=True)
class StateQuarters:
    """Seconds at each value, by subject, time and value. Values without a whole second are absent.

    Attributes:
        subject: whose.
        slot: begin of the quarter, µs UTC.
        value: a whole number of 32 bits.
        seconds: 1 to 900; those of a quarter add up to its known whole seconds.
    """

    subject: Int64s
    slot: Int64s
    value: Int64s
    seconds: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.slot)


def fit_state(value: Float64s) -> Bools:
    """Return which values can be a state: whole numbers of 32 bits."""
    fit: Bools = (np.abs(value) < _LIMIT) & (value == np.rint(value))
    return fit


def state_quarters(found: Holds) -> StateQuarters:
    """Return the seconds at each value.

    Seconds are cut to whole ones within each quarter by largest remainder; of equal remainders the
    smaller value gets its second first.

    Raises:
        ValueError: a value is no state (:func:`fit_state`).
    """
    if not fit_state(found.value).all():
        raise ValueError("a state is a whole number of 32 bits: leave the others out")
    subject, slot, value, elapsed = _totals(by_quarter(found))
    quarter = firsts(subject, slot)
    if not len(quarter):
        return StateQuarters(subject, slot, value, np.empty(0, np.int16))
    whole = elapsed // SECOND_US
    known = whole_seconds(np.add.reduceat(elapsed, quarter)).astype(np.int64)
    missing = known - np.add.reduceat(whole, quarter)
    seconds = whole + _one_each(quarter, elapsed % SECOND_US, missing)
    some = seconds > 0
    return StateQuarters(subject[some], slot[some], value[some], seconds[some].astype(np.int16))


def _totals(pieces: Holds) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Subject, slot, value and µs at the value; by subject, slot and value."""
    slot = pieces.since // GRAIN_US * GRAIN_US
    value = pieces.value.astype(np.int64)
    order = np.lexsort((value, slot, pieces.subject))
    subject, slot, value = pieces.subject[order], slot[order], value[order]
    elapsed = (pieces.until - pieces.since)[order]
    first = firsts(subject, slot, value)
    if not len(first):
        return subject, slot, value, elapsed
    return subject[first], slot[first], value[first], np.add.reduceat(elapsed, first)


def _one_each(first: npt.NDArray[np.intp], remainder: Int64s, missing: Int64s) -> Int64s:
    """A second for the ``missing`` largest remainders of each quarter."""
    rows = len(remainder)
    size = np.diff(np.r_[first, rows])
    quarter = np.repeat(np.arange(len(first)), size)
    order = np.lexsort((-remainder, quarter))
    given = np.zeros(rows, np.int64)
    given[order] = np.arange(rows) - np.repeat(first, size) < np.repeat(missing, size)
    return given
