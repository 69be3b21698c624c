from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
import python_calamine

from registry.refusal import RefusedError
from tests.integration.jieyong.total.ask import JUNE, KWH, Run, kwh, line, month, totals
from tests.integration.metering.tree.town import Town, month_of


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


def test_problems_are_named(run: Run, town: Town) -> None:
    assert run("problems").stdout == "没有发现问题。\n"
    town.hang("W", "M")
    assert "W 的总表 M 计的不是同一能源或单位" in run("problems").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("month", "2026-13"), "“2026-13”不是月份"),
        (("month", "2026-06", "--energy", "wood"), "没有能源 wood"),
        (("mains", "--month", "6月"), "“6月”不是月份"),
        (("relation", "enter", "meter", "S", "shared", "--institution", "A"), "没有写份额"),
        (
            ("relation", "enter", "meter", "S", "own", "--institution", "A", "--institution", "A"),
            "出现两次",
        ),
        (("standing", "enter", "A", "渝中区", "--since", "1月"), "“1月”不是日期"),
    ],
)
def test_what_cannot_be_understood_says_what_to_write(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        run(*words)


def test_what_does_not_fit_is_refused(run: Run) -> None:
    with pytest.raises(RefusedError, match="没有编码为 X 的机构"):
        run("standing", "enter", "X", "渝中区")
    with pytest.raises(RefusedError, match="没有编号为 7 的有效上报关系"):
        run("relation", "withdraw", 7)


def test_an_unknown_jurisdiction_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_FACTORS__JURISDICTION", "ZZ")
    with pytest.raises(RefusedError, match="没有地区 ZZ"):
        run("month", "2026-06", "--coal")


def test_a_month_without_meters(run: Run, town: Town) -> None:
    town.conn.execute("UPDATE meter SET valid = '[2026-08-01,)'")
    assert "2026-06 没有计入的计量表。" in run("month", "2026-06").stdout


def test_days_stand_one_after_the_other_and_add_up_to_the_month(
    run: Run, tmp_path: Path, town: Town
) -> None:
    run("relation", "enter", "meter", "S", "shared", "--institution", "A=2", "--institution", "B=1")
    words = ("day", "--from", "2026-06-01", "--to", "2026-06-30", "--energy", "electricity")
    found = json.loads(run(*words, "--json").stdout)
    assert (found["from"], found["to"], found["by"]) == ("2026-06-01", "2026-06-30", "institution")
    rows = found["totals"]
    assert [(row["day"], row["name"]) for row in rows[:4]] == [
        *(("2026-06-01", "A"), ("2026-06-01", "B"), ("2026-06-01", "合计"), ("2026-06-02", "A")),
    ]
    for name, _, total in totals(run, "--energy", "electricity"):
        days = [Decimal(row["total"]) for row in rows if row["name"] == name]
        assert len(days) == 30
        assert str(sum(days)) == total
    files = ("--csv", tmp_path / "d.csv", "--excel", tmp_path / "d.xlsx")
    assert "2026-06-01 至 2026-06-30 能耗汇总" in run(*words, *files).stdout
    lines = (tmp_path / "d.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("日期,编码,名称,能源,用入")
    assert lines[1].startswith("2026-06-01,A,A,电,")
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "d.xlsx")
    assert len(book.get_sheet_by_name("能耗汇总").to_python()) == 91


def test_a_day_alone_and_a_day_of_which_nothing_is_known(run: Run) -> None:
    done = run("day", "--from", "2026-07-01", "--energy", "electricity")
    assert line(done.stdout, "2026-07-01", "B")[4:8] == ["未知"] * 4
    found = json.loads(run("day", "--from", "2026-07-01", "--json").stdout)
    assert {row["total"] for row in found["totals"]} == {None}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "2026-06"), "“2026-06”不是日期"),
        (("--from", "2026-06-02", "--to", "2026-06-01"), "应不早于 2026-06-02"),
        (("--from", "2026-06-02", "--to", "2027-06-03"), "一次不超过 366 天"),
        (("--from", "2026-06-02", "--energy", "wood"), "没有能源 wood"),
    ],
)
def test_days_that_cannot_be_asked_are_refused(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        run("day", *words)
