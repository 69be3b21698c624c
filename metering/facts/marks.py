"""What has to be computed again after a fact changed: exactly the time it can matter in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from metering.derive import due
from metering.facts.meters import counting
from metering.facts.span import Span


def meter(conn: psycopg.Connection[Any], meter_id: int, span: Span, why: str) -> None:
    """Mark a meter's consumption of a span."""
    due.mark(conn, due.DueKind.METER, meter_id, span.first, span.until, why)


def meters(
    conn: psycopg.Connection[Any], meter_ids: Iterable[int], spans: Iterable[Span], why: str
) -> None:
    """Mark the consumption of several meters in several spans."""
    wanted = tuple(spans)
    for meter_id in meter_ids:
        for span in wanted:
            meter(conn, meter_id, span, why)


def register(
    conn: psycopg.Connection[Any], device_id: int, name: str, span: Span, why: str
) -> None:
    """Mark whatever counts a device's register, each for as long as it does."""
    for meter_id, held in counting(conn, device_id, name, span):
        moment = span.since is not None and span.since == span.until
        mattering = span if moment else span.common(held)
        if mattering is not None:
            meter(conn, meter_id, mattering, why)


def at_place(conn: psycopg.Connection[Any], place_id: int, spans: Iterable[Span], why: str) -> None:
    """Mark every meter of a place."""
    rows = conn.execute("SELECT id FROM meter WHERE place_id = %s ORDER BY id", [place_id])
    meters(conn, [meter_id for (meter_id,) in rows.fetchall()], spans, why)
