"""`jieyong fence …`, `jieyong fleet yards` and `jieyong fleet sealed` as officers use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from fleet.ledger import imports as ledger
from fleet.ledger.words import Papers, words
from jieyong import cli
from registry.audit import lines
from registry.refusal import RefusedError
from tests.integration.fleet.fence.world import ACT, ZONE, add, bring, goes_out, stays
from tests.integration.fleet.world import work
from tests.integration.metering.bills.world import workbook

Run = Callable[..., str]
WHY = ("--reason", "核对")
DUTY = ("fence", "duty", "v", "--reason", "x", "--since", "2026-10-01 08:00", "--until")
CIRCLE = (
    *("fence", "enter", "Y1", "--datum", "天地图", "--lon", "104.0", "--lat", "30.6"),
    *("--radius", "300", "--since", "2026-01-01", "--name", "机关大院", "--purpose", "定点停放"),
)


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong …` in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "240")

    def words(*given: object) -> str:
        result = CliRunner().invoke(cli.app, list(map(str, given)))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return words


@pytest.fixture
def fleet(conn: psycopg.Connection, database: str, run: Run) -> psycopg.Connection:
    bring(database, add(conn, "in"), stays())
    bring(database, add(conn, "out"), goes_out())
    work(conn)
    assert "编号 1" in run(*CIRCLE)
    assert "编号 1" in run("fence", "yard", "Y1", "--institution", "i", "--since", "2026-01-01")
    return conn


def test_what_holds_until_a_day_does_not_hold_on_it(run: Run, fleet: psycopg.Connection) -> None:
    said = ("--since", "2026-06-01", "--reason", "维护")
    run("fence", "seal", "--vehicle", "川Ａ・IN", *said, "--until", "2026-06-04")
    row = fleet.execute(
        "SELECT v.code, s.until FROM fleet_sealed s JOIN vehicle v ON true"
        " WHERE v.id = s.vehicle_id"
    ).fetchone()
    assert row == ("in", date(2026, 6, 4))
    with pytest.raises(RefusedError, match="--until：截止日期 2026-06-01 不含当日"):
        run("fence", "seal", "--vehicle", "in", *said, "--until", "2026-06-01")


def test_doubts_of_a_month_are_listed_and_looking_leaves_a_record(
    run: Run, fleet: psycopg.Connection
) -> None:
    days = ("--from", "2026-06-01", "--to", "2026-06-02")
    shown = run("fleet", "yards", *days, *WHY, "--by", "李主任")
    assert "未按时停放在指定地点" in shown
    assert "川A·out" in shown
    assert "06-01 22:00—06-02 02:2" in shown
    assert "川A·in" not in shown
    assert "疑点 1，无法判断 0，相符 3；0 辆车没有相关要求。" in shown
    assert "违" not in shown
    (line,) = [one for one in lines(fleet, "out") if one.action == "yards.read"]
    assert line.principal == "李主任"
    assert (line.detail["reason"], line.detail["from"]) == ("核对", "2026-06-01")
    assert [one.action for one in lines(fleet, "全部车辆")] == ["yards.read"]
    assert lines(fleet, "in") == []
    one = ("--month", "2026-06", "--vehicle", "in", "--json")
    (table,) = json.loads(run("fleet", "yards", *one, *WHY))
    assert {(row["verdict"], row["kind"]) for row in table["rows"]} == {
        ("cannot_tell", "no_positions")
    }
    assert table["rows"][0]["day"] == "2026-06-05"
    night = "2026-06-05T22:00:00+08:00/2026-06-06T06:00:00+08:00"
    assert table["rows"][0]["window_at"] == table["rows"][0]["unknown_at"] == night


def test_all_of_them_into_a_workbook(run: Run, fleet: psycopg.Connection, tmp_path: Path) -> None:
    said = run("fleet", "yards", tmp_path / "a.xlsx", "--from", "2026-06-01", "--all", *WHY)
    assert [one.action for one in lines(fleet, "in")] == ["yards.read"]
    assert "2 行已写入" in said
    assert (tmp_path / "a.xlsx").exists()


def test_sealed_vehicles_that_moved(run: Run, fleet: psycopg.Connection) -> None:
    said = ("--since", "2026-06-01", "--until", "2026-06-04", "--reason", "维护")
    run("fence", "seal", *said, "--institution", "i")
    shown = run("fleet", "sealed", "--from", "2026-05-30", "--to", "2026-06-03", *WHY)
    assert "封存期间有移动" in shown
    assert "20.0" in shown
    run("fence", "duty", "out", "--since", "2026-06-01 08:00", "--until", "2026-06-02 08:00",
        "--reason", "值班")  # fmt: skip
    after = run("fleet", "sealed", "--from", "2026-06-01", "--to", "2026-06-02", *WHY)
    assert "疑点 0" in after


def test_what_stands_is_listed_shown_and_withdrawn(
    run: Run, fleet: psycopg.Connection, tmp_path: Path
) -> None:
    listed = run("fence", "list")
    for text in ("机关大院", "圆形 半径 300 米", "22:00—06:00", "局"):
        assert text in listed
    assert '"coordinates": [104.0, 30.6]' in run("fence", "show", "Y1")
    corners = "104,30.6 104.01,30.6 104.01,30.61"
    polygon = ("fence", "enter", "P1", "--datum", "高德", "--since", "2026-01-01")
    run(*polygon, "--corners", corners)
    assert "2 个围栏已写入" in run("fence", "export", tmp_path / "a.geojson", "--original")
    preview = run("fence", "import", tmp_path / "a.geojson", "--dry-run", "--json")
    assert json.loads(preview)["unchanged"] == 2
    assert "已撤回 fence 1" in run("fence", "withdraw", "fence", 1, "--reason", "搬迁")
    assert "机关大院" not in run("fence", "list")


def test_a_designated_place_without_coordinates_says_what_to_enter(
    run: Run, fleet: psycopg.Connection, tmp_path: Path
) -> None:
    day = date(2026, 1, 1)
    places: list[list[object]] = [
        ["类别", "名称", "机构编码", "起始日期", "连锁"],
        ["定点停放", "机关大院", "i", day, None],
        ["定点加油站", "一站 东", None, day, None],
        ["定点加油站", "中石化", None, day, "是"],
        ["驾驶员", "张三", "i", day, None],
    ]
    book = workbook(tmp_path / "a.xlsx", 人员与定点=places)
    ledger.apply(fleet, ACT, book, Papers(words()), ZONE)

    def told() -> dict[str, tuple[str, str]]:
        tables = json.loads(run("fence", "list", "--json"))
        rows = next(one["rows"] for one in tables if one["kind"] == "定点单位")
        return {row["name"]: (row["fences"], row["remark"]) for row in rows}

    lacks = "没有坐标，请录入围栏：jieyong fence enter 编码 --purpose 定点加油站 --name '一站 东'"
    assert told() == {
        "机关大院": ("Y1", ""),
        "一站 东": ("", lacks),
        "中石化": ("", "连锁，各点均可"),
    }
    at = ("--datum", "天地图", "--lon", "104.1", "--lat", "30.6", "--radius", "50")
    named = ("--since", "2026-01-01", "--purpose", "定点加油站", "--name", "一站 东")
    # A place of all is none of one institution.
    run("fence", "enter", "S0", *at, *named, "--institution", "i")
    assert told()["一站 东"] == ("", lacks)
    run("fence", "enter", "S1", *at, *named)
    assert told()["一站 东"] == ("S1", "")


def test_a_file_is_previewed_imported_and_undone(run: Run, tmp_path: Path) -> None:
    rows = "编码,坐标系,经度,纬度,半径,起始日期\nY1,WGS84,104.0,30.6,300,2026-01-01\n"
    file = tmp_path / "a.csv"
    file.write_text(rows, encoding="utf-8")
    assert "以上为预览" in run("fence", "import", file, "--dry-run")
    assert "新增：围栏 1" in run("fence", "import", file)
    assert "没有变化" in run("fence", "import", file)
    assert "撤回 1 行" in run("fence", "undo", 1)
    run("fence", "template", tmp_path / "t.xlsx")
    assert (tmp_path / "t.xlsx").exists()


def test_entries_and_exits_are_shown_with_a_record(run: Run, fleet: psycopg.Connection) -> None:
    days = ("--from", "2026-06-01", "--to", "2026-06-03", *WHY)
    shown = run("fence", "visits", "out", *days)
    assert shown.count("离开") == 1
    assert shown.count("进入") == 1
    # Of the morning before the first position nobody knows.
    assert "共 12.0 小时没有定位（最长 06-01 00:00—06-01 12:00），其间的进出不可知" in shown
    assert [one.action for one in lines(fleet, "out")] == ["fence.visits.read"]
    fleet.execute("UPDATE vehicle SET sensitive = true")
    with pytest.raises(RefusedError, match="敏感车辆"):
        run("fence", "visits", "out", *days)


@pytest.mark.parametrize(
    ("command", "subject"),
    [
        (("fleet", "yards"), "全部车辆"),
        (("fleet", "sealed", "--institution", "i"), "i"),
        (("fleet", "yards", "--vehicle", "川A·out"), "out"),
        (("fence", "visits", "out"), "out"),
    ],
)
def test_who_may_not_look_at_tracks_sees_no_place_by_fences(
    run: Run, fleet: psycopg.Connection, command: tuple[str, ...], subject: str
) -> None:
    days = ("--from", "2026-06-01", "--to", "2026-06-02", "--by", "张三")
    with pytest.raises(RefusedError, match="--reason"):
        run(*command, *days, "--reason", " ")
    assert lines(fleet, subject) == []
    run("permission", "grant", "李主任", "track.read")
    with pytest.raises(RefusedError, match="张三 没有"):
        run(*command, *days, *WHY)
    assert [one.action for one in lines(fleet, subject)] == ["track.refused"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("fleet", "yards", *WHY), "--month 2026-10"),
        (("fleet", "yards", *WHY, "--month", "2026-06", "--from", "2026-06-01"), "--month 2026-10"),
        (("fleet", "sealed", *WHY, "--from", "2026-06-02", "--to", "2026-06-01"), "早于第一天"),
        (
            ("fence", "visits", "x", *WHY, "--from", "2026-06-01", "--to", "2026-06-01"),
            "没有编码",
        ),
        (("fleet", "yards", "--month", "2026-06", "--institution", "x", *WHY), "机构 x 不存在"),
        (("fence", "show", "x"), "没有这个编码"),
        (("fence", "withdraw", "x", "1", "--reason", "y"), "没有这一类"),
        (("fence", "withdraw", "yard", "1", "--reason", "y"), "不存在或已撤回"),
        ((*CIRCLE, "--corners", "104,30 x"), "第 2 个点"),
        (("fence", "seal", "--since", "2026-01-01", "--reason", "x"), "--until：每天封存"),
        ((*DUTY, "2026-10-02"), "--until：.*没有钟点"),
        ((*DUTY, "2026-10-01 07:00"), "--until：不晚于开始时间"),
        (
            (*CIRCLE[:5], *CIRCLE[11:], "--corners", "104,30 105,31 104,31 105,30"),
            "--corners：.*交叉",
        ),
        (("fence", "enter", "Y", "--datum", "x", "--since", "2026-01-01"), "--datum：.*不认识"),
    ],
)
def test_what_is_asked_wrongly_is_refused(run: Run, given: tuple[str, ...], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        run(*given)
