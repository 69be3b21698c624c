"""Drivers' cards in the database: as they were told, and each once."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime

import psycopg

from storage.records import Kind
from storage.writer import BulkWriter
from tests.unit.storage.samples import HOUR_US, NOON_US, batch, driver_card

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_card_is_stored_as_it_was_told_and_once(database: str) -> None:
    cards = batch(Kind.DRIVER_CARD, [driver_card(7), driver_card(7, NOON_US + HOUR_US, "out")])
    with closing(BulkWriter(database)) as writer:
        assert writer.write([cards]).inserted == {Kind.DRIVER_CARD: 2}
        again = writer.write([cards])
    assert (again.inserted, again.duplicates) == ({Kind.DRIVER_CARD: 0}, {Kind.DRIVER_CARD: 2})
    with psycopg.connect(database) as conn:
        rows = conn.execute(
            "SELECT terminal_id, at, event, timed, result, name, qualification, issuer,"
            " valid_until, withheld, raw FROM driver_card ORDER BY at"
        ).fetchall()
        dirty = conn.execute("SELECT count(*) FROM dirty_log").fetchone()
    told = ("张三", "51010012345678901234", "CDJTJYGLC", date(2030, 12, 31))
    assert rows[0] == (7, NOON, "in", True, 0, *told, False, "7 in 张三".encode())
    assert rows[1][2:9] == ("out", True, None, None, None, None, None)
    assert dirty == (0,), "nothing is derived of cards"
