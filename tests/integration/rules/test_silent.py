"""Devices of which nothing is heard. Rows 44 and 46 of the shared field cases."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import pytest

from rules.cases.life import State
from rules.cases.listing import Wanted, doubts
from rules.subjects import catalogue
from tests.integration.rules.world import Conn, Room, add_room, at, load_rules, look, store

RULES = """
code: tests
title: 测试
rules:
  - {code: silent, kind: data.silent, title: 无数据, for: 1d, severity: notice,
     except: [server-room], source: 惯例}
"""
HOUR, DAY = 60, 1440


@pytest.fixture
def room(conn: Conn) -> Room:
    room = add_room(conn)
    load_rules(conn, RULES)
    look(conn)
    return room


def told(conn: Conn) -> list[tuple[str, float, float | None, State]]:
    """Device, begin in hours after the start, end (None: it goes on), state."""
    found = doubts(conn, Wanted(at(-100 * DAY), at(100 * DAY)))
    hour = timedelta(hours=1)
    return sorted(
        (
            one.subject,
            (one.since - at(0)) / hour,
            None if one.until > at(365 * DAY) else (one.until - at(0)) / hour,
            one.state,
        )
        for one in found
    )


def polled(hours: Iterable[int]) -> list[tuple[float, float]]:
    return [(hour * HOUR + 5, 1.0) for hour in hours]


def test_case_46_what_is_not_heard_of_for_a_day_is_a_doubt(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], polled(range(6)))
    look(conn, at(30 * HOUR))
    assert told(conn) == []
    # The last reading is of hour 5; it is heard of until 7, and a day of silence is over at 31.
    look(conn, at(31 * HOUR))
    assert told(conn) == [("ac", 7, None, State.ASKED)]


def test_case_44_what_comes_late_takes_the_doubt_back(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], polled(range(6)))
    look(conn, at(40 * HOUR))
    store(conn, room.points["mode"], polled(range(6, 40)))
    look(conn, at(40 * HOUR))
    assert [row[-1] for row in told(conn)] == [State.WITHDRAWN]


def test_it_ends_when_something_is_heard_and_what_comes_again_is_another(
    conn: Conn, room: Room
) -> None:
    store(conn, room.points["run"], polled(range(2)))
    look(conn, at(60 * HOUR))
    store(conn, room.points["run"], polled(range(60, 62)))
    look(conn, at(100 * HOUR))
    assert told(conn) == [("ac", 3, 60, State.ASKED), ("ac", 63, None, State.ASKED)]


def test_readings_without_a_value_are_nothing_that_is_heard(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], polled(range(2)))
    store(conn, room.points["run"], [(hour * HOUR, None) for hour in range(2, 40)])
    look(conn, at(40 * HOUR))
    assert told(conn) == [("ac", 3, None, State.ASKED)]


def test_what_hangs_nowhere_any_more_is_not_waited_for(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], polled(range(2)))
    look(conn, at(40 * HOUR))
    assert len(told(conn)) == 1
    conn.execute(
        "UPDATE device_place SET valid = tstzrange(NULL, %s) WHERE place_id = %s",
        [at(10 * HOUR), room.aircon],
    )
    look(conn, at(40 * HOUR))
    assert [row[-1] for row in told(conn)] == [State.WITHDRAWN]


def test_what_was_hung_on_a_day_and_never_spoke_is_a_doubt(conn: Conn, room: Room) -> None:
    conn.execute(
        "UPDATE device_place SET valid = tstzrange(%s, NULL) WHERE place_id = %s",
        [at(0), room.lamp],
    )
    look(conn, at(23 * HOUR))
    assert told(conn) == []
    look(conn, at(24 * HOUR))
    assert told(conn) == [("lamp", 0, None, State.ASKED)]


def test_an_exempt_place_is_asked_nothing(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], polled(range(2)))
    look(conn, at(40 * HOUR))
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid) VALUES ('place', %s, 'server-room', '(,)')",
        [room.aircon],
    )
    look(conn, at(40 * HOUR))
    assert [row[-1] for row in told(conn)] == [State.WITHDRAWN]


def test_only_the_first_reading_of_an_hour_has_its_device_looked_at(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], [(0, 1.0), (1, 1.0)])
    look(conn)
    store(conn, room.points["mode"], [(2, 1.0), (59, 1.0)])
    catalogue.follow(conn)
    waiting = (
        "SELECT code FROM rules_due JOIN device ON device.id = subject"
        " WHERE kind = 'device' ORDER BY 1"
    )
    assert conn.execute(waiting).fetchall() == []
    store(conn, room.points["mode"], [(60, 1.0)])
    catalogue.follow(conn)
    # The lamp is silent beside it.
    assert conn.execute(waiting).fetchall() == [("ac",), ("lamp",)]


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_the_same_is_found(conn: Conn, room: Room, seed: int) -> None:
    random = Random(seed)
    hours = [(random.randrange(120), random.choice(["run", "mode"])) for _ in range(10)]
    for hour, name in hours:
        store(conn, room.points[name], [(hour * HOUR, 1.0)])
        look(conn)
    query = "SELECT subject_id, since, confirmed_at, until FROM episode ORDER BY 1, 2"
    piecemeal = conn.execute(query).fetchall()
    conn.execute("DELETE FROM episode")
    catalogue.mark_all(conn, "test")
    look(conn)
    assert conn.execute(query).fetchall() == piecemeal != []


def test_where_no_rule_is_about_devices_none_is_looked_at(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    look(conn)
    store(conn, room.points["run"], polled(range(2)))
    catalogue.follow(conn)
    assert conn.execute("SELECT DISTINCT kind FROM rules_due").fetchall() == [("place",)]


def heard_in(conn: Conn) -> float | None:
    """In which hour after the start anything was heard last, as it is noted."""
    row = conn.execute("SELECT heard_in FROM rules_site").fetchone()
    return None if row is None or row[0] is None else (row[0] - at(0)) / timedelta(hours=1)


def test_the_hour_in_which_anything_was_heard_last_is_noted_before_anybody_is_due(
    conn: Conn, room: Room
) -> None:
    assert heard_in(conn) is None
    store(conn, room.points["run"], polled([3]))
    catalogue.follow(conn)
    assert heard_in(conn) == 3
    store(conn, room.points["mode"], polled([1, 7]))
    store(conn, room.points["mode"], polled([5]))
    catalogue.follow(conn)
    assert heard_in(conn) == 7


def test_it_is_looked_up_where_the_log_has_forgotten_it(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], polled([3]))
    store(conn, room.points["mode"], polled([9]))
    catalogue.follow(conn)
    conn.execute("DELETE FROM dirty_mark")
    conn.execute("DELETE FROM dirty_log")
    conn.execute("UPDATE rules_site SET heard_in = %s", [at(90 * DAY)])
    catalogue.follow(conn)
    assert heard_in(conn) == 9
    # So it is after the migration: marks are there, and nothing is noted.
    conn.execute("UPDATE rules_site SET heard_in = NULL")
    store(conn, room.points["run"], polled([4]))
    catalogue.follow(conn)
    assert heard_in(conn) == 9
