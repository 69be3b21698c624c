"""Workers that are killed at any moment lose no episode and double none."""

from __future__ import annotations

import multiprocessing
import random
import time
from datetime import UTC, datetime

import psycopg

from rules.subjects.places import due
from rules.work.settings import RulesSettings
from rules.work.worker import Worker
from storage.due_hand import Hand
from tests.integration.rules.world import (
    GAUGES,
    RULES,
    ZONE,
    Conn,
    add_room,
    at,
    episodes,
    load_rules,
    look,
    store,
)

KILLS = 5
NINE = 9 * 60.0


def work(url: str) -> None:
    """Work on and on, as `jieyong rules work` does."""
    with (
        psycopg.connect(url, autocommit=True) as conn,
        psycopg.connect(url, autocommit=True) as notes,
    ):
        now = lambda: datetime.now(UTC)  # noqa: E731
        worker = Worker(conn, RulesSettings(), GAUGES, ZONE, now, Hand(notes))
        while True:
            due.follow(conn)
            worker.step()


def _doubts(conn: Conn) -> list[tuple[object, ...]]:
    query = "SELECT rule_code, subject_id, since, until, state FROM doubt ORDER BY 1, 2, 3"
    return conn.execute(query).fetchall()


def test_killed_at_any_moment_nothing_is_lost_or_doubled(conn: Conn, database: str) -> None:
    room = add_room(conn)
    load_rules(conn)
    rng = random.Random(5)
    context = multiprocessing.get_context("spawn")
    for turn in range(KILLS):
        begin = NINE + turn * 1440
        process = context.Process(target=work, args=(database,), daemon=True)
        process.start()
        for name, value in (("mode", 1), ("run", 1), ("set_point", 24.0)):
            moments = range(0, 60, 10)
            store(conn, room.points[name], [(begin + minute, value) for minute in moments])
        store(conn, room.points["run"], [(begin + 60, 0)])
        # From before it has begun to behind its end: a start takes about a second.
        time.sleep(rng.uniform(0.3, 2.0))
        process.kill()
        process.join()
    look(conn, at(KILLS * 1440 + 1440))
    found = [row for row in episodes(conn) if row[0] == "cold"]
    assert [row[2] for row in found] == [NINE + turn * 1440 for turn in range(KILLS)]
    told = _doubts(conn)
    assert len([row for row in told if row[0] == "cold"]) == KILLS
    everything = episodes(conn)
    conn.execute("DELETE FROM episode")
    conn.execute("DELETE FROM dirty_mark WHERE consumer = 'rules'")
    look(conn, at(KILLS * 1440 + 1440))
    assert (episodes(conn), _doubts(conn)) == (everything, told)


def test_killed_at_any_moment_each_overdue_doubt_is_told_once(conn: Conn, database: str) -> None:
    room = add_room(conn)
    load_rules(
        conn, RULES.replace("title: 制冷,", "title: 制冷, escalate: {after: 1d, route: up},")
    )
    # More than are told in one transaction.
    doubts = 1_200
    rows = [(room.aircon, at(10 * n), at(10 * n + 5), at(10 * n + 5)) for n in range(doubts)]
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state,"
            " changed_at) VALUES ('cold', 'place', %s, %s, %s, %s, 'asked', '2026-07-06 09:00+08')",
            rows,
        )
    rng = random.Random(6)
    context = multiprocessing.get_context("spawn")
    for _ in range(3):
        process = context.Process(target=work, args=(database,), daemon=True)
        process.start()
        time.sleep(rng.uniform(0.8, 2.0))
        process.kill()
        process.join()
    for day in range(40, 44):
        look(conn, at(1440 * day))
    told = "SELECT count(*), count(DISTINCT split_part(key, '-', 2)) FROM note"
    assert conn.execute(told).fetchone() == (doubts, doubts)
    deeds = "SELECT count(*), count(DISTINCT doubt_id) FROM doubt_deed WHERE step = 'escalate'"
    assert conn.execute(deeds).fetchone() == (doubts, doubts)
