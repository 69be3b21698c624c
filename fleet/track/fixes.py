"""The fixes of a vehicle as arrays, in the one order that counts."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.int8]

UNKNOWN_ACC = -1


class Verdict(enum.IntEnum):
    """What a fix is worth for the way; all but the first are left out of it, and kept."""

    COUNTS = 0
    UNUSABLE = 1  # no fix, 0/0, or no place on earth
    FUTURE = 2  # further ahead of our clock than clocks differ
    COVERED = 3  # another terminal of the vehicle speaks for this time
    SAME_TIME = 4  # another fix of this terminal has the same time
    IMPOSSIBLE = 5  # nobody could have been here between its neighbours


@dataclass(frozen=True, slots=True)
class Fixes:
    """Fixes of one vehicle; every array has one entry per fix.

    Attributes:
        t_us: time of the fix, µs UTC.
        terminal: id of the terminal.
        hash: of the message's content.
        lat, lon: degrees, WGS-84.
        speed: km/h; NaN: unknown.
        odometer_km: of the terminal; NaN: unknown.
        acc: 1 ignition on, 0 off, -1 unknown.
        flags: what ingest saw (``storage.records.PositionFlag``).
        received_us: when it arrived, µs UTC.
    """

    t_us: Int64s
    terminal: Int64s
    hash: Int64s
    lat: Floats
    lon: Floats
    speed: Floats
    odometer_km: Floats
    acc: Bytes
    flags: Int64s
    received_us: Int64s

    def __len__(self) -> int:
        return len(self.t_us)

    def take(self, which: npt.NDArray[Any]) -> Fixes:
        """Return some of them, by index or by mask, in that order."""
        return Fixes(*(getattr(self, one.name)[which] for one in fields(self)))

    def ordered(self) -> Fixes:
        """Return them by (time, terminal, hash), each once: the order of arrival does not count."""
        order = np.lexsort((self.hash, self.terminal, self.t_us))
        found = self.take(order)
        again = np.zeros(len(found), np.bool_)
        again[1:] = (
            (found.t_us[1:] == found.t_us[:-1])
            & (found.terminal[1:] == found.terminal[:-1])
            & (found.hash[1:] == found.hash[:-1])
        )
        return found.take(~again) if again.any() else found

    def between(self, from_us: int, to_us: int) -> Fixes:
        """Return those of a span of time, both ends included; they must be ordered."""
        start = int(np.searchsorted(self.t_us, from_us, side="left"))
        stop = int(np.searchsorted(self.t_us, to_us, side="right"))
        return Fixes(*(getattr(self, one.name)[start:stop] for one in fields(self)))
