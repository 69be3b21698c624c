"""A report from the public: plate, place, time; from real positions, orders and dated plates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import python_calamine as calamine
from typer.testing import CliRunner, Result

from fleet.fence.datum import gcj02_of_wgs84
from fleet.ledger.entry import enter_facts
from fleet.ledger.words import words
from jieyong import cli
from registry.audit import lines
from registry.permissions import Permission, grant
from registry.refusal import RefusedError
from tests.integration.fleet.ledger.world import ACT, ORDERS, VEHICLES, Conn, bring
from tests.integration.fleet.world import add_terminal, bind, one, work, write
from tests.unit.fleet.drives import HOUR, LAT, LON, NOON, Drive

Run = Callable[..., Result]
AT = ("--at", "2026-06-01 12:40", "--reason", "群众来电")
PLACE = ("--lat", LAT, "--lon", LON + 5_000 / 95_891.0)
"""5 km east of where the drive begins."""


@pytest.fixture
def seen(conn: Conn, database: str, tmp_path: Path) -> Conn:
    """A01 stands from 12:00 to 12:30, drives 20 km east, and is silent for an hour from 13:24."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('czj', '财政局')")
    conn.execute(
        "INSERT INTO vehicle (code, plate, institution_id, energy)"
        " SELECT 'A01', '沪A·10001', id, 'petrol' FROM institution"
    )
    since = date(2026, 1, 1)
    bring(
        conn,
        tmp_path / "a.xlsx",
        车辆=[
            VEHICLES,
            ["A01", "汽车", "czj", since, "沪A10001", "汽油", "轿车", 55, None],
            ["A02", "汽车", "czj", since, "沪A10002", "汽油", "轿车", 55, None],
        ],
        派车单=[
            (*ORDERS, "驾驶员", "目的地"),
            *[
                [number, "A01", "送文件", "李四", "王五", out, back, None, None, "张三", "东站"]
                for number, out, back in (
                    ("P1", "2026-06-01 12:20", "2026-06-01 16:00"),
                    ("P2", "2026-06-01 18:00", "2026-06-01 19:00"),
                )
            ],
        ],
    )
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, one(conn, "SELECT id FROM vehicle WHERE code = 'A01'"))
    work(conn)
    drive = Drive().park(30).go(20_000).park(30).silent(60).park(30)
    write(database, drive.rows, {1: terminal})
    work(conn)
    return conn


