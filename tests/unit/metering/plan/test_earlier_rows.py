from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.factors.kinds import load_kinds
from metering.plan.earlier_rows import HEADINGS, EarlierMonth, Known, parse
from registry.no_value import NoValue
from registry.refusal import RefusedError
from registry.workbook import Cell

KNOWN = Known(
    institutions={"jg-1", "1001"},
    meters={"m-1": "electricity", "m-2": "water"},
    kinds={kind.name: kind for kind in load_kinds().values()},
    this_month=date(2026, 11, 1),
)
GOOD: list[Cell] = ["jg-1", "", "2025-10", "电", 600, "kWh", 360.5, ""]


def row(**cells: Cell) -> list[Cell]:
    """The good row with some cells (a to h) replaced."""
    changed = list(GOOD)
    for column, value in cells.items():
        changed["abcdefgh".index(column)] = value
    return changed


def read(*rows: list[Cell]) -> tuple[EarlierMonth, ...]:
    return parse([list(HEADINGS), *rows], KNOWN)


def problems(*rows: list[Cell]) -> tuple[str, ...]:
    with pytest.raises(RefusedError) as refused:
        read(*rows)
    return tuple(str(fault) for fault in refused.value.faults)


def test_a_row_is_read_with_its_unit_and_decimals() -> None:
    (found,) = read(GOOD)
    assert found == EarlierMonth(
        2,
        "jg-1",
        None,
        date(2025, 10, 1),
        "electricity",
        "kWh",
        Decimal(600),
        Decimal("360.5"),
    )


@pytest.mark.parametrize(
    "month",
    [
        *(
            "2025-10",
            "2025/10",
            "2025.10",
            "2025年10月",
            "2025 年 10 月",
            "202510",
            "２０２５-１０",
        ),
        *(202510, 202510.0, date(2025, 10, 1), datetime(2025, 10, 1)),  # noqa: DTZ001 - Excel's
    ],
)
def test_months_are_taken_as_people_and_excel_write_them(month: Cell) -> None:
    assert read(row(c=month))[0].month == date(2025, 10, 1)


def test_other_units_are_converted_exactly() -> None:
    assert read(row(e=1.25, f="万kWh"))[0].quantity == 12_500
    assert read(row(a="", b="m-2", d="水", f="吨"))[0].unit == "m3"
    assert read(row(d="水", f="m³"))[0].unit == "m3"


def test_unknown_stays_unknown_and_zero_stays_zero() -> None:
    assert read(row(e=""))[0].quantity is None
    assert read(row(g=""))[0].amount is None
    assert read(row(e=0))[0].quantity == 0


def test_codes_that_excel_made_numbers_are_codes_still() -> None:
    assert read(row(a=1001.0))[0].institution == "1001"


def test_numbers_may_carry_separators_and_binary_noise() -> None:
    (found,) = read(row(e="1,234.5", g=0.1 + 0.2))
    assert (found.quantity, found.amount) == (Decimal("1234.5"), Decimal("0.30"))


