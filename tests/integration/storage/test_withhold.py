"""Sensitive vehicles against the database: no place of theirs is in it, whatever comes when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from storage import latest, withhold
from storage.records import Batch, Kind, Position, pack_position, pack_quarantine
from storage.withhold_stored import Withheld, withhold_stored
from storage.writer import BulkWriter, Outcome
from tests.unit.storage.samples import HOUR_US, NOON_US, batch, driver_card

ZONE = "Asia/Shanghai"
CODE = "13800138000"
LAT, LON = 30.657123, 104.065735
LATITUDE = re.compile(r"(?<![\d:])30\.65")
"""Not the seconds of a moment."""
DAY_US = 24 * HOUR_US


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
        conn.execute(
            "INSERT INTO vehicle (code, plate, institution_id, energy)"
            " SELECT 'v', '川A·1', id, 'petrol' FROM institution"
        )
        conn.execute("INSERT INTO terminal (code) VALUES (%s), ('other')", [CODE])
        conn.execute(
            "INSERT INTO terminal_vehicle SELECT t.id, v.id, '[2026-01-01Z,)'"
            " FROM terminal t, vehicle v WHERE t.code = %s",
            [CODE],
        )
        yield conn


def make_sensitive(conn: psycopg.Connection) -> None:
    conn.execute("UPDATE vehicle SET sensitive = true")


def terminal(conn: psycopg.Connection, code: str = CODE) -> int:
    row = conn.execute("SELECT id FROM terminal WHERE code = %s", [code]).fetchone()
    assert row is not None
    return int(row[0])


def fix(number: int, terminal_id: int, **changed: Any) -> bytes:  # noqa: ANN401
    values: dict[str, Any] = {
        "terminal_id": terminal_id,
        "fix_time_us": NOON_US + number * 10_000_000,
        "content_hash": 1000 + number,
        "lat": LAT,
        "lon": LON,
        "speed_kmh": 42.5,
        "course_deg": 181.0,
        "altitude_m": 498.0,
        "odometer_km": 100 + number / 10,
        "satellites": 11,
        "acc": True,
        "flags": 0,
        "seq": number,
        "received_us": NOON_US + number * 10_000_000 + 1,
        "extra": b'{"lat": 30.657123, "fuel_l": 31.5}',
    }
    return pack_position(Position(**(values | changed)))


def write(database: str, *batches: Batch) -> Outcome:
    with closing(BulkWriter(database, zone=ZONE)) as writer:
        return writer.write(batches)


def job(conn: psycopg.Connection) -> Withheld:
    row = conn.execute("SELECT id FROM vehicle").fetchone()
    assert row is not None
    withhold.barrier(conn)
    with conn.transaction():
        return withhold_stored(conn, withhold.spans(conn, ZONE, row[0]))


def everything(conn: psycopg.Connection) -> str:
    """Every row of every table, as text."""
    tables = [
        name
        for (name,) in conn.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = current_schema AND table_type = 'BASE TABLE'"
        )
    ]
    return "\n".join(
        str(row)
        for table in tables
        for row in conn.execute(f'SELECT t::text FROM "{table}" t'.encode()).fetchall()
    )


def stored(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT terminal_id, fix_time, content_hash, lat, lon, speed_kmh, course_deg, altitude_m,"
        " odometer_km, satellites, acc, flags, seq, extra FROM position ORDER BY 1, 2, 3"
    ).fetchall()


def rows(count: int, terminal_id: int) -> Batch:
    return batch(Kind.POSITION, [fix(n, terminal_id) for n in range(count)])


def test_no_place_of_a_sensitive_vehicle_reaches_any_table(
    conn: psycopg.Connection, database: str
) -> None:
    make_sensitive(conn)
    mine = terminal(conn)
    payload = b'{"lat": 30.657123, "lon": 104.065735'
    refused = pack_quarantine(
        "mqtt", f"jieyong/v1/{CODE}/position", b"d" * 16, "malformed: cut", payload, NOON_US
    )
    outcome = write(database, rows(5, mine), batch(Kind.QUARANTINE, [refused]))
    latest.refresh(conn)
    assert outcome.inserted == {Kind.POSITION: 5, Kind.QUARANTINE: 1}
    text = everything(conn)
    assert not LATITUDE.search(text)
    assert "104.06" not in text
    assert payload.hex() not in text
    row = stored(conn)[2]
    assert row[3:] == (None, None, None, None, None, 100.2, None, True, 256, None, {"fuel_l": 31.5})


def test_others_keep_theirs(conn: psycopg.Connection, database: str) -> None:
    make_sensitive(conn)
    other = terminal(conn, "other")
    before = batch(Kind.POSITION, [fix(0, terminal(conn), fix_time_us=NOON_US - 200 * DAY_US)])
    write(database, rows(3, other), before)
    assert {row[3] for row in stored(conn)} == {LAT}, "also what came before the binding"


def test_a_vehicle_that_becomes_sensitive_and_one_that_is_end_alike(
    conn: psycopg.Connection, database: str
) -> None:
    """Written before and withheld later, or withheld when written: the same rows, each once."""
    mine = terminal(conn)
    write(database, rows(8, mine))
    latest.refresh(conn)
    make_sensitive(conn)
    assert job(conn).positions == 8
    text = everything(conn)
    assert not LATITUDE.search(text)
    assert "104.06" not in text
    later = stored(conn)
    again = write(database, rows(8, mine))
    assert again.duplicates[Kind.POSITION] == 8
    assert stored(conn) == later
    conn.execute("DELETE FROM position")
    write(database, rows(8, mine))
    assert stored(conn) == later
    assert job(conn).positions == 0, "the job once more finds nothing"


def test_messages_that_differ_in_their_place_alone_are_one_row(
    conn: psycopg.Connection, database: str
) -> None:
    mine = terminal(conn)
    two = batch(Kind.POSITION, [fix(0, mine), fix(0, mine, content_hash=7, lat=30.66)])
    write(database, two)
    make_sensitive(conn)
    assert job(conn).positions == 2
    assert len(stored(conn)) == 1
    assert write(database, two).duplicates[Kind.POSITION] == 2


def test_by_the_ledger_it_is_withheld_from_a_day_of_the_sites_zone_on(
    conn: psycopg.Connection, database: str
) -> None:
    mine = terminal(conn)
    midnight = NOON_US + 4 * HOUR_US  # 2026-06-02 00:00 +08:00
    at = (midnight - 1, midnight)
    write(database, batch(Kind.POSITION, [fix(n, mine, fix_time_us=t) for n, t in enumerate(at)]))
    conn.execute(
        "INSERT INTO fuel_consumer (code, kind, institution_id, vehicle_id, key, content,"
        " entered_by, entered_at) SELECT 'v', 'vehicle', institution_id, id, 'k', '', 'x', now()"
        " FROM vehicle"
    )
    for value, since in (("sensitive", "2026-06-02"), ("open", "2026-06-03")):
        conn.execute(
            "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,"
            " entered_at) SELECT id, 'secrecy', %s, %s, %s, '', 'x', now() FROM fuel_consumer",
            [value, since, since],
        )
    assert conn.execute("SELECT count(*) > 0 FROM withhold_due").fetchone() == (True,)
    assert job(conn).positions == 1
    after = [fix(n, mine, fix_time_us=midnight + n * DAY_US - 1) for n in (1, 2)]
    write(database, batch(Kind.POSITION, after))
    assert [row[3] for row in stored(conn)] == [LAT, None, None, LAT]


def test_the_terminal_of_a_sensitive_vehicle_may_change(
    conn: psycopg.Connection, database: str
) -> None:
    make_sensitive(conn)
    conn.execute("DELETE FROM withhold_due")
    other = terminal(conn, "other")
    write(database, rows(3, other))
    conn.execute("INSERT INTO terminal_vehicle SELECT %s, id, '[,)' FROM vehicle", [other])
    assert conn.execute("SELECT why FROM withhold_due").fetchall() == [("terminal_vehicle",)]
    assert job(conn).positions == 3
    assert {row[3] for row in stored(conn)} == {None}


def test_what_was_refused_before_loses_its_bytes(conn: psycopg.Connection, database: str) -> None:
    payload = bytes.fromhex("0200001c013800138000") + b"30.657123"
    refusals = [
        pack_quarantine("jt808", CODE, b"a" * 16, "malformed: x", payload, NOON_US),
        pack_quarantine("jt808", "10.0.0.1", b"b" * 16, "checksum: y", payload, NOON_US),
        pack_quarantine("jt808", "10.0.0.1", b"c" * 16, "checksum: z", b"nobody's", NOON_US),
        pack_quarantine("drain", "position", b"d" * 16, "refused", fix(0, terminal(conn)), NOON_US),
    ]
    write(database, batch(Kind.QUARANTINE, refusals))
    make_sensitive(conn)
    assert job(conn).refusals == 3
    kept = conn.execute("SELECT payload FROM quarantine WHERE payload <> ''").fetchall()
    assert kept == [(b"nobody's",)]
    assert conn.execute("SELECT count(*) FROM quarantine").fetchone() == (4,)
    assert job(conn).refusals == 0


def test_the_job_waits_for_writers_that_do_not_know_yet(
    conn: psycopg.Connection, database: str
) -> None:
    with psycopg.connect(database) as writing, writing.cursor() as cursor:
        assert withhold.spans_of_writer(cursor, ZONE) == ()
        make_sensitive(conn)
        conn.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            withhold.barrier(conn)
        writing.rollback()
        withhold.barrier(conn)
        assert len(withhold.spans_of_writer(cursor, ZONE)) == 1


@pytest.mark.parametrize("first", [True, False])
def test_of_a_sensitive_vehicle_no_name_is_in_any_table(
    conn: psycopg.Connection, database: str, *, first: bool
) -> None:
    """Written when it is sensitive already, or taken out of what is stored: the same rows."""
    mine, other = terminal(conn), terminal(conn, "other")
    cards = batch(Kind.DRIVER_CARD, [driver_card(mine), driver_card(other, name="李四")])
    if first:
        make_sensitive(conn)
    write(database, cards)
    if not first:
        assert "张三" in everything(conn)
        make_sensitive(conn)
        assert job(conn).cards == 1
    text = everything(conn)
    assert "张三" not in text
    assert "张三".encode().hex() not in text
    assert "李四" in text, "of another vehicle"
    query = "SELECT event, result, withheld, raw FROM driver_card WHERE terminal_id = %s"
    assert conn.execute(query, [mine]).fetchall() == [("in", 0, True, b"")]
    assert write(database, cards).duplicates == {Kind.DRIVER_CARD: 2}, "sent again, it finds both"
    assert job(conn).cards == 0
