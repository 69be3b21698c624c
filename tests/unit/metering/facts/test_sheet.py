from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from metering.facts.manual import digest_of
from metering.facts.sheet import AT, CODE, NOTE, SHEET, VALUE, Line, read_sheet
from registry.refusal import RefusedError
from registry.workbook import cell_name

ZONE = ZoneInfo("Asia/Shanghai")
HEADINGS = (CODE, "名称", AT, VALUE, NOTE)


def book(*rows: tuple[object, ...], sheet: str = SHEET, more: tuple[str, ...] = ()) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as made:
        page = made.add_worksheet(sheet)
        moment = made.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if isinstance(value, date):
                    page.write_datetime(i, j, value, moment)
                elif value is not None:
                    page.write(i, j, value)
        for name in more:
            made.add_worksheet(name)
    return target.getvalue()


def faults(raw: bytes) -> list[tuple[str, str]]:
    with pytest.raises(RefusedError) as caught:
        read_sheet(raw, ZONE)
    return [(fault.where, fault.what) for fault in caught.value.faults]


def entries(lines: list[Line]) -> list[tuple[str, datetime, Decimal]]:
    return [(line.entry.meter, line.entry.at.astimezone(UTC), line.entry.value) for line in lines]


def test_times_and_values_are_read_as_cells_or_as_text() -> None:
    raw = book(
        HEADINGS,
        ("p-1", "总进线", datetime(2026, 10, 31, 8, 30), 1234.56, "月抄"),  # noqa: DTZ001
        ("p-2", "", "2026-10-31 08:30", "1,234.56"),
        ("p-3", "", "2026/10/31 08:30", 12),
        ("p-4", "空", None, None),
        (1001.0, "", "2026-10-31 08:30", "１２．５"),
    )
    moment = datetime(2026, 10, 31, 0, 30, tzinfo=UTC)
    lines = read_sheet(raw, ZONE)
    assert entries(lines) == [
        ("p-1", moment, Decimal("1234.56")),
        ("p-2", moment, Decimal("1234.56")),
        ("p-3", moment, Decimal(12)),
        ("1001", moment, Decimal("12.5")),
    ]
    assert lines[0].entry.note == "月抄"
    assert lines[0].where.value == "抄表!D2"


def test_columns_may_stand_in_any_order_below_a_title() -> None:
    raw = book(("某局十月抄表",), (VALUE, "无关", CODE, AT), (5, "x", "p-1", "2026-10-31 08:30"))
    (line,) = read_sheet(raw, ZONE)
    assert (line.entry.meter, line.entry.value) == ("p-1", Decimal(5))
    assert (line.where.meter, line.where.at, line.where.value) == ("抄表!C3", "抄表!D3", "抄表!A3")


@pytest.mark.parametrize("written", ["2026-10-31", date(2026, 10, 31)])
def test_a_day_alone_means_its_midnight_and_says_so(written: object) -> None:
    (line,) = read_sheet(book(HEADINGS, ("p-1", "", written, 5)), ZONE)
    assert line.only_day
    assert line.entry.at == datetime(2026, 10, 31, tzinfo=ZONE)


def test_midnight_written_out_is_a_time() -> None:
    (line,) = read_sheet(book(HEADINGS, ("p-1", "", "2026-10-31 00:00", 5)), ZONE)
    assert not line.only_day


def test_every_wrong_cell_is_named_at_once() -> None:
    raw = book(
        HEADINGS,
        ("p-1", "", "明天", 5),
        ("p-1", "", "2026-10-31 08:30", "十二"),
        ("", "", "2026-10-31 08:30", 5),
        ("p-2", "", None, 5),
        ("p-2", "", "2026-10-31 08:30", None),
        ("p-3", "", "2026-10-31 08:30", True),
    )
    assert faults(raw) == [
        ("抄表!C2", "不是时间；请写成 2026-10-31 08:30"),
        ("抄表!D3", "“十二”不是数字；请填写表上显示的数，不带单位，小数点写成“.”"),
        ("抄表!A4", "缺少计量表编码；每行都要写，不要合并单元格"),
        ("抄表!C5", "缺少抄表时间；请写成 2026-10-31 08:30"),
        ("抄表!D6", "缺少表显读数（空着，或公式出错）；不抄的表请把抄表时间也留空"),
        ("抄表!D7", "“True”不是数字；请填写表上显示的数，不带单位，小数点写成“.”"),
    ]


