"""How long a value holds: from its reading to the next, at most for the longest silence.

So what is stored by exception (dead band, longest silence, on change) and what is stored on every
slot mean the same. Behind the silence, and behind a reading without a value, nothing is known.
Nobody looks at a clock: the newest value is taken to hold for its silence until more is known. So
what is derived depends on the readings alone, and a state that stands is seen to stand before its
next sign of life. Whoever reads says what the time is, and gets the quarters that are over.

Times are µs since 1970, UTC. All functions are pure and take many subjects at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metering.counter.model import GRAIN_US, Bools, Int64s

Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Samples:
    """Readings by subject, then time; each time of a subject once.

    Attributes:
        subject: whose reading; any whole number.
        ts: µs UTC.
        value: NaN: it was asked, and nothing is known from there on.
    """

    subject: Int64s
    ts: Int64s
    value: Float64s


@dataclass(frozen=True, slots=True)
class Holds:
    """Times at a value, by subject, then time; they never overlap. What lies between is unknown.

    Attributes:
        subject: whose.
        since: µs UTC, the first moment.
        until: µs UTC, the first moment after.
        value: finite.
    """

    subject: Int64s
    since: Int64s
    until: Int64s
    value: Float64s

    def __len__(self) -> int:
        return len(self.since)

    def where(self, chosen: Bools) -> Holds:
        """Return those that are chosen."""
        return Holds(
            self.subject[chosen], self.since[chosen], self.until[chosen], self.value[chosen]
        )


def of_one(ts: Int64s, value: Float64s) -> Samples:
    """Return the readings of one point, as subject 0."""
    return Samples(np.zeros(len(ts), np.int64), ts, value)


def holds(samples: Samples, longest_silence_us: int | Int64s) -> Holds:
    """Return how long each value holds.

    Args:
        samples: at least one reading or none.
        longest_silence_us: of all, or one for each sample; above 0.

    Raises:
        ValueError: the samples are not in order, a time stands twice, or a silence is not above 0.
    """
    silence = np.broadcast_to(np.asarray(longest_silence_us, np.int64), samples.ts.shape)
    if (silence <= 0).any():
        raise ValueError("the longest silence must be above 0")
    _check_order(samples)
    until = samples.ts + silence
    same = samples.subject[1:] == samples.subject[:-1]
    until[:-1] = np.where(same, np.minimum(until[:-1], samples.ts[1:]), until[:-1])
    everything = Holds(samples.subject, samples.ts, until, samples.value)
    return everything.where(np.isfinite(samples.value))


def runs(samples: Samples, longest_silence_us: int | Int64s) -> Holds:
    """Return how long each subject stood at each value: holds of one value that touch are one.

    Raises:
        ValueError: as :func:`holds`.
    """
    found = holds(samples, longest_silence_us)
    if not len(found):
        return found
    goes_on = (
        (found.subject[1:] == found.subject[:-1])
        & (found.since[1:] == found.until[:-1])
        & (found.value[1:] == found.value[:-1])
    )
    first = np.r_[True, ~goes_on]
    last = np.r_[~goes_on, True]
    return Holds(found.subject[first], found.since[first], found.until[last], found.value[first])


def clip(found: Holds, begin: Int64s, end: Int64s) -> Holds:
    """Return what lies within a window for each hold: ``begin`` ≤ t < ``end``."""
    since, until = np.maximum(found.since, begin), np.minimum(found.until, end)
    return Holds(found.subject, since, until, found.value).where(since < until)


def by_quarter(found: Holds) -> Holds:
    """Cut holds at the quarter hours, so that each piece lies within one."""
    first = found.since // GRAIN_US
    pieces = (found.until - 1) // GRAIN_US - first + 1
    total = int(pieces.sum())
    number = np.arange(total) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = (np.repeat(first, pieces) + number) * GRAIN_US
    return Holds(
        np.repeat(found.subject, pieces),
        np.maximum(np.repeat(found.since, pieces), begin),
        np.minimum(np.repeat(found.until, pieces), begin + GRAIN_US),
        np.repeat(found.value, pieces),
    )


def _check_order(samples: Samples) -> None:
    same = samples.subject[1:] == samples.subject[:-1]
    wrong = (samples.subject[1:] < samples.subject[:-1]) | (
        same & (samples.ts[1:] <= samples.ts[:-1])
    )
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0]) + 1
        raise ValueError(
            f"reading {at} of subject {samples.subject[at]} is not behind the one before it: "
            "sort by subject and time, each time once"
        )
