"""How a table looks on paper."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from decimal import Decimal
from pathlib import Path

import python_calamine as calamine

from registry.table import Column, Look, Row, Table, write_excel

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheet_of(path: Path, columns: int, text: str) -> ET.Element:
    shown = tuple(Column(f"c{n}", f"列{n}", width=10) for n in range(columns))
    write_excel(path, [Table("表", "表", "单位：某", shown, ({"c0": text}, {"c0": "短"}))])
    return ET.fromstring(zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml"))


def paper(sheet: ET.Element) -> str | None:
    setup = sheet.find(f"{MAIN}pageSetup")
    assert setup is not None
    return setup.get("paperSize")


def test_what_is_too_wide_for_a4_goes_on_a3(tmp_path: Path) -> None:
    assert paper(sheet_of(tmp_path / "a.xlsx", 20, "短")) == "9"
    assert paper(sheet_of(tmp_path / "b.xlsx", 21, "短")) == "8"


def test_a_row_is_as_high_as_its_longest_text_is_wrapped(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path / "a.xlsx", 2, "十一个汉字占二十二格宽")  # 22 of 10 characters
    heights = {row.get("r"): row.get("ht") for row in sheet.iter(f"{MAIN}row")}
    assert (heights["4"], heights["5"]) == ("49.5", "16.5")


def written(path: Path, table: Table) -> tuple[ET.Element, list[list[object]]]:
    write_excel(path, [table])
    with calamine.load_workbook(path) as book:
        found = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    rows: list[list[object]] = [list(row) for row in found]
    return ET.fromstring(zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")), rows


POSTED = Table(
    name="表",
    title="表",
    particulars="",
    columns=(
        Column("who", "谁", width=10),
        Column("much", "多少多少", Look.MONEY, 10, summed=True, unit="元"),
        Column("ratio", "比", Look.QUANTITY, 10),
    ),
    rows=({"who": "甲", "much": Decimal(3), "ratio": "—[1]"}, {"who": "乙", "much": Decimal(4)}),
    remarks=("三十个字以上的说明要在表的右边换行而不是印到纸外面去看不见",),
    totals={"ratio": Decimal("1.5")},
    a3=True,
)


def test_what_is_posted_goes_on_a3_with_its_headings_on_every_page(tmp_path: Path) -> None:
    sheet, _ = written(tmp_path / "a.xlsx", POSTED)
    assert paper(sheet) == "8"
    names = zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/workbook.xml").decode()
    assert "_xlnm.Print_Titles" in names
    assert "!$3:$3" in names
    footer = sheet.find(f"{MAIN}headerFooter/{MAIN}oddFooter")
    assert footer is not None
    assert footer.text == "&C第 &P 页，共 &N 页"


def test_the_last_row_is_sums_and_what_is_given_for_the_rest(tmp_path: Path) -> None:
    sheet, rows = written(tmp_path / "a.xlsx", POSTED)
    assert rows[2] == ["谁", "多少多少\n（元）", "比"]
    assert rows[3][2] == "—[1]"
    assert rows[5] == ["合计", 7.0, 1.5]
    heights = {row.get("r"): row.get("ht") for row in sheet.iter(f"{MAIN}row")}
    assert heights["7"] == "33"  # 58 characters in 30


def test_nothing_summed_has_no_last_row(tmp_path: Path) -> None:
    columns = (Column("who", "谁"), Column("what", "什么"))
    table = Table("表", "表", "", columns, ({"who": "甲"},), portrait=True)
    sheet, rows = written(tmp_path / "a.xlsx", table)
    assert [row[0] for row in rows] == ["表", "", "谁", "甲", ""]
    setup = sheet.find(f"{MAIN}pageSetup")
    assert setup is not None
    assert setup.get("orientation") == "portrait"


def test_a_number_never_becomes_signs_for_want_of_width(tmp_path: Path) -> None:
    columns = (
        Column("who", "谁", width=10),
        Column("much", "多少", Look.MONEY, 10, summed=True),
        Column("one", "一", Look.QUANTITY, 10),
        Column("own", "自", Look.QUANTITY, 10),
    )
    much = Decimal("6123456.78")
    rows: tuple[Row, ...] = ({"who": "甲", "much": much}, {"much": much, "one": 1})
    table = Table("表", "表", "", columns, rows, totals={"own": Decimal("-9876543210.5")})
    sheet, _ = written(tmp_path / "a.xlsx", table)
    widths = [float(col.get("width", 0)) for col in sheet.iter(f"{MAIN}col")]
    # Excel shows ##### where a number does not fit: 12,246,913.56 and its blank are 14 wide,
    # -9,876,543,210.50 and its own are 18; a width of 10 is written as 10.7.
    assert [int(width) for width in widths] == [10, 14, 10, 18]


def test_a_number_keeps_off_the_next_column(tmp_path: Path) -> None:
    written(tmp_path / "a.xlsx", POSTED)
    styles = ET.fromstring(zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/styles.xml"))
    forms = {one.get("formatCode") for one in styles.iter(f"{MAIN}numFmt")}
    assert forms == {"#,##0.00_ ;-#,##0.00_ ;#,##0.00_ ;@_ ", "@"}
