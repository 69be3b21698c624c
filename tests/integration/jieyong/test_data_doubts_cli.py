"""`jieyong doubt` of clocks, of who does not answer, and of what is missing: what officers see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from rules.subjects.institutions import due
from tests.integration.metering.tree.town import Town
from tests.integration.rules import test_clocks as clocks
from tests.integration.rules import test_missing_reports as reports
from tests.integration.rules import test_unanswered as answers
from tests.integration.rules.figures import load_rules as load_figure_rules
from tests.integration.rules.world import Conn, add_room, load_rules

Run = Callable[..., Result]


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(cli.app, list(words), catch_exceptions=False)


def tables(result: Result) -> list[list[dict[str, Any]]]:
    return [one["rows"] for one in json.loads(result.output)]


def number(conn: Conn, sort: str) -> str:
    row = conn.execute("SELECT max(id)::text FROM doubt WHERE sort = %s", [sort]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_clock_tells_days_and_how_far_it_was_off_and_no_times(run: Run, conn: Conn) -> None:
    clocks.add_terminal(conn)
    clocks.store(conn, clocks.live(1, 4, 8 * clocks.HOUR))
    clocks.told(conn)
    result = run("doubt", "show", number(conn, "terminal"), "--json")
    (told,), *history = tables(result)
    assert (told["subject"], told["since"], told["institution"]) == (
        *("终端 013800138000", "2026-07-06", "局"),
    )
    assert "滞后 8.0 小时" in told["compared"]
    assert "请校时并核对时区" in told["sentence"]
    assert len(history) == 1, "no course: hours tell when the vehicle was used"


def test_who_does_not_answer_is_told_which_doubts_wait(run: Run, conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn, answers.RULES)
    waiting = [answers.ask(conn, room, day) for day in (1, 2)]
    answers.told(conn, 40)
    (told,), *_ = tables(run("doubt", "show", number(conn, "respondent"), "--json"))
    assert (told["subject"], told["institution"]) == ("局", "局")
    assert f"编号 {waiting[0]}、{waiting[1]}" in told["compared"]
    assert "始终有 2 项以上疑点待说明" in told["sentence"]


def test_what_is_missing_is_named_by_month(
    run: Run, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(conn)
    town.house("i")
    reports.account(town, "e", "electricity", "kWh")
    reports.bill(town, date(2025, 12, 1))
    load_figure_rules(conn, reports.MONTH)
    reports.begins(monkeypatch, date(2026, 1, 1))
    due.begin_month(conn)
    reports.begins(monkeypatch, date(2026, 2, 1))
    reports.told(conn, date(2026, 2, 20))
    (told,), *_ = tables(run("doubt", "show", number(conn, "institution"), "--json"))
    assert "未齐：2026-01 电" in told["compared"]
    assert "上报期限为期末后 15 天" in told["sentence"]
