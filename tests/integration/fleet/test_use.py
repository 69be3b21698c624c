"""Utilisation from real positions and orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import python_calamine as calamine
from typer.testing import CliRunner, Result

from fleet.ledger.entry import enter_facts
from fleet.ledger.words import words
from jieyong import cli
from registry.refusal import RefusedError
from tests.integration.fleet.ledger.world import ACT, ORDERS, VEHICLES, Conn, bring, settle
from tests.integration.fleet.world import add_terminal, bind, one, work, write
from tests.unit.fleet.drives import SECOND, Drive

Run = Callable[..., Result]
JUNE = ("--month", "2026-06")
FIRST = int(datetime(2026, 5, 31, 16, tzinfo=UTC).timestamp()) * SECOND
"""2026-06-01 00:00 in the site's zone."""


@pytest.fixture
def run(conn: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A01 drives at noon of 1 June and is seen standing all June; A02 and B01 have orders only."""
    settle(conn)
    since = date(2026, 1, 1)
    out = (
        ("P1", "A02", "2026-06-01 12:00", "2026-06-01 13:00"),
        ("P2", "A02", "2026-06-06 09:00", "2026-06-06 11:00"),  # a Saturday
        ("P3", "B01", "2026-06-01 13:30", "2026-06-01 14:00"),
    )
    bring(
        conn,
        tmp_path / "a.xlsx",
        车辆=[
            VEHICLES,
            ["A01", "汽车", "czj", since, "沪A10001", "汽油", "轿车", 55, None],
            ["A02", "汽车", "czj", since, "沪A10002", "汽油", "轿车", 55, "涉密"],
            ["B01", "汽车", "jgj", since, "沪B10001", "汽油", "轿车", 55, None],
            ["G1", "发电机", "jgj", since, None, "柴油", None, None, None],
        ],
        派车单=[ORDERS, *([n, c, None, None, None, a, b, None, None] for n, c, a, b in out)],
        人员与定点=[
            ("类别", "名称", "机构编码", "起始日期"),
            ["停放地点", "西院车库", "czj", since],
            ["停放地点", "西院车库", "jgj", since],
        ],
    )
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, one(conn, "SELECT id FROM vehicle WHERE code = 'A01'"))
    work(conn)
    drive = Drive(FIRST).park(750, every_s=900).go(20_000).park(41_700, every_s=3_600)
    write(database, drive.rows, {1: terminal})
    work(conn)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *given: CliRunner().invoke(cli.app, ["fleet", "use", *map(str, given)])


def said(done: Result) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    assert done.exit_code == 0, (done.output, done.exception)
    single, pooled = json.loads(done.stdout)
    return {row["plate"]: row for row in single["rows"]}, {r["name"]: r for r in pooled["rows"]}


def test_days_used_unused_and_not_known_are_told_apart(run: Run) -> None:
    found, _ = said(run(*JUNE, "--json"))
    assert sorted(found) == ["A02", "沪A10001", "沪B10001"]
    seen, hidden = found["沪A10001"], found["A02"]
    assert [seen[key] for key in ("days", "used", "unused", "unknown")] == ["30", "1", "29", "0"]
    assert seen["note"] == "至期末已 29 天未用（疑点）"
    assert float(seen["km"]) == pytest.approx(20, rel=0.01)
    assert [hidden[key] for key in ("used", "unused", "unknown")] == ["2", "0", "28"]
    assert hidden["note"] == "不能判断：期末 24 天中 24 天情况不明"
    assert hidden["km"] is None
    # An hour on Monday; the Saturday is no workday.
    assert hidden["hours"] == "1.00"


def test_hours_of_days_of_which_nothing_is_known_are_not_zero(run: Run) -> None:
    found, _ = said(run("--from", "2026-06-20", "--to", "2026-06-22", "--json"))
    assert (found["A02"]["unknown"], found["A02"]["hours"]) == ("3", None)
    assert (found["沪A10001"]["unknown"], found["沪A10001"]["hours"]) == ("0", "0.00")


def test_the_most_at_once_of_one_institution_and_of_those_that_share_a_yard(run: Run) -> None:
    _, found = said(run(*JUNE, "--json"))
    assert sorted(found) == ["合用：西院车库", "机关局", "财政局"]
    czj = found["财政局"]
    assert (czj["vehicles"], czj["road"], czj["out"]) == ("2", "1", "2")
    assert (czj["road_at"], czj["out_at"]) == ("2026-06-01 12:44", "2026-06-01 12:44")
    # On 28 days nothing is known of A02: it counts as out.
    assert czj["enough"] == "1 辆在 30 天中的 29 天够用；2 辆在 30 天中的 30 天够用"
    assert (found["机关局"]["road"], found["机关局"]["out"]) == (None, "1")  # no terminal
    shared = found["合用：西院车库"]
    assert (shared["vehicles"], shared["out"], shared["unknown"]) == ("3", "2", "57")


def test_a_sealed_vehicle_is_no_idle_one_and_pools_nothing(run: Run, conn: Conn) -> None:
    enter_facts(conn, ACT, "A01", ["状态=封存"], date(2026, 5, 3), words())
    found, pooled = said(run(*JUNE, "--json"))
    assert (found["沪A10001"]["state"], found["沪A10001"]["note"]) == ("封存", "")
    assert pooled["财政局"]["vehicles"] == "1"


def test_a_vehicle_sealed_within_the_time_was_there_before(run: Run, conn: Conn) -> None:
    enter_facts(conn, ACT, "A01", ["状态=封存"], date(2026, 6, 3), words())
    found, pooled = said(run(*JUNE, "--json"))
    assert (found["沪A10001"]["state"], found["沪A10001"]["note"]) == ("封存", "")
    czj = pooled["财政局"]
    assert (czj["vehicles"], czj["out"], czj["out_at"]) == ("2", "2", "2026-06-01 12:44")
    # On 1 June both were out. Without the one that is sealed, one is always enough.
    assert czj["enough"] == "1 辆在 30 天中的 29 天够用；2 辆在 30 天中的 30 天够用"


def test_days_under_seal_are_no_days_of_idleness(run: Run, conn: Conn) -> None:
    enter_facts(conn, ACT, "A01", ["状态=封存"], date(2026, 6, 2), words())
    enter_facts(conn, ACT, "A01", ["状态=在用"], date(2026, 6, 26), words())
    found, _ = said(run(*JUNE, "--json"))
    assert (found["沪A10001"]["state"], found["沪A10001"]["note"]) == ("", "")


def test_a_vehicle_disposed_of_within_the_time_counts_until_then(run: Run, conn: Conn) -> None:
    enter_facts(conn, ACT, "A01", ["状态=处置"], date(2026, 6, 16), words())
    found, pooled = said(run(*JUNE, "--json"))
    gone = found["沪A10001"]
    assert [gone[key] for key in ("state", "days", "used", "unused", "unknown", "note")] == [
        *("处置", "15", "1", "14", "0", "")
    ]
    assert (pooled["财政局"]["vehicles"], pooled["财政局"]["out"]) == ("2", "2")
    july, _ = said(run("--from", "2026-06-16", "--to", "2026-06-30", "--json"))
    assert "沪A10001" not in july


def test_a_vehicle_that_comes_later_was_not_there_yet(run: Run, conn: Conn, tmp_path: Path) -> None:
    later = ["B02", "汽车", "jgj", date(2026, 7, 1), "沪B20002", "汽油", "轿车", 55, None]
    bring(conn, tmp_path / "b.xlsx", 车辆=[VEHICLES, later])
    found, pooled = said(run(*JUNE, "--json"))
    assert sorted(found) == ["A02", "沪A10001", "沪B10001"]
    assert pooled["机关局"]["vehicles"] == "1"


@pytest.mark.parametrize(
    ("since", "until", "shared"),
    [
        ("2026-01-01", "2026-06-02", True),
        ("2026-01-01", "2026-06-01", False),  # the day after the last
        ("2026-06-30", None, True),
        ("2026-07-01", None, False),
    ],
)
def test_a_yard_is_shared_on_the_days_that_it_is_one(
    run: Run, conn: Conn, since: str, until: str | None, *, shared: bool
) -> None:
    conn.execute(
        "UPDATE fleet_party SET since = %s, until = %s"
        " WHERE institution_id = (SELECT id FROM institution WHERE code = 'jgj')",
        [since, until],
    )
    _, pooled = said(run(*JUNE, "--json"))
    assert ("合用：西院车库" in pooled) is shared


@pytest.mark.parametrize(
    ("valid", "days"),
    [
        ("[2026-06-30T15:59Z,)", "1"),
        ("[2026-06-30T16:00Z,)", None),
        ("[,2026-06-01T16:00Z)", "1"),
        ("[,2026-05-31T16:00Z)", None),
    ],
)
def test_a_vehicle_counts_while_the_inventory_has_it(
    run: Run, conn: Conn, valid: str, days: str | None
) -> None:
    conn.execute("UPDATE vehicle SET valid = %s", [valid])
    found, pooled = said(run(*JUNE, "--json"))
    assert found.get("沪A10001", {}).get("days") == days
    assert pooled["财政局"]["vehicles"] == ("1" if days is None else "2")


def test_a_vehicle_of_which_no_fact_stands_is_in_service_and_a_vessel_is_no_vehicle(
    run: Run, conn: Conn
) -> None:
    conn.execute(
        "UPDATE consumer_fact SET withdrawn_by = 'x', withdrawn_at = now() WHERE consumer_id ="
        " (SELECT id FROM fuel_consumer WHERE code = 'B01')"
    )
    conn.execute("UPDATE fuel_consumer SET kind = 'vessel' WHERE code = 'A01'")
    found, _ = said(run(*JUNE, "--json"))
    assert sorted(found) == ["A02", "B01"]


def test_a_vehicle_of_the_inventory_alone_is_listed_by_its_plate_there(
    run: Run, conn: Conn
) -> None:
    conn.execute(
        "UPDATE fuel_consumer SET withdrawn_by = 'x', withdrawn_at = now() WHERE code = 'A01'"
    )
    found, _ = said(run(*JUNE, "--json"))
    assert found["沪A10001"]["used"] == "1"
    conn.execute("UPDATE vehicle SET sensitive = true")
    found, _ = said(run(*JUNE, "--json"))
    assert found["A01"]["plate"] == "A01"


@pytest.mark.parametrize(("since", "until"), [((6, 1), (6, 5)), ((7, 1), None)])
def test_a_plate_that_was_or_is_sensitive_is_not_shown(
    run: Run, conn: Conn, since: tuple[int, int], until: tuple[int, int] | None
) -> None:
    enter_facts(conn, ACT, "A01", ["涉密=涉密"], date(2026, *since), words())
    if until:
        enter_facts(conn, ACT, "A01", ["涉密=一般"], date(2026, *until), words())
    found, _ = said(run(*JUNE, "--json"))
    assert sorted(found) == ["A01", "A02", "沪B10001"]


def test_institutions_can_be_looked_at_together(run: Run) -> None:
    found, pooled = said(
        run(
            *("--from", "2026-06-01", "--to", "2026-06-01", "--json"),
            *("--institution", "czj", "--together", "czj,jgj"),
        )
    )
    assert found["沪A10001"]["days"] == "1"
    assert pooled["合用：财政局、机关局"]["enough"] == "2 辆在 1 天中的 1 天够用"


def test_the_workbook(run: Run, tmp_path: Path) -> None:
    assert run("使用.xlsx", *JUNE).exit_code == 0
    with calamine.load_workbook(tmp_path / "使用.xlsx") as book:
        assert book.sheet_names == ["使用情况", "同时外出"]
        assert book.get_sheet_by_name("使用情况").to_python()[0][0] == "公务用车使用情况"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((), "请写 --month 2026-10，或 --from 2026-10-01"),
        (("--month", "2026-06", "--from", "2026-06-01"), "请写 --month"),
        (("--from", "2026-06-02", "--to", "2026-06-01"), "早于第一天"),
        (("--from", "2020-06-02", "--to", "2026-06-01"), "一次最多 366 天"),
        (("--month", "2099-01"), "尚未过完"),
        ((*JUNE, "--together", "czj,x"), "机构 x 不存在"),
        (("a.pdf", *JUNE), "文件名应以"),
    ],
)
def test_what_is_asked_wrongly_is_refused(run: Run, given: tuple[str, ...], text: str) -> None:
    done = run(*given)
    assert isinstance(done.exception, RefusedError)
    assert text in str(done.exception)
