"""`jieyong fleet …` as officers and operators use it."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from fleet.derive.due import QUEUE
from jieyong import cli
from jieyong.demo.figures import samples
from jieyong.demo.stage import free_ports
from registry.audit import Act, lines
from registry.permissions import Permission, grant, withdraw
from registry.refusal import RefusedError
from storage.records import Kind
from storage.writer import BulkWriter
from tests.integration.fleet.world import NOW, add_terminal, add_vehicle, bind, one, work, write
from tests.integration.storage.due_world import kill_workers
from tests.unit.fleet.drives import Drive
from tests.unit.storage.samples import HOUR_US, NOON_US, batch, driver_card

SECONDS = 60
Run = Callable[..., str]


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong fleet …` in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "200")

    def words(*given: object) -> str:
        if given[0] in {"trips", "cards"} and "--reason" not in given:
            given = (*given, "--reason", "核对油耗")
        result = CliRunner().invoke(cli.app, ["fleet", *map(str, given)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return words


@pytest.fixture
def driven(conn: psycopg.Connection, database: str) -> int:
    """A vehicle with two trips, of 20 and 5 km."""
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    drive = Drive(odometer_km=100.0).park(30).go(20_000).park(60).go(5_000).park(30)
    write(database, drive.rows, {1: terminal})
    work(conn)
    return vehicle


def test_cards_are_shown_and_looking_leaves_a_record(
    run: Run, conn: psycopg.Connection, database: str
) -> None:
    terminals = [add_terminal(conn, code) for code in ("t", "other")]
    bind(conn, terminals[0], add_vehicle(conn, "v"), "[2026-06-01T12:30Z,)")
    cards = [
        driver_card(terminals[0], NOON_US),  # before it was this vehicle's
        driver_card(terminals[0], NOON_US + HOUR_US, name="李[red]四"),
        driver_card(terminals[0], NOON_US + 2 * HOUR_US, "out"),
        driver_card(terminals[1], NOON_US + HOUR_US, name="王五"),
    ]
    with closing(BulkWriter(database)) as writer:
        writer.write([batch(Kind.DRIVER_CARD, cards)])
    days = ("--from", "2026-06-01", "--to", "2026-06-01")
    shown = run("cards", "v", *days, "--by", "李主任")
    assert "2026-06-01 21:00:00" in shown
    assert "李[red]四" in shown
    assert ("张三" in shown, "王五" in shown) == (False, False)
    (line,) = lines(conn, "v")
    assert (line.principal, line.action) == ("李主任", "cards.read")
    assert line.detail["from"] == "2026-06-01"
    told = json.loads(run("cards", "v", *days, "--json"))
    assert [(one["event"], one["name"], one["at"]) for one in told] == [
        ("in", "李[red]四", "2026-06-01T21:00:00+08:00"),
        ("out", None, "2026-06-01T22:00:00+08:00"),
    ]
    grant(conn, Act("系统管理员", NOW), "李主任", Permission.TRACK_READ, "")
    with pytest.raises(RefusedError):
        run("cards", "v", *days, "--by", "王五")


@pytest.mark.usefixtures("driven")
def test_trips_are_shown_and_looking_leaves_a_record(run: Run, conn: psycopg.Connection) -> None:
    shown = run("trips", "v", "--from", "2026-06-01", "--to", "2026-06-01", "--by", "李主任")
    assert "川A·v 的行程" in shown
    assert "06-01 12:30" in shown
    assert "共 2 次，25." in shown
    (line,) = lines(conn, "v")
    assert (line.principal, line.action) == ("李主任", "trips.read")
    assert line.detail == {
        "from": "2026-06-01",
        "to": "2026-06-01",
        "reason": "核对油耗",
        "login": getpass.getuser(),
    }


@pytest.mark.usefixtures("driven")
def test_without_a_reason_nothing_is_shown(run: Run, conn: psycopg.Connection) -> None:
    with pytest.raises(RefusedError, match="请写明查看轨迹的原因"):
        run("trips", "v", "--reason", " ")
    assert lines(conn, "v") == []


@pytest.mark.usefixtures("driven")
def test_once_it_was_granted_only_who_has_the_permission_sees_a_track(
    run: Run, conn: psycopg.Connection
) -> None:
    asked = ("trips", "v", "--from", "2026-06-01", "--to", "2026-06-01", "--json", "--by")
    act = Act("所长", NOW)
    grant(conn, act, "李主任", Permission.TRACK_READ, "局发〔2026〕1号")
    assert json.loads(run(*asked, "李主任"))
    with pytest.raises(RefusedError, match="张三 没有“查看行车轨迹”权限"):
        run(*asked, "张三")
    (refused, read) = lines(conn, "v")
    assert (read.principal, read.action) == ("李主任", "trips.read")
    assert (refused.principal, refused.action) == ("张三", "track.refused")
    assert refused.detail["reason"] == "核对油耗"
    withdraw(conn, act, "李主任", Permission.TRACK_READ)
    with pytest.raises(RefusedError, match="没有“查看行车轨迹”权限"):
        run(*asked, "李主任")


@pytest.mark.usefixtures("driven")
def test_vehicle_case_07_a_trip_is_shown_whole_whatever_window_is_asked_for(run: Run) -> None:
    wide = json.loads(run("trips", "v", "--from", "2026-05-01", "--to", "2026-06-30", "--json"))
    narrow = json.loads(run("trips", "v", "--from", "2026-06-01", "--to", "2026-06-01", "--json"))
    assert wide == narrow
    assert wide[0]["distance_mm"] == pytest.approx(20_000_000, rel=0.01)
    assert wide[0]["started_at"].endswith("+08:00")
    assert wide[0]["start_lat"] == pytest.approx(30.6)


def test_vehicle_case_19_a_month_of_one_and_of_all(run: Run, driven: int) -> None:
    shown = run("days", "--month", "2026-06", "--vehicle", "v")
    assert "2026-06-01" in shown
    (row,) = json.loads(run("days", "--month", "2026-06", "--json"))
    assert row["trips"] == 2
    assert row["gps_mm"] == pytest.approx(25_000_000, rel=0.01)
    assert row["terminal_mm"] == 25_000_000
    assert "2026-06 各车里程" in run("days", "--month", "2026-06")
    assert json.loads(run("days", "--month", "2026-07", "--json")) == []


def test_a_terminal_that_did_not_count_every_trip_has_counted_no_day(
    run: Run, conn: psycopg.Connection, driven: int
) -> None:
    def counted() -> list[int | None]:
        rows = json.loads(run("days", "--month", "2026-06", "--vehicle", "v", "--json"))
        return [row["terminal_mm"] for row in rows]

    assert counted() == [25_000_000]
    conn.execute(
        "UPDATE vehicle_share SET terminal_mm = NULL WHERE kind = 'trip' AND distance_mm < 10000000"
    )
    assert counted() == [None], "unknown is not zero"
    assert "未知" in run("days", "--month", "2026-06")


@pytest.mark.usefixtures("driven")
def test_odometer_readings_are_entered_compared_and_withdrawn(run: Run) -> None:
    assert "#1" in run("odometer", "enter", "v", "5000", "--at", "2026-06-01 08:00")
    assert "#2" in run("odometer", "enter", "v", "5025.5", "--at", "2026-06-01 20:00")
    assert "三种里程对照" in run("days", "--month", "2026-06", "--vehicle", "v")
    assert "5025.5" in run("odometer", "list", "v")
    assert "已撤销" in run("odometer", "withdraw", 2)
    assert "5025.5" not in run("odometer", "list", "v")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("trips", "v", "--from", "2026-06-02", "--to", "2026-06-01"), "早于第一天"),
        (("trips", "v", "--from", "gestern"), "不是日期"),
        (("trips", "x"), "没有编码或车牌"),
        (("days", "--month", "2026-13"), "不是月份"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    run: Run, driven: int, given: tuple[str, ...], words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        run(*given)


def test_a_sensitive_vehicle_shows_totals_and_no_places(
    run: Run, conn: psycopg.Connection, driven: int
) -> None:
    conn.execute("UPDATE vehicle SET sensitive = true")
    work(conn)
    rows = json.loads(run("trips", "v", "--from", "2026-06-01", "--to", "2026-06-01", "--json"))
    assert len(rows) == 2
    assert {rows[0][key] for key in ("start_lat", "start_lon", "end_lat", "end_lon")} == {None}


def test_everything_can_be_computed_again(run: Run, conn: psycopg.Connection, driven: int) -> None:
    conn.execute("UPDATE trip SET gap_mm = 1")
    assert "1 辆车" in run("recompute", "--vehicle", "v")
    work(conn)
    assert one(conn, "SELECT max(gap_mm) FROM trip") == 0
    assert "1 辆车" in run("recompute")


@pytest.mark.usefixtures("driven")
def test_whoever_has_it_computed_again_stands_in_the_audit_log(
    run: Run, conn: psycopg.Connection
) -> None:
    run("recompute", "--vehicle", "v", "--by", "李主任")
    run("recompute")
    (line,) = lines(conn, "v")
    assert (line.principal, line.action) == ("李主任", "trips.recompute")
    (line,) = lines(conn, "全部车辆")
    assert (line.principal, line.action) == (getpass.getuser(), "trips.recompute")
    conn.execute("DELETE FROM fleet_due")
    conn.execute("ALTER TABLE audit_log ADD CHECK (action <> 'trips.recompute') NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        run("recompute")
    assert one(conn, "SELECT count(*) FROM fleet_due") == 0, "nothing without its line"


def test_a_vehicle_that_was_set_aside_is_tried_once_more(
    run: Run, conn: psycopg.Connection, driven: int
) -> None:
    for words in (("--vehicle", "v"), ()):
        kill_workers(conn, QUEUE, driven, NOW)
        work(conn)
        assert one(conn, "SELECT count(*) FROM fleet_due") > 0, "nobody touches it"
        run("recompute", *words)
        work(conn, now=datetime.now(UTC))
        assert one(conn, "SELECT count(*) FROM fleet_due") == 0
        assert one(conn, "SELECT count(*) FROM fleet_failure") == 0


def get(port: int, path: str) -> str:
    """Return what is answered; nothing while nobody does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as answer:
            found: str = answer.read().decode()
            return found
    except (urllib.error.URLError, ConnectionError):
        return ""


