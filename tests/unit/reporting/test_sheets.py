"""Reports in files: what is written is what is reported."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import python_calamine as calamine

from metering.factors.dated import Span
from reporting.audit.checks import audited
from reporting.audit.model import Drafted
from reporting.draft.compiling import Sources, compiled
from reporting.draft.period import period_of
from reporting.draft.store import Draft
from reporting.forms.reading import load_editions
from reporting.life.life import Role, State
from reporting.sheets.excel import write_excel
from reporting.sheets.paper import Paper, Signature
from reporting.sheets.plain import as_json, write_csv
from tests.unit.reporting.figures import bought
from tests.unit.reporting.test_audit import RULES

GOLDEN = Path(__file__).parent / "golden"
EDITIONS = {one.code: one for one in load_editions()}
DAY = date(2026, 10, 9)


def paper(edition: str = "2025", code: str = "2026Q3") -> Paper:
    """A quarter: fuel that is known, power of which a month is missing, some facts and entries."""
    period = period_of(code)
    months = period.months()
    power = "other", 45_600_125_000, 3_648_010
    figures = [
        *(bought(one, ("vehicle", 812_345_000, 642_000), ("other", 5_000, 40)) for one in months),
        *(bought(one, power, energy="electricity") for one in months[:2]),
        bought(months[2], ("other", None, 3_648_010), energy="electricity"),
    ]
    facts = {
        "floor-area": [Span(date(2020, 1, 1), None, Decimal("12345.6"))],
        "energy-users": [Span(date(2020, 1, 1), None, Decimal(321))],
    }
    known = Sources({(one.energy, one.month): one for one in figures}, facts, {"210": Decimal(12)})
    forms = EDITIONS[edition]
    cells = {one.code: one for one in compiled(forms, period, known)}
    before = cells
    cells = {code: replace(cell, before=cell.value) for code, cell in cells.items()}
    findings = audited(RULES, Drafted(forms, period, cells, before))
    at = datetime(2026, 10, 8, 2, tzinfo=UTC)
    draft = Draft("czj", period, edition, 2, at, cells, findings, State.SIGNED)
    names = {Role.FILLER: "王会计", Role.LEAD: "李科长", Role.HEAD: "赵局长"}
    signed = {role: Signature(name, DAY) for role, name in names.items()}
    said = {(one.rule, one.cells): "待供电公司补寄账单" for one in findings}
    return Paper("市财政局", "11500000MB0000000X", forms, draft, signed, said, "ab" * 32)


@pytest.mark.parametrize(("edition", "code"), [("2022", "2025Q3"), ("2025", "2026Q3")])
def test_json_is_as_it_was(edition: str, code: str) -> None:
    kept = GOLDEN / f"{edition}.json"
    assert as_json(paper(edition, code)) + "\n" == kept.read_text("utf-8")


def test_excel_has_what_is_reported(tmp_path: Path) -> None:
    one = paper()
    write_excel(tmp_path / "x.xlsx", one)
    with calamine.load_workbook(tmp_path / "x.xlsx") as book:
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    assert [*sheets] == [*(form.title for form in one.edition.forms), "审核说明"]
    for form in one.edition.forms:
        rows = {row[2]: row for row in sheets[form.title] if len(row) > 5}
        for line in form.lines:
            value = one.draft.cells[line.code].value
            shown = rows[line.code][3]
            assert rows[line.code][4] == ("" if value is None else shown)
            if value is None:
                assert shown in {"未知", "—"}
            else:
                assert Decimal(str(shown)) == value
            assert rows[line.code][1] == line.unit
    head = [str(cell) for row in sheets["公共机构能源资源消费状况"][:3] for cell in row if cell]
    assert head == [
        "公共机构能源资源消费状况",
        "填报单位（盖章）：市财政局",
        "报告期：2026年第三季度　第 2 版",
        "统一社会信用代码：11500000MB0000000X",
        "公共机构能源资源消费统计调查制度（2025年版）",
    ]
    text = json.dumps(sheets, ensure_ascii=False, default=str)
    for said in (
        "单位负责人：赵局长",
        "统计负责人：李科长",
        "填表人：王会计",
        "签字日期：2026-10-09",
    ):
        assert said in text
    assert "（单位公章）" in text
    assert "待供电公司补寄账单" in text


@pytest.mark.parametrize(
    ("state", "marked"),
    [(State.DRAFT, "（草稿）"), (State.HANDED_IN, "（待签）"), (State.ACCEPTED, "")],
)
def test_what_is_not_signed_says_so_on_every_sheet(
    tmp_path: Path, state: State, marked: str
) -> None:
    one = paper()
    write_excel(tmp_path / "x.xlsx", replace(one, draft=replace(one.draft, state=state)))
    with calamine.load_workbook(tmp_path / "x.xlsx") as book:
        titles = [str(book.get_sheet_by_name(name).to_python()[0][0]) for name in book.sheet_names]
    assert [title.removesuffix(marked) for title in titles] == [
        *(form.title for form in one.edition.forms),
        "审核结果及说明",
    ]
    assert all(("（" in title) is bool(marked) for title in titles)


def test_csv_has_a_row_for_each_line(tmp_path: Path) -> None:
    one = paper()
    write_csv(tmp_path / "x.csv", one)
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["代码"]: row for row in csv.DictReader(file)}
    assert [*rows] == [line.code for line in one.edition.lines()]
    assert (rows["150"]["数值"], rows["110"]["数值"]) == ("2437.05", "")
    assert rows["110"]["说明"] == "2026-09 用量未知"


def test_csv_has_no_formulas_of_people(tmp_path: Path) -> None:
    one = paper()
    write_csv(tmp_path / "x.csv", replace(one, draft=replace(one.draft, institution="=1-1")))
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["机构"] for row in csv.DictReader(file)} == {"'=1-1"}
