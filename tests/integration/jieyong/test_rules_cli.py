"""`jieyong rules` and `jieyong doubt` as officers use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import python_calamine as calamine
from typer.testing import CliRunner, Result

from jieyong import cli
from jieyong.doctor.finding import Level
from jieyong.doctor.rules import check_rules
from jieyong.workers.rules import CREW
from registry.document import InventoryError
from registry.refusal import RefusedError
from rules.kinds.model import Sort
from rules.work.learning import failed
from storage.settings import DatabaseSettings
from tests.integration.rules.world import RULES, Conn, Room, add_room, at, look, store

NINE = 9 * 60.0
DAYS = ("--from", "2026-07-01", "--to", "2026-07-31")


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in an empty directory; an expected refusal is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    (tmp_path / "r.yaml").write_text(
        RULES.replace("source: 42号", "from: 2026-01-01, source: 42号"), "utf-8"
    )
    return lambda *words: CliRunner().invoke(cli.app, list(words), catch_exceptions=False)


@pytest.fixture
def room(conn: Conn) -> Room:
    """The air conditioner cooled to 24 ℃ for an hour."""
    made = add_room(conn)
    store(conn, made.points["mode"], [(NINE, 1), (NINE + 59, 1)])
    store(conn, made.points["run"], [(NINE, 1), (NINE + 60, 0)])
    store(conn, made.points["set_point"], [(NINE + m, 24.0) for m in range(0, 60, 10)])
    return made


def test_rules_are_checked_before_anything_happens(
    run: Callable[..., Result], conn: Conn, tmp_path: Path
) -> None:
    assert "3 条规则，没有错误" in run("rules", "check", "r.yaml").output
    (tmp_path / "bad.yaml").write_text(RULES.replace("15m", "soon"), "utf-8")
    for command in ("check", "load"):
        with pytest.raises(InventoryError, match=r"bad.yaml:7: rule cold: for is soon"):
            run("rules", command, "bad.yaml")
    assert conn.execute("SELECT count(*) FROM rule").fetchone() == (0,)


def test_a_rule_set_is_tried_on_the_past_and_writes_nothing(
    run: Callable[..., Result], conn: Conn, room: Room
) -> None:
    told = json.loads(run("rules", "backtest", "r.yaml", *DAYS, "--json").output)
    counts = {row["code"]: (row["doubts"], row["hours"]) for row in told[0]["rows"]}
    assert counts == {"cold": ("1", "1.0"), "night": ("0", "0.0"), "lamp": ("0", "0.0")}
    assert conn.execute("SELECT count(*) FROM episode").fetchone() == (0,)
    before = run("rules", "backtest", "r.yaml", "--from", "2026-06-01", "--to", "2026-06-30")
    assert "1.0" not in before.output


def test_loading_says_what_changed_and_the_list_shows_it(run: Callable[..., Result]) -> None:
    assert "启用 3 条（新增或改动），0 条未变，停用 0 条" in run("rules", "load", "r.yaml").output
    assert "启用 0 条（新增或改动），3 条未变，停用 0 条" in run("rules", "load", "r.yaml").output
    shown = run("rules", "list").output
    assert "cold" in shown
    assert "42号" in shown


def test_a_rule_of_another_set_is_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    run("rules", "load", "r.yaml")
    (tmp_path / "other.yaml").write_text(RULES.replace("code: tests", "code: other"), "utf-8")
    with pytest.raises(RefusedError, match="规则 cold（第 7 行）已属于规则集 tests"):
        run("rules", "load", "other.yaml")


def test_the_same_is_done_with_several_doubts_or_with_none(
    run: Callable[..., Result], conn: Conn
) -> None:
    """A collector that was down leaves thousands that have one explanation."""
    conn.execute(
        "INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state,"
        " changed_at) SELECT 'cold', 'place', n, now(), 'infinity', now(), 'asked', now()"
        " FROM generate_series(1, 6) AS n"
    )
    states = "SELECT state FROM doubt ORDER BY id"
    assert "疑点 1,3-5：已说明，共 4 个" in run("doubt", "explain", "1,3-5", "采集程序停机").output
    asked, said = ("asked",), ("explained",)
    assert conn.execute(states).fetchall() == [said, asked, said, said, said, asked]
    with pytest.raises(RefusedError, match="疑点 2：疑点现为“待说明”，不能“核实”"):
        run("doubt", "check", "1-5", "已核对")
    with pytest.raises(RefusedError, match="疑点 7：没有编号为 7 的疑点"):
        run("doubt", "explain", "5-7", "采集程序停机")
    assert conn.execute(states).fetchall() == [said, asked, said, said, said, asked]
    count = "SELECT count(*) FROM audit_log WHERE action LIKE 'doubt.%'"
    assert conn.execute(count).fetchone() == (4,)


@pytest.mark.parametrize("written", ["x", "0", "5-3", "1,,2", "1-99999", "99999999999", "3-"])
def test_what_is_no_number_of_a_doubt_is_refused(run: Callable[..., Result], written: str) -> None:
    with pytest.raises(RefusedError, match=r"不是疑点编号|一次最多办 10000 个"):
        run("doubt", "shelve", written, "等待维修")


def test_a_doubt_is_shown_with_what_it_rests_on_and_goes_its_way(
    run: Callable[..., Result], conn: Conn, room: Room, tmp_path: Path
) -> None:
    run("rules", "load", "r.yaml")
    look(conn, at(2 * 1440))
    listed = run("doubt", "list", *DAYS).output
    assert "待说明" in listed
    assert "301 室" in listed
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid) VALUES ('room', 1, 'service-hall', '[,)')"
    )
    shown = run("doubt", "show", "1").output
    assert "办事大厅（301 室）" in shown
    assert "空调制冷运行时设定温度低于 26 ℃。是否有特殊情况，请说明。" in shown
    assert "制冷设定温度的下限 26 ℃" in shown
    assert "2026-07-06 09:00" in shown
    assert "不详" in shown
    with pytest.raises(RefusedError, match="只有已说明、已核实的疑点可以"):
        run("doubt", "conclude", "1", "--verdict", "属于浪费", "--cause", "x", "--measure", "y")
    for step in ("explain", "check"):
        run("doubt", step, "1", "已调高", "--by", "张三")
    done = run(
        *("doubt", "conclude", "1", "--verdict", "属于浪费"),
        *("--cause", "未按规定设定", "--measure", "锁定面板", "--by", "李四"),
    )
    assert "疑点 1：已办结（属于浪费）" in done.output
    assert "：无" in run("doubt", "list", *DAYS).output
    history = run("doubt", "show", "1").output
    assert all(word in history for word in ("张三", "李四", "锁定面板", "属于浪费"))
    who = conn.execute("SELECT action, principal FROM audit_log WHERE action LIKE 'doubt.%'")
    assert who.fetchall() == [
        ("doubt.explain", "张三"),
        ("doubt.check", "张三"),
        ("doubt.conclude", "李四"),
    ]
    run("doubt", "list", "d.xlsx", *DAYS, "--all")
    with calamine.load_workbook(tmp_path / "d.xlsx") as book:
        rows = book.get_sheet_by_index(0).to_python()
    assert "已办结" in {cell for row in rows for cell in row}


def test_the_power_that_a_device_tells_gives_the_energy(
    run: Callable[..., Result], conn: Conn, room: Room
) -> None:
    run("rules", "load", "r.yaml")
    look(conn, at(2 * 1440))
    row = conn.execute(
        "INSERT INTO point (device_id, name, label, unit, class)"
        " SELECT device_id, 'power', '功率', 'W', 'gauge' FROM point WHERE id = %s RETURNING id",
        [room.points["run"]],
    ).fetchone()
    assert row is not None
    store(conn, row[0], [(NINE + m, 1200.0) for m in range(0, 61, 10)])
    shown = run("doubt", "show", "1").output
    assert "1.200 kWh（按设备功率）" in shown
    assert "不详（没有指定电价）" in shown
    assert "期间用量不等于浪费量" in shown
    (table,) = json.loads(run("doubt", "list", "--sum", *DAYS, "--json").output)
    (summed,) = table["rows"]
    keys = ("institution", "month", "doubts", "open", "unit", "used", "unpriced", "wasted")
    assert [summed[key] for key in keys] == [
        *("局", "2026-07", "1", "1", "kWh", "1.200", "1", "0"),
    ]
    assert summed["used_yuan"] is None, "nobody knows the price"
    assert summed["wasted_yuan"] == "0.00", "nothing was concluded to be waste"
    with pytest.raises(RefusedError, match="不能同时使用"):
        run("doubt", "list", "--sum", "--overdue")


def test_no_such_doubt(run: Callable[..., Result]) -> None:
    with pytest.raises(RefusedError, match="没有编号为 7 的疑点"):
        run("doubt", "show", "7")
    with pytest.raises(RefusedError, match="没有编号为 7 的疑点"):
        run("doubt", "explain", "7", "x")


def test_the_doctor_says_whether_anybody_looks_for_doubts(
    run: Callable[..., Result], conn: Conn, database: str, room: Room
) -> None:
    later = datetime.now(UTC) + timedelta(hours=3)

    def findings() -> list[tuple[Level, str]]:
        found = check_rules(database, DatabaseSettings(), lambda: later)
        return [(one.level, one.what) for one in found]

    assert findings() == []
    run("rules", "load", "r.yaml")
    ((level, what),) = findings()
    assert level is Level.PROBLEM
    assert "no worker is connected" in what
    look(conn, at(2 * 1440))
    assert findings() == [(Level.OK, "nothing waits to be computed")]


def test_a_rule_that_fails_is_told_wherever_somebody_looks(
    run: Callable[..., Result], conn: Conn, database: str, room: Room
) -> None:
    run("rules", "load", "r.yaml")
    conn.execute(
        "UPDATE rule SET meaning = jsonb_set(meaning, '{kind}', '\"x\"') WHERE code = 'cold'"
    )
    look(conn, at(2 * 1440))
    (table,) = json.loads(run("rules", "list", "--json").output)
    rows = {row["code"]: (row["subjects"], row["owed"], row["error"]) for row in table["rows"]}
    assert rows["night"] == ("1", "0", None)
    assert rows["cold"][:2] == ("2", "2")
    assert "this program knows no kind x" in rows["cold"][2]
    later = datetime.now(UTC)
    told = {one.where: one for one in check_rules(database, DatabaseSettings(), lambda: later)}
    assert told["rule cold"].level is Level.PROBLEM
    assert "could not look at 2 subjects: LookupError" in told["rule cold"].what
    beside = CREW.beside(conn, later)
    assert beside.wrong == ("rule cold could not look at 2 subjects",)
    owed = next(one for one in beside.metrics if one.name == "jieyong_rules_rule_owed_subjects")
    assert {s.labels["rule"]: s.value for s in owed.samples} == {"cold": 2, "night": 0, "lamp": 0}
    # Once it is mended, nobody has to wait for the pauses.
    conn.execute("UPDATE rule SET meaning = jsonb_set(meaning, '{kind}', '\"aircon.cooling\"')")
    run("rules", "recompute")
    found = check_rules(database, DatabaseSettings(), lambda: later)
    assert "rule cold" not in {one.where for one in found}


def test_what_cannot_be_learned_again_is_told_wherever_somebody_looks(
    run: Callable[..., Result], conn: Conn, database: str
) -> None:
    run("rules", "load", "r.yaml")
    (_,) = json.loads(run("rules", "list", "--json").output)
    failed(conn, Sort.VEHICLE, ZeroDivisionError("x / 0"), at(0))
    failed(conn, Sort.VEHICLE, ZeroDivisionError("y / 0"), at(60))
    _, table = json.loads(run("rules", "list", "--json").output)
    (row,) = table["rows"]
    assert row == {
        "sort": "车辆",
        "since": "2026-07-06 00:00:00",
        "tried_at": "2026-07-06 01:00:00",
        "error": "ZeroDivisionError: y / 0",
    }
    assert "未能重新学习" in run("rules", "list").output
    later = datetime.now(UTC)
    told = {one.where: one for one in check_rules(database, DatabaseSettings(), lambda: later)}
    usual = told["what is usual of vehicle subjects"]
    assert usual.level is Level.PROBLEM
    assert "since 2026-07-05 16:00 UTC: ZeroDivisionError: y / 0" in usual.what
    beside = CREW.beside(conn, later)
    assert beside.wrong == ("what is usual of vehicle subjects cannot be learned again",)
    (since,) = (one for one in beside.metrics if "not_learned_since" in one.name)
    assert [s.value for s in since.samples] == [at(0).timestamp()]


def test_what_nobody_explained_in_time_is_listed_however_old(
    run: Callable[..., Result], conn: Conn, room: Room, tmp_path: Path
) -> None:
    text = (tmp_path / "r.yaml").read_text("utf-8")
    told = text.replace("title: 制冷,", "title: 制冷, escalate: {after: 2d, route: up},")
    (tmp_path / "r.yaml").write_text(told, "utf-8")
    run("rules", "load", "r.yaml")
    look(conn, at(1440))
    look(conn, at(10 * 1440))
    ((row,),) = [table["rows"] for table in json.loads(_overdue(run))]
    assert (row["id"], row["due"], row["told"]) == ("1", "2026-07-09", "up")
    assert "已告知 up" in run("doubt", "show", "1").output
    run("doubt", "explain", "1", "已调高", "--by", "张三")
    assert json.loads(_overdue(run))[0]["rows"] == []


def _overdue(run: Callable[..., Result]) -> str:
    return run("doubt", "list", "--overdue", "--json").output


def test_workers_follow_what_the_command_names(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Path | None] = []
    monkeypatch.setattr(
        "jieyong.commands.rules.run_crew",
        lambda _crew, settings, _stop: told.append(settings.rules.watch),
    )
    run("rules", "work", "--watch", "sets")
    run("rules", "work")
    assert told == [Path("sets"), None]
