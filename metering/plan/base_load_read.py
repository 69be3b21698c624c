"""Reads the nights of a week for the base load."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from metering.counter.model import Quarters
from metering.plan.base_load import BaseLoad, base_load, week_span
from storage.times import us_of

_QUARTERS: Final[LiteralString] = """
    SELECT slot, micro, estimated, covered_s, flags FROM consumption
    WHERE meter_id = %s AND slot >= %s AND slot < %s ORDER BY slot
"""


def base_load_of(
    conn: psycopg.Connection[Any], meter: int, monday: date, zone: ZoneInfo
) -> BaseLoad:
    """The base load of a meter in a week.

    Args:
        conn: a connection.
        meter: its id.
        monday: begin of the week, local.
        zone: the site's.

    Raises:
        ValueError: the day is no Monday.
    """
    rows = conn.execute(_QUARTERS, [meter, *week_span(monday, zone)]).fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * 5
    quarters = Quarters(
        slot=np.array([us_of(slot) for slot in columns[0]], dtype=np.int64),
        micro=np.array(columns[1], dtype=np.int64),
        estimated=np.array(columns[2], dtype=np.int64),
        covered_s=np.array(columns[3], dtype=np.int16),
        flags=np.array(columns[4], dtype=np.int16),
    )
    return base_load(quarters, monday, zone)
