from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import python_calamine
import xlsxwriter
from typer.testing import CliRunner, Result

from jieyong import cli
from metering.facts.refusal import FactError
from metering.tree.entering import FactRefused
from registry import audit
from tests.integration.metering.tree.town import Town, midnight, month_of

Run = Callable[..., Result]

JUNE = date(2026, 6, 1)
KWH = 10**6


@pytest.fixture
def town(database: str) -> Iterator[Town]:
    """A takes in 1000 kWh, 100 of them estimated, and passes 300 on to B; B's water is unknown."""
    with psycopg.connect(database, autocommit=True) as conn:
        made = Town(conn)
        made.house("A", "B")
        made.meter("M", "r-A", item="01A00")
        made.meter("S", "r-B")
        made.meter("W", "r-B", energy="water", unit="m3")
        made.hang("S", "M")
        made.days("M", month_of(1000 * KWH, JUNE))
        made.days("S", month_of(300 * KWH, JUNE))
        conn.execute(
            "UPDATE consumption_month SET estimated = %s WHERE meter_id = %s",
            [100 * KWH, made.ids["M"]],
        )
        yield made


@pytest.fixture
def run(database: str, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty directory; an expected refusal is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(
        cli.app, ["total", *map(str, words)], catch_exceptions=False
    )


def month(run: Run, *words: object) -> dict[str, Any]:
    done = run("month", "2026-06", "--json", *words)
    assert done.exit_code == 0
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def totals(run: Run, *words: object) -> list[tuple[str, str, str | None]]:
    """(name, energy, total) of each row."""
    return [(row["name"], row["energy"], row["total"]) for row in month(run, *words)["totals"]]


def kwh(text: str | None) -> float | None:
    return None if text is None else float(text)


def line(output: str, *words: str) -> list[str]:
    """The cells of the one printed row that holds all words."""
    found = [row for row in output.splitlines() if all(word in row for word in words)]
    assert len(found) == 1, output
    return [cell.strip() for cell in found[0].strip("│ ").split("│")]


def test_a_month_counts_what_is_passed_on_once(run: Run) -> None:
    rows = month(run, "--energy", "electricity")["totals"]
    shown = {
        row["name"]: tuple(kwh(row[key]) for key in ("taken_in", "generated", "supplied", "total"))
        for row in rows
    }
    assert shown == {
        "A": (1000, 0, 300, 700),
        "B": (300, 0, 0, 300),
        "合计": (1300, 0, 300, 1000),
    }
    assert float(rows[0]["estimated_share"]) == pytest.approx(100 / 1300)
    assert [row["meters"] for row in rows] == [2, 1, 3]


def test_unknown_is_said_and_never_zero(run: Run) -> None:
    done = run("month", "2026-06")
    water = line(done.stdout, "B", "水")
    assert water[3:8] == ["未知", "未知", "未知", "未知", "m³"]
    assert water[8:] == ["未知", "1", "1", "0", "未知"]
    power = line(done.stdout, "A", "电")
    assert power[3:8] == ["1,000", "0", "300", "700", "kWh"]
    assert power[8:] == ["7.7%", "2", "0", "0", "完整"]
    (found,) = (row for row in month(run, "--energy", "water")["totals"] if row["name"] == "B")
    assert found["total"] is None
    assert found["taken_in"] is None


def test_what_is_known_in_part_is_not_complete(run: Run, town: Town) -> None:
    town.meter("N", "r-B")
    (row,) = (row for row in month(run, "--energy", "electricity")["totals"] if row["name"] == "B")
    assert (kwh(row["total"]), row["unknown"], row["state"]) == (300, 1, "不完整")
    assert row["generated"] is None  # N may have been anything


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("building", [("b-A", 700), ("b-B", 300), ("合计", 1000)]),
        ("room", [("r-A", 700), ("r-B", 300), ("合计", 1000)]),
    ],
)
def test_buildings_and_rooms(run: Run, level: str, expected: list[tuple[str, float]]) -> None:
    found = totals(run, "--energy", "electricity", "--level", level)
    assert [(name, kwh(total)) for name, _, total in found] == expected


