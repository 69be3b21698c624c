"""What is believed of a track: every threshold, in whole units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of judging fixes and of parting stops from trips; docs/trips.md gives reasons.

    Attributes:
        fastest_kmh: nobody drives faster.
        slack_m: two true fixes may lie so much further apart than the fastest gets.
        block: so many fixes in a row may be wrong together; more are believed.
        cover_us: a fix is left out when a terminal of a lower number has one so near in time.
        radius_m: within so much of each other fixes are of one place.
        off_us: standing so long with the ignition off is a stop.
        unknown_us: likewise when nothing is known of the ignition.
        on_us: likewise with the ignition on: longer than lights and most jams.
        driving_kmh: from here on it is driving, not drift.
        still_kmh: below this a fix does not move by itself.
        noise_m: but it has moved when it lies so far from the last that counted.
        gap_us: a leg that takes so long is estimated.
        weak_us: a leg that takes so long and leads elsewhere says nothing about its ends.
        unexplained_us: a gap that is so much longer than its way takes holds a stop.
        gap_kmh: how fast a way that nobody saw was driven.
        excursion_us: away from a place for no longer than this is no trip.
    """

    fastest_kmh: int = 200
    slack_m: int = 100
    block: int = 5
    cover_us: int = 300 * SECOND_US
    radius_m: int = 150
    off_us: int = 120 * SECOND_US
    unknown_us: int = 300 * SECOND_US
    on_us: int = 900 * SECOND_US
    driving_kmh: int = 8
    still_kmh: int = 3
    noise_m: int = 50
    gap_us: int = 120 * SECOND_US
    weak_us: int = 600 * SECOND_US
    unexplained_us: int = 1_800 * SECOND_US
    gap_kmh: int = 30
    excursion_us: int = 120 * SECOND_US

    @property
    def longest_us(self) -> int:
        """How far ahead a fix is looked from at least, to say whether it stands."""
        return max(self.off_us, self.unknown_us, self.on_us)

    def reach_m(self, elapsed_s: float) -> float:
        """Return how far apart two true fixes can lie, metres."""
        return self.slack_m + self.fastest_kmh / 3.6 * elapsed_s
