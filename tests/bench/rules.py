"""Doubts are looked for by two workers: a tick of which a tenth changed, one of which all did.

Half of the subjects are air conditioners, half are lighting circuits; the rules are those that come
with the program. Ours: from the dirty log to episodes and doubts, committed. The limit: as many
readings copied out of the same database as lie in the hours that a tick looks at, on one
connection, without looking at them. Then a month of a thousand subjects is tried on the same rules.

Every place has a device, 32 on a bus, and whether they are heard of is looked at with the first
reading of an hour: such a tick has twice as many subjects, and is told apart.
"""

from __future__ import annotations

import argparse
import functools
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from typing import Final, LiteralString

import psycopg

from jieyong import logs
from metering.gauge.settings import GaugeSettings
from registry.audit import Act
from registry.calendar_store import load_calendar
from rules.kinds.model import Sort
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load, versions
from rules.subjects import catalogue
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from rules.subjects.places.subjects import PLACES
from rules.work.backtest import backtest
from rules.work.settings import RulesSettings
from rules.work.worker import Worker
from storage.due_hand import Hand
from storage.times import us_of
from tests.bench import services
from tests.bench.metering import ZONE, computed
from tests.bench.report import Report, median, rounded, say

ROOT: Final = Path(__file__).resolve().parents[2]
BEGIN: Final = datetime(2026, 6, 1, tzinfo=UTC)
QUARTER: Final = timedelta(minutes=15)
_PROFILE: Final = "INSERT INTO profile (code, version, sha256, body) VALUES (%s, 1, '', %s)"
# Odd places are air conditioners, even ones lighting circuits; two share a room.
_REGISTRY: Final[LiteralString] = """
INSERT INTO institution (code, name) VALUES ('i', '');
INSERT INTO building (code, name, institution_id) VALUES ('b', '', 1);
INSERT INTO bus (code, transport, host, port)
SELECT 'bench ' || n, 'tcp', 'localhost', 502 FROM generate_series(0, {n} / 32) AS n;
INSERT INTO room (code, name, building_id) SELECT 'r' || n, '', 1 FROM generate_series(1, {n}) AS n;
INSERT INTO place (code, name, measures) SELECT 'p' || n, '', 'x' FROM generate_series(1, {n}) AS n;
INSERT INTO device (code, name, profile_id, bus_id, unit, interval_s, timeout_ms)
SELECT 'd' || n, '', 2 - n % 2, 1 + n / 32, 1, 60, 1000 FROM generate_series(1, {n}) AS n;
INSERT INTO point (device_id, name, label, unit, class)
SELECT device.id, names.name, '', '', CASE names.name WHEN 'set_point' THEN 'gauge' ELSE 'state' END
FROM device, unnest(ARRAY['run', 'mode', 'set_point', 'relay', 'occupancy']) WITH ORDINALITY
    AS names (name, n)
WHERE (n <= 3) = (device.id % 2 = 1) ORDER BY device.id, n;
INSERT INTO device_place (device_id, place_id, valid) SELECT id, id, '[2026-01-01Z,)' FROM device;
INSERT INTO place_room (place_id, room_id, valid)
SELECT id, (id + 1) / 2, '[2026-01-01Z,)' FROM place;
TRUNCATE rules_due;
"""
# Set points by quarter hour; states on change, and at least once an hour. In the order of time.
_READINGS: Final[LiteralString] = """
INSERT INTO reading (point_id, ts, value, flags, profile_id, observed_at, received_at)
SELECT point.id, ts, CASE point.name
           WHEN 'set_point' THEN 23 + (point.id + slot / 9) %% 5
           WHEN 'mode' THEN 1
           ELSE ((point.id * 7 + slot / 3) %% 11 < 6)::int END, 0, 1, ts, ts
FROM generate_series(%(first)s::int, %(last)s::int) AS slot,
     LATERAL (SELECT %(begin)s + slot * interval '15 minutes' AS ts) AS time, point
WHERE (point.name = 'set_point' OR (slot + point.id) %% 3 = 0)
  AND point.device_id %% %(every)s = 0 AND point.device_id <= %(most)s
ORDER BY slot, point.id
ON CONFLICT DO NOTHING
"""
_TOUCHED: Final[LiteralString] = """
INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)
SELECT 'reading', array_agg(id), %(from)s, %(to)s FROM point WHERE device_id %% %(every)s = 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--places", type=int, default=50_000, help="subjects of a tick")
    parser.add_argument("--part", type=int, default=10, help="one in so many changed")
    parser.add_argument("--history", type=int, default=48, help="quarter hours that are there")
    parser.add_argument("--rounds", type=int, default=3, help="ticks, after one not counted")
    parser.add_argument("--tried", type=int, default=1_000, help="subjects of the backtest")
    parser.add_argument("--days", type=int, default=31, help="of the backtest")
    parser.add_argument("--workers", type=int, default=2, help="processes that compute")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.places, options.history, options.rounds = 60, 12, 1
    options.tried, options.days = 20, 2


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    with psycopg.connect(database.url, autocommit=True) as conn:
        _furnish(conn, options.places)
        _read(conn, 0, options.history, 1)
        _drained(conn, database.url, options, options.history)
        conn.execute("VACUUM ANALYZE")
        slot = options.history
        some, all_, limits = list[float](), list[float](), list[float]()
        devices = list[float]()
        for _ in range(options.rounds + 1):
            for every, kept in ((options.part, some), (1, all_), (1, devices)):
                slot += 1 if kept is not devices else _to_the_hour(slot)
                kept.append(_tick(conn, database.url, options, slot, every))
            limits.append(_copied(conn, slot))
            told = f"a part {some[-1]:.2f} s, all {all_[-1]:.2f} s, on the hour {devices[-1]:.2f} s"
            say(f"rules: {told}, limit {limits[-1]:.2f} s")
        episodes = _count(conn, "episode")
        tried = _tried(conn, options)
    return Report(
        "rules",
        median(all_[1:]),
        median(limits[1:]),
        "s",
        {
            "seconds": rounded(median(some[1:])),
            "seconds_all_changed": rounded(median(all_[1:])),
            "seconds_on_the_hour": rounded(median(devices[1:])),
            "backtest_seconds": rounded(tried),
            "subjects": options.places,
            "changed": options.places // options.part,
            "episodes": episodes,
            "workers": options.workers,
            "server": database.version(),
        },
    )


def _to_the_hour(slot: int) -> int:
    """How many quarter hours on the next full hour lies."""
    return 4 - slot % 4


def _furnish(conn: psycopg.Connection, count: int) -> None:
    for code in ("reference-ac-unit", "reference-lighting-circuit"):
        body = (ROOT / "collector" / "profiles" / f"{code}.yaml").read_text("utf-8")
        conn.execute(_PROFILE, [code, body])
    conn.execute(_REGISTRY.format(n=count).encode())
    text = (ROOT / "rules" / "sets" / "default.yaml").read_text("utf-8")
    load(conn, Act("bench", BEGIN), read_rule_set(text, "default.yaml", ZONE))
    conn.execute("TRUNCATE rules_due")
    conn.execute("ANALYZE")


def _read(
    conn: psycopg.Connection, first: int, last: int, every: int, most: int = 2**31 - 1
) -> None:
    values = {"first": first, "last": last, "begin": BEGIN, "every": every, "most": most}
    conn.execute(_READINGS, values)


def _tick(
    conn: psycopg.Connection, url: str, options: argparse.Namespace, slot: int, every: int
) -> float:
    _read(conn, slot, slot, every)
    at = BEGIN + slot * QUARTER
    conn.execute(_TOUCHED, {"from": at, "to": at, "every": every})
    return _drained(conn, url, options, slot)


def _drained(conn: psycopg.Connection, url: str, options: argparse.Namespace, slot: int) -> float:
    work = functools.partial(drain, BEGIN + slot * QUARTER)
    return computed(url, options.workers, lambda: catalogue.follow(conn), work)


def drain(at: datetime, url: str, ready: Semaphore, start: Event, ended: Queue[int]) -> None:
    """Work in a process of its own until nothing is due, at a time that is that of the readings.

    At a later time every device would seem to be silent since.
    """
    logs.configure("warning")
    failed = 0
    with (
        psycopg.connect(url, autocommit=True) as conn,
        psycopg.connect(url, autocommit=True) as notes,
    ):
        hand = Hand(notes)
        worker = Worker(conn, RulesSettings(), GaugeSettings(), ZONE, lambda: at, hand)
        worker.step()
        ready.release()
        start.wait()
        while (outcome := worker.step()).done or outcome.failed:
            failed += outcome.failed
    ended.put(failed)


def _copied(conn: psycopg.Connection, slot: int) -> float:
    since = BEGIN + (slot - 16) * QUARTER
    began = time.perf_counter()
    wanted = f"SELECT point_id, ts, value FROM reading WHERE ts >= '{since}'"
    query = f"COPY ({wanted}) TO STDOUT (FORMAT binary)"
    with conn.cursor().copy(query.encode()) as copy:
        for _ in copy:
            pass
    return time.perf_counter() - began


def _tried(conn: psycopg.Connection, options: argparse.Namespace) -> float:
    _read(conn, 0, options.days * 96, 1, options.tried)
    conn.execute("VACUUM ANALYZE")
    say(f"rules: {options.days} days of {options.tried} subjects are there to be tried")
    calendar = load_calendar(conn)
    everything = Basis(versions(conn), GaugeSettings(), calendar, ZONE, Modes())
    basis, among = everything.about(Sort.PLACE), PLACES.everyone(conn)[: options.tried]
    end = us_of(BEGIN + timedelta(days=options.days))
    began = time.perf_counter()
    found = list(backtest(conn, PLACES, among, basis, us_of(BEGIN), end))
    seconds = time.perf_counter() - began
    doubts = sum(len(runs) for portion in found for _, runs in portion.found)
    say(f"rules: tried in {seconds:.2f} s, {doubts} doubts")
    return seconds


def _count(conn: psycopg.Connection, table: LiteralString) -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])
