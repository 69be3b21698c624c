"""When a filling can have been, and which payments are one filling."""

from __future__ import annotations

from fleet.joining.model import Filling
from fleet.joining.names import named
from fleet.joining.rules import DAY_US, Rules


def span_of(filling: Filling, rules: Rules) -> tuple[int, int]:
    """Return when a filling can have been: a time with its tolerance, or a whole local day."""
    if filling.timed:
        return filling.at_us - rules.before_us, filling.at_us + rules.after_us
    return filling.day_us, filling.day_us + DAY_US


def widest(filling: Filling, rules: Rules) -> tuple[int, int]:
    """Return within which time a visit may be meant: clocks are hours off, days are of posting."""
    if filling.timed:
        return filling.at_us - rules.wide_us, filling.at_us + rules.wide_us
    return filling.day_us - DAY_US, filling.day_us + 2 * DAY_US


def split(before: Filling, one: Filling, within_us: int) -> bool:
    """Tell whether two payments are of one filling: of one station, within so much time.

    Cards are capped, so a bill is paid in parts; statements book them in any order.
    """
    if not (before.timed and one.timed) or one.at_us - before.at_us > within_us:
        return False
    return named(before.merchant) == named(one.merchant)