def test_items_add_up_to_the_institution(run: Run, town: Town) -> None:
    town.meter("L", "r-A", item="01B00")
    town.hang("L", "M")
    town.days("L", month_of(200 * KWH, JUNE))
    rows = month(run, "--energy", "electricity", "--level", "item")["totals"]
    assert [(row["name"], row["item"], kwh(row["total"])) for row in rows] == [
        ("A", "01A00", 500),
        ("A", "01B00", 200),
        ("B", "01A00", 300),
        ("合计", "", 1000),
    ]
    assert rows[0]["item_name"]


def test_a_district_is_that_of_the_last_day(run: Run) -> None:
    run("standing", "enter", "A", "渝中区", "--until", "2026-06-30")
    run("standing", "enter", "A", "江北区", "--since", "2026-06-30")
    found = totals(run, "--energy", "electricity", "--level", "district")
    assert [(name, kwh(total)) for name, _, total in found] == [
        ("江北区", 700),
        ("未登记区县", 300),
        ("合计", 1000),
    ]


def test_what_counts_for_nobody_stands_behind_the_sum(run: Run, town: Town) -> None:
    town.meter("H", None)
    town.days("H", month_of(50 * KWH, JUNE))
    assert run("relation", "enter", "institution", "B", "excluded").exit_code == 0
    found = totals(run, "--energy", "electricity")
    assert [(name, kwh(total)) for name, _, total in found] == [
        ("A", 700),
        ("合计", 700),
        ("不计入和外供", 300),
        ("未归属（没有安装位置）", 50),
    ]


def test_coal_of_rows_and_holders(run: Run, town: Town) -> None:
    town.meter("G", "r-B", energy="gas", unit="m3")
    found = month(run, "--coal")
    rows = {(row["name"], row["energy"]): row["kgce"] for row in found["totals"]}
    assert kwh(rows["A", "电"]) == pytest.approx(700 * 0.1229)
    assert rows["B", "水"] == "不折算"
    holders = {row["name"]: row for row in found["coal"]}
    assert kwh(holders["A"]["kgce"]) == pytest.approx(86.03)
    assert holders["A"]["why"] == ""
    assert holders["B"]["kgce"] is None
    assert kwh(holders["B"]["known_kgce"]) == pytest.approx(36.87)
    assert "用量未知" in holders["B"]["why"]


def test_files_say_what_the_screen_says(run: Run, tmp_path: Path, town: Town) -> None:
    town.conn.execute("UPDATE institution SET name = '=1+1' WHERE code = 'A'")
    files = ("--csv", tmp_path / "m.csv", "--excel", tmp_path / "m.xlsx")
    assert run("month", "2026-06", "--coal", *files).exit_code == 0
    lines = (tmp_path / "m.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("编码,名称,能源,用入,自发,外送,用量,单位,估算占比,")
    assert lines[1].startswith("A,'=1+1,电,1000,0,300,700,kWh,0.0769230")
    assert lines[3].startswith("B,B,水,未知,未知,未知,未知,m³,未知,1,1,0,未知,不折算")
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "m.xlsx")
    assert book.sheet_names == ["能耗汇总", "折标准煤"]
    rows = book.get_sheet_by_name("能耗汇总").to_python()
    assert rows[1][1] == "=1+1"
    assert rows[1][3:7] == [1000, 0, 300, 700]
    assert rows[3][6] == "未知"


def test_mains_name_remainders_and_what_may_be_wrong(run: Run, town: Town) -> None:
    done = run("mains", "--month", "2026-06")
    assert line(done.stdout, "2026-06", "M", "kWh")[2:7] == ["1,000", "0", "300", "700", "kWh"]
    assert "没有差额为负" in done.stdout
    town.meter("T", "r-A")
    town.hang("T", "M")
    assert line(run("mains", "--month", "2026-06").stdout, "M", "T")[4:] == [
        *("未知", "未知", "kWh", "T"),
    ]
    town.days("T", month_of(800 * KWH, JUNE))
    done = run("mains", "--month", "2026-06")
    assert "2026-06 总表 M：分表之和比供入多 100 kWh，可能的原因：" in done.stdout
    assert "去掉分表 T 就对得上：请核对它是否挂在总表 M 之下" in done.stdout


