from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from jieyong.doctor.finding import Level
from jieyong.doctor.notify import check_notes, check_routes
from notify.settings import NotifySettings
from storage.settings import DatabaseSettings
from tests.integration.notify.receivers import WebReceiver, web
from tests.integration.notify.world import ROUTES, World, write_routes


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    with web() as receiver:
        yield receiver


@pytest.fixture
def world(database: str, tmp_path: Path, receiver: WebReceiver) -> Iterator[World]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield World(conn, write_routes(tmp_path, receiver), settings=NotifySettings(tries=2))


def found(world: World, database: str, later: timedelta = timedelta(0)) -> list[tuple[str, ...]]:
    settings = NotifySettings(routes=world.routes)
    now = world.clock() + later
    findings = check_notes(settings, database, DatabaseSettings(), lambda: now)
    return [(one.level, one.where, one.what) for one in findings]


def test_where_nobody_ever_had_something_to_say_nothing_is_said(
    world: World, database: str
) -> None:
    assert found(world, database) == []


def test_notes_that_nobody_sends_are_a_problem(world: World, database: str) -> None:
    world.clock.at = datetime.now(UTC)
    world.put("a")
    ((level, where, what),) = found(world, database, timedelta(hours=1))
    assert (level, where) == (Level.PROBLEM, "notes")
    assert "no worker is connected" in what


def test_a_channel_that_fails_and_one_that_is_given_up_are_told_with_the_reason(
    world: World, database: str, receiver: WebReceiver
) -> None:
    receiver.answer = lambda _: (500, b"down")
    world.put("a")
    world.work()
    assert (
        Level.WARNING,
        "channel hook",
        "1 messages are tried again: HTTP 500: down",
    ) in found(world, database)
    world.clock.pass_(minutes=1)
    world.work()
    assert (
        Level.PROBLEM,
        "channel hook",
        "1 messages were tried in vain and are set aside: HTTP 500: down",
    ) in found(world, database)


def test_what_waits_for_a_route_or_channel_that_is_not_there_is_told(
    world: World, database: str
) -> None:
    world.put("a", route="water")
    world.put("b", route="night")
    world.work()
    world.routes.write_text(
        ROUTES.replace("code: hook", "code: other").replace("[hook]", "[other]"), encoding="utf-8"
    )
    told = [row for row in found(world, database) if row[0] == Level.PROBLEM]
    assert [(where, what) for _, where, what in told] == [
        ("channel hook", "1 notes wait for it, and it does not exist"),
        ("route water", "1 notes wait for it, and it does not exist"),
    ]
    world.routes.write_text("channels: 1", encoding="utf-8")
    assert [row for row in found(world, database) if row[0] == Level.PROBLEM] == []
    world.routes.unlink()
    told = [row for row in found(world, database) if row[0] == Level.PROBLEM]
    assert [what for _, _, what in told] == ["notes are put in, and this file is missing"]


def test_routes_are_read_and_every_address_is_looked_for(world: World, tmp_path: Path) -> None:
    settings = NotifySettings(routes=world.routes)
    assert [one.level for one in check_routes(settings)] == [Level.OK]
    (tmp_path / "hook.url").unlink()
    _, missing = check_routes(settings)
    assert (missing.level, missing.where) == (Level.PROBLEM, "channel hook")
    world.routes.write_text("routes: []\n", encoding="utf-8")
    (broken,) = check_routes(settings)
    assert "channels is missing" in broken.what
    assert list(check_routes(NotifySettings(routes=tmp_path / "none.yaml"))) == []
