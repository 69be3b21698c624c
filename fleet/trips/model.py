"""What trips are: rows to be kept, made by pure functions."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date


class TripFlag(enum.IntFlag):
    """What one should know of a trip."""

    NONE = 0
    GAP = 1  # part of the way was not seen: estimated as the straight line (gap_mm)
    JUMP = 2  # two stretches contradict each other: the way between them is not counted
    OPEN_START = 4  # nothing is known of before
    OPEN_END = 8  # nothing is known of after: it may go on
    START_ESTIMATED = 16  # it began in a gap
    END_ESTIMATED = 32  # it ended in a gap
    ODOMETER = 64  # the terminal's odometer went backwards or leapt


class Kind(enum.StrEnum):
    """What a share of a day comes from."""

    TRIP = "trip"
    STOP = "stop"
    REST = "rest"  # fixes that belong to neither


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees, WGS-84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Stop:
    """A time at one place.

    Attributes:
        seen_from_us, seen_to_us: its first and last fix.
        began_us, ended_us: when it was; beyond the fixes where a gap adjoins.
        place: the median of its fixes; None: withheld.
        fixes: that count.
        terminal_mm: what the terminal's odometer gained meanwhile; None: unknown.
        silent_s: longest time between two of its fixes.
        firm_after_us, firm_before_us: see :mod:`fleet.trips.firm`.
    """

    seen_from_us: int
    seen_to_us: int
    began_us: int
    ended_us: int
    place: Place | None
    fixes: int
    terminal_mm: int | None
    silent_s: int
    firm_after_us: int | None
    firm_before_us: int | None


@dataclass(frozen=True, slots=True)
class Trip:
    """A way from one stop to the next.

    Attributes:
        started_us, ended_us: µs UTC.
        start, end: where; None: withheld.
        distance_mm: Σ of its legs, what was not seen included; None, like ``gap_mm``, ``moving_s``
            and ``idle_s``: unknown, for places on it are withheld.
        gap_mm: of it: not seen, the straight line.
        terminal_mm: what the terminal's odometer gained, its faults left out; None: unknown.
        odometer_from_mm, odometer_to_mm: what it showed; None: unknown.
        odometer_faults: times that it went backwards or leapt.
        moving_s: driving.
        idle_s: standing, at lights or in jams; the rest of the time was not seen.
        max_speed_kmh: fastest speed that was sent; None: none was.
        fixes: that count.
        left_out: that do not.
        jumps: impossible legs between stretches that are both believed.
        flags: what one should know.
    """

    started_us: int
    ended_us: int
    start: Place | None
    end: Place | None
    distance_mm: int | None
    gap_mm: int | None
    terminal_mm: int | None
    odometer_from_mm: int | None
    odometer_to_mm: int | None
    odometer_faults: int
    moving_s: int | None
    idle_s: int | None
    max_speed_kmh: float | None
    fixes: int
    left_out: int
    jumps: int
    flags: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a trip, a stop or the rest gives to one local day.

    Attributes:
        owner_us: first fix of what it comes from.
        kind: what that is.
        day: in the site's zone.
        trips: 1 on the day on which a trip starts.
        distance_mm, gap_mm: of the way; None, like ``moving_s`` and ``idle_s``: unknown, for places
            are withheld.
        terminal_mm: of the terminal's odometer; None: unknown.
        moving_s, idle_s: of the time.
        fixes: received, of whatever worth.
        left_out: of them, not believed.
        first_us, last_us: the first and last of them; None: there is none.
    """

    owner_us: int
    kind: Kind
    day: date
    trips: int
    distance_mm: int | None
    gap_mm: int | None
    terminal_mm: int | None
    moving_s: int | None
    idle_s: int | None
    fixes: int
    left_out: int
    first_us: int | None
    last_us: int | None


@dataclass(frozen=True, slots=True)
class Travelled:
    """Everything that was made of a series, or of a piece of it; ascending."""

    stops: tuple[Stop, ...] = ()
    trips: tuple[Trip, ...] = ()
    shares: tuple[Share, ...] = ()
