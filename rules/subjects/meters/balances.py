"""Main meters against their sub-meters, by day, as metering/tree has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from metering.counter.model import Int64s
from metering.tree.mains import balances
from metering.tree.periods import Grain, periods
from metering.tree.remainder import Balance
from rules.subjects.meters.days import Days, Table
from rules.subjects.meters.read import read_days
from storage.times import us_of

_MICRO: Final = 1_000_000
_CODES: Final[LiteralString] = "SELECT code, id FROM meter WHERE code = ANY(%s)"


def read_balances(
    conn: psycopg.Connection[Any], mains: Int64s, days: Days, zone: ZoneInfo
) -> tuple[Table, Table]:
    """Return what came in and what the sub-meters took, by main meter and day.

    NaN while one of them has a gap, or holds what was spread over one: its sum is certain, and of
    which day it is, is not.

    Args:
        conn: any connection.
        mains: ids of the main meters, ascending.
        days: of which days.
        zone: of the site.
    """
    supplied = np.full((len(mains), len(days)), np.nan)
    taken = supplied.copy()
    spans = periods(Grain.DAY, days.days[0], days.days[-1] + timedelta(days=1), zone)
    found = balances(conn, mains.tolist(), Grain.DAY, spans)
    certain = _certain(conn, [balance for _, balance in found], days)
    rows = {int(main): row for row, main in enumerate(mains.tolist())}
    columns = {int(begin): column for column, begin in enumerate(days.begin.tolist())}
    for main, balance in found:
        column = columns[us_of(balance.begin)]
        if balance.remainder is not None and all(
            certain[code][column] for code in _members(balance)
        ):
            supplied[rows[main], column] = balance.supplied / _MICRO
            taken[rows[main], column] = balance.taken / _MICRO
    return supplied, taken


def _members(balance: Balance) -> list[str]:
    parts = (balance.main, *balance.generated, *balance.subs)
    return [*(part.meter for part in parts), *(one.meter for one in balance.shared)]


def _certain(
    conn: psycopg.Connection[Any], found: list[Balance], days: Days
) -> Mapping[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Tell of which days the figures of meters are certain, by code."""
    codes = sorted({code for balance in found for code in _members(balance)})
    ids = dict(conn.execute(_CODES, [codes]).fetchall())
    meters = np.array(sorted(ids.values()), np.int64)
    known = np.isfinite(read_days(conn, meters, days).value)
    row = {int(meter): number for number, meter in enumerate(meters.tolist())}
    return {code: known[row[ids[code]]] for code in codes}
