from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from metering.bills.accounts import add_account
from metering.bills.entry import enter_bill
from metering.bills.model import NewAccount, NewBill
from metering.tree.relations import Kind, Relation, enter_relation
from metering.tree.standing import Standing, enter_standing
from registry.refusal import RefusedError
from tests.integration.jieyong.total.ask import JUNE, Run, kwh, line, month
from tests.integration.metering.tree.town import ACT, Town

JULY = date(2026, 7, 1)
POWER = ("--basis", "reported", "--energy", "electricity")


@pytest.fixture
def billed(town: Town) -> Town:
    """A is billed 1050 kWh, 300 of which pass on to B; C's account has no bill of the month.

    B has nothing but its meter; C is in another district.
    """
    town.house("C")
    for number, whose in (("1", "A"), ("3", "C")):
        account = NewAccount(number, number, "国网", "electricity", whose, date(2026, 1, 1))
        add_account(town.conn, ACT, account)
    said = NewBill("1", JUNE, JULY, Decimal(1050), "kWh", Decimal("800.50"))
    enter_bill(town.conn, replace(ACT, at=ACT.at + timedelta(days=31)), said)
    for whose, district in (("A", "东区"), ("B", "东区"), ("C", "西区")):
        enter_standing(town.conn, ACT, Standing(whose, district))
    return town


def shown(run: Run, *words: str) -> list[tuple[str, float | None, float | None, str, str]]:
    return [
        (row["name"], kwh(row["total"]), kwh(row["known"]), row["source"], row["state"])
        for row in month(run, *POWER, *words)["totals"]
    ]


def test_bills_go_up_to_the_city_and_what_is_unknown_stays_so(run: Run, billed: Town) -> None:
    assert shown(run) == [
        ("A", 750, 750, "票据、计量", "完整"),
        ("B", 300, 300, "计量", "完整"),
        ("C", None, None, "未知", "未知"),
        ("合计", None, 1050, "票据、计量、未知", "不完整"),
    ]
    assert shown(run, "--level", "district") == [
        ("东区", 1050, 1050, "票据、计量", "完整"),
        ("西区", None, None, "未知", "未知"),
        ("合计", None, 1050, "票据、计量、未知", "不完整"),
    ]
    city = month(run, *POWER)["totals"][-1]
    counts = ("institutions", "unknown_institutions", "accounts", "unknown_accounts")
    assert tuple(city[key] for key in counts) == (3, 1, 2, 1)
    assert (city["amount"], city["known_amount"]) == (None, "800.50")
    assert kwh(city["metered"]) == 1000
    first, second, *_ = month(run, *POWER)["totals"]
    parts = ("by_bills", "by_meters", "by_records")
    assert [kwh(first[key]) for key in parts] == [1050, -300, None]  # 300 pass on to B
    assert [kwh(second[key]) for key in parts] == [None, 300, None]


def test_what_is_reported_by_another_or_by_nobody(run: Run, billed: Town) -> None:
    enter_relation(billed.conn, ACT, Relation("institution", "A", Kind.ON_BEHALF, {"C": 1}))
    enter_relation(billed.conn, ACT, Relation("institution", "B", Kind.EXCLUDED))
    assert shown(run) == [
        ("C", None, 750, "票据、计量、未知", "不完整"),
        ("合计", None, 750, "票据、计量、未知", "不完整"),
        ("不计入和外供", 300, 300, "计量", "完整"),
    ]


def test_on_the_screen_unknown_is_a_word(run: Run, billed: Town) -> None:
    done = run("month", "2026-06", *POWER)
    assert line(done.stdout, "│ C ")[3:6] == ["未知", "未知", "kWh"]
    assert line(done.stdout, "│ A ")[3:9] == ["750", "750", "kWh", "800.5", "800.5", "票据、计量"]


def test_nothing_is_said_where_nothing_is(run: Run) -> None:
    done = run("month", "2026-06", "--basis", "reported", "--energy", "coal")
    assert "没有票据、购入或计入的计量表。" in done.stdout


@pytest.mark.parametrize("words", [("--coal",), ("--level", "room"), ("--level", "item")])
def test_what_bills_cannot_tell_is_refused(run: Run, words: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError, match="请"):
        run("month", "2026-06", *POWER, *words)
