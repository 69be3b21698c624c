from __future__ import annotations

from pathlib import Path

import pytest

from fleet.ledger.sheets import read_rows, read_sheets
from fleet.ledger.words import PATH, Papers, read_mapping, words
from registry.refusal import RefusedError
from registry.sheet import Refusals

PAPERS = Papers(words())
TEXT = "卡号,交易时间,交易类型,金额\n9001,2026-01-05 08:30,充值,1000\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_one_sheet_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "对账单.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert read_rows(path)["对账单"][0] == ["卡号", "交易时间", "交易类型", "金额"]
    (sheet,) = read_sheets(path, PAPERS, Refusals())
    assert (sheet.kind, sheet.name) == ("spending", "对账单")


def test_what_is_no_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(RefusedError, match="文字编码不是 UTF-8 或 GB 18030"):
        read_rows(path)
    path.write_text('a,"b\n', encoding="utf-8")
    with pytest.raises(RefusedError, match="不是能读取的 CSV 文件"):
        read_rows(path)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("姓名,电话\n张三,1\n", encoding="utf-8")
    with pytest.raises(RefusedError, match="没有找到可导入的工作表（车辆、油卡、派车单、费用"):
        read_sheets(path, PAPERS, Refusals())


def test_a_sheet_that_lacks_a_column_says_which(tmp_path: Path) -> None:
    path = tmp_path / "派车单.csv"
    path.write_text("派车单号,事由\nP1,开会\n", encoding="utf-8")
    refusals = Refusals()
    assert read_sheets(path, PAPERS, refusals) == []
    assert refusals.found == [
        "派车单!1：缺少“车辆”列，请补上表头",
        "派车单!1：缺少“日期”或“出车时间”列，请补上表头",
    ]


def test_two_headings_of_one_field_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "费用.csv"
    path.write_text("车辆,日期,金额,费用\nA01,2026-01-05,1,2\n", encoding="utf-8")
    refusals = Refusals()
    read_sheets(path, PAPERS, refusals)
    assert refusals.found == ["费用!D1：“费用”与 C1 是同一项，请只保留一列"]


def test_a_providers_file_is_read_as_its_statement_whatever_its_name(tmp_path: Path) -> None:
    mapping = read_mapping(PATH.parent / "providers" / "example.yaml", words())
    path = tmp_path / "车辆.csv"
    path.write_text(
        "交易序号,持卡卡号,交易发生时间,操作,交易额\n1,9001,2026-01-05 08:30,扣款,3\n",
        encoding="utf-8",
    )
    (sheet,) = read_sheets(path, Papers(words(), mapping), Refusals())
    assert sheet.kind == "spending"