def test_empty_rows_are_passed_over() -> None:
    assert len(read(GOOD, [""] * 8, row(c="2025-09"))) == 2


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"a": "jg-9"}, "历史月份!A2：没有编码为 jg-9 的机构"),
        ({"a": "", "b": "m-9"}, "历史月份!B2：没有编码为 m-9 的计量点"),
        ({"b": "m-1"}, "历史月份!A2：机构编码和计量点编码填且只填一个"),
        ({"a": ""}, "历史月份!A2：机构编码和计量点编码填且只填一个"),
        ({"c": "十月"}, "历史月份!C2：“十月”不是月份"),
        ({"c": "2025-13"}, "历史月份!C2：“2025-13”不是月份"),
        ({"c": ""}, "历史月份!C2：“”不是月份"),
        ({"c": date(2025, 10, 15)}, "历史月份!C2"),
        ({"c": "2026-11"}, "历史月份!C2：2026-11 尚未结束"),
        ({"c": "1925-10"}, "历史月份!C2：1925 年不在 2000 年至 2100 年之间"),
        ({"d": "柴火"}, "历史月份!D2：“柴火”不是能源名称，可填：电、水"),
        ({"a": "", "b": "m-2"}, "历史月份!D2：计量点 m-2 不计量电"),
        ({"e": "约600"}, "历史月份!E2：“约600”不是数字"),
        ({"e": -1}, "历史月份!E2：-1 应不小于 0"),
        ({"e": "9" * 14}, f"历史月份!E2：{'9' * 14} 应不小于 0 且小于"),
        ({"e": 1e30}, "历史月份!E2：1000000000000000019884624838656 应不小于 0 且小于"),
        ({"e": "1e30"}, "历史月份!E2：“1e30”不是数字"),
        ({"e": "1234,5"}, "历史月份!E2：“1234,5”不是数字"),
        ({"g": "12，34"}, "历史月份!G2：“12,34”不是数字"),
        ({"c": 2025.1}, "历史月份!C2：“2025.1”是数字，分不清是 1 月还是 10 月"),
        ({"e": "NaN"}, "历史月份!E2：“NaN”不是数字"),
        ({"e": "0.0000001"}, "历史月份!E2：0.0000001 的小数超过 6 位"),
        ({"d": "热力", "e": "0.5", "f": "kJ"}, "历史月份!E2：换算成 GJ 后小数超过 6 位"),
        ({"e": "", "g": ""}, "历史月份!E2：数量和金额至少填一项"),
        ({"f": "度儿"}, "历史月份!F2：电没有单位“度儿”，可填：kWh"),
        ({"f": ""}, "历史月份!F2：电没有单位“”"),
        ({"e": NoValue("=", "没有结果")}, "历史月份!E2：没有结果"),
        ({"g": "3.141"}, "历史月份!G2：3.141 的小数超过 2 位"),
    ],
)
def test_each_mistake_names_its_cell_and_what_to_do(cells: dict[str, Cell], problem: str) -> None:
    (found,) = problems(row(**cells))
    assert found.startswith(problem)


def test_all_mistakes_of_all_rows_are_named_at_once() -> None:
    found = problems(row(a="x", e="y"), GOOD, row(c="z"))
    assert [problem.split("：")[0] for problem in found] == [
        "历史月份!A2",
        "历史月份!E2",
        "历史月份!C4",
    ]


def test_the_same_month_twice_is_refused() -> None:
    (found,) = problems(GOOD, row(e=5))
    assert found.startswith("历史月份!C3：与第 2 行重复")


def test_a_sheet_of_another_shape_is_refused_by_its_headings() -> None:
    with pytest.raises(RefusedError, match=r"历史月份!A1：表头应为“机构编码”，现在是“单位”"):
        parse([["单位", *HEADINGS[1:]], GOOD], KNOWN)
    with pytest.raises(RefusedError, match="工作表是空的"):
        parse([], KNOWN)
    with pytest.raises(RefusedError, match="没有任何数据行"):
        parse([list(HEADINGS)], KNOWN)


CELLS = st.one_of(
    st.sampled_from([*GOOD, "", "m-1", "水", 0, None, True, date(2025, 1, 1)]),
    st.text(max_size=8),
    st.floats(),
    st.integers(),
)


@given(st.lists(st.lists(CELLS, max_size=9), max_size=5))
def test_whatever_stands_in_a_sheet_it_is_read_or_refused(rows: list[list[Cell]]) -> None:
    found: tuple[EarlierMonth, ...] = ()
    refused: tuple[str, ...] = ()
    try:
        found = read(*rows)
    except RefusedError as error:
        refused = tuple(str(fault) for fault in error.faults)
    assert bool(found) != bool(refused)
    assert all(problem.startswith("历史月份!") for problem in refused)
    assert all(one.quantity is not None or one.amount is not None for one in found)
    assert len({one.key for one in found}) == len(found)
