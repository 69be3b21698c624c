from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from metering.bills.checks import account_faults, bill_faults, purchase_faults
from metering.bills.model import (
    LARGEST_ATTACHMENT,
    Attachment,
    Band,
    NewAccount,
    NewBill,
    NewPurchase,
    Part,
    Status,
)
from metering.bills.words import words

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)
BILL = NewBill("A", DAY, NEXT, Decimal(5), "kWh", Decimal(4))
FUEL = NewPurchase("czj", "petrol", DAY, Decimal(5), "L", Decimal(40), "vehicle")
ACCOUNT = NewAccount("A", "510001", "供电公司", "electricity", "czj", DAY)


def fields(bill: NewBill, today: date = date(2030, 1, 1)) -> list[str]:
    return [fault.field for fault in bill_faults(bill, "electricity", words(), today)]


@pytest.mark.parametrize(
    "lawful",
    [
        BILL,
        replace(BILL, quantity=None, note="按面积收费"),
        replace(BILL, amount=None),
        replace(BILL, end=DAY + timedelta(days=732)),
        replace(BILL, quantity=Decimal(0), amount=Decimal(0)),
        replace(BILL, amount=Decimal("-12.30")),  # a credit
        replace(BILL, quantity=Decimal("0.000001")),
        replace(BILL, parts=(Part(Band.PEAK, Decimal(9)),)),  # losses: the parts may differ
        replace(BILL, attachment=Attachment("a", b"x" * LARGEST_ATTACHMENT)),
    ],
    ids=lambda bill: repr(bill)[:80],
)
def test_what_is_lawful_is_not_blocked(lawful: NewBill) -> None:
    assert fields(lawful) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(BILL, end=DAY), "end"),
        (replace(BILL, end=DAY + timedelta(days=733)), "end"),
        (replace(BILL, quantity=None, amount=None), "quantity"),
        (replace(BILL, quantity=Decimal(-1)), "quantity"),
        (replace(BILL, quantity=Decimal("NaN")), "quantity"),
        (replace(BILL, quantity=Decimal("1e12")), "quantity"),
        (replace(BILL, quantity=Decimal("0.0000001")), "quantity"),
        (replace(BILL, amount=Decimal("0.001")), "amount"),
        (replace(BILL, amount=Decimal("Infinity")), "amount"),
        (replace(BILL, unit="m3"), "unit"),
        (replace(BILL, parts=(Part(Band.PEAK, Decimal(-1)),)), "peak"),
        (replace(BILL, parts=(Part(Band.DEEP, None, Decimal("1.001")),)), "deep"),
        (replace(BILL, parts=(Part(Band.FLAT, Decimal(1)),) * 2), "flat"),
        (replace(BILL, attachment=Attachment("a", b"")), "attachment"),
        (replace(BILL, attachment=Attachment(" ", b"x")), "attachment"),
        (replace(BILL, attachment=Attachment("a", b"x" * (LARGEST_ATTACHMENT + 1))), "attachment"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_wrong_is_named_by_its_field(wrong: NewBill, field: str) -> None:
    assert fields(wrong) == [field]


def test_years_that_nobody_can_mean_are_refused() -> None:
    long_ago = date(1926, 1, 1)
    assert "first" in fields(replace(BILL, first=long_ago))
    assert fields(replace(BILL, end=date(2226, 1, 2)))[0] == "end"
    (bought,) = purchase_faults(replace(FUEL, bought_on=long_ago), words(), NEXT)
    (opened,) = account_faults(replace(ACCOUNT, since=long_ago), words())
    said = "1926 年不在 2000 年至 2100 年之间，请核对年份"
    assert [(one.field, one.message) for one in (bought, opened)] == [
        *(("bought_on", said), ("since", said)),
    ]


@pytest.mark.parametrize(
    ("ahead", "field"),
    [
        (replace(BILL, end=date(2026, 1, 31)), "end"),
        (replace(BILL, first=date(2026, 1, 31), end=date(2026, 2, 1)), "end"),
        (replace(BILL, first=date(2026, 1, 31), end=date(2026, 2, 1)), "first"),
        (replace(BILL, issued=date(2026, 1, 30)), "issued"),
    ],
)
def test_what_has_not_been_yet_is_on_no_bill(ahead: NewBill, field: str) -> None:
    """Of a bill's last day the meter is read on the day after, or on itself."""
    status = Status.ESTIMATED if field == "first" else Status.SETTLED
    assert fields(replace(ahead, status=status), date(2026, 1, 29)) == [field]
    assert fields(replace(ahead, status=status), date(2026, 1, 31)) == []


def test_money_may_be_paid_ahead_and_estimates_look_ahead() -> None:
    winter = replace(BILL, first=date(2026, 11, 15), end=date(2027, 3, 16))
    assert fields(replace(winter, quantity=None), date(2026, 10, 1)) == []
    assert fields(replace(winter, status=Status.ESTIMATED), date(2026, 11, 15)) == []
    topped_up = bill_faults(winter, "electricity", words(), date(2026, 11, 1), prepaid=True)
    assert list(topped_up) == []


def test_nothing_is_bought_on_a_day_to_come() -> None:
    (fault,) = purchase_faults(replace(FUEL, bought_on=NEXT), words(), DAY)
    assert (fault.field, fault.message) == (
        "bought_on",
        "2026-01-02 还没有到（今天是 2026-01-01），请核对日期",
    )
    assert list(purchase_faults(replace(FUEL, bought_on=NEXT), words(), NEXT)) == []


def test_all_mistakes_are_found_at_once() -> None:
    wrong = NewBill("A", NEXT, DAY, Decimal(-1), "吨", Decimal("0.001"))
    assert fields(wrong) == ["end", "unit", "quantity", "amount"]


def test_a_conversion_finer_than_a_millionth_is_refused() -> None:
    coal = replace(FUEL, energy="coal", unit="千克", quantity=Decimal("0.0001"))
    (fault,) = purchase_faults(coal, words(), NEXT)
    assert fault.field == "quantity"
    assert "最多六位小数" in fault.message


def test_a_purchase_of_an_unknown_energy_or_use_is_refused() -> None:
    wrong = replace(FUEL, energy="wood", consumer="ship")
    found = purchase_faults(wrong, words(), NEXT)
    assert [fault.field for fault in found] == ["consumer", "energy"]


def test_an_account_needs_its_names() -> None:
    assert list(account_faults(ACCOUNT, words())) == []
    wrong = replace(ACCOUNT, number=" ", supplier="", reading_day=0, energy="")
    found = [fault.field for fault in account_faults(wrong, words())]
    assert found == ["number", "supplier", "energy", "reading_day"]
