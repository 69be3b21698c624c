"""Of which time an order speaks: its own, which people round, as the vehicle's yard tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from fleet.joining.learn import usual_stops
from fleet.joining.model import Order, Stops
from fleet.joining.rules import DAY_US, Rules
from fleet.track.fixes import Int64s

_PERIOD_US: Final = 30 * DAY_US
"""Where a vehicle lives is learned as of every so often, whatever else is read."""


def span_of(order: Order) -> tuple[int, int]:
    """Return when an order was driven: its times, or else as much of its day as they leave."""
    begin = order.day_us if order.out_us is None else order.out_us
    end = max(order.day_us + DAY_US, begin) if order.back_us is None else order.back_us
    return min(begin, end), end


def spoken(stops: Stops, orders: Sequence[Order], rules: Rules) -> Int64s:
    """Return from when to when each order speaks of trips, µs UTC, a row for each.

    A vehicle that left its yard, or came home, about the time that an order says did so for this
    order: what it drove before and behind is another's. Otherwise times may be so much off.

    Args:
        stops: of the vehicle.
        orders: of the vehicle.
        rules: what is believed.
    """
    homes = _Homes(stops, rules)
    return np.array([_one(one, homes, rules) for one in orders], np.int64).reshape(-1, 2)


def _one(order: Order, homes: _Homes, rules: Rules) -> tuple[int, int]:
    slack = rules.order_slack_us
    begin, end = span_of(order)
    came, left = homes.about(order.day_us)
    since = None if order.out_us is None else _nearest(left, begin, slack)
    until = None if order.back_us is None else _nearest(came, end, slack)
    first = begin - slack if since is None else since
    last = end + slack if until is None else until
    return (first, last) if first < last else (begin - slack, end + slack)


class _Homes:
    """When a vehicle came to stand where it lives, and when it left."""

    def __init__(self, stops: Stops, rules: Rules) -> None:
        self._stops, self._rules = stops, rules
        self._known: dict[int, tuple[Int64s, Int64s]] = {}

    def about(self, day_us: int) -> tuple[Int64s, Int64s]:
        """Return these times, ascending, as what was learned before a day tells them."""
        as_of = day_us // _PERIOD_US * _PERIOD_US
        if as_of not in self._known:
            stops = self._stops
            here = usual_stops(stops, as_of, self._rules)
            here &= stops.ended_us - stops.began_us >= self._rules.home_us
            self._known[as_of] = stops.began_us[here], stops.ended_us[here]
        return self._known[as_of]


def _nearest(times: Int64s, at_us: int, within_us: int) -> int | None:
    """Return the time nearest to a moment, the earlier of two; None: none is so near."""
    behind = int(np.searchsorted(times, at_us))
    near = times[max(behind - 1, 0) : behind + 1].tolist()
    found = min(near, key=lambda one: abs(one - at_us), default=None)
    return found if found is not None and abs(found - at_us) <= within_us else None