def test_the_tolerance_of_remainders_is_a_setting(run: Run, town: Town, tmp_path: Path) -> None:
    town.meter("T", "r-A")
    town.hang("T", "M")
    town.days("T", month_of(730 * KWH, JUNE))
    assert "分表之和比供入多 30 kWh" in run("mains", "--month", "2026-06").stdout
    (tmp_path / "own.toml").write_text("[mains]\ntolerance_percent = 3.5\n", encoding="utf-8")
    done = run("mains", "--month", "2026-06", "--config", tmp_path / "own.toml")
    assert "没有差额为负" in done.stdout


def test_mains_by_day(run: Run, town: Town) -> None:
    begin = midnight(JUNE).astimezone(UTC)
    town.known("M", begin, dict.fromkeys(range(96), 2 * KWH))
    town.known("S", begin, dict.fromkeys(range(96), KWH))
    done = run("mains", "--month", "2026-06", "--grain", "day")
    assert line(done.stdout, "2026-06-01")[2:6] == ["192", "0", "96", "96"]


def test_problems_are_named(run: Run, town: Town) -> None:
    assert run("problems").stdout == "没有发现问题。\n"
    town.hang("W", "M")
    assert "W 的总表 M 计的不是同一能源或单位" in run("problems").stdout


def test_relations_are_entered_listed_and_withdrawn(run: Run, town: Town) -> None:
    words = ("meter", "S", "shared", "--to", "A=3", "--to", "B=1", "--note", "协议")
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
    words = ("A", "渝中区", "--type", "01", "--level", "县级", "--since", "2026-01-01")
    assert "编号 1" in run("standing", "enter", *words, "--by", "王").stdout
    assert line(run("standing", "list").stdout, "渝中区")[:8] == [
        *("1", "A", "渝中区", "01", "县级", "2026-01-01", "今后", "王"),
    ]
    assert "已撤销机构归属 1" in run("standing", "withdraw", 1).stdout
    assert run("standing", "list").stdout == "没有登记机构归属。\n"
    (entered,) = audit.lines(town.conn, "institution A")
    assert entered.action == "standing.enter"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("month", "2026-13"), "“2026-13”不是月份"),
        (("month", "2026-06", "--energy", "wood"), "没有能源 wood"),
        (("mains", "--month", "6月"), "“6月”不是月份"),
        (("relation", "enter", "meter", "S", "shared", "--to", "A"), "没有写份额"),
        (("relation", "enter", "meter", "S", "own", "--to", "A", "--to", "A"), "出现两次"),
        (("standing", "enter", "A", "渝中区", "--since", "1月"), "“1月”不是日期"),
    ],
)
def test_what_cannot_be_understood_says_what_to_write(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(FactError, match=message):
        run(*words)


def test_what_does_not_fit_is_refused(run: Run) -> None:
    with pytest.raises(FactRefused, match="没有编码为 X 的机构"):
        run("standing", "enter", "X", "渝中区")
    with pytest.raises(FactRefused, match="没有编号为 7 的有效上报关系"):
        run("relation", "withdraw", 7)


def test_an_unknown_jurisdiction_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_FACTORS__JURISDICTION", "ZZ")
    with pytest.raises(FactError, match="没有地区 ZZ"):
        run("month", "2026-06", "--coal")


def test_a_month_without_meters(run: Run, town: Town) -> None:
    town.conn.execute("UPDATE meter SET valid = '[2026-08-01,)'")
    assert "2026-06 没有计入的计量表。" in run("month", "2026-06").stdout


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
    with pytest.raises(FactError) as caught:
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
        ("r.xlsx", RELATIONS, "不是 Excel 文件"),
    ],
)
def test_what_is_no_such_list_is_refused(
    run: Run, tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(FactError, match=message):
        run("relation", "import", write(tmp_path / name, text))


def test_the_templates_lead_back_in(run: Run, town: Town, tmp_path: Path) -> None:
    assert run("relation", "template", tmp_path / "r.xlsx").exit_code == 0
    with pytest.raises(FactError, match="上报关系：没有填写任何内容"):
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
    with pytest.raises(FactError) as caught:
        run("standing", "import", write(tmp_path / "s.csv", text))
    assert [one.partition("：")[0] for one in str(caught.value).splitlines()] == [
        *("s.csv!A2", "s.csv!B3", "s.csv!A4"),
    ]
