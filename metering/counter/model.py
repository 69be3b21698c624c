"""What judging and allotting speak of. Times are µs since 1970, UTC; quantities whole numbers."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

GRAIN_US: Final = 900_000_000
"""A quarter hour."""

MEASURED_US: Final = 960_000_000
"""The longest step that counts as measured: a quarter hour, and a minute for a meter that sends
every quarter hour by its own clock. What is longer is estimated."""

MOST_TICKS: Final = 2**53
"""More than that a register does not show: a double could not carry it."""

MOST_PER_HOUR: Final = 2**40
"""More ticks an hour than that would not be a limit."""


@dataclass(frozen=True, slots=True)
class Register:
    """How a counter counts.

    Attributes:
        capacity: ticks at which it rolls over to 0; None: never.
        max_per_hour: most ticks it can gain in an hour.
        reversible: it may run backwards (net metering): no step is implausible for its sign.
        fine: its ticks are so many of those that readings are given in: 1, unless it counted finer
            at another time.
        earlier: how it counted before: until when (µs UTC), by time. A step is judged by what
            held when it ended. The earlier ones have no earlier ones themselves.
    """

    capacity: int | None
    max_per_hour: int
    reversible: bool = False
    fine: int = 1
    earlier: tuple[tuple[int, Register], ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.max_per_hour <= MOST_PER_HOUR:
            raise ValueError(f"max_per_hour is {self.max_per_hour} ticks: give 1 to 2**40")
        if self.capacity is not None and not 1 <= self.capacity <= MOST_TICKS:
            raise ValueError(f"capacity is {self.capacity} ticks: give 1 to 2**53, or none")
        if self.fine < 1:
            raise ValueError(f"fine is {self.fine}: a tick is 1 of the readings' or more")


@dataclass(frozen=True, slots=True)
class Policy:
    """When a doubtful level is believed.

    Attributes:
        confirm_readings: after so many readings on it (N),
        confirm_least_us: and not before it lasted so long (F), µs, however dense they come;
        confirm_us: or after it lasted so long (T), µs; weights count whole seconds.
        stuck_us: a counter that stands still so long is a finding; None: it may stand.
    """

    confirm_readings: int = 4
    confirm_us: int = 24 * 3_600_000_000
    stuck_us: int | None = None
    confirm_least_us: int = 45 * 60_000_000

    def __post_init__(self) -> None:
        if not 1 <= self.confirm_readings <= 100:
            raise ValueError(f"confirm_readings is {self.confirm_readings}: give 1 to 100")
        if not 1_000_000 <= self.confirm_us <= 31 * 86_400_000_000:
            raise ValueError(f"confirm_us is {self.confirm_us}: give a second to 31 days")
        if not 1_000_000 <= self.confirm_least_us <= self.confirm_us:
            raise ValueError(
                f"confirm_least_us is {self.confirm_least_us}: give a second to confirm_us, "
                f"{self.confirm_us}"
            )
        if self.stuck_us is not None and self.stuck_us < 1:
            raise ValueError(f"stuck_us is {self.stuck_us}: give more than 0, or none")


class Origin(enum.IntEnum):
    """Where a reading comes from."""

    POLLED = 0
    ENTERED = 1  # a person read the meter
    RESET = 2  # a person says: from here on the counter runs on from this value


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of one counter in the order of their time, each time once.

    A RESET may share its time with one other reading, which then stands before it: the last value
    before the counter was set.

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

    def part(self, start: int, stop: int) -> Readings:
        """Return the readings ``start`` to ``stop - 1``; nothing is copied."""
        cut = slice(start, stop)
        return Readings(self.ts[cut], self.ticks[cut], self.origin[cut])


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
        fine: of the register at the step's end: it is spread in so many ticks at a time.
    """

    kept: Int64s
    steps: Int8s
    booked: Int64s
    known: Bools
    fine: Int64s


@dataclass(frozen=True, slots=True)
class Ratio:
    """What a tick is worth from a moment on.

    Attributes:
        since: µs UTC.
        micro_per_tick: millionths of the meter's unit a tick: resolution × CT × PT × 10⁶, whole.
    """

    since: int
    micro_per_tick: int

    def __post_init__(self) -> None:
        if not 1 <= self.micro_per_tick < 2**62:
            raise ValueError(f"a tick is worth {self.micro_per_tick} millionths: give 1 or more")


@dataclass(frozen=True, slots=True)
class LoadShape:
    """How the energy of a gap is spread over time: the weights of a local week.

    Attributes:
        weights: 672 whole numbers, the quarter hours of a week from Monday 00:00; None: evenly.
        zone: of the site.
        earlier: the weights before: until when (µs UTC), by time. A step is spread by what held
            when it ended.
    """

    weights: Int64s | None
    zone: ZoneInfo
    earlier: tuple[tuple[int, Int64s | None], ...] = ()

    def __post_init__(self) -> None:
        for weights in (self.weights, *(weights for _, weights in self.earlier)):
            if weights is not None and (weights.shape != (672,) or weights.min() < 0):
                raise ValueError("a load profile has 672 weights, none below 0")

    def at(self, end: int) -> Int64s | None:
        """Return the weights of a step that ends then, µs UTC."""
        return next((weights for until, weights in self.earlier if end <= until), self.weights)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not ordinary in a counter's history, and what was made of it.

    Attributes:
        kind: ``dip``, ``spike``, ``suspect`` (left out); ``rollover``, ``reset``, ``jump``,
            ``entered`` (a step); ``gap`` (a known step longer than :data:`MEASURED_US`);
            ``backwards``, ``stuck`` (a stretch); ``first``.
        ts: begin, µs UTC: of a step the reading before it (of ``entered`` the reset itself), else
            the first reading concerned.
        until: end, µs UTC.
        before: ticks of the accepted reading before; None: there is none.
        after: ticks that were read then: of left-out readings the first of them.
        ticks: booked for it, 0 for what is left out; None: nothing is known.
        micro: the same in millionths of the unit; None until ratios are applied.
    """

    kind: str
    ts: int
    until: int
    before: int | None
    after: int
    ticks: int | None
    micro: int | None = None


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
