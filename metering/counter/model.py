"""What judging and allotting speak of. Times are µs since 1970, UTC; quantities whole numbers."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

GRAIN_US: Final = 900_000_000
"""A quarter hour."""


@dataclass(frozen=True, slots=True)
class Register:
    """How a counter counts.

    Attributes:
        capacity: ticks at which it rolls over to 0; None: never.
        max_per_hour: most ticks it can gain in an hour.
        reversible: it may run backwards (net metering): no step is implausible for its sign.
    """

    capacity: int | None
    max_per_hour: int
    reversible: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """When a doubtful level is believed.

    Attributes:
        confirm_readings: after so many readings on it (N).
        confirm_us: or after it lasted so long (T), µs.
    """

    confirm_readings: int = 4
    confirm_us: int = 24 * 3_600_000_000


class Origin(enum.IntEnum):
    """Where a reading comes from."""

    POLLED = 0
    ENTERED = 1  # a person read the meter
    RESET = 2  # a person says: from here on the counter runs on from this value


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of one counter in the order of their time, each time once (RESET excepted).

    Attributes:
        ts: µs UTC.
        ticks: the register in ticks.
        origin: :class:`Origin`.
    """

    ts: Int64s
    ticks: Int64s
    origin: Int8s

    def __len__(self) -> int:
        return len(self.ts)


class Step(enum.IntEnum):
    """How an accepted reading follows the accepted one before it."""

    NORMAL = 0
    ROLLOVER = 1
    RESET = 2
    JUMP = 3
    ENTERED = 4


@dataclass(frozen=True, slots=True)
class Path:
    """Which readings count, and how they are joined.

    Attributes:
        kept: indexes of the accepted readings, ascending.
        steps: :class:`Step` into ``kept[i + 1]``; one fewer than ``kept``.
        booked: ticks of each step; 0 where unknown.
        known: whether the step's ticks are known.
    """

    kept: Int64s
    steps: Int8s
    booked: Int64s
    known: Bools


class Flag(enum.IntFlag):
    """What a quarter hour is made of; hours, days and months hold the union."""

    NONE = 0
    ESTIMATED = 1  # allotted over a gap
    ENTERED = 2  # rests on a reading that a person entered
    ROLLOVER = 4
    RESET = 8
    SUSPECT_LEFT_OUT = 16  # a reading of this time was left out
    REPLACED = 32  # a device began or ended here
    RATIO_CHANGED = 64


@dataclass(frozen=True, slots=True)
class Quarters:
    """Consumption by quarter hour, ascending; quarters of which nothing is known are absent.

    Attributes:
        slot: begin of the quarter, µs UTC.
        micro: millionths of the unit.
        estimated: the part of it allotted over a gap.
        covered_s: seconds between accepted readings, 1 to 900.
        flags: :class:`Flag`.
    """

    slot: Int64s
    micro: Int64s
    estimated: Int64s
    covered_s: npt.NDArray[np.int16]
    flags: npt.NDArray[np.int16]
