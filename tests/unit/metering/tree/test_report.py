from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.factors.library import load_library
from metering.tree.coal import Factors, holders_coal, row_coal
from metering.tree.remainder import Tolerance
from metering.tree.report import SUM, Grouping, Report, Row, State
from metering.tree.report_table import coal_table, to_csv, to_json, totals_table
from metering.tree.settings import MainsSettings
from metering.tree.totals import Figure

JUNE = date(2026, 6, 1)
FACTORS = Factors(load_library(), "CN")
KWH = 10**6


def row(figure: Figure, energy: str = "electricity", unit: str = "kWh", code: str = "A") -> Row:
    return Row(code, code, "", energy, unit, figure)


def report(*rows: Row) -> Report:
    return Report(JUNE, Grouping.INSTITUTION, rows)


def test_a_zero_is_one_only_when_every_meter_is_known() -> None:
    known = row(Figure(taken_in=5, meters=2))
    assert known.quantities == (5, 0, 0, 5)
    assert known.state is State.COMPLETE
    doubtful = row(Figure(taken_in=5, meters=2, unknown=1))
    assert doubtful.quantities == (5, None, None, 5)
    assert doubtful.state is State.INCOMPLETE
    nothing = row(Figure(meters=2, unknown=2))
    assert nothing.quantities == (None, None, None, None)
    assert nothing.state is State.UNKNOWN
    assert nothing.estimated_share is None
    assert row(Figure(meters=1)).estimated_share == 0
    assert row(Figure(taken_in=5, meters=1, partial=1)).state is State.INCOMPLETE


FIGURES = st.builds(
    Figure,
    taken_in=st.integers(-(10**12), 10**12),
    generated=st.integers(0, 10**12),
    supplied=st.integers(0, 10**12),
    estimated=st.integers(0, 10**13),
    meters=st.integers(2, 9),
    unknown=st.integers(0, 2),
    partial=st.integers(0, 2),
)


@given(FIGURES)
def test_no_unknown_figure_is_ever_written_as_zero(figure: Figure) -> None:
    table = totals_table(report(row(figure)))
    cells = dict(zip(table.keys, table.rows[0], strict=True))
    for key in ("taken_in", "generated", "supplied", "total"):
        assert cells[key] != 0 or not figure.unknown
    share = cells["estimated_share"]
    assert share is None or (isinstance(share, Decimal) and 0 <= share <= 1)


@given(st.lists(st.tuples(st.sampled_from("AB"), FIGURES), max_size=6))
def test_the_coal_of_holders_is_that_of_their_rows(drawn: list[tuple[str, Figure]]) -> None:
    rows = [row(figure, code=code) for code, figure in drawn]
    coals = [row_coal(one, JUNE, FACTORS) for one in rows]
    holders = holders_coal(report(*rows), coals)
    assert sum(one.coal.known for one in holders) == sum(coal.known for coal in coals)
    for holder in holders:
        mine = [c for r, c in zip(rows, coals, strict=True) if r.code == holder.code]
        assert (holder.coal.kilograms is None) == any(c.kilograms is None for c in mine)


def test_coal_names_what_is_unknown() -> None:
    whole = row_coal(row(Figure(taken_in=100 * KWH, meters=1)), JUNE, FACTORS)
    assert (whole.kilograms, whole.why) == (Decimal("12.29"), ())
    part = row_coal(row(Figure(taken_in=100 * KWH, meters=3, unknown=1)), JUNE, FACTORS)
    assert part.kilograms is None
    assert part.known == Decimal("12.29")
    assert part.why == ("电：计量表共计入 3 次，1 次用量未知",)
    nothing = row_coal(row(Figure(meters=1, unknown=1)), JUNE, FACTORS)
    assert (nothing.kilograms, nothing.why) == (None, ("电用量未知",))


@pytest.mark.parametrize(
    ("energy", "unit", "why"),
    [
        ("wood", "t", "没有能源 wood：请更正计量表的能源"),
        ("electricity", "m3", "电的单位 m3 无法换算成 kWh"),
    ],
)
def test_coal_of_what_cannot_be_converted_is_unknown(energy: str, unit: str, why: str) -> None:
    found = row_coal(row(Figure(taken_in=KWH, meters=1), energy, unit), JUNE, FACTORS)
    assert found.kilograms is None
    assert found.why == (why,)


def test_water_is_no_coal() -> None:
    rows = (row(Figure(taken_in=KWH, meters=1), "water", "m3"),)
    coals = [row_coal(one, JUNE, FACTORS) for one in rows]
    assert coals[0].kilograms is None
    assert holders_coal(report(*rows), coals) == ()
    assert totals_table(report(*rows), coals).rows[0][-2:] == ("不折算", "不折算")


def test_unknown_is_a_word_in_csv_and_null_in_json() -> None:
    rows = (
        row(Figure(meters=1, unknown=1)),
        row(Figure(meters=1, unknown=1), code=SUM),
    )
    coals = [row_coal(one, JUNE, FACTORS) for one in rows]
    tables = {
        "totals": totals_table(report(*rows), coals),
        "coal": coal_table(holders_coal(report(*rows), coals)),
    }
    (headings, first, _) = csv.reader(io.StringIO(to_csv(tables["totals"]).removeprefix("\ufeff")))
    cells = dict(zip(headings, first, strict=True))
    for heading in (
        "用入",
        "自发",
        "外送",
        "用量",
        "估算占比",
        "折标准煤（kgce）",
        "其中已知（kgce）",
    ):
        assert cells[heading] == "未知"
    content = json.loads(to_json(report(*rows), tables))
    assert content["month"] == "2026-06"
    assert content["totals"][0]["total"] is None
    assert [one["known_kgce"] for one in content["coal"]] == [None, None]


def test_the_settings_of_mains_are_the_default_tolerance() -> None:
    assert MainsSettings().tolerance() == Tolerance()
    own = MainsSettings(tolerance_percent=0.5, tolerance_least=0.25).tolerance()
    assert own == Tolerance(Decimal("0.005"), 250_000)
