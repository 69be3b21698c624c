"""How much of a figure is estimated or entered, and how much of its time is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.counter.model import Flag
from metering.plan.usage import Window
from metering.quality.completeness import MeterDay, share_of

# Only days that hold a quarter resting on an entry are looked at quarter by quarter.
_ENTERED: Final[LiteralString] = """
    SELECT coalesce(sum(abs(q.micro)), 0)::int8
    FROM consumption_day d
    CROSS JOIN LATERAL (
        SELECT micro FROM consumption
        WHERE meter_id = d.meter_id AND flags & %(flag)s <> 0
          AND slot >= d.day::timestamp AT TIME ZONE %(zone)s
          AND slot < (d.day + 1)::timestamp AT TIME ZONE %(zone)s
    ) AS q
    WHERE d.meter_id = ANY(%(meters)s) AND d.day BETWEEN %(first)s AND %(last)s
      AND d.flags & %(flag)s <> 0
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What figures of some meters and days are made of; millionths of their unit.

    Attributes:
        micro: all that is known; None: nothing is.
        estimated: the part of it allotted over gaps.
        entered: the part of it in quarter hours that rest on a person's reading.
        covered_s: seconds known, over all meters.
        expected_s: seconds that could be known.
    """

    micro: int | None
    estimated: int
    entered: int
    covered_s: int
    expected_s: int

    @property
    def known(self) -> Decimal:
        """Which part of the expected time is known."""
        return share_of(self.covered_s, self.expected_s)

    @property
    def estimated_share(self) -> Decimal | None:
        """Part of the figure that is estimated; None: there is no figure, or it is 0."""
        return Decimal(self.estimated) / self.micro if self.micro else None

    @property
    def entered_share(self) -> Decimal | None:
        """Part of the figure that is entered; None: there is no figure, or it is 0."""
        return Decimal(self.entered) / self.micro if self.micro else None


def entered(
    conn: psycopg.Connection[Any], meters: Sequence[int], window: Window, zone: ZoneInfo
) -> int:
    """Return how much of some days lies in quarter hours that rest on a person's reading.

    Args:
        conn: a connection.
        meters: ids, all of one unit.
        window: local days.
        zone: the site's.
    """
    values = {
        "meters": list(meters),
        "first": window.first,
        "last": window.last,
        "zone": zone.key,
        "flag": int(Flag.ENTERED),
    }
    row = conn.execute(_ENTERED, values).fetchone()
    return int(row[0]) if row else 0


def added(days: Sequence[MeterDay], by_people: int) -> Parts:
    """Say what a figure over some meters of one energy is made of.

    What lies beyond the expected time makes up for nothing.

    Args:
        days: of the meters.
        by_people: see :func:`entered`.
    """
    known = [day.micro for day in days if day.micro is not None]
    return Parts(
        micro=sum(known) if known else None,
        estimated=sum(abs(day.estimated) for day in days),
        entered=by_people,
        covered_s=sum(min(day.covered_s, day.expected_s) for day in days),
        expected_s=sum(day.expected_s for day in days),
    )
