"""From a broker to the table: the terminal of a sensitive vehicle leaves no place anywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest

from storage import latest
from storage.records import Batch
from storage.writer import BulkWriter
from tests.brokers import Mosquitto
from tests.integration.collector.mqtt.publisher import TERMINALS, publisher
from tests.integration.collector.mqtt.sources import running, settings
from tests.integration.fleet.world import add_vehicle, bind
from tests.processes import until

pytestmark = pytest.mark.needs_mosquitto


async def test_what_a_sensitive_vehicles_terminal_publishes_is_stored_without_a_place(
    mosquitto: Mosquitto, database: str
) -> None:
    message = {
        "ts": datetime.now(UTC).isoformat(),
        "lat": 30.657123,
        "lon": 104.065735,
        "altitude": 498.2,
        "odometer": 123.456,
        "acc": True,
        "fuel_l": 31.5,  # not known, so the whole message would stand in `extra`
    }
    sent = [json.dumps(message).encode(), json.dumps(message).encode()[:-2], b'{"lat": 30.657123}']
    with (
        psycopg.connect(database, autocommit=True) as conn,
        closing(BulkWriter(database)) as writer,
    ):
        vehicle = add_vehicle(conn, "v", sensitive=True)
        for code, number in TERMINALS.items():
            conn.execute(
                "INSERT INTO terminal (id, code) OVERRIDING SYSTEM VALUE VALUES (%s, %s)",
                [number, code],
            )
            bind(conn, number, vehicle)

        async def accept(batches: Sequence[Batch]) -> None:
            await asyncio.to_thread(writer.write, batches)

        async with running(settings(mosquitto), accept) as source:
            with publisher(mosquitto.port) as sender:
                sender.send([*sent, sent[0]])
                await until(lambda: source.stats.acknowledged == 4, "all are acknowledged")
        latest.refresh(conn)
        assert conn.execute(
            "SELECT lat, lon, altitude_m, odometer_km, acc, flags, extra FROM position"
        ).fetchall() == [(None, None, None, 123.4, True, 256, {"fuel_l": 31.5})]
        assert conn.execute("SELECT lat, lon FROM latest_position").fetchall() == [(None, None)]
        refused = conn.execute("SELECT split_part(reason, ':', 1), payload FROM quarantine")
        assert sorted(refused.fetchall()) == [("invalid", b""), ("malformed", b"")]
