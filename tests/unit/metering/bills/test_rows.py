from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from metering.bills.checks import to_fen, to_micro
from metering.bills.model import NewAccount, NewBill, Status
from metering.bills.rows import Billed, bill_lines, period_of_month
from metering.bills.sheet import read_sheets
from metering.bills.words import words
from registry.no_value import NoValue
from registry.sheet import Refusals, Row, Sheet, parse_day
from registry.workbook import Cell, column_name

ACCOUNT = NewAccount(
    "A", "510001", "国网供电", "electricity", "czj", date(2020, 1, 1), reading_day=25
)
TODAY = date(2026, 12, 31)
KNOWN: dict[str, list[Billed]] = {"A": [ACCOUNT], "510001": [ACCOUNT]}


def row(refusals: Refusals, **values: Cell) -> Row:
    columns = {name: number for number, name in enumerate(values)}
    sheet = Sheet("bills", "账单", columns, {}, (), 2, ())
    return Row(sheet, 7, values, refusals)


def bills(**values: Cell) -> tuple[list[NewBill], list[str]]:
    """Read one row of bills; return what was read, and what was refused."""
    refusals = Refusals()
    columns = {name: number for number, name in enumerate(values)}
    sheet = Sheet("bills", "账单", columns, {}, (), 2, (tuple(values.values()),))
    found = [line.bill for line in bill_lines(sheet, KNOWN, words(), TODAY, refusals)]
    return found, refusals.found


@pytest.mark.parametrize(
    ("when", "cell"),
    [
        ({"first": "2026-12-01", "last": "2027-01-01"}, "C7"),
        ({"first": "2026-12-01", "end": "2027-01-02"}, "C7"),
        ({"period": "2026-12-01至2027-01-01"}, "B7"),
        ({"month": "2027-01"}, "B7"),
        ({"first": "2026-12-01", "last": "2026-12-31", "issued": "2027-01-01"}, "D7"),
    ],
)
def test_what_has_not_been_yet_is_refused_in_its_cell(when: dict[str, Cell], cell: str) -> None:
    found, refused = bills(account="A", **when, quantity=5)
    assert found == []
    assert [one.partition("：")[0] for one in refused] == [f"账单!{cell}".replace("7", "2")]


@pytest.mark.parametrize(
    ("reading_day", "month", "period"),
    [
        (None, date(2026, 1, 1), (date(2026, 1, 1), date(2026, 2, 1))),
        (1, date(2026, 12, 1), (date(2026, 12, 1), date(2027, 1, 1))),
        (25, date(2026, 1, 1), (date(2025, 12, 25), date(2026, 1, 25))),
        (31, date(2026, 3, 1), (date(2026, 2, 28), date(2026, 3, 31))),
        (30, date(2024, 2, 1), (date(2024, 1, 30), date(2024, 2, 29))),
    ],
)
def test_the_bill_of_a_month_runs_from_reading_day_to_reading_day(
    reading_day: int | None, month: date, period: tuple[date, date]
) -> None:
    assert period_of_month(month, reading_day) == period


@given(reading_day=st.none() | st.integers(1, 31), start=st.integers(0, 2000))
def test_bills_of_months_follow_each_other_without_a_gap(
    reading_day: int | None, start: int
) -> None:
    month = date(2000 + start // 12, start % 12 + 1, 1)
    following = date(2000 + (start + 1) // 12, (start + 1) % 12 + 1, 1)
    first, end = period_of_month(month, reading_day)
    assert first < end
    assert period_of_month(following, reading_day)[0] == end


@pytest.mark.parametrize(
    "period",
    [
        {"first": date(2026, 1, 1), "last": date(2026, 1, 31)},
        {"first": "2026/1/1", "last": "2026年1月31日"},
        {"first": datetime(2026, 1, 1, 8), "end": "20260201"},  # noqa: DTZ001
        {"period": "2026-01-01至2026-01-31"},
        {"period": "20260101 - 20260131"},
        {"period": "2026.1.1～2026.1.31"},
    ],
    ids=str,
)
def test_a_period_may_be_written_in_many_ways(period: Mapping[str, Cell]) -> None:
    (bill,), refused = bills(account="510001", quantity=100, **period)
    assert (bill.account, bill.first, bill.end) == ("A", date(2026, 1, 1), date(2026, 2, 1))
    assert refused == []


@pytest.mark.parametrize("month", ["2026-01", "202601", 202601.0, "2026年1月", date(2026, 1, 9)])
def test_a_month_may_be_written_in_many_ways(month: Cell) -> None:
    (bill,), _ = bills(account=510001.0, quantity=100, month=month)
    assert (bill.first, bill.end) == (date(2025, 12, 25), date(2026, 1, 25))


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ({"first": "上月"}, "账单!C2：“上月”不是日期，请写成 2026-01-31"),
        ({"first": "2026-02-30", "last": "2026-03-01"}, "账单!C2：“2026-02-30”不是日期"),
        ({"period": "2026-01-01"}, "账单!C2：“2026-01-01”不是起止日期"),
        ({"period": "2026-02-30至2026-03-31"}, "不是起止日期"),
        ({"month": "2026-13"}, "账单!C2：“2026-13”不是月份，请写成 2026-01 或 202601"),
        ({"month": "正月"}, "账单!C2：“正月”不是月份"),
        ({"first": date(2026, 1, 1), "last": ""}, "账单!D2：没有账单的起止日期"),
    ],
    ids=str,
)
def test_a_period_that_is_none_is_refused_with_its_cell(
    period: Mapping[str, Cell], said: str
) -> None:
    found, refused = bills(account="510001", quantity=100, **period)
    assert found == []
    assert len(refused) == 1
    assert said in refused[0]


