"""Orders against trips, at the edges of their tolerances; a usual day has two trips of 4.7 km."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fleet.joining.check import verdicts
from fleet.joining.model import Order
from fleet.joining.orders import span_of
from fleet.joining.rules import Rules
from fleet.joining.verdict import Check, Doubt, Verdict, Why
from tests.unit.fleet.joining.scene import HOME, RULES, Car, in_may, order, subject, us

DAY = in_may(20)


def compared(asked: Order, car: Car | None = None, rules: Rules = RULES) -> list[Verdict]:
    records = subject(car or Car("v", {}), asked, others=False)
    span = us(DAY), us(DAY + timedelta(days=1))
    return list(verdicts(records, *span, rules, checks={Check.ORDER, Check.TRIP}))


def of_order(asked: Order, car: Car | None = None) -> Verdict:
    return next(one for one in compared(asked, car) if one.check is Check.ORDER)


@pytest.mark.parametrize(
    ("hm", "doubt"),
    # Within its times less half an hour 4.7 km were driven at least: 8 % and 3 km less are 1.3 km.
    # Within them and half an hour more 9.5 km at most: 8 % and 3 km more are 13.2 km.
    [
        (0, Doubt.ORDER_KILOMETRES),
        (13, Doubt.ORDER_KILOMETRES),
        (14, None),
        (132, None),
        (133, Doubt.ORDER_KILOMETRES),
    ],
)
def test_kilometres_may_be_a_little_off_and_times_half_an_hour(
    hm: int, doubt: Doubt | None
) -> None:
    asked = order(1, DAY, "08:50", "16:40", out_hm=1_000, back_hm=1_000 + hm)
    assert of_order(asked).doubt is doubt


@pytest.mark.parametrize(
    ("back", "doubt"), [("08:59", Doubt.TRIP_WITHOUT_ORDER), ("09:00", None), ("09:40", None)]
)
def test_an_order_speaks_of_a_trip_of_which_it_covers_half(back: str, doubt: Doubt | None) -> None:
    found = {one.number: one for one in compared(order(1, DAY, "08:00", back))}
    assert found[us(DAY, "09:00")].doubt is doubt


def test_a_short_trip_needs_no_order() -> None:
    asked = order(1, DAY, "08:50", "10:10")
    assert sum(one.check is Check.TRIP for one in compared(asked)) == 2
    short = replace(RULES, trip_mm=5_000_000)
    assert not any(one.check is Check.TRIP for one in compared(asked, rules=short))


def test_of_an_order_of_hours_without_a_word_from_the_terminal_one_cannot_tell() -> None:
    silent = us(DAY, "08:00"), us(DAY, "19:00")
    asked = order(1, DAY, "09:00", "16:00")
    assert of_order(asked, Car("v", {DAY: HOME}, silent=(silent,))).why is Why.TRACK_INCOMPLETE


def test_when_an_order_was_driven() -> None:
    begin, end = us(DAY), us(DAY + timedelta(days=1))
    assert span_of(order(1, DAY, None, None)) == (begin, end)
    assert span_of(order(1, DAY, "08:00", None)) == (us(DAY, "08:00"), end)
    assert span_of(order(1, DAY, None, "08:00")) == (begin, us(DAY, "08:00"))
    over_midnight = replace(order(1, DAY, None, None), out_us=end + 1)
    assert span_of(over_midnight) == (end + 1, end + 1)
