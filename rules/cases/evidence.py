"""What a doubt rests on: the course of what was measured, and the energy it took."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from rules.derive.evaluate import Layers
from rules.timeline.overlay import Pieces, Windows, overlay
from storage.times import at_us

_HOUR_US: Final = 3_600_000_000
# The part of each quarter hour that lies in the doubt, as if used evenly.
_METERED: Final[LiteralString] = """
SELECT sum(consumption.micro
           * extract(epoch FROM least(slot + interval '15 minutes', %(until)s)
                                - greatest(slot, %(since)s)) / 900),
       sum(extract(epoch FROM least(slot + interval '15 minutes', %(until)s)
                              - greatest(slot, %(since)s)))
FROM meter
JOIN consumption ON consumption.meter_id = meter.id
    AND slot > %(since)s::timestamptz - interval '15 minutes' AND slot < %(until)s
WHERE meter.place_id = %(place)s AND meter.energy = 'electricity' AND meter.direction = 'in'
  AND meter.unit = 'kWh'
"""
_ALMOST_ALL: Final = Decimal("0.98")
"""A meter counts as having seen a doubt when so much of its time is known."""


@dataclass(frozen=True, slots=True)
class Used:
    """Energy between the begin and the end of a doubt.

    Attributes:
        kwh: None: nobody knows.
        how: by its meter, or from the power that the device tells; None likewise.
    """

    kwh: Decimal | None
    how: str | None


def used(
    conn: psycopg.Connection[Any], place: int, since_us: int, until_us: int, course: Pieces
) -> Used:
    """Return the electricity that was used at a place.

    Args:
        conn: any connection.
        place: where.
        since_us: µs UTC.
        until_us: µs UTC.
        course: of that place over that time, for the power (W) where no meter hangs.
    """
    values = {"place": place, "since": at_us(since_us), "until": at_us(until_us)}
    row = conn.execute(_METERED, values).fetchone()
    length_s = Decimal(until_us - since_us) / 1_000_000
    if row is not None and row[0] is not None and row[1] >= _ALMOST_ALL * length_s:
        return Used((row[0] / 1_000_000).quantize(Decimal("0.001")), "计量表")
    watts, known_us = _power(course)
    if known_us < float(_ALMOST_ALL) * (until_us - since_us):
        return Used(None, None)
    kwh = watts * (until_us - since_us) / _HOUR_US / 1000
    return Used(Decimal(f"{kwh:.3f}"), "设备功率")


def course(layers: Layers, place: int, since_us: int, until_us: int) -> Pieces:
    """Return what was measured at a place from one moment to another."""
    window = Windows(np.array([place]), np.array([since_us]), np.array([until_us]))
    first = {name: sources[0] for name, sources in layers.inputs.items() if sources}
    return overlay(first, window)


def _power(course: Pieces) -> tuple[float, float]:
    """Mean power of the known time, W, and how long it is known, µs."""
    power = course.column("power")
    length = (course.until - course.since).astype(np.float64)
    known = np.isfinite(power)
    total = float(length[known].sum())
    return (float((power[known] * length[known]).sum()) / total if total else 0.0), total
