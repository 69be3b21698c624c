"""Doubts over time: opened when an episode has stood long enough, kept whatever data does.

Rows 42 to 45 of the shared field cases.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from rules.cases.opening import confirm, keep
from rules.derive.span import Look
from rules.kinds.model import Sort
from rules.ruleset.store import versions
from rules.subjects import catalogue
from rules.work.settings import RulesSettings
from rules.work.worker import Worker
from storage.times import OPEN_US, at_us, us_of
from tests.integration.rules.world import (
    GAUGES,
    RULES,
    ZONE,
    Conn,
    Room,
    add_room,
    at,
    episodes,
    load_rules,
    look,
    store,
)

NINE = 9 * 60.0


def cold(conn: Conn, room: Room, begin: float, end: float) -> None:
    """The unit cools to 24 ℃ from one minute to another."""
    store(conn, room.points["mode"], [(begin, 1), (end - 1, 1)])
    store(conn, room.points["run"], [(begin, 1), (end, 0)])
    steps = range(0, int(end - begin), 10)
    store(conn, room.points["set_point"], [(begin + m, 24.0) for m in steps])


def doubts(conn: Conn) -> list[tuple[str, float, float, str]]:
    rows = conn.execute("SELECT rule_code, since, until, state FROM doubt ORDER BY id")
    return [
        (rule, (a - at(0)).total_seconds() / 60, (b - at(0)).total_seconds() / 60, state)
        for rule, a, b, state in rows
    ]


Minutes = Sequence[tuple[float, float]]


def was_found(conn: Conn, room: Room, found: Minutes, asked: Minutes, code: str = "cold") -> None:
    """Put episodes and doubts of a rule there as they are, in this order."""
    rule = f"SELECT id FROM rule WHERE code = '{code}'"
    for since, until in found:
        conn.execute(
            "INSERT INTO episode (rule_id, sort, subject_id, since, confirmed_at, until, stood_us,"
            f" behind) VALUES (({rule}), 'place', %s, %s, %s, %s, 0, 'false')",
            [room.aircon, at(since), at(since), at(until)],
        )
    for since, until in asked:
        conn.execute(
            "INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state,"
            " changed_at) VALUES (%s, 'place', %s, %s, %s, %s, 'asked', %s)",
            [code, room.aircon, at(since), at(until), at(0), at(0)],
        )


@pytest.fixture
def room(conn: Conn) -> Room:
    made = add_room(conn)
    load_rules(conn)
    return made


def test_a_doubt_opens_when_it_has_stood_long_enough_and_not_before(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE, 24.0)])
    look(conn, at(NINE + 1))
    assert doubts(conn) == []
    # Nothing more comes: time alone makes a doubt of it.
    look(conn, at(NINE + 14))
    assert doubts(conn) == []
    look(conn, at(NINE + 15))
    assert [(rule, since) for rule, since, *_ in doubts(conn)] == [("cold", NINE)]


def test_what_ended_before_it_had_stood_long_enough_never_was_a_doubt(
    conn: Conn, room: Room
) -> None:
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE, 24.0)])
    look(conn, at(NINE + 1))
    store(conn, room.points["set_point"], [(NINE + 3, 26.0)])
    look(conn, at(NINE + 60))
    assert doubts(conn) == []


def test_case_42_triggers_at_nearly_the_same_time_are_one_doubt(conn: Conn, room: Room) -> None:
    store(conn, room.points["mode"], [(NINE, 1), (NINE + 39, 1)])
    for minute in range(0, 40, 2):
        store(conn, room.points["run"], [(NINE + minute, 1)])
        store(conn, room.points["set_point"], [(NINE + minute, 24.0), (NINE + minute + 0.01, 24.1)])
        look(conn, at(NINE + minute))
    assert len(doubts(conn)) == 1


def test_case_43_what_comes_again_after_it_ended_is_another_doubt(conn: Conn, room: Room) -> None:
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    conn.execute("UPDATE doubt SET state = 'concluded'")
    cold(conn, room, NINE + 120, NINE + 180)
    look(conn, at(NINE + 180))
    assert [(since, state) for _, since, _, state in doubts(conn)] == [
        (NINE, "concluded"),
        (NINE + 120, "asked"),
    ]


def test_case_44_news_that_overtake_each_other_leave_no_doubt_standing(
    conn: Conn, room: Room
) -> None:
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 30))
    # That it ended is known before that it began again: both orders must end the same.
    store(conn, room.points["run"], [(NINE + 90, 0)])
    look(conn, at(NINE + 90))
    store(conn, room.points["run"], [(NINE + 70, 1)])
    look(conn, at(NINE + 91))
    assert [row[-1] for row in episodes(conn)] == ["false"]
    assert doubts(conn) == [("cold", NINE, NINE + 60, "asked")]


def test_case_45_a_replay_gives_the_times_of_the_data(conn: Conn, room: Room) -> None:
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(7 * 1440))
    assert doubts(conn) == [("cold", NINE, NINE + 60, "asked")]
    assert conn.execute("SELECT opened_at FROM doubt").fetchone() == (at(7 * 1440),)
    conn.execute("DELETE FROM episode")
    conn.execute("DELETE FROM dirty_mark WHERE consumer = 'rules'")
    look(conn, at(8 * 1440))
    assert doubts(conn) == [("cold", NINE, NINE + 60, "asked")]


def test_late_data_withdraws_a_doubt_and_finds_it_again(conn: Conn, room: Room) -> None:
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE, 24.0), (NINE + 14, 24.0)])
    look(conn, at(NINE + 30))
    store(conn, room.points["run"], [(NINE + m, 0) for m in (1, 8, 20)])
    look(conn, at(NINE + 40))
    assert [state for *_, state in doubts(conn)] == ["withdrawn"]
    # Another day's data do not bring it back; what shows it again does.
    conn.execute("DELETE FROM reading WHERE point_id = %s AND value = 0", [room.points["run"]])
    store(conn, room.points["run"], [(NINE + 2, 1)])
    look(conn, at(NINE + 50))
    assert [state for *_, state in doubts(conn)] == ["asked"]
    deeds = conn.execute("SELECT step, principal FROM doubt_deed ORDER BY id").fetchall()
    assert deeds == [("withdraw", "jieyong"), ("find again", "jieyong")]


def test_another_version_of_a_rule_goes_on_with_the_same_doubt(conn: Conn, room: Room) -> None:
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 30))
    text = "code: tests\ntitle: 测试\nrules:\n  - {code: cold, kind: aircon.cooling, title: 制冷,"
    text += " for: 10m, gap: 5m, severity: notice, source: 42号, at_least: 27}\n"
    load_rules(conn, text, at(NINE + 30))
    look(conn, at(NINE + 61))
    assert len(versions(conn)) == 4
    assert len([row for row in episodes(conn) if row[0] == "cold"]) == 2
    assert [row for row in doubts(conn) if row[0] == "cold"] == [("cold", NINE, NINE + 60, "asked")]


def test_a_doubt_that_reaches_beyond_what_is_looked_at_stays_beside_its_neighbour(
    conn: Conn, room: Room
) -> None:
    """Late data parted one run into two, of which one stands astride the border of two doubts."""
    was_found(conn, room, [(5, 20), (80, 97)], [(5, 12), (12, 100)])
    with conn.transaction():
        keep(conn, Sort.PLACE, [Look(room.aircon, us_of(at(78)), us_of(at(98)))], at(200))
    assert doubts(conn) == [("cold", 5, 12, "asked"), ("cold", 12, 97, "asked")]


def test_two_doubts_move_together_with_the_border_between_them(conn: Conn, room: Room) -> None:
    """They never overlap, not for a moment: one that grows waits for what the other gives up."""
    open_end = (at_us(OPEN_US) - at(0)).total_seconds() / 60
    was_found(conn, room, [(5, 40), (45, open_end)], [(60, open_end), (5, 60)])
    with conn.transaction():
        # In the order in which they lie in the table: the one that grows comes first.
        conn.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off")
        keep(conn, Sort.PLACE, [Look(room.aircon, us_of(at(0)), us_of(at(110)))], at(200))
    assert doubts(conn) == [("cold", 45, open_end, "asked"), ("cold", 5, 40, "asked")]


def test_what_was_done_with_a_doubt_cannot_be_edited(conn: Conn, room: Room) -> None:
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    conn.execute(
        "INSERT INTO doubt_deed (doubt_id, at, principal, step, words)"
        " SELECT id, now(), 'x', 'explain', 'y' FROM doubt"
    )
    for statement in ("UPDATE doubt_deed SET words = 'z'", "DELETE FROM doubt_deed"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            conn.execute(statement.encode())


def test_a_place_that_a_worker_has_in_hand_is_left_to_it(
    conn: Conn, room: Room, database: str
) -> None:
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE, 24.0)])
    look(conn, at(NINE + 1))
    with psycopg.connect(database, autocommit=True) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x6A69_7201, room.aircon])
        assert confirm(conn, at(NINE + 20), lambda *_: None) == 0
    look(conn, at(NINE + 21))
    assert [since for _, since, *_ in doubts(conn)] == [NINE]


def test_what_stands_long_enough_while_a_worker_commits_is_not_lost(
    conn: Conn, room: Room, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(conn, room.points["relay"], [(NINE - 5, 1)])
    store(conn, room.points["occupancy"], [(NINE - 5, 0)])
    look(conn, at(NINE - 4))
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE, 24.0)])
    catalogue.follow(conn)

    def slowly(*_: object) -> None:
        """At 9:14 it had not stood long enough; before the worker commits, it is 9:16."""
        confirm(conn, at(NINE + 16), lambda _conn, _numbers: None)

    monkeypatch.setattr("rules.work.worker.tell", slowly)
    with psycopg.connect(database, autocommit=True) as slow:
        Worker(slow, RulesSettings(), GAUGES, ZONE, lambda: at(NINE + 14)).step()
    confirm(conn, at(NINE + 17), lambda _conn, _numbers: None)
    assert [rule for rule, *_ in doubts(conn)] == ["lamp", "cold"]


def test_what_stands_long_enough_at_once_is_opened_in_portions(
    conn: Conn, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules.cases.opening.AT_ONCE", 1)
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE, 24.0)])
    store(conn, room.points["relay"], [(NINE, 1)])
    store(conn, room.points["occupancy"], [(NINE, 0)])
    look(conn, at(NINE + 1))
    told: list[list[int]] = []
    count = confirm(conn, at(NINE + 20), lambda _conn, numbers: told.append(list(numbers)))
    assert (count, len(told)) == (2, 2)
    assert [rule for rule, *_ in doubts(conn)] == ["cold", "lamp"]


def test_a_tag_that_is_entered_afterwards_withdraws_the_doubt(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn, RULES.replace("title: 制冷,", "title: 制冷, except: [ward, overtime],"))
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    assert [state for *_, state in doubts(conn)] == ["asked"]
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid, reason, entered_by, entered_at)"
        " VALUES ('building', 1, 'overtime', tstzrange(%s, %s), '加班审批', 'x', now())",
        [at(NINE - 30), at(NINE + 120)],
    )
    look(conn, at(NINE + 61))
    assert [state for *_, state in doubts(conn)] == ["withdrawn"]
    assert episodes(conn) == []
    conn.execute("UPDATE tag SET withdrawn_by = 'x', withdrawn_at = now()")
    look(conn, at(NINE + 62))
    assert [state for *_, state in doubts(conn)] == ["asked"]


def test_a_tag_for_a_time_exempts_that_time_alone(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn, RULES.replace("title: 制冷,", "title: 制冷, except: [overtime],"))
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid, reason, entered_by, entered_at)"
        " VALUES ('room', 1, 'overtime', tstzrange(%s, %s), '加班审批', 'x', now()),"
        " ('institution', 1, 'overtime', tstzrange(%s, %s), '加班审批', 'x', now())",
        [at(NINE + 20), at(NINE + 30), at(NINE + 25), at(NINE + 40)],
    )
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    assert [(row[2], row[4]) for row in episodes(conn)] == [
        (NINE, NINE + 20),
        (NINE + 40, NINE + 60),
    ]


def test_whoever_the_rule_names_is_told_once_of_what_is_fresh(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn, RULES.replace("title: 制冷,", "title: 制冷, route: energy,"))
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 30))
    look(conn, at(NINE + 60))
    cold(conn, room, NINE + 1440, NINE + 1500)
    look(conn, at(NINE + 1500 + 3 * 1440 + 1))
    notes = conn.execute("SELECT key, route, severity, title, body FROM note").fetchall()
    body = (
        "局 301 室 ac\n自 2026-07-06 09:00 起：制冷设定温度偏低。\n请核实并说明情况（疑点编号 1）。"
    )
    assert notes == [("doubt-1", "energy@i", "notice", "疑点：制冷", body)]


@pytest.mark.parametrize("seen", [(NINE + 60, NINE + 90), (NINE - 30, NINE)])
def test_one_that_ends_or_begins_at_the_edge_of_a_look_is_no_other(
    conn: Conn, room: Room, seen: tuple[float, float]
) -> None:
    asked = [(NINE, NINE + 60)]
    was_found(conn, room, asked, asked)
    edge = Look(room.aircon, us_of(at(seen[0])), us_of(at(seen[1])))
    assert keep(conn, Sort.PLACE, [edge], at(NINE + 200)) == []
    assert doubts(conn) == [("cold", *asked[0], "asked")]


def test_what_lies_beside_a_long_doubt_of_another_rule_is_no_other(conn: Conn, room: Room) -> None:
    """A doubt that somebody concluded keeps its times: it may be longer than what is looked at."""
    was_found(conn, room, [], [(0, NINE)])
    asked = [(60, 120)]
    was_found(conn, room, asked, asked, "night")
    seen = Look(room.aircon, us_of(at(300)), us_of(at(400)))
    assert keep(conn, Sort.PLACE, [seen], at(NINE + 200)) == []