@pytest.fixture
def run(seen: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong fleet tip …` in an empty directory."""
    del seen
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *given: CliRunner().invoke(cli.app, ["fleet", "tip", *map(str, given)])


def said(done: Result) -> str:
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_a_vehicle_that_was_there_with_its_trip_and_its_order(run: Run) -> None:
    shown = said(run("--plate", "沪Ａ・1 0001", *AT, *PLACE, "--address", "人民广场"))
    assert "当时到过附近。" in shown
    assert "离所述地点最近 0 米（06-01 12:3" in shown
    assert "车辆：沪A10001（编码 A01），财政局" in shown
    assert "举报地点：人民广场；北纬 30.600000" in shown
    assert "行程：06-01 12:30 至 06-01 12:54，20." in shown
    assert "驾驶员 张三，乘车人 李四，事由 送文件，目的地 东站，审批人 王五" in shown
    assert "P2" not in shown
    assert "违规" not in shown


def test_a_plate_in_wide_letters_is_the_same_plate_on_either_side(run: Run, seen: Conn) -> None:
    assert "车辆：沪A10001" in said(run("--plate", "沪Ａ・１０００１", *AT, *PLACE))
    enter_facts(seen, ACT, "A02", ["车牌=沪Ｂ２０００２"], date(2026, 3, 1), words())
    assert "编码 A02" in said(run("--plate", "沪B20002", *AT, *PLACE))


def test_a_place_of_a_chinese_map_is_converted(run: Run) -> None:
    lon, lat = gcj02_of_wgs84((LON + 5_000 / 95_891.0, LAT))
    place = ("--plate", "沪A10001", *AT, "--lat", lat, "--lon", lon)
    assert "离所述地点最近 0 米" in said(run(*place, "--datum", "gcj02"))
    assert "离所述地点最近 0 米" not in said(run(*place))


def test_a_vehicle_that_was_elsewhere_all_the_time(run: Run) -> None:
    shown = said(run("--plate", "沪A10001", *AT, "--lat", LAT + 1, "--lon", LON))
    assert "当时不在该地。" in shown
    assert "离所述地点最近 110." in shown


def test_where_it_was_not_seen_nobody_can_tell(run: Run) -> None:
    at = ("--at", "2026-06-01 14:00", "--within", 20, "--reason", "群众来电")
    shown = said(run("--plate", "沪A10001", *at, *PLACE))
    assert "不能判断。" in shown
    assert "没有可用的定位" in shown
    assert "13:40:00 至 14:20:00：不能判断" in shown
    # 1100 km there and back in an hour: whoever drove, it was not there.
    shown = said(run("--plate", "沪A10001", *at, "--lat", LAT + 10, "--lon", LON))
    assert "当时不在该地。" in shown
    assert "不可能到过该地：这段时间来回不及" in shown


def test_without_a_place_only_where_it_was(run: Run) -> None:
    shown = said(run("--plate", "沪A10001", *AT, "--address", "人民广场"))
    assert "未给出坐标，只列出当时的位置。" in shown
    assert "距该地" not in shown


def test_a_plate_that_nobody_bears_or_that_was_on_another_vehicle_then(
    run: Run, seen: Conn
) -> None:
    assert "本系统没有这一号牌" in said(run("--plate", "沪A99999", *AT, *PLACE))
    enter_facts(seen, ACT, "A01", ["车牌=沪A77777"], date(2026, 3, 1), words())
    enter_facts(seen, ACT, "A02", ["车牌=沪A10001"], date(2026, 3, 1), words())
    shown = said(run("--plate", "沪A10001", *AT, *PLACE))
    assert "车辆：沪A10001（编码 A02）" in shown
    assert "没有绑定定位终端" in shown
    assert "2026-01-01 至 2026-03-01 前：编码 A01，财政局" in shown
    enter_facts(seen, ACT, "A02", ["车牌=沪A88888"], date(2026, 5, 1), words())
    shown = said(run("--plate", "沪A10001", *AT, *PLACE))
    assert "2026-06-01 本系统没有车辆使用这一号牌" in shown
    assert "行程" not in shown


def test_a_plate_on_two_vehicles_at_once_is_for_people_to_settle(run: Run, seen: Conn) -> None:
    enter_facts(seen, ACT, "A02", ["车牌=沪A10001"], date(2026, 3, 1), words())
    shown = said(run("--plate", "沪A10001", *AT, *PLACE))
    assert "2026-06-01 有 2 辆车登记为这一号牌" in shown
    assert "当时位置" not in shown


@pytest.mark.parametrize("how", ["inventory", "then", "now"])
def test_a_sensitive_vehicle_shows_nothing_but_that_it_is_one(
    run: Run, seen: Conn, how: str
) -> None:
    if how == "inventory":
        seen.execute("UPDATE vehicle SET sensitive = true")
    elif how == "then":
        enter_facts(seen, ACT, "A01", ["涉密=涉密"], date(2026, 5, 1), words())
        enter_facts(seen, ACT, "A01", ["涉密=一般"], date(2026, 7, 1), words())
    else:
        enter_facts(seen, ACT, "A01", ["涉密=涉密"], date(2026, 7, 1), words())
    shown = said(run("--plate", "沪A10001", *AT, *PLACE))
    assert "该车按规定不提供位置、行程和派车单" in shown
    for word in ("A01", "财政局", "张三", "东站", "当时位置", "12:3"):
        assert word not in shown


@pytest.mark.parametrize(("state", "said_so"), [("封存", "封存"), ("处置", "已处置")])
def test_a_vehicle_that_was_sealed_or_gone_on_the_day_is_told(
    run: Run, seen: Conn, state: str, said_so: str
) -> None:
    enter_facts(seen, ACT, "A01", [f"状态={state}"], date(2026, 6, 2), words())
    assert "台账登记" not in said(run("--plate", "沪A10001", *AT, *PLACE))
    enter_facts(seen, ACT, "A01", [f"状态={state}"], date(2026, 6, 1), words())
    shown = said(run("--plate", "沪A10001", *AT, *PLACE))
    assert f"台账登记该车自 2026-06-01 起{said_so}，2026-06-01 不应在外行驶。" in shown
    assert "当时到过附近。" in shown
    enter_facts(seen, ACT, "A01", ["涉密=涉密"], date(2026, 5, 1), words())
    assert "台账登记" not in said(run("--plate", "沪A10001", *AT, *PLACE))


def test_a_span_that_reaches_into_a_sensitive_day_shows_nothing(run: Run, seen: Conn) -> None:
    enter_facts(seen, ACT, "A01", ["涉密=涉密"], date(2026, 6, 2), words())
    enter_facts(seen, ACT, "A01", ["涉密=一般"], date(2026, 6, 4), words())
    at = ("--at", "2026-06-01 23:50", "--reason", "群众来电")
    assert "按规定不提供位置" in said(run("--plate", "沪A10001", *at, "--within", 20))
    assert "按规定不提供位置" not in said(run("--plate", "沪A10001", *at, "--within", 5))


def test_fixes_of_a_sensitive_day_next_to_the_span_lie_nowhere(
    run: Run, seen: Conn, database: str
) -> None:
    """Those around the span are read too: the last before it, the first behind."""
    enter_facts(seen, ACT, "A01", ["涉密=涉密"], date(2026, 6, 2), words())
    enter_facts(seen, ACT, "A01", ["涉密=一般"], date(2026, 6, 4), words())
    late = Drive(NOON + 23 * HOUR // 2, odometer_km=100.0).park(25)  # 23:30 to 23:55
    late.silent(15).park(60)
    write(database, late.rows, {1: one(seen, "SELECT id FROM terminal")})
    at = ("--at", "2026-06-01 23:50", "--reason", "群众来电", "--within", 9)
    shown = said(run("--plate", "沪A10001", *at, *PLACE))
    assert "此前最后定位：06-01 23:40:50" in shown
    assert "此后最早定位" not in shown
    assert "nan" not in shown


def test_whoever_has_no_permission_is_refused_and_noted(run: Run, seen: Conn) -> None:
    grant(seen, ACT, "张管理", Permission.TRACK_READ, "")
    done = run("--plate", "沪A10001", *AT, *PLACE, "--by", "李主任")
    assert isinstance(done.exception, RefusedError)
    assert [line.action for line in lines(seen, "A01")] == ["track.refused"]


def test_looking_leaves_a_record_with_its_reason(run: Run, seen: Conn) -> None:
    said(run("--plate", "沪A10001", *AT, *PLACE, "--by", "李主任"))
    said(run("--plate", "沪A·99999", *AT))
    (line,) = lines(seen, "A01")
    assert (line.principal, line.action, line.detail["reason"]) == (
        "李主任",
        "tip.read",
        "群众来电",
    )
    assert line.detail["reported_at"] == "2026-06-01T12:40:00+08:00"
    assert [line.action for line in lines(seen, "沪A99999")] == ["tip.read"]


def test_where_no_record_can_be_left_nothing_is_shown(run: Run, seen: Conn, tmp_path: Path) -> None:
    seen.execute("ALTER TABLE audit_log ADD CHECK (action <> 'tip.read')")
    done = run("页.html", "--plate", "沪A10001", *AT, *PLACE)
    assert isinstance(done.exception, psycopg.errors.CheckViolation)
    assert not (tmp_path / "页.html").exists()
    assert "30.6" not in done.output


def test_the_page_as_html_and_as_a_workbook(run: Run, tmp_path: Path) -> None:
    given: tuple[Any, ...] = ("--plate", "沪A10001", *AT, *PLACE, "--address", "<b>广场</b>")
    said(run("页.html", *given))
    text = (tmp_path / "页.html").read_text("utf-8")
    assert "&lt;b&gt;广场&lt;/b&gt;" in text
    assert "http" not in text
    assert "张三" in text
    said(run("页.xlsx", *given))
    with calamine.load_workbook(tmp_path / "页.xlsx") as book:
        rows = book.get_sheet_by_name("举报核查").to_python(skip_empty_area=False)
    assert rows[0][0] == "公务用车举报核查单"
    assert str(rows[3][1]).startswith("当时到过附近。")
    assert "合计" not in {row[0] for row in rows}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("--plate", "沪A1", *AT, "--lat", 30), "纬度和经度要一起写"),
        (("--plate", "沪A1", *AT, "--lat", 300, "--lon", 10), "不是地球上的地点"),
        (("--plate", "沪A1", *AT, "--lat", 1, "--lon", 1, "--datum", "bd09"), "只用于中国境内"),
        (("--plate", " · ", *AT), "请写明号牌"),
        (("--plate", "沪A1", "--at", "2099-01-01 10:00", "--reason", "x"), "晚于现在"),
        (("--plate", "沪A1", "--at", "2026-06-01 12:00", "--reason", " "), "请写明查看轨迹的原因"),
        (("页.pdf", "--plate", "沪A1", *AT), "文件名应以"),
    ],
)
def test_what_is_asked_wrongly_is_refused(run: Run, given: tuple[str, ...], text: str) -> None:
    done = run(*given)
    assert isinstance(done.exception, RefusedError)
    assert text in str(done.exception)
