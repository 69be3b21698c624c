"""From a socket to the table: the terminal of a sensitive vehicle leaves no place anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg

from storage import latest
from storage.records import Batch
from storage.writer import BulkWriter
from tests.integration.collector.jt808.client import (
    PHONE,
    Terminal,
    an_hour_ago,
    location,
    running,
)
from tests.unit.collector.jt808.golden import body


async def test_what_a_sensitive_vehicles_terminal_sends_is_stored_without_a_place(
    tmp_path: Path, database: str
) -> None:
    with (
        psycopg.connect(database, autocommit=True) as conn,
        closing(BulkWriter(database)) as writer,
    ):
        _sensitive_vehicle(conn)

        async def accept(batches: Sequence[Batch]) -> None:
            await asyncio.to_thread(writer.write, batches)

        base = an_hour_ago()
        async with running(tmp_path, accept) as source, Terminal(source.port) as terminal:
            await terminal.log_in()
            whole = location(1, base)
            sent = [
                terminal.send(0x0200, whole),
                terminal.send(0x0704, b"\0\2\1" + (b"\0\x22" + location(2, base)) * 2),
                terminal.send(0x0200, whole[:20]),  # cut: it goes to quarantine
                terminal.send(0x0200, whole),
                terminal.send(0x0702, body("driver_card_2011")),
            ]
            assert [await terminal.result(serial) for serial in sent] == [0] * 5
        latest.refresh(conn)
        found = conn.execute(
            "SELECT lat, lon, speed_kmh, course_deg, altitude_m, extra, flags, odometer_km"
            " FROM position ORDER BY fix_time"
        ).fetchall()
        assert found == [(None,) * 6 + (256, 0.1), (None,) * 6 + (256, 0.2)]
        assert conn.execute("SELECT lat, lon FROM latest_position").fetchall() == [(None, None)]
        refused = conn.execute("SELECT reason, payload FROM quarantine").fetchall()
        assert refused == [("malformed: its bytes are withheld, the vehicle is sensitive", b"")]
        cards = conn.execute("SELECT event, name, qualification, raw FROM driver_card").fetchall()
        assert cards == [("read", None, None, b"")]


def _sensitive_vehicle(conn: psycopg.Connection) -> None:
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
    conn.execute(
        "INSERT INTO vehicle (code, plate, institution_id, energy, sensitive)"
        " SELECT 'v', '川A·1', id, 'petrol', true FROM institution"
    )
    conn.execute(
        "INSERT INTO terminal (id, code) OVERRIDING SYSTEM VALUE VALUES (1, %s)", [str(PHONE)]
    )
    conn.execute("INSERT INTO terminal_vehicle SELECT 1, id, '[,)' FROM vehicle")
