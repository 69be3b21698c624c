"""Terminals whose clock is wrong; rows 32 to 35 and vehicle row 11 of the shared field cases."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest

from jieyong.doctor.rules import check_rules
from metering.counter.model import Int64s
from registry.calendar_store import load_calendar
from rules.cases.life import State
from rules.cases.listing import Wanted, doubts
from rules.ruleset.store import versions
from rules.subjects import catalogue
from rules.subjects.catalogue import SUBJECTS
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from rules.subjects.terminals import due, hours, stored
from rules.subjects.terminals.clock import Off, clock_off
from rules.subjects.terminals.stored import judge
from storage.migrate import DIRECTORY, migrate
from storage.settings import DatabaseSettings
from storage.times import us_of
from tests.integration.rules.vehicles import state
from tests.integration.rules.world import GAUGES, START, ZONE, Conn, at, load_rules, look

RULES = """
code: tests
title: 测试
rules:
  - {code: clock, kind: terminal.clock, title: 时钟, for: 2h, silence: 3d, severity: notice,
     except: [law-enforcement], from: 2026-01-01, source: 惯例}
"""
HOUR, DAY = 60, 1440
Report = tuple[float, float]
"""When it was made, and when it came, in minutes after the start."""
_KEYS = itertools.count(1)


@pytest.fixture
def terminal(conn: Conn) -> int:
    return add_terminal(conn)


def add_terminal(conn: Conn) -> int:
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
    conn.execute(
        "INSERT INTO vehicle (code, plate, energy, institution_id) VALUES ('v', 'A1', 'petrol', 1)"
    )
    conn.execute("INSERT INTO terminal (code) VALUES ('013800138000')")
    conn.execute("INSERT INTO terminal_vehicle VALUES (1, 1, '[,)')")
    load_rules(conn, RULES, START - timedelta(days=100))
    look(conn)
    return 1


def live(first: float, last: float, late: float = 0.05) -> list[Report]:
    """A report each two minutes that comes as late, from one hour after the start to another."""
    return [(made, made + late) for made in range(int(first * HOUR), int(last * HOUR), 2)]


def kept(first: float, last: float, came: float) -> list[Report]:
    """Reports of a time without a network, sent in a burst at an hour after the start."""
    made = range(int(first * HOUR), int(last * HOUR), 2)
    return [(one, came * HOUR + n / 60) for n, one in enumerate(made)]


def store(conn: Conn, reports: Iterable[Report]) -> None:
    with conn.transaction():
        for made, came in reports:
            conn.execute(
                "INSERT INTO position (terminal_id, fix_time, content_hash, lat, lon, flags,"
                " received_at) VALUES (1, %s, %s, 30.6, 104.0, 0, %s)",
                [at(made), next(_KEYS), at(came)],
            )
            conn.execute(
                "INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)"
                " VALUES ('position', '{1}', %s, %s)",
                [at(made), at(made)],
            )


def refuse(conn: Conn, came: Iterable[float], source: str, origin: str, reason: str) -> None:
    for minute in came:
        conn.execute(
            "INSERT INTO quarantine (source, origin, digest, reason, payload, received_at)"
            " VALUES (%s, %s, int8send(%s), %s, '', %s)",
            [source, origin, next(_KEYS), reason, at(minute)],
        )


def told(conn: Conn) -> list[tuple[str, float, float, State]]:
    """Whose, from and until which hour, state."""
    follow(conn)
    look(conn, at(100 * DAY))
    hour = timedelta(hours=1)
    return [
        (one.institution or "", (one.since - at(0)) / hour, (one.until - at(0)) / hour, one.state)
        for one in sorted(doubts(conn, Wanted(at(-90 * DAY), at(100 * DAY))), key=lambda d: d.since)
    ]


def follow(conn: Conn) -> None:
    catalogue.follow(conn)
    conn.execute("UPDATE terminal_clock_change SET noted_at = '-infinity'")
    due.follow(conn)


def test_a_clock_eight_hours_behind_is_one_doubt_over_the_nights(conn: Conn, terminal: int) -> None:
    store(conn, [*live(1, 6, 8 * HOUR), *live(25, 30, 8 * HOUR), *live(34, 36, 0.1)])
    assert told(conn) == [("i", 1, 30, State.ASKED)]


def test_a_clock_some_minutes_ahead_is_told_whatever_was_caught_up(
    conn: Conn, terminal: int
) -> None:
    store(conn, [*live(1, 4, -3), *kept(4, 8, 9), *live(9, 10, -3)])
    assert told(conn) == [("i", 1, 10, State.ASKED)]


def test_case_32_what_was_kept_and_sent_later_is_no_clock(conn: Conn, terminal: int) -> None:
    store(conn, [*live(1, 3), *kept(3, 11, 11), *live(11, 14)])
    assert told(conn) == []


def test_what_trickles_in_beside_live_reports_is_no_clock(conn: Conn, terminal: int) -> None:
    late, now = live(1, 5, 8 * HOUR), live(9, 13)
    store(conn, late)
    assert told(conn) == [("i", 1, 5, State.ASKED)]
    # What was sent live meanwhile came on another way.
    store(conn, now)
    assert told(conn) == [("i", 1, 5, State.WITHDRAWN)]


@pytest.mark.parametrize(("source", "origin"), [
    ("mqtt", "jieyong/v1/013800138000/position"), ("jt808", "13800138000"),
])  # fmt: skip
def test_case_11_what_is_refused_as_of_a_time_to_come_is_a_clock_that_is_ahead(
    conn: Conn, terminal: int, source: str, origin: str
) -> None:
    reason = "time: position: more than 5 minutes ahead of our clock"
    refuse(conn, range(60, 240, 10), source, origin, reason)
    refuse(conn, range(600, 900, 10), source, "other", reason)
    refuse(conn, range(600, 900, 10), source, origin, "malformed: position")
    assert told(conn) == [("i", 1, 4, State.ASKED)]


def test_what_was_refused_within_an_hour_is_read_once_for_all_terminals(
    conn: Conn, terminal: int
) -> None:
    """When our own clock is wrong, all is refused of all."""
    codes = [f"1380013{n:04}" for n in range(40)]
    conn.execute("INSERT INTO terminal (code) SELECT unnest(%s::text[])", [codes])
    reason = "time: position: more than 5 minutes ahead of our clock"
    for n, code in enumerate(codes):
        source, origin = ("jt808", f"0{code}") if n % 2 else ("mqtt", f"j/{code}/position")
        refuse(conn, range(60, 70), source, origin, reason)
    conn.execute("UPDATE terminal_clock_change SET noted_at = '-infinity'")
    with conn.transaction():
        judge(conn, timedelta(0))
        row = conn.execute(
            "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = 'quarantine'"
        ).fetchone()
    found = conn.execute("SELECT count(*), min(off_s), max(off_s) FROM terminal_clock").fetchone()
    assert found == (40, 300, 300)
    assert row is not None
    assert row[0] <= 2 * 40 * 10


def test_a_clock_set_back_by_years_is_told_and_years_that_come_in_a_burst_are_not(
    conn: Conn, terminal: int
) -> None:
    reason = "time: position: more than 400 days old"
    refuse(conn, range(60, 240, 5), "jt808", "13800138000", reason)
    refuse(conn, [600 + n / 60 for n in range(200)], "jt808", "13800138000", reason)
    assert told(conn) == [("i", 1, 4, State.ASKED)]


def test_in_whatever_order_reports_come_the_same_stands_there(conn: Conn, terminal: int) -> None:
    reports = [
        *live(1, 4, -3), *kept(4, 8, 9), *live(9, 12), *live(24, 28, 8 * HOUR), *live(60, 62),
        *live(100, 104, 5 * HOUR), *live(105, 109),
    ]  # fmt: skip
    Random(1).shuffle(reports)
    for first in range(0, len(reports), 150):
        store(conn, reports[first : first + 150])
        told(conn)
    found = conn.execute("SELECT since, until FROM episode ORDER BY 1").fetchall()
    hours = [tuple((one - at(0)) / timedelta(hours=1) for one in row) for row in found]
    assert hours == [(1, 4), (24, 28)]
    clocks = "SELECT terminal_id, hour, off_s FROM terminal_clock ORDER BY 2"
    told_so = conn.execute(clocks).fetchall()
    conn.execute("TRUNCATE episode, terminal_clock")
    conn.execute(
        "INSERT INTO terminal_clock_change SELECT DISTINCT 1, date_trunc('hour', fix_time),"
        " '-infinity'::timestamptz FROM position"
    )
    told(conn)
    assert conn.execute(clocks).fetchall() == told_so
    assert conn.execute("SELECT since, until FROM episode ORDER BY 1").fetchall() == found


def test_nothing_is_due_while_an_hour_goes_on_or_when_nothing_is_new(
    conn: Conn, terminal: int
) -> None:
    conn.execute("TRUNCATE rules_due")
    store(conn, live(1, 2))
    waiting = "SELECT count(*) FROM rules_due WHERE kind = 'terminal'"
    catalogue.follow(conn)
    assert conn.execute(waiting).fetchone() == (0,)
    follow(conn)
    assert conn.execute(waiting).fetchone() == (1,)
    conn.execute(
        "INSERT INTO terminal_clock_change SELECT 1, hour, '-infinity' FROM terminal_clock"
    )
    due.follow(conn)
    assert conn.execute(waiting).fetchone() == (1,)


def test_hours_are_judged_some_at_a_time_and_none_is_lost_with_a_killed_program(
    conn: Conn, terminal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "AT_ONCE", 2)
    store(conn, live(1, 6, -3))
    catalogue.follow(conn)
    conn.execute("UPDATE terminal_clock_change SET noted_at = '-infinity'")
    conn.execute("TRUNCATE rules_due")
    calls = itertools.count(1)

    def killed(*reports: Int64s) -> Off | None:
        assert next(calls) < 4, "killed"
        return clock_off(*reports)

    with monkeypatch.context() as context:
        context.setattr(hours, "clock_off", killed)
        with pytest.raises(AssertionError, match="killed"):
            due.follow(conn)
    assert left(conn) == (2, 3, 1)
    due.follow(conn)
    assert left(conn) == (5, 0, 3)


def left(conn: Conn) -> tuple[int, ...]:
    """Hours that are judged, and that wait, and due rows."""
    tables = ("terminal_clock", "terminal_clock_change", "rules_due")
    return tuple(
        conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()[0][0] for table in tables
    )


def test_a_vehicles_tag_exempts_its_terminal(conn: Conn, terminal: int) -> None:
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid)"
        " VALUES ('vehicle', 1, 'law-enforcement', '[,)')"
    )
    store(conn, live(1, 6, 8 * HOUR))
    assert told(conn) == []
    conn.execute("UPDATE tag SET valid = '[2030-01-01,)'")
    assert [row[-1] for row in told(conn)] == [State.ASKED]


def test_a_note_bears_the_day_and_no_time(conn: Conn, terminal: int) -> None:
    load_rules(conn, RULES.replace("silence: 3d,", "silence: 3d, route: x,"), START)
    store(conn, live(1, 6, -3))
    follow(conn)
    look(conn, at(8 * HOUR))
    notes = conn.execute("SELECT happened_at, body FROM note").fetchall()
    assert [(when, "2026-07-06 起" in body) for when, body in notes] == [(START, True)]


def test_what_the_ledger_says_of_a_vehicle_exempts_its_terminal(conn: Conn, terminal: int) -> None:
    store(conn, live(1, 6, 8 * HOUR))
    assert [row[-1] for row in told(conn)] == [State.ASKED]
    conn.execute(
        "INSERT INTO fuel_consumer (code, kind, institution_id, key, content, entered_by,"
        " entered_at) VALUES ('w', 'vehicle', 1, 'w', '', 'x', now())"
    )
    state(conn, 1, "use", "law")
    assert [row[-1] for row in told(conn)] == [State.ASKED]
    conn.execute("UPDATE fuel_consumer SET vehicle_id = 1")
    assert [row[-1] for row in told(conn)] == [State.WITHDRAWN]
    state(conn, 1, "use", "general", "2025-02-01")
    assert [row[-1] for row in told(conn)] == [State.ASKED]


def test_hours_of_what_was_refused_are_noted_in_order(conn: Conn, terminal: int) -> None:
    """Else two writers might each wait for what the other has noted."""
    reason = "time: position: more than 5 minutes ahead of our clock"
    codes = [f"1380013{n:04}" for n in range(300)]
    conn.execute("INSERT INTO terminal (code) SELECT unnest(%s::text[])", [codes])
    Random(1).shuffle(codes)
    conn.execute("SET enable_sort = off")
    conn.execute(
        "INSERT INTO quarantine (source, origin, digest, reason, payload, received_at)"
        " SELECT 'jt808', code, int8send(n), %s, '', %s"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS one (code, n)",
        [reason, at(0), codes],
    )
    rows = conn.execute("SELECT terminal_id FROM terminal_clock_change ORDER BY ctid").fetchall()
    assert rows == sorted(rows)
    assert len(rows) == len(codes)


def test_evidence_tells_how_far_it_was_off_and_how_many_others_were(
    conn: Conn, terminal: int
) -> None:
    store(conn, live(1, 4, 8 * HOUR))
    told(conn)
    conn.execute("INSERT INTO terminal_clock SELECT 9, hour, 90, hour, hour FROM terminal_clock")
    sort, subjects = next((s, one) for s, one in SUBJECTS.items() if s.value == "terminal")
    basis = _basis(conn).about(sort)
    (line,) = subjects.compared(conn, basis, 1, us_of(at(HOUR)), us_of(at(4 * HOUR)))
    assert line == ("3 个小时内，上报时间比接收时间滞后 8.0 小时；同一时期另有 1 台终端如此")


def test_the_doctor_tells_of_our_own_clock_when_most_are_off_alike(
    conn: Conn, database: str, terminal: int
) -> None:
    conn.execute("INSERT INTO terminal (code) VALUES ('b'), ('c'), ('d')")
    store(conn, live(1, 2, -3))
    follow(conn)
    conn.execute(
        "INSERT INTO terminal_clock SELECT id, hour, off_s - 10 * id, received_from, received_to"
        " FROM terminal_clock CROSS JOIN generate_series(2, 3) AS id"
    )
    # Of a right one nothing is kept but that it reported.
    conn.execute(
        "INSERT INTO latest_position (terminal_id, fix_time, lat, lon, flags, received_at)"
        " SELECT 4, fix_time, lat, lon, flags, received_at FROM position LIMIT 1"
    )

    def told(now: datetime) -> list[str]:
        found = check_rules(database, DatabaseSettings(), lambda: now)
        return [one.what for one in found if one.where == "clock of this server"]

    (what,) = told(at(3 * HOUR))
    assert what == "3 of 4 terminals that reported within a day are about 160 s ahead of it"
    assert told(at(27 * HOUR)) == []


def _basis(conn: Conn) -> Basis:
    return Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes())


def test_what_was_stored_before_the_migration_is_judged(
    blank_database: str, tmp_path: Path
) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0034":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        now = conn.execute("SELECT now()").fetchone()
        assert now is not None
        since = (now[0] - at(0)) / timedelta(hours=1) - 100
        store(conn, live(since, since + 5, 8 * HOUR))
        migrate(blank_database)
        conn.execute("TRUNCATE dirty_log")
        add_terminal(conn)
        follow(conn)
        look(conn, now[0])
        assert conn.execute("SELECT count(*) FROM episode").fetchone() == (1,)