def test_a_meter_read_twice_at_one_time_is_refused() -> None:
    row = ("p-1", "", "2026-10-31 08:30", 5)
    assert faults(book(HEADINGS, row, row)) == [
        ("抄表!A3", "与 抄表!A2 是同一块表的同一时间；请删去一行")
    ]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "不是能读取的 Excel 文件"),
        (b"meter,value\n", "不是能读取的 Excel 文件"),
        (book(HEADINGS)[:400], "不是能读取的 Excel 文件"),
        (book(HEADINGS, sheet="甲", more=("乙",)), "没有名为“抄表”的工作表"),
        (book(("编码", "读数")), "没有表头“计量表编码”"),
        (book((CODE, AT)), f"缺少“{VALUE}”列"),
        (book(HEADINGS), "没有填写任何读数"),
        (book(), "没有表头"),
        (b"x" * 5_000_001, "大于 5 MB"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(raw: bytes, words: str) -> None:
    ((_, what),) = faults(raw)
    assert words in what


def test_a_number_beyond_all_meters_is_left_to_the_check_of_entries() -> None:
    (line,) = read_sheet(book(HEADINGS, ("p-1", "", "2026-10-31 08:30", 1e300)), ZONE)
    assert line.entry.value > 10**14


def test_cells_are_named_as_excel_names_them() -> None:
    assert [cell_name("a", 7, c) for c in (0, 25, 26, 701, 702)] == [
        *("a!A7", "a!Z7", "a!AA7", "a!ZZ7", "a!AAA7")
    ]


def test_the_digest_is_of_what_is_said_not_of_the_file() -> None:
    rows = [("p-1", "", "2026-10-31 08:30", 5), ("p-2", "", "2026-10-31 08:30", "5.50")]
    one = read_sheet(book(HEADINGS, *rows), ZONE)
    other = read_sheet(book(("题",), HEADINGS, *reversed(rows)), ZONE)
    third = read_sheet(book(HEADINGS, rows[0], ("p-2", "", "2026-10-31 08:30", 5.6)), ZONE)
    assert digest_of(one) == digest_of(other)
    assert digest_of(one) != digest_of(third)


@pytest.mark.parametrize(
    "value", ["1234,5", "1.234,5", "1,2,3", "12,345,6", "1_000", "1e3", "١٢٣", "NaN", "约 5"]
)
def test_a_value_that_could_mean_another_is_refused(value: str) -> None:
    raw = book(HEADINGS, ("p-1", "", "2026-10-31 08:30", value))
    ((where, what),) = faults(raw)
    assert where == "抄表!D2"
    assert value in what


@pytest.mark.parametrize(
    "written",
    [
        "2026年10月31日 8:30",
        "2026年10月31日8:30",
        "2026.10.31 08:30",
        "2026/10/31 8:30:00",
        "２０２６－１０－３１　０８：３０",
    ],
)
def test_times_are_read_as_people_write_them(written: str) -> None:
    (line,) = read_sheet(book(HEADINGS, ("p-1", "", written, 5)), ZONE)
    assert line.entry.at.astimezone(UTC) == datetime(2026, 10, 31, 0, 30, tzinfo=UTC)
    assert not line.only_day


@pytest.mark.parametrize("written", ["0001-01-01", "1999-12-31", "9999-12-31 23:59", "2101-01-01"])
def test_a_year_nobody_can_mean_is_refused(written: str) -> None:
    ((where, what),) = faults(book(HEADINGS, ("p-1", "", written, 5)))
    assert where == "抄表!C2"
    assert "请核对年份" in what


def test_a_column_that_stands_twice_is_refused() -> None:
    raw = book((CODE, AT, VALUE, VALUE), ("p-1", "2026-10-31 08:30", 5, 6))
    assert faults(raw) == [("抄表!D1", "“表显读数”列不止一个；请只留一个")]


def test_a_merged_code_is_told_in_its_second_row() -> None:
    raw = book(HEADINGS, ("p-1", "", "2026-10-30", 4), (None, "", "2026-10-31", 5))
    assert faults(raw) == [("抄表!A3", "缺少计量表编码；每行都要写，不要合并单元格")]


def test_formulas_that_nobody_computed_are_named_where_they_are_read() -> None:
    raw = book(
        HEADINGS,
        ("p-1", "=1/0", "2026-10-31 08:30", "=D9*2"),
        ("p-2", "", "2026-10-31 08:30", 5),
        ("=A1", "", None, None),
    )
    assert [(cell, what[:6]) for cell, what in faults(raw)] == [
        ("抄表!D2", "公式没有保存"),
        ("抄表!A4", "公式没有保存"),
    ]
