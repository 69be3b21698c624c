from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jieyong.cli import app
from notify.outbox import put
from registry.refusal import RefusedError
from tests.integration.notify.receivers import WebReceiver
from tests.integration.notify.world import World, write_routes
from tests.unit.notify.samples import note


@pytest.fixture
def world(
    conn: psycopg.Connection,
    database: str,
    tmp_path: Path,
    receiver: WebReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    routes = write_routes(tmp_path, receiver)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return World(conn, routes)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["notify", *arguments])


def test_a_route_is_tried_past_the_outbox(world: World, receiver: WebReceiver) -> None:
    result = run("test", "--route", "night")
    assert (result.exit_code, result.stdout) == (0, "hook：已送达（HTTP 200）\n")
    (request,) = receiver.requests
    assert request.content["title"] == "节用：试发通知"
    assert world.states() == []


def test_a_route_that_fails_says_why_without_its_address(
    world: World, receiver: WebReceiver
) -> None:
    receiver.answer = lambda request: (403, f"{request.path} forbidden".encode())
    result = run("test", "--route", "energy")
    assert (result.exit_code, result.stdout) == (1, "hook：失败，HTTP 403: *** forbidden\n")


def test_a_route_that_is_not_there_is_named(world: World) -> None:
    result = run("test", "--route", "water")
    assert isinstance(result.exception, RefusedError)
    assert "路线“water”不存在；现有：energy、night" in str(result.exception)


def test_the_list_says_what_waits_and_what_failed(world: World, receiver: WebReceiver) -> None:
    assert run("list").stdout.splitlines()[-1] == "没有待发的通知。"
    receiver.answer = lambda _: (500, b"down")
    world.put("a")
    world.work()
    put(world.conn, note("b", route="night"), world.clock())
    result = run("list")
    assert result.exit_code == 0
    assert "HTTP 500: down" in result.stdout
    assert result.stdout.splitlines()[-1] == "未分发 1 条，待重试 1 条。"
    rows = json.loads(run("list", "--json", "--all", "--most", "1").stdout)
    assert [(row["state"], row["key"], row["at"]) for row in rows] == [
        ("unrouted", "b", "2026-11-30T12:00:00+08:00")
    ]


def test_what_is_set_aside_is_sent_again_when_somebody_asks(
    world: World, receiver: WebReceiver
) -> None:
    world.put("a")
    receiver.answer = lambda _: (500, b"")
    world.settings = world.settings.model_copy(update={"tries": 1})
    world.work()
    assert world.states() == [("a", "aside", 1)]
    assert isinstance(run("retry", "b").exception, RefusedError)
    assert run("retry").stdout == "已将 1 条通知列入重发，由 jieyong notify work 发送。\n"
    receiver.answer = lambda _: (200, b"")
    world.clock.at = datetime.now(UTC)
    world.work()
    assert world.states() == [("a", "sent", 1)]
    assert [one.headers["Idempotency-Key"] for one in receiver.requests] == ["a", "a"]
