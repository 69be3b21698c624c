"""Trips against dispatch orders, and orders against trips.

What an order does not say is a missing application more often than anything else, so it stands with
every verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from fleet.joining.model import Order, Trips, Vehicle
from fleet.joining.rules import DAY_US, SECOND_US, Rules
from fleet.joining.spoken import span_of, spoken
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why
from fleet.joining.ways import HM_MM, Way, Ways
from fleet.joining.where import GAINED_MM
from fleet.track.fixes import Bools, Int64s
from fleet.trips.model import TripFlag

_AT_ONCE: Final = 500
"""Trips that are held against all orders together."""
_ESTIMATED: Final = int(TripFlag.START_ESTIMATED | TripFlag.END_ESTIMATED)
"""A trip that began, or ended, in a silence: half of its time says nothing."""


def _timed(order: Order) -> bool:
    return order.out_us is not None and order.back_us is not None


def order_verdicts(
    vehicle: Vehicle, orders: Sequence[Order], ways: Ways, rules: Rules
) -> Iterator[Verdict]:
    """Yield for each order whether it goes together with what was driven in its time."""
    slack = rules.order_slack_us
    spans = [span_of(one) for one in orders]
    wide = ways.all_between([one - slack for one, _ in spans], [one + slack for _, one in spans])
    begins, ends = [one + slack for one, _ in spans], [one - slack for _, one in spans]
    inside = ways.all_between(begins, [max(one) for one in zip(begins, ends, strict=True)])
    for order, span, way, least in zip(orders, spans, wide, inside, strict=True):
        # Of an order that does not say from when to when, no way is certainly its own.
        sure_mm = least.gps_mm - least.gap_mm if _timed(order) else 0
        yield _order(vehicle, order, span, way, sure_mm, rules)


def _order(  # noqa: PLR0911, PLR0913, PLR0917 - what may be known of an order, one after the other
    vehicle: Vehicle, order: Order, span: tuple[int, int], way: Way, sure_mm: int, rules: Rules
) -> Verdict:
    begin, end = span
    about = About(
        *(Kind.ORDER, order.number, vehicle.code, begin, Check.ORDER),
        *(begin - rules.order_slack_us, end + rules.order_slack_us),
    )
    asked = None
    if order.out_hm is not None and order.back_hm is not None:
        asked = (order.back_hm - order.out_hm) * HM_MM
    figures: tuple[Figure, ...] = (
        Figure("order", order.name),
        Figure("span_from_us", begin),
        Figure("span_to_us", end),
        Figure("slack_s", rules.order_slack_us // SECOND_US),
        Figure("order_mm", asked),
        Figure("driven_mm", way.gps_mm),
        Figure("unseen_s", way.hole_s),
        Figure("missing", "、".join(order.missing) or None),
    )
    if not len(vehicle.track.stops) and not len(vehicle.track.trips):
        return about.cannot_tell(Why.NO_TRACK, *figures)
    if not way.complete(rules):
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    if way.most_mm + way.cut_mm < rules.trip_mm:
        return _short(about, way, asked, figures, rules)
    # A wild fix between two of a parked vehicle looks like a way that nobody saw; what an odometer
    # gained in silence may have been driven before or behind.
    if way.gps_mm - way.gap_mm < rules.trip_mm:
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    if asked is None:
        return about.agrees(*figures)
    low = sure_mm * (100 - rules.order_pct) // 100 - rules.order_mm
    most_mm = way.most_mm + way.cut_mm
    high = most_mm * (100 + rules.order_pct) // 100 + rules.order_mm
    figures = (*figures, Figure("least_mm", max(low, 0)), Figure("most_mm", high))
    if low <= asked <= high:
        return about.agrees(*figures)
    return about.doubt(Doubt.ORDER_KILOMETRES, *figures)


def _short(
    about: About, way: Way, asked: int | None, figures: tuple[Figure, ...], rules: Rules
) -> Verdict:
    """Compare an order with less than a trip: a way next door, or a car moved in its yard."""
    if asked is not None and asked <= rules.trip_mm:
        return about.agrees(*figures)
    if asked is None and way.most_mm >= GAINED_MM:
        return about.cannot_tell(Why.WAY_SHORT, *figures)
    return about.doubt(Doubt.ORDER_WITHOUT_TRIP, *figures)


def trip_verdicts(
    vehicle: Vehicle, orders: Sequence[Order], span: tuple[int, int], rules: Rules
) -> Iterator[Verdict]:
    """Yield for each trip that begins in a span of time whether an order speaks of it.

    Args:
        vehicle: whose.
        orders: of the vehicle, ascending.
        span: from when to before when.
        rules: what is believed.
    """
    trips = vehicle.track.trips
    begin, end = map(int, np.searchsorted(trips.started_us, span))
    if begin == end:
        return
    wide = rules.orders_us + rules.order_slack_us
    first, last = int(trips.started_us[begin]) - wide, int(trips.ended_us[end - 1]) + wide
    near = [one for one in orders if span_of(one)[1] >= first and span_of(one)[0] <= last]
    times = spoken(vehicle.track.stops, near, rules)
    kept = _kept(orders, trips, rules)
    for first in range(begin, end, _AT_ONCE):
        part = slice(first, min(first + _AT_ONCE, end))
        shared, told = _beside(trips, part, times, rules)
        for index in range(part.start, part.stop):
            if trips.distance_mm[index] >= rules.trip_mm:
                its = near if told[index - first] and kept[index] else ()
                yield _trip(vehicle.code, trips, index, its, shared[index - first], rules)


def _kept(orders: Sequence[Order], trips: Trips, rules: Rules) -> Bools:
    """Tell for each trip whether orders were kept by then: not before the day of the first one."""
    begun = np.sort([min(one.day_us, span_of(one)[0]) for one in orders]).astype(np.int64)
    behind = np.searchsorted(begun, trips.ended_us + rules.order_slack_us, side="right")
    since = np.searchsorted(begun, trips.started_us - rules.history_us)
    kept: Bools = behind > since
    return kept


def _beside(trips: Trips, part: slice, times: Int64s, rules: Rules) -> tuple[Int64s, list[bool]]:
    """Return for each trip how much of it each order speaks for, µs, and whether any is about."""
    started, ended = trips.started_us[part, None], trips.ended_us[part, None]
    shared = np.minimum(times[:, 1], ended) - np.maximum(times[:, 0], started)
    about = (times[:, 1] >= started - rules.orders_us) & (times[:, 0] <= ended + rules.orders_us)
    told: list[bool] = np.any(about, axis=1).tolist()
    return shared, told


def _trip(  # noqa: PLR0913, PLR0917 - what is compared, each by its name
    vehicle: str,
    trips: Trips,
    index: int,
    orders: Sequence[Order],
    shared: Int64s,
    rules: Rules,
) -> Verdict:
    started, ended = int(trips.started_us[index]), int(trips.ended_us[index])
    about = About(
        *(Kind.TRIP, started, vehicle, started, Check.TRIP),
        *(started - rules.orders_us - rules.learned_us, ended + rules.orders_us + DAY_US),
    )
    figures = (
        Figure("started_us", started),
        Figure("ended_us", ended),
        Figure("driven_mm", int(trips.distance_mm[index])),
    )
    if not orders:
        return about.cannot_tell(Why.NO_ORDERS, *figures)
    covering = [orders[n] for n in np.flatnonzero(shared * 2 >= ended - started).tolist()]
    if covering:
        # The others of the day may have one that says no return, too: it speaks of all behind it.
        order = next((one for one in covering if _timed(one)), covering[0])
        named_so = Figure("order", order.name)
        if _timed(order):
            return about.agrees(*figures, named_so)
        return about.cannot_tell(Why.TIME_UNKNOWN, *figures, named_so)
    unseen = trips.gap_mm[index] >= trips.distance_mm[index]
    if unseen or (trips.flags[index] & _ESTIMATED and (shared > 0).any()):
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    return about.doubt(
        Doubt.TRIP_WITHOUT_ORDER, *figures, Figure("slack_s", rules.order_slack_us // SECOND_US)
    )
