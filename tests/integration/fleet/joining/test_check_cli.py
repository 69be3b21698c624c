"""`jieyong fleet check` as officers use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from jieyong import cli
from registry.audit import Act, lines
from registry.permissions import Permission, grant
from registry.refusal import RefusedError
from tests.integration.fleet.joining.world import settle
from tests.unit.fleet.joining.scene import AT_A, Car, filling, in_may, order, subject

Run = Callable[..., str]


@pytest.fixture
def run(
    database: str, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run `jieyong fleet check …` on a vehicle with one good filling and one that is a doubt."""
    settle(
        conn,
        subject(
            Car("v", {in_may(5): AT_A}),
            filling(1, in_may(5), "09:27"),
            filling(2, in_may(12), "13:00"),
            order(30, in_may(8), "08:50", "10:10"),
        ),
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)

    def words(*given: str) -> str:
        month = ["--from", "2026-05-01", "--to", "2026-05-31", "--reason", "核对"]
        result = CliRunner().invoke(cli.app, ["fleet", "check", *month, *given])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return words


def test_doubts_are_listed_and_looking_leaves_a_record(run: Run, conn: psycopg.Connection) -> None:
    shown = run("--vehicle", "v", "--by", "李主任")
    assert "加油时车辆不在加油站" in shown
    assert "2026-05-12 13:00" in shown
    assert "2026-05-05 09:27" not in shown
    assert "不是结论" in shown
    (line,) = lines(conn, "v")
    assert (line.principal, line.action) == ("李主任", "joining.read")
    assert (line.detail["from"], line.detail["to"]) == ("2026-05-01", "2026-05-31")
    assert line.detail["reason"] == "核对"


def test_of_all_vehicles_each_that_is_listed_has_its_line(
    run: Run, conn: psycopg.Connection
) -> None:
    run()
    assert [line.action for line in lines(conn, "v")] == ["joining.read"]
    assert [line.action for line in lines(conn, "全部车辆")] == ["joining.read"]


def test_a_trip_that_nobody_can_judge_shows_a_track_all_the_same(
    run: Run, conn: psycopg.Connection
) -> None:
    run()
    assert lines(conn, "c0") == []
    assert "前后一个月没有派车单" in run("--all")
    assert [line.action for line in lines(conn, "c0")] == ["joining.read"]


def test_who_may_not_look_at_tracks_sees_no_verdict(run: Run, conn: psycopg.Connection) -> None:
    with pytest.raises(RefusedError, match="--reason"):
        run("--vehicle", "v", "--reason", " ")
    grant(conn, Act("所长", datetime(2026, 6, 1, tzinfo=UTC)), "李主任", Permission.TRACK_READ, "")
    with pytest.raises(RefusedError, match="张三 没有"):
        run("--vehicle", "v", "--by", "张三")
    assert [line.action for line in lines(conn, "v")] == ["track.refused"]


def test_where_there_are_no_doubts_it_says_so_and_how_much_was_looked_at(
    run: Run, conn: psycopg.Connection
) -> None:
    assert "没有疑点" not in run("--vehicle", "v")
    conn.execute("DELETE FROM fleet_spending WHERE id = 2")
    conn.execute("DELETE FROM dispatch_order")
    shown = run("--vehicle", "v")
    assert "2026-05-01 至 2026-05-31 没有疑点：" in shown
    assert "比对了加油 1 笔、维修 0 笔、派车单 0 张、行程 63 次。" in shown
    assert "说明" not in shown, "no table without rows"
    assert "比对汇总" in shown
    shown = run("--vehicle", "v", "--from", "2026-01-01", "--to", "2026-01-02")
    assert "2026-01-01 至 2026-01-02 没有疑点：没有可以比对的单据和行程。" in shown
    assert "比对汇总" not in shown


def test_evidence_is_shown_on_demand(run: Run) -> None:
    assert "位置依据（车辆数）" not in run("--vehicle", "v")
    shown = run("--vehicle", "v", "--evidence")
    assert "位置依据（车辆数）" in shown
    assert "容许距离" in shown


def test_everything_is_listed_on_demand_and_as_json(run: Run) -> None:
    assert "2026-05-05 09:27" in run("--vehicle", "v", "--all")
    found = json.loads(run("--vehicle", "v", "--json"))
    (one,) = (row for row in found if row["number"] == 2 and row["check"] == "place")
    assert (one["finding"], one["doubt"]) == ("doubt", "borrowed_card")
    assert one["figures"]["place_vehicles"] == 4
    assert one["at"] == "2026-05-12T13:00:00+08:00"


def test_one_vehicle_is_named_by_its_plate_too(run: Run) -> None:
    by_plate = json.loads(run("--vehicle", "川Ａ v", "--json"))
    assert by_plate == json.loads(run("--vehicle", "v", "--json"))
    assert len(by_plate) > 0


def test_what_cannot_be_asked_is_refused(run: Run) -> None:
    with pytest.raises(RefusedError, match="没有建账"):
        run("--vehicle", "没有")
    with pytest.raises(RefusedError, match="早于"):
        run("--to", "2026-04-01")
