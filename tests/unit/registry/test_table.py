"""How a table looks on paper."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

from registry.table import Column, Table, write_excel

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
