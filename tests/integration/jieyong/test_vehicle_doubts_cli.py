"""`jieyong doubt` of vehicles: days in lists, figures behind a reason, sums of sensitive ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.audit import lines
from registry.refusal import RefusedError
from tests.integration.rules.vehicles import LONG_AGO, RULES, begin, look, watched
from tests.integration.rules.world import load_rules
from tests.unit.fleet.joining.scene import Car, filling, in_may, order, subject

Conn = psycopg.Connection[Any]
OWN = """\
code: own
title: 自定义
rules:
  - code: own
    kind: custom
    title: 加油地点
    expression: borrowed_card == 1
    for: 1m
    severity: notice
    source: 惯例
"""
MAY = ("--from", "2026-05-01", "--to", "2026-05-31", "--json")


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(cli.app, list(words), catch_exceptions=False)


def found(conn: Conn, *, sensitive: bool = False) -> dict[str, int]:
    """Rule → number of its first doubt, of a vehicle with two papers that raise some."""
    car = Car("v", {}, sensitive=sensitive)
    watched(
        conn,
        subject(
            car,
            filling(3, in_may(12), "13:00"),
            filling(4, in_may(16), "13:00", ml=70_000),
            order(30, in_may(8), "08:50", "10:10"),
        ),
    )
    look(conn, begin(6, 20))
    rows = conn.execute(
        "SELECT rule_code, min(doubt.id) FROM doubt JOIN vehicle ON vehicle.id = subject_id"
        " WHERE vehicle.code = 'v' GROUP BY 1"
    )
    return dict(rows.fetchall())


def table(result: Result, number: int = 0) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(result.output)[number]["rows"]
    return rows


def test_a_list_tells_days_and_no_times(run: Callable[..., Result], conn: Conn) -> None:
    numbers = found(conn)
    rows = {row["id"]: row for row in table(run("doubt", "list", *MAY))}
    one = rows[str(numbers["borrowed-card"])]
    assert (one["subject"], one["since"], one["until"]) == ("川A·v", "2026-05-12", "2026-05-12")
    assert one["minutes"] is None


def test_what_tells_of_a_track_is_shown_for_a_reason_and_taken_note_of(
    run: Callable[..., Result], conn: Conn
) -> None:
    number = str(found(conn)["borrowed-card"])
    with pytest.raises(RefusedError, match="请写明查看轨迹的原因"):
        run("doubt", "show", number)
    assert lines(conn, "v") == []
    result = run("doubt", "show", number, "--reason", "核实", "--by", "李主任", "--json")
    (told,) = table(result)
    assert "单据所写的加油时间，车辆不在该加油站。是否有特殊情况，请说明。" in told["sentence"]
    assert "距该商户最近" in told["compared"]
    assert "涉及 30.0 L" in told["compared"]
    assert len(json.loads(result.output)) == 2, "no course: what was when is in the figures"
    (line,) = lines(conn, "v")
    assert (line.principal, line.action) == ("李主任", "doubt.read")
    assert line.detail["reason"] == "核实"


def test_a_condition_of_ones_own_about_vehicles_is_shown_for_a_reason(
    run: Callable[..., Result], conn: Conn
) -> None:
    load_rules(conn, OWN, LONG_AGO)
    number = str(found(conn)["own"])
    with pytest.raises(RefusedError, match="请写明查看轨迹的原因"):
        run("doubt", "show", number)
    (told,) = table(run("doubt", "show", number, "--reason", "核实", "--json"))
    assert "距该商户最近" in told["compared"]
    (line,) = lines(conn, "v")
    assert line.action == "doubt.read"


def test_sums_alone_need_no_reason(run: Callable[..., Result], conn: Conn) -> None:
    (told,) = table(run("doubt", "show", str(found(conn)["overfill"]), "--json"))
    assert "油箱最多容纳 66.0 L" in told["compared"]
    assert "涉及 4.0 L、约 6 元" in told["compared"]
    assert lines(conn, "v") == []


def test_of_a_sensitive_vehicle_sums_are_shown_without_plate_times_and_places(
    run: Callable[..., Result], conn: Conn
) -> None:
    numbers = found(conn, sensitive=True)
    assert "borrowed-card" not in numbers, "its places are not compared"
    shown = run("doubt", "show", str(numbers["overfill"]), "--json").output
    assert "油箱最多容纳 66.0 L" in shown
    assert "川A" not in shown
    assert "13:00" not in shown
    assert "川A·v" not in run("doubt", "list", *MAY).output


def test_rules_about_vehicles_are_tried_on_the_past(run: Callable[..., Result], conn: Conn) -> None:
    found(conn)
    days = ("--from", "2026-05-01", "--to", "2026-05-31", "--json")
    told = {row["code"]: row for row in table(run("rules", "backtest", str(RULES), *days))}
    assert told["borrowed-card"]["doubts"] == "2"
    assert told["order-without-trip"]["doubts"] == "0"
    assert told["cooling-below-26"]["doubts"] == "0"
