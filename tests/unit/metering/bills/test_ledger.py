from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from metering.bills.figure import account_month, figure
from metering.bills.ledger import REASONS, SOURCES, ledger_tables
from metering.bills.month import (
    Entered,
    Figure,
    Metered,
    MonthFacts,
    PurchaseFigures,
    Reason,
    Source,
)
from metering.bills.share import BillFigures, MeterDay, MeterDays, days_of
from metering.bills.words import words
from registry.table import Column, Look, Table, write_json

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
BILL = BillFigures(1, JANUARY, FEBRUARY, settled=True, micro=3_100_000_000, fen=248_050)


def billed(daily: int, bill: BillFigures = BILL) -> Figure:
    days = list(days_of(JANUARY, FEBRUARY))
    metered = MeterDays.of({day: MeterDay(daily, 0, complete=True) for day in days})
    account = account_month("a", days, [bill], metered, [7])
    return figure(MonthFacts("czj", "electricity", JANUARY, (account,)))


def table(*figures: Figure) -> Table:
    (only,) = ledger_tables(figures, {"czj": "财政局"}, "", words())
    return only


def test_every_source_and_every_reason_has_its_words() -> None:
    assert set(SOURCES) == set(Source)
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize(
    ("daily", "said"),
    [
        (5_000_000, "疑似倍率问题（票据约为计量的 20 倍）"),
        (2_000_000_000, "疑似倍率问题（计量约为票据的 20 倍）"),
        (101_000_000, "待说明"),
        (100_000_000, ""),
    ],
)
def test_a_difference_is_worded_as_a_doubt(daily: int, said: str) -> None:
    (row,) = table(billed(daily)).rows
    assert row["reasons"] == said


def test_the_price_is_that_of_the_figure_and_unknown_without_it() -> None:
    (row,) = table(billed(100_000_000)).rows
    assert (row["quantity"], row["amount"], row["price"]) == (
        Decimal(3100),
        Decimal("2480.50"),
        Decimal("0.8002"),
    )
    for lacking in (replace(BILL, fen=None), replace(BILL, micro=0)):
        (row,) = table(billed(100_000_000, lacking)).rows
        assert row["price"] is None


def test_earlier_records_say_that_they_are() -> None:
    facts = MonthFacts("czj", "electricity", JANUARY, entered=Entered(5_000_000, None, (1,)))
    (row,) = table(figure(facts)).rows
    assert (row["source"], row["quantity"], row["amount"]) == ("历史录入", Decimal(5), None)


def test_a_month_of_bills_and_meters_says_how_much_rests_on_each() -> None:
    mixed = billed(100_000_000).facts.beside(Metered(50_000_000, 0, complete=True, meters=(8,)))
    found = table(figure(mixed))
    (row,) = found.rows
    assert (row["source"], row["quantity"]) == ("票据 3100、计量 50", Decimal(3150))
    assert (row["amount"], row["price"]) == (None, None)
    assert any("其余日子按计量" in remark for remark in found.remarks)
    assert not any("其余日子按计量" in remark for remark in table(billed(1)).remarks)


def test_consumers_have_their_columns_only_where_they_matter() -> None:
    bought = (PurchaseFigures(1, "other", 5_000_000, 100),)
    petrol = table(figure(MonthFacts("czj", "petrol", JANUARY, purchases=bought)))
    coal = table(figure(MonthFacts("czj", "coal", JANUARY, purchases=bought)))
    assert [c.key for c in petrol.columns if c.key.startswith("quantity_")] == [
        "quantity_vehicle",
        "quantity_other",
    ]
    assert not [c.key for c in coal.columns if c.key.startswith("quantity_")]
    assert (petrol.rows[0]["quantity_vehicle"], petrol.rows[0]["quantity_other"]) == (None, 5)


def test_sums_are_exact_and_unknown_when_nothing_is_known(tmp_path: Path) -> None:
    columns = (Column("a", "甲", Look.QUANTITY, summed=True), Column("b", "乙", summed=True))
    rows = ({"a": Decimal("0.1"), "b": None}, {"a": Decimal("0.2"), "b": None}, {"a": None})
    one = Table("电", "题", "", columns, rows)
    assert (one.total("a"), one.total("b")) == (Decimal("0.3"), None)
    write_json(tmp_path / "a.json", [one])
    assert '"a": "0.1"' in (tmp_path / "a.json").read_text(encoding="utf-8")
