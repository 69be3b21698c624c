"""What is believed when papers are held against tracks: every threshold, in whole units.

The reasons stand in :mod:`fleet.joining.settings` and docs/joining.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
DAY_US: Final = 86_400 * SECOND_US
_MONTH_US: Final = 31 * DAY_US

ALLOWED: Final = {
    "petrol": frozenset({"petrol"}),
    "diesel": frozenset({"diesel"}),
    "hybrid": frozenset({"petrol"}),
    "plug_in_hybrid": frozenset({"petrol"}),
    "electric": frozenset[str](),
    "hydrogen": frozenset[str](),
    "gas": frozenset({"cng", "lng"}),
}
"""What a vehicle runs on → what it can be filled with."""
OPEN: Final = {"gas": frozenset({"petrol"})}
"""What it may be filled with besides: gas vehicles often start on petrol; nobody can tell."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds; see :class:`fleet.joining.settings.JoiningSettings`."""

    before_us: int = 35 * MINUTE_US
    after_us: int = 10 * MINUTE_US
    wide_us: int = 240 * MINUTE_US
    radius_mm: int = 300_000
    dwell_us: int = 90 * SECOND_US
    fastest_kmh: int = 120
    silence_us: int = 75 * MINUTE_US
    history_us: int = 180 * DAY_US
    vehicles: int = 2
    matches: int = 4
    share_pct: int = 50
    usual_pct: int = 8
    visit_us: int = 60 * MINUTE_US
    pump_us: int = 20 * MINUTE_US
    still_us: int = 60 * MINUTE_US
    still_blind_us: int = 180 * MINUTE_US
    still_mm: int = 2_000_000
    apart_us: int = 120 * MINUTE_US
    split_us: int = 40 * MINUTE_US
    tank_over_pct: int = 10
    brim_pct: int = 6
    burn_over_pct: int = 20
    burn_most: int = 25
    waiting_ml: int = 2_500
    running_ml_h: int = 900
    back: int = 6
    base_mm: int = 1_500_000_000
    base_legs: int = 6
    legs_least: int = 6
    legs_most: int = 16
    run_us: int = 120 * DAY_US
    slack_pct: int = 18
    garage_before_us: int = 10 * DAY_US
    garage_after_us: int = 1 * DAY_US
    garage_stay_us: int = 25 * MINUTE_US
    garage_own_pct: int = 25
    garage_hidden_us: int = 180 * MINUTE_US
    order_slack_us: int = 30 * MINUTE_US
    home_us: int = 20 * MINUTE_US
    order_pct: int = 8
    order_mm: int = 3_000_000
    trip_mm: int = 1_000_000
    orders_us: int = 31 * DAY_US
    card_us: int = 1 * DAY_US

    @property
    def past_us(self) -> int:
        """How far before what is checked records are read, µs."""
        return self.history_us + max(self.run_us, _MONTH_US + self.garage_before_us + 2 * DAY_US)

    @property
    def learned_us(self) -> int:
        """How far before a paper, or those beside it, places are learned from at most, µs."""
        return self.history_us + _MONTH_US

    @property
    def ahead_us(self) -> int:
        """How far behind what is checked records are read, µs."""
        near = max(self.wide_us, self.still_blind_us, self.silence_us, self.order_slack_us)
        return max(near, self.garage_after_us) + max(2 * DAY_US, self.orders_us)
