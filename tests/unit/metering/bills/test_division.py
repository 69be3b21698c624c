"""Bills of an account whose meters go several ways: what all ways get is the bill, exactly."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.bills.division import Slice, divided, is_divisible, joined
from metering.bills.figure import account_month
from metering.bills.month import AccountMonth, Metered
from metering.bills.share import BillFigures, MeterDay, MeterDays, days_of
from metering.tree.holders import sole

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
DAYS = tuple(days_of(JANUARY, FEBRUARY))
AMONG = (frozenset({1}), frozenset({2, 3}))
WAYS = tuple((sole(institution), meters) for institution, meters in enumerate(AMONG, 1))
BILL = BillFigures(1, date(2025, 12, 20), date(2026, 2, 7), settled=True, micro=1_000_003, fen=-777)


def counting(*daily: int) -> dict[int, MeterDays]:
    return {
        meter: MeterDays.of({day: MeterDay(micro, meter, complete=True) for day in DAYS})
        for meter, micro in enumerate(daily, 1)
    }


def whole(days: tuple[date, ...] = DAYS) -> AccountMonth:
    return account_month("a", days, [BILL], None, ())


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3).filter(any))
def test_what_the_ways_get_adds_up_to_the_account(daily: list[int]) -> None:
    days = counting(*daily)
    parts = [divided(whole(), Slice(at, WAYS), days) for at in range(2)]
    assert sum(part.micro or 0 for part in parts) == whole().micro
    assert sum(part.fen or 0 for part in parts) == whole().fen
    assert [part.days for part in parts] == [DAYS, DAYS]
    assert [part.metered for part in parts] == [
        Metered(31 * daily[0], 31 * 1, complete=True, meters=(1,)),
        Metered(31 * (daily[1] + daily[2]), 31 * (2 + 3), complete=True, meters=(2, 3)),
    ]


def test_each_way_gets_what_its_meters_counted_of_the_bill() -> None:
    parts = [divided(whole(), Slice(at, WAYS), counting(6, 1, 2)) for at in range(2)]
    due = whole().micro or 0
    assert [part.micro for part in parts] == [due * 6 // 9, due - due * 6 // 9]


@pytest.mark.parametrize(
    ("days", "divisible"),
    [
        (counting(6, 1, 2), True),
        (counting(6, 0, 0), True),
        (counting(0, 0, 0), False),
        (counting(6, -1, 2), False),
        (counting(6, 1, 2) | {3: MeterDays.of({JANUARY: MeterDay(2, 0, complete=True)})}, False),
        (
            counting(6, 1, 2)
            | {2: MeterDays.of({day: MeterDay(1, 0, complete=day.day != 9) for day in DAYS})},
            False,
        ),
    ],
    ids=["known", "one way used nothing", "nothing", "below zero", "absent", "a gap"],
)
def test_a_bill_is_divided_only_by_what_meters_know(
    days: dict[int, MeterDays], *, divisible: bool
) -> None:
    assert is_divisible(AMONG, days, DAYS) is divisible


def test_days_that_go_one_way_and_days_that_are_divided_are_one_month_again() -> None:
    cut = JANUARY + timedelta(days=10)
    first, last = tuple(days_of(JANUARY, cut)), tuple(days_of(cut, FEBRUARY))
    rest = [divided(whole(last), Slice(at, WAYS), counting(6, 1, 2)) for at in range(2)]
    mine, other = joined([rest[0], whole(first)]), rest[1]
    assert (mine.micro or 0) + (other.micro or 0) == whole().micro
    assert (mine.days, other.days) == (DAYS, last)
    assert mine.metered is not None
    assert not mine.metered.complete  # of the first days nothing was counted
    assert [share.first for share in mine.quantity] == [JANUARY, cut]