def figures(port: int) -> dict[str, float]:
    return {
        " ".join([name.removeprefix("jieyong_fleet_"), *labels.values()]): value
        for name, labels, value in samples(get(port, "/metrics"))
    }


def wait_for(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)


def test_work_computes_and_answers_for_its_health_until_it_is_told_to_stop(
    conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    (port,) = free_ports(1)
    drive = Drive().park(30).go(5000).park(30)
    process = subprocess.Popen(
        [sys.executable, "-m", "jieyong", "fleet", "work"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "DATABASE_URL": database,
            "JIEYONG_TRIPS__LOOK_S": "0.1",
            "JIEYONG_HTTP__FLEET_PORT": str(port),
        },
        stderr=subprocess.PIPE,
    )
    try:
        write(database, drive.rows, {1: terminal})
        wait_for(process, lambda: bool(one(conn, "SELECT count(*) FROM trip")))
        wait_for(process, lambda: figures(port).get("due_rows vehicle") == 0)
        wait_for(process, lambda: bool(get(port, "/health/ready")))
        told = figures(port)
        assert told["workers connected"] == 2
        assert told["vehicles_total done"] >= 1
        assert told["fixes_total"] >= len(drive.rows)
        assert told["failing_vehicles"] == told["due_oldest_age_seconds"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.communicate()


def test_work_withholds_places_and_removes_tracks(
    conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    bind(conn, add_terminal(conn, "u"), add_vehicle(conn, "w"))
    write(database, Drive(odometer_km=9.0).park(30).go(5000).park(30).rows, {1: terminal})
    work(conn)
    conn.execute("UPDATE vehicle SET sensitive = true WHERE code = 'v'")
    # Rules have no worker here, and what they are told must not grow for ever.
    conn.execute("UPDATE rules_vehicle_change SET noted_at = now() - interval '2 days'")
    kinds = one(conn, "SELECT count(DISTINCT (vehicle_id, ways)) FROM rules_vehicle_change")
    assert kinds < one(conn, "SELECT count(*) FROM rules_vehicle_change")
    settings = {
        "JIEYONG_TRIPS__LOOK_S": "0.1",
        "JIEYONG_DATABASE__POSITION_RETENTION_DAYS": "31",
        "JIEYONG_HTTP__FLEET_PORT": "0",  # the usual one may be another run's
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jieyong", "fleet", "work"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "DATABASE_URL": database,
            **settings,
        },
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + SECONDS
        while not one(conn, "SELECT count(*) FROM audit_log WHERE action = 'track.remove'"):
            assert process.poll() is None
            assert time.monotonic() < until, "it does not happen"
            time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()
    waited = "noted_at <= now() - interval '1 day'"
    assert one(conn, f"SELECT count(*) FROM rules_vehicle_change WHERE {waited}") == kinds
    assert one(conn, "SELECT count(*) FROM audit_log WHERE action = 'track.withhold'") == 1
    assert one(conn, "SELECT count(*) FROM position") == 0
    assert conn.execute("SELECT distance_mm, terminal_mm, start_lat FROM trip").fetchall() == [
        (None, 5_000_000, None)
    ]