def test_a_row_says_all_that_is_wrong_with_it() -> None:
    found, refused = bills(
        account="510001", month="2026-01", quantity="多", amount="1,2x", issued="明天", status="?"
    )
    assert found == []
    assert [text.split("：")[0] for text in refused] == ["账单!F2", "账单!C2", "账单!D2", "账单!E2"]


def test_empty_is_not_known_and_zero_is_zero() -> None:
    (bill,), _ = bills(account="A", month="2026-01", quantity="", amount=0)
    assert (bill.quantity, bill.amount, bill.status) == (None, Decimal(0), Status.SETTLED)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (0.1 + 0.2, "0.3"),
        (1234.56, "1234.56"),
        ("1,234.56", "1234.56"),
        ("¥80", "80"),
        (12, "12"),
        (" ", None),
    ],
)
def test_numbers_are_what_the_sheet_shows(written: Cell, number: str | None) -> None:
    expected = None if number is None else Decimal(number)
    assert row(Refusals(), quantity=written).number_of("quantity") == expected


@pytest.mark.parametrize("written", ["NaN", "1e5", "--", "1 2", "=A1", True])
def test_what_is_no_number_is_refused(written: Cell) -> None:
    refusals = Refusals()
    assert row(refusals, quantity=written).number_of("quantity") is None
    assert refusals.found[0].startswith("账单!A7：")


def test_a_mistake_is_said_once() -> None:
    refusals = Refusals()
    for _ in range(3):
        row(refusals, quantity="x").number_of("quantity")
    assert len(refusals.found) == 1


def test_rows_of_sums_and_empty_rows_are_no_bills() -> None:
    assert bills(account="合计", month="", quantity=5) == ([], [])
    assert bills(account="", month=" ", quantity="") == ([], [])


@pytest.mark.parametrize(
    ("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")]
)
def test_columns_are_named_as_in_excel(number: int, name: str) -> None:
    assert column_name(number) == name


@given(st.dates(date(1900, 1, 1)))
def test_days_are_read_as_they_are_written(day: date) -> None:
    for text in (day.isoformat(), f"{day:%Y%m%d}", f"{day.year}年{day.month}月{day.day}日"):
        assert parse_day(text) == day


@given(st.integers(0, 10**15), st.sampled_from(["1", "1000", "10000", "0.001"]))
def test_millionths_are_exact_or_refused(number: int, factor: str) -> None:
    quantity = Decimal(number) / 1000
    exact = quantity * Decimal(factor) * 1_000_000
    if exact == int(exact):
        assert to_micro(quantity, Decimal(factor)) == exact
    else:
        with pytest.raises(ValueError, match="finer than a millionth"):
            to_micro(quantity, Decimal(factor))


def test_yuan_become_fen() -> None:
    assert [to_fen(Decimal(text)) for text in ("80", "0.01", "-12.34")] == [8000, 1, -1234]


def test_a_sheet_is_found_below_titles_and_known_by_its_headings(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("封面").write(0, 0, "说明")
        sheet = book.add_worksheet("明细")
        sheet.write(2, 1, "用户编号")
        sheet.write(2, 2, "电费年月")
        sheet.write(2, 3, "电量（度）")
        sheet.write(2, 4, "线损")
        sheet.write(3, 1, "510001")
    (found,) = read_sheets(path, words(), Refusals())
    assert (found.kind, found.name, found.begin) == ("bills", "明细", 4)
    assert found.columns == {"account": 1, "month": 2, "quantity": 3}
    assert (found.units["quantity"], found.ignored) == ("度", ("线损",))
    assert found.heading_cell("quantity") == "明细!D3"


@pytest.mark.parametrize(
    "values",
    [
        {"first": "2026-01-01", "last": "9999-12-31"},
        {"first": date(1900, 1, 5), "last": date(2026, 1, 31)},
        {"period": "2026-01-01至9999-12-31"},
        {"month": "0001-01"},
        {"month": "1999-12"},
        {"month": date(9999, 12, 1)},
    ],
    ids=str,
)
def test_a_year_that_must_be_a_mistake_is_refused_in_its_cell(values: dict[str, Cell]) -> None:
    found, refused = bills(account="A", quantity=5.0, **values)
    assert not found
    assert len(refused) == 1
    assert "年不在 2000 年至 2100 年之间，请核对年份" in refused[0]
    assert refused[0].startswith(("账单!C2", "账单!D2"))


WHY = "公式没有保存计算结果"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("quantity", "账单!B2"),
        ("amount", "账单!C2"),
        ("first", "账单!D2"),
        ("account", "账单!A2"),
        ("note", "账单!F2"),
    ],
)
def test_a_cell_that_holds_no_value_is_refused_once_and_the_row_with_it(
    name: str, cell: str
) -> None:
    values: dict[str, Cell] = {
        "account": "A",
        "quantity": 5.0,
        "amount": 4.0,
        "first": "2026-01-01",
        "last": "2026-01-31",
        "note": "",
    }
    found, refused = bills(**{**values, name: NoValue("=", WHY)})
    assert (found, refused) == ([], [f"{cell}：{WHY}"])


def test_a_period_that_holds_no_value_is_no_period_of_its_month() -> None:
    found, refused = bills(account="A", quantity=5.0, period=NoValue("#REF!", WHY), month="2026-01")
    assert (found, refused) == ([], [f"账单!C2：{WHY}"])


def test_the_sums_below_a_table_may_hold_no_value() -> None:
    found, refused = bills(account="合计", quantity=NoValue("=", WHY), month="2026-01")
    assert (found, refused) == ([], [])
