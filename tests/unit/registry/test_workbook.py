from __future__ import annotations

import io
import zipfile

import pytest
import xlsxwriter

from registry.no_value import NoValue
from registry.refusal import RefusedError
from registry.workbook import MOST_BYTES, cell_name, missing_values, sheet, sheets


def book(*names: str) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        for name in names:
            made.add_worksheet(name).write_string("B2", name)
    return content.getvalue()


def test_rows_begin_at_the_first_cell_so_that_cells_keep_their_names() -> None:
    assert sheets(book("甲", "乙"), "a.xlsx") == {
        "甲": [["", ""], ["", "甲"]],
        "乙": [["", ""], ["", "乙"]],
    }
    assert sheet(book("甲", "乙"), "a.xlsx", "乙")[1][1] == "乙"


@pytest.mark.parametrize("content", [b"", b"PK", book("甲")[:300]], ids=["empty", "stub", "torn"])
def test_what_is_no_workbook_is_refused_by_its_name(content: bytes) -> None:
    with pytest.raises(RefusedError, match=r"^a.xlsx：不是能读取的 Excel 文件"):
        sheets(content, "a.xlsx")


def test_a_missing_sheet_names_those_there_are() -> None:
    with pytest.raises(RefusedError, match=r"^a.xlsx：没有名为“丙”的工作表（现有：甲、乙）"):
        sheet(book("甲", "乙"), "a.xlsx", "丙")


def test_too_large_a_file_is_not_read() -> None:
    with pytest.raises(RefusedError, match="大于 20 MB"):
        sheets(b"x" * (MOST_BYTES + 1), "a.xlsx")


def test_cells_are_named_as_excel_does() -> None:
    assert [cell_name("a", 7, column) for column in (0, 25, 26, 702)] == [
        *("a!A7", "a!Z7", "a!AA7", "a!AAA7"),
    ]


def far(cell: str) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        page = made.add_worksheet("甲")
        page.write_string("A1", "编码")
        page.write_string(cell, "x")
    return content.getvalue()


@pytest.mark.parametrize("cell", ["XFD1048576", "D1048576", "CV60001"])
def test_a_cell_far_away_does_not_take_the_memory_of_all_before_it(cell: str) -> None:
    with pytest.raises(RefusedError, match=f"^a.xlsx：工作表一直延伸到 {cell}；请删去"):
        sheets(far(cell), "a.xlsx")


def test_a_large_sheet_is_no_far_one() -> None:
    assert len(sheets(far("AX50000"), "a.xlsx")["甲"]) == 50_000


def test_empty_cells_that_only_have_a_colour_reach_nowhere() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        page, red = made.add_worksheet("甲"), made.add_format({"bg_color": "red"})
        page.write_string("A1", "编码")
        for column in range(16_384):
            page.write_blank(200, column, None, red)
    assert sheets(content.getvalue(), "a.xlsx")["甲"] == [["编码"]]


def test_what_unpacks_to_more_than_there_is_memory_is_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", bytes(301_000_000))
    with pytest.raises(RefusedError, match=r"^a\.xlsx：解压后过大"):
        sheets(content.getvalue(), "a.xlsx")


def test_what_nobody_sees_is_not_read() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        made.add_worksheet("甲").write_string("A1", "甲")
        hidden = made.add_worksheet("乙")
        hidden.write_string("A1", "乙")
        hidden.hide()
    assert sheets(content.getvalue(), "a.xlsx") == {"甲": [["甲"]]}
    with pytest.raises(RefusedError, match="没有名为“乙”的工作表（现有：甲）"):
        sheet(content.getvalue(), "a.xlsx", "乙")


def calculated(value: object, cell: str = "B2", **replaced: str) -> bytes:
    """A book with a formula and its stored result; then parts of its XML are replaced."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        made.add_worksheet("空")
        page = made.add_worksheet("甲 & 乙")
        page.write_string("A1", "数量")
        page.write_formula(cell, "=A1*2", None, value)
    return edited(content.getvalue(), replaced)


def edited(content: bytes, replaced: dict[str, str]) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.namelist():
            text = old.read(part).decode()
            for before, after in replaced.items():
                text = text.replace(before, after)
            new.writestr(part, text)
    return changed.getvalue()


COMPUTED = {'fullCalcOnLoad="1"': ""}
UNCOMPUTED = "公式没有保存计算结果：请在 Excel 中打开并保存后再导入"


@pytest.mark.parametrize(
    "content",
    [
        calculated(0),
        calculated(0, **{"<v>0</v>": "<v>0.0</v>"}),
        calculated(0, **{"<v>0</v>": "<v></v>", **COMPUTED}),
        calculated(0, **{"<v>0</v>": "<v />", **COMPUTED}),
        calculated(0, **{"<v>0</v>": "", **COMPUTED}),
        calculated(0, **{"<v>0</v>": "", "<f>A1*2</f>": '<f t="shared" si="0"/>', **COMPUTED}),
    ],
    ids=["0 to compute", "0.0 to compute", "empty", "closed", "none", "shared"],
)
def test_a_formula_that_nobody_computed_is_neither_zero_nor_nothing(content: bytes) -> None:
    found = sheets(content, "a.xlsx")["甲 & 乙"][1][1]
    assert isinstance(found, NoValue)
    assert found.why == UNCOMPUTED


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (calculated(0, **COMPUTED), 0),
        (calculated(62), 62),
        (calculated("", **{'<c r="B2">': '<c r="B2" t="str">', **COMPUTED}), ""),
        (calculated("六", **COMPUTED), "六"),
    ],
    ids=["a computed 0", "a result", "an empty text", "a text"],
)
def test_what_was_computed_is_read(content: bytes, value: object) -> None:
    assert [*sheets(content, "a.xlsx")["甲 & 乙"][1], ""][1] == value


@pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#N/A", "#VALUE!"])
@pytest.mark.parametrize("without", ["", "<f>A1*2</f>"], ids=["of a formula", "pasted"])
def test_an_error_in_a_cell_is_not_nothing(error: str, without: str) -> None:
    content = calculated(error, **({without: ""} if without else {}))
    found = sheets(content, "a.xlsx")["甲 & 乙"][1][1]
    assert isinstance(found, NoValue)
    assert found == error
    assert found.why == f"单元格是错误值 {error}：请在 Excel 中改正并保存后再导入"


def test_a_cell_without_value_right_of_all_others_has_its_place() -> None:
    rows = sheets(calculated(0, "D7", **{"<v>0</v>": ""}), "a.xlsx")["甲 & 乙"]
    assert [(r, c) for r, row in enumerate(rows) for c, it in enumerate(row) if it == "="] == [
        (6, 3)
    ]
    assert [str(fault) for fault in missing_values("甲", 7, rows[6], range(9))] == [
        f"甲!D7：{UNCOMPUTED}"
    ]
    assert missing_values("甲", 7, rows[6], [0, 1, 2]) == []
