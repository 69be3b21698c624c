"""Spool and drain with a real database: outages, poison, replays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from collector.drain import Drain, DrainThread
from collector.refresh import LatestRefresher
from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Fate
from storage import latest
from storage.connection import connect
from storage.records import (
    PG_EPOCH_US,
    Batch,
    Kind,
    Position,
    pack_position,
    pack_quarantine,
    pack_reading,
)
from storage.settings import DatabaseSettings
from storage.writer import BulkWriter
from tests.engines import StoppableServer
from tests.processes import wait_until

HOUR_US = 3_600_000_000
SLOT_US = 1_795_320_000_000_000  # 2026-11-22T04:00Z
SETTINGS = SpoolSettings(retry_max_s=0.2)


def now_us() -> int:
    return time.time_ns() // 1000


def readings(first: int, count: int, ts_us: int = SLOT_US, received_us: int = SLOT_US) -> Batch:
    rows = [
        pack_reading(point, ts_us, float(point), 0, 1, received_us, received_us)
        for point in range(first, first + count)
    ]
    return Batch(Kind.READING, count, b"".join(rows))


def position(seq: int, extra: bytes | None = None, fix_us: int = SLOT_US) -> bytes:
    return pack_position(
        Position(
            7, fix_us, seq, 30.5, 104.1, 40.0, None, None, None, None, True, 0, seq, SLOT_US, extra
        )
    )


def positions(rows: Sequence[bytes]) -> Batch:
    return Batch(Kind.POSITION, len(rows), b"".join(rows))


@contextmanager
def draining(spool: Spool, database: str) -> Iterator[Drain]:
    writer = BulkWriter(database, DatabaseSettings())
    drain = Drain(spool, writer.write, SETTINGS, now_us=now_us)
    thread = DrainThread(drain, spool)
    thread.start()
    try:
        yield drain
    finally:
        thread.stop(within_s=30)
        writer.close()


def drained(spool: Spool) -> None:
    wait_until(lambda: spool.stats().rows == 0, "the spool is empty")


def query(database: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as conn:
        return conn.execute(sql).fetchall()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.db", SETTINGS)
    yield spool
    spool.close()


def test_all_kinds_arrive(spool: Spool, database: str) -> None:
    row = pack_quarantine("mqtt", "a/b", b"d" * 16, "why", b"\x00\xff", SLOT_US)
    spool.put([readings(1, 100), positions([position(1)]), Batch(Kind.QUARANTINE, 1, row)])
    with draining(spool, database) as drain:
        drained(spool)
    counts = query(
        database,
        "SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM position),"
        " (SELECT count(*) FROM quarantine), (SELECT count(*) > 0 FROM dirty_log)",
    )
    assert counts == [(100, 1, 1, True)]
    assert drain.stats.delivered == {Kind.READING: 100, Kind.POSITION: 1, Kind.QUARANTINE: 1}


def test_case_36_rows_of_the_same_time_are_all_there(spool: Spool, database: str) -> None:
    spool.put([positions([position(seq) for seq in range(50)])])
    with draining(spool, database):
        drained(spool)
    assert query(database, "SELECT count(*), count(DISTINCT seq) FROM position") == [(50, 50)]


def test_poison_among_many_is_found_and_everything_else_delivered(
    spool: Spool, database: str
) -> None:
    # jsonb has no U+0000, and the year 294277 is beyond timestamptz
    bad_json = position(17, extra=b'{"a":"\\u0000"}')
    bad_time = position(33, fix_us=PG_EPOCH_US + 2**63 - 10)
    rows = [position(seq) for seq in range(40)]
    rows[17], rows[33] = bad_json, bad_time
    spool.put([positions(rows), readings(1, 500)])
    spool.put([readings(1000, 5)])
    with draining(spool, database) as drain:
        drained(spool)

    assert query(database, "SELECT count(*) FROM reading") == [(505,)]
    assert query(database, "SELECT count(*) FROM position") == [(38,)]
    kept = query(database, "SELECT source, origin, reason, payload FROM quarantine ORDER BY reason")
    assert {bytes(payload) for *_, payload in kept} == {bad_json, bad_time}  # type: ignore[call-overload]
    assert all(row[:2] == ("drain", "position") and row[2] for row in kept)
    assert drain.stats.rejected == {Kind.POSITION: 2}
    tally = spool.tally()
    assert tally[Kind.POSITION, Fate.ACCEPTED] == 40
    assert tally[Kind.POSITION, Fate.DELIVERED] == 38


def test_case_31_the_buffer_survives_a_restart_and_new_settings(
    tmp_path: Path, database: str
) -> None:
    first = Spool(tmp_path / "spool.db", SETTINGS)
    first.put([readings(1, 300)])
    first.take(10**9, 10**9)  # a drain had it in hand
    first.close()

    second = Spool(tmp_path / "spool.db", SpoolSettings(handoff_bytes=0, drain_rows=7))
    second.put([readings(301, 10)])
    with draining(second, database):
        drained(second)
    second.close()
    assert query(database, "SELECT count(*) FROM reading") == [(310,)]


def test_case_32_a_replay_neither_restamps_nor_replaces_the_latest(
    spool: Spool, tmp_path: Path, database: str
) -> None:
    old = readings(1, 1, SLOT_US - HOUR_US, SLOT_US - HOUR_US)
    new = readings(1, 1, SLOT_US, SLOT_US)
    refresher = LatestRefresher(
        lambda: connect(database, DatabaseSettings(), "latest"), latest.refresh, 0.05
    )
    refresher.start()
    with draining(spool, database) as drain:
        spool.put([new])
        drained(spool)
        spool.put([old])  # what an outage had held back
        spool.put([new])  # what a crash sends again
        drained(spool)
    refresher.stop()

    assert query(
        database,
        "SELECT extract(epoch FROM ts)::bigint, extract(epoch FROM received_at)::bigint"
        " FROM reading ORDER BY ts",
    ) == [((SLOT_US - HOUR_US) // 10**6,) * 2, (SLOT_US // 10**6,) * 2]
    assert query(
        database, "SELECT point_id, extract(epoch FROM ts)::bigint FROM latest_reading"
    ) == [(1, SLOT_US // 10**6)]
    assert drain.stats.duplicates[Kind.READING] == 1
    assert refresher.failures == 0


def test_case_30_an_outage_of_the_database_loses_nothing_and_doubles_nothing(
    spool: Spool, postgres_server: StoppableServer
) -> None:
    with draining(spool, postgres_server.url) as drain:
        spool.put([readings(1, 10)])
        drained(spool)
        postgres_server.kill()
        for point in range(100, 1100, 10):
            spool.put([readings(point, 10)])
        wait_until(lambda: drain.stats.db_up is False, "the outage is noticed")
        postgres_server.start()
        drained(spool)
        postgres_server.stop()
        spool.put([readings(2000, 10)])
        postgres_server.start()
        drained(spool)
        assert drain.stats.db_up
    assert query(postgres_server.url, "SELECT count(*) FROM reading") == [(1020,)]
    assert spool.tally()[Kind.READING, Fate.DELIVERED] == 1020


def test_a_database_killed_again_and_again_under_load_keeps_every_accepted_row(
    spool: Spool, postgres_server: StoppableServer
) -> None:
    stop = threading.Event()
    put = 0

    def load() -> None:
        nonlocal put
        while not stop.is_set():
            spool.put([readings(1 + put, 20)])
            put += 20
            time.sleep(0.002)

    with draining(spool, postgres_server.url):
        loader = threading.Thread(target=load)
        loader.start()
        for _ in range(4):
            time.sleep(0.3)
            postgres_server.kill()
            postgres_server.start()
        stop.set()
        loader.join()
        drained(spool)
    assert query(
        postgres_server.url, "SELECT count(*), min(point_id), max(point_id) FROM reading"
    ) == [(put, 1, put)]
    assert spool.tally()[Kind.READING, Fate.DELIVERED] == put


def test_latest_is_tried_again_after_an_outage(
    spool: Spool, postgres_server: StoppableServer
) -> None:
    refresher = LatestRefresher(
        lambda: connect(postgres_server.url, DatabaseSettings(), "latest"), latest.refresh, 0.05
    )
    refresher.start()
    with draining(spool, postgres_server.url):
        postgres_server.kill()
        wait_until(lambda: refresher.failures > 0, "the refresher notices")
        postgres_server.start()
        spool.put([readings(5, 1)])
        drained(spool)
    wait_until(lambda: refresher.refreshed > 0, "it refreshed")
    refresher.stop()
    assert query(postgres_server.url, "SELECT point_id FROM latest_reading") == [(5,)]


def test_a_database_that_stands_still_does_not_keep_the_refresher_from_ending(
    postgres_server: StoppableServer,
) -> None:
    refresher = LatestRefresher(
        lambda: connect(postgres_server.url, DatabaseSettings(), "latest"), latest.refresh, 0.01
    )
    with closing(BulkWriter(postgres_server.url)) as writer:
        writer.write([readings(5, 1)])
    refresher.start()
    wait_until(lambda: refresher.refreshed > 0, "it is connected")
    postgres_server.freeze()
    try:
        assert refresher.stop(within_s=0.5) is False
    finally:
        postgres_server.thaw()
    assert refresher.stop(within_s=30) is True
