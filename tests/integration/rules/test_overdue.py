"""Doubts that nobody explains in time are told to who stands higher, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from registry.audit import Act
from registry.calendar_store import load_calendar
from rules.cases import overdue as module
from rules.cases.acting import do
from rules.cases.life import Deed, Step
from rules.cases.overdue import escalate, overdue
from tests.integration.rules.test_doubts import cold
from tests.integration.rules.world import RULES, ZONE, Conn, Room, add_room, at, load_rules, look

NINE = 9 * 60.0
DAY = 1440.0
TWO_DAYS = 3 * DAY
"""Monday's doubt is to be explained by the end of Wednesday."""


@pytest.fixture
def room(conn: Conn) -> Room:
    """A doubt of Monday morning, opened then."""
    made = add_room(conn)
    load_rules(
        conn, RULES.replace("title: 制冷,", "title: 制冷, escalate: {after: 2d, route: up},")
    )
    cold(conn, made, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    return made


def notes(conn: Conn) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT key, route, severity, title, body FROM note ORDER BY key"
    ).fetchall()


def step(conn: Conn, now: datetime) -> int:
    return escalate(conn, load_calendar(conn), ZONE, now)


def test_it_is_told_when_the_deadline_has_passed_and_not_again(conn: Conn, room: Room) -> None:
    look(conn, at(TWO_DAYS - 1))
    assert notes(conn) == []
    look(conn, at(TWO_DAYS))
    look(conn, at(TWO_DAYS + 1))
    look(conn, at(10 * DAY))
    ((key, *told),) = notes(conn)
    body = "局 301 室 ac\n2026-07-06 10:00 提出，期限 2026-07-08，尚未收到说明。\n"
    body += "请协助核实并说明情况（疑点编号 1）。"
    assert told == ["up@i", "notice", "疑点待说明：制冷", body]
    assert key.startswith("doubt-1-overdue-")
    deeds = conn.execute("SELECT at, principal, step, words FROM doubt_deed").fetchall()
    words = "期限 2026-07-08 前未收到说明，已告知 up"
    assert deeds == [(at(TWO_DAYS), "jieyong", "escalate", words)]
    audit = conn.execute("SELECT principal, subject FROM audit_log WHERE action = 'doubt.escalate'")
    assert audit.fetchall() == [("jieyong", "1")]
    assert conn.execute("SELECT state FROM doubt").fetchone() == ("asked",)


def test_what_is_explained_in_time_is_not_told(conn: Conn, room: Room) -> None:
    do(conn, Act("张三", at(NINE + 120)), 1, Deed(Step.EXPLAIN, "已调高"))
    look(conn, at(10 * DAY))
    assert notes(conn) == []
    assert overdue(conn, load_calendar(conn), ZONE, at(10 * DAY)) == []


def test_what_is_returned_is_asked_anew_and_told_anew(conn: Conn, room: Room) -> None:
    look(conn, at(TWO_DAYS))
    do(conn, Act("张三", at(TWO_DAYS + 60)), 1, Deed(Step.EXPLAIN, "加班"))
    do(conn, Act("李四", at(TWO_DAYS + 90)), 1, Deed(Step.RETURN, "请附审批单"))
    look(conn, at(TWO_DAYS + DAY))
    assert len(notes(conn)) == 1
    # Thursday, by the end of next Monday: the weekend does not count.
    look(conn, at(8 * DAY - 1))
    assert len(notes(conn)) == 1
    look(conn, at(8 * DAY))
    assert len({key for key, *_ in notes(conn)}) == 2


def test_a_rule_without_a_route_is_listed_and_not_told(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn, RULES.replace("title: 制冷,", "title: 制冷, escalate: {after: 2d},"))
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    look(conn, at(10 * DAY))
    assert notes(conn) == []
    (one,) = overdue(conn, load_calendar(conn), ZONE, at(10 * DAY))
    assert (one.doubt, one.due_at, one.route, one.told) == (1, at(TWO_DAYS), None, False)


def test_old_news_is_listed_and_not_told(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(
        conn, RULES.replace("title: 制冷,", "title: 制冷, escalate: {after: 2d, route: up},")
    )
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(30 * DAY))
    look(conn, at(60 * DAY))
    assert notes(conn) == []
    assert len(overdue(conn, load_calendar(conn), ZONE, at(60 * DAY))) == 1


def test_note_history_and_audit_are_there_together_or_not_at_all(
    conn: Conn, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as context:
        context.setattr(module, "record", die)
        with pytest.raises(RuntimeError):
            step(conn, at(TWO_DAYS))
    assert notes(conn) == []
    assert step(conn, at(TWO_DAYS)) == 1
    assert step(conn, at(TWO_DAYS) + timedelta(minutes=1)) == 0
    assert len(notes(conn)) == 1


def test_one_worker_tells_and_the_others_return(conn: Conn, room: Room, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [module.LOCK])
        assert step(conn, at(TWO_DAYS)) == 0
    assert step(conn, at(TWO_DAYS)) == 1
