"""Other accounts of what a meter should have counted: its main, and the power that it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, LiteralString

import numpy as np
import numpy.typing as npt
import psycopg

from metering.counter.model import Int64s
from metering.gauge.hold import Float64s
from metering.gauge.meter_demand import Asked, meter_demand
from rules.subjects.meters import learned
from rules.subjects.meters.days import LEARNED, Days, Table
from storage import arrays
from storage.times import ALWAYS_US, NEVER_US, at_us

POWER: Final = "power_total"
"""Point of the active power of meters, kW (docs/profiles.md)."""
_KNOWN: Final = 0.8
"""Share of a day of which the power must be known: what is missing may be the night."""
_HOUR_S: Final = 3_600
_MAINS: Final[LiteralString] = """
SELECT meter_id, main_id,
       coalesce((extract(epoch FROM lower(valid)) * 1000000)::int8, %(always)s),
       coalesce((extract(epoch FROM upper(valid)) * 1000000)::int8, %(never)s)
FROM meter_main WHERE meter_id = ANY(%(meters)s::int[]) AND NOT isempty(valid)
"""
_ENERGY: Final[LiteralString] = """
SELECT id FROM meter WHERE id = ANY(%s::int[]) AND energy = 'electricity' AND unit = 'kWh'
    AND place_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Lacking:
    """What the sub-meters of mains leave untold, by main meter and day behind the first 28.

    Attributes:
        more: than is usual, in the unit of the meters.
        blur: what it may differ by chance.
        share: of the main that is usually untold.
    """

    more: Table
    blur: Table
    share: Table


def behind(supplied: Table, taken: Table) -> Lacking:
    """Return how much more than usual sub-meters leave untold.

    Args:
        supplied: by main meter and day, the first 28 only learned from.
        taken: by its sub-meters.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(supplied > 0, (supplied - taken) / supplied, np.nan)
    now, here = share[:, LEARNED:], supplied[:, LEARNED:]
    usual = learned.usual_share(share)
    return Lacking(here * (now - usual), here * learned.usual_blur(share), usual)


def told_by(lacking: Lacking | None, mains: Int64s, front: Int64s, usual: Table) -> Table:
    """Return what mains tell of days on which sub-meters counted nothing: at least so much.

    What nobody counts does not become less because a branch is off: its share of the main grows.
    Where what chance makes is more than half of what the meter usually counts, nothing is told.

    Args:
        lacking: of the mains.
        mains: ids, ascending.
        front: the main in front, by sub-meter and day; -1: none.
        usual: of the sub-meters, by day.
    """
    if lacking is None:
        return np.full(front.shape, np.nan)
    row = np.minimum(np.searchsorted(mains, front), len(mains) - 1)
    column = np.arange(front.shape[1])[None]
    more, blur = lacking.more[row, column], lacking.blur[row, column]
    grown = lacking.share[row, column] * usual
    certain = (front >= 0) & (blur < usual / 2)
    return np.where(certain, np.maximum(more - grown - blur, 0), np.nan)


def read_mains(conn: psycopg.Connection[Any], meters: Int64s, days: Days) -> Int64s:
    """Return the main meter in front by meter and day, where it is so all day; -1: none.

    Args:
        conn: any connection.
        meters: ids, ascending.
        days: of which days.
    """
    values = {"meters": arrays.ids(meters.tolist()), "always": ALWAYS_US, "never": NEVER_US}
    found = np.full((len(meters), len(days)), -1, np.int64)
    rows = {meter: row for row, meter in enumerate(meters.tolist())}
    for meter, main, since, until in conn.execute(_MAINS, values):
        found[rows[meter], (days.begin >= since) & (days.end <= until)] = main
    return found


def read_power(conn: psycopg.Connection[Any], meters: Int64s, days: Days) -> Table:
    """Return what the power that its device tells makes of a day, kWh; NaN: nobody knows.

    Args:
        conn: any connection.
        meters: ids, ascending; of those that count no kWh nothing is known.
        days: of which days, the first 28 left unknown.
    """
    found = np.full((len(meters), len(days)), np.nan)
    begin, end = days.begin[LEARNED:], days.end[LEARNED:]
    until = at_us(int(end[-1]))
    # Until the end of the last day and not until now: layers have no clock.
    asked = Asked(at_us(int(begin[0])), until, until)
    for (meter,) in conn.execute(_ENERGY, [arrays.ids(meters.tolist())]).fetchall():
        told = meter_demand(conn, meter, POWER, asked)
        found[np.searchsorted(meters, meter), LEARNED:] = _by_day(
            told.slot, told.value, told.covered_s, begin, end
        )
    return found


def _by_day(
    slot: Int64s, kw: Float64s, covered_s: npt.NDArray[np.int16], begin: Int64s, end: Int64s
) -> Float64s:
    """Mean power over the hours of each day of which enough is known."""
    first, last = np.searchsorted(slot, begin), np.searchsorted(slot, end)
    known = np.r_[0.0, np.cumsum(covered_s, dtype=np.float64)]
    drawn = np.r_[0.0, np.cumsum(kw * covered_s)] / _HOUR_S
    length = (end - begin) / 1e6
    share = (known[last] - known[first]) / length
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(share >= _KNOWN, (drawn[last] - drawn[first]) / share, np.nan)
