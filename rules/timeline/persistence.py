"""How long a condition must stand, and what may come in between."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Persistence:
    """What makes one run of a flickering condition. All µs.

    Attributes:
        for_us: so long it must be true; time in which it is not, or not known, does not count.
        gap_us: it may be false in between for so long.
        silence_us: it may be unknown in between for so long.
    """

    for_us: int
    gap_us: int = 0
    silence_us: int = 0

    @property
    def reach_us(self) -> int:
        """How far a change of the condition can reach in time where no run stood before."""
        return self.for_us + self.bridged_us

    @property
    def bridged_us(self) -> int:
        """How much may lie between two times at which it is true, that are one run."""
        return self.gap_us + self.silence_us
