from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import python_calamine
import xlsxwriter

from registry import audit
from registry.refusal import RefusedError
from tests.integration.jieyong.total.ask import Run, kwh, line, totals
from tests.integration.metering.tree.town import Town


def test_relations_are_entered_listed_and_withdrawn(run: Run, town: Town) -> None:
    words = (
        "meter",
        "S",
        "shared",
        "--institution",
        "A=3",
        "--institution",
        "B=1",
        "--source",
        "协议",
    )
    assert "已录入上报关系，编号 1" in run("relation", "enter", *words, "--by", "王").stdout
    assert line(run("relation", "list").stdout, "协议")[:9] == [
        *("1", "计量表", "S", "分摊", "A=3、B=1", "不限", "今后", "协议", "王"),
    ]
    found = totals(run, "--energy", "electricity")
    assert [(name, kwh(total)) for name, _, total in found[:2]] == [("A", 925), ("B", 75)]
    assert "已撤销上报关系 1" in run("relation", "withdraw", 1, "--by", "李").stdout
    assert run("relation", "list").stdout == "没有上报关系：各机构自报。\n"
    assert line(run("relation", "list", "--withdrawn").stdout, "协议")[-1] == "李 已撤销"
    (entered,) = audit.lines(town.conn, "meter S")
    assert (entered.principal, entered.action) == ("王", "relation.enter")
    found = totals(run, "--energy", "electricity")
    assert [(name, kwh(total)) for name, _, total in found[:2]] == [("A", 700), ("B", 300)]


def test_standings_are_entered_listed_and_withdrawn(run: Run, town: Town) -> None:
    words = ("A", "渝中区", "--type", "01", "--rank", "县级", "--since", "2026-01-01")
    assert "编号 1" in run("standing", "enter", *words, "--by", "王").stdout
    assert line(run("standing", "list").stdout, "渝中区")[:8] == [
        *("1", "A", "渝中区", "01", "县级", "2026-01-01", "今后", "王"),
    ]
    assert "已撤销机构归属 1" in run("standing", "withdraw", 1).stdout
    assert run("standing", "list").stdout == "没有登记机构归属。\n"
    (entered,) = audit.lines(town.conn, "institution A")
    assert entered.action == "standing.enter"


RELATIONS = "对象类别,对象编码,关系,上报机构,起始日期,截止日期,备注\n"


def write(path: Path, text: str, encoding: str = "utf-8-sig") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def count(town: Town) -> int:
    row = town.conn.execute("SELECT count(*) FROM reporting_relation").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_list_of_relations_is_entered_once(
    run: Run, town: Town, tmp_path: Path, encoding: str
) -> None:
    town.institution("C")
    text = (
        RELATIONS
        + "机构,C,代报,A,2026/1/1,,代管\n\n"
        + "计量表,S,分摊,A=3；B=1,2026-01-01,2027年1月1日,\n"
    )
    file = write(tmp_path / "r.csv", text, encoding)
    looked = run("relation", "import", file, "--dry-run").stdout
    assert looked == "新增 2 行，已有且相同 0 行。\n以上为预览，未录入。\n"
    assert count(town) == 0
    assert run("relation", "import", file).stdout == "新增 2 行，已有且相同 0 行。\n"
    assert run("relation", "import", file).stdout == "新增 0 行，已有且相同 2 行。\n"
    assert count(town) == 2
    assert line(run("relation", "list").stdout, "分摊")[1:7] == [
        *("计量表", "S", "分摊", "A=3、B=1", "2026-01-01", "2027-01-01"),
    ]


def test_a_wrong_list_is_refused_whole_and_names_every_cell(
    run: Run, town: Town, tmp_path: Path
) -> None:
    text = (
        RELATIONS
        + "机构,B,代报,A,,,\n"
        + "计量表,S,分享,A,,,\n"
        + "计量表,S,分摊,A,6月,,\n"
        + "计量表,S,自报,X,,,\n"
        + "机构,,不计入,,,,\n"
        + "机构,B,合署,A,,,\n"
        + "机构,B,代报,A,,,\n"
    )
    with pytest.raises(RefusedError) as caught:
        run("relation", "import", write(tmp_path / "r.csv", text))
    lines = str(caught.value).splitlines()
    assert [one.partition("：")[0] for one in lines] == [
        *("r.csv!C3", "r.csv!D4", "r.csv!E4", "r.csv!D5", "r.csv!B6", "r.csv!B7", "r.csv!B8"),
    ]
    assert "“分享”应是 自报、代报、合署、分摊、不计入 之一" in lines[0]
    assert "没有写份额" in lines[1]
    assert "没有编码为 X 的机构" in lines[3]
    assert "已有代报关系" in lines[5]
    assert "与 r.csv!B2 一行完全相同" in lines[6]
    assert count(town) == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.csv", "对象类别,对象编码,关系\n", "r.csv!1:1：缺少“上报机构”列"),
        ("r.csv", RELATIONS.replace("截止日期", "截至日期"), r"r.csv!F1：不认识的列“截至日期”"),
        ("r.csv", RELATIONS.replace("备注", "关系"), "r.csv!G1：“关系”列出现两次"),
        ("r.csv", RELATIONS, "没有填写任何内容"),
        ("r.csv", "", "缺少“对象类别”列"),
        ("r.xlsx", RELATIONS, "不是能读取的 Excel 文件"),
    ],
)
def test_what_is_no_such_list_is_refused(
    run: Run, tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        run("relation", "import", write(tmp_path / name, text))


def test_the_templates_lead_back_in(run: Run, town: Town, tmp_path: Path) -> None:
    assert run("relation", "template", tmp_path / "r.xlsx").exit_code == 0
    with pytest.raises(RefusedError, match="上报关系：没有填写任何内容"):
        run("relation", "import", tmp_path / "r.xlsx")
    run("standing", "template", tmp_path / "s.xlsx")
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "s.xlsx")
    (headings,) = book.get_sheet_by_name("机构归属").to_python()
    with xlsxwriter.Workbook(str(tmp_path / "filled.xlsx")) as filled:
        sheet = filled.add_worksheet("机构归属")
        sheet.write_row(0, 0, headings)
        sheet.write_row(1, 0, ["A", 500103, "021", "县级"])
        sheet.write_datetime(
            1, 4, date(2026, 1, 1), filled.add_format({"num_format": "yyyy-mm-dd"})
        )
    done = run("standing", "import", tmp_path / "filled.xlsx", "--by", "王")
    assert done.stdout == "新增 1 行，已有且相同 0 行。\n"
    assert line(run("standing", "list").stdout, "500103")[1:8] == [
        *("A", "500103", "021", "县级", "2026-01-01", "今后", "王"),
    ]
    assert "已有且相同 1 行" in run("standing", "import", tmp_path / "filled.xlsx").stdout
    (entered,) = audit.lines(town.conn, "institution A")
    assert (entered.principal, entered.action) == ("王", "standing.enter")


def test_a_sheet_names_the_cell_of_an_unknown_institution(run: Run, tmp_path: Path) -> None:
    text = (
        "机构编码,区县,机构类型,级别,起始日期,截止日期\n"
        "A,渝中区,,,2026-02-01,2026-01-01\n"
        "Y,,,,,\n"
        "Z,渝中区,,,,\n"
    )
    with pytest.raises(RefusedError) as caught:
        run("standing", "import", write(tmp_path / "s.csv", text))
    assert [one.partition("：")[0] for one in str(caught.value).splitlines()] == [
        *("s.csv!A2", "s.csv!B3", "s.csv!A4"),
    ]
