"""What the tests of imports share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from registry.catalogue import Catalogue
from registry.changes import Changes
from registry.importing import apply
from tests.unit.registry.samples import Document, catalogue, inventory

Conn = psycopg.Connection[Any]
START = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = (
    *("institution", "building", "room", "place", "place_room", "profile", "bus", "device"),
    *(
        "device_place",
        "point",
        "vehicle",
        "terminal",
        "terminal_vehicle",
        "inventory_import",
        "tag",
    ),
)


def at(day: int) -> datetime:
    return START + timedelta(days=day)


def bring(conn: Conn, content: Document, day: int = 0, known: Catalogue | None = None) -> Changes:
    known = known or catalogue()
    return apply(conn, inventory(content, known), known, now=at(day), by="tester")


def dump_all(conn: Conn) -> dict[str, list[tuple[Any, ...]]]:
    return {t: conn.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall() for t in TABLES}


def counts(conn: Conn) -> dict[str, int]:
    return {table: len(rows) for table, rows in dump_all(conn).items()}
