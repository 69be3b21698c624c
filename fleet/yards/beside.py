"""What is held beside the tracks of many vehicles, read at once: excuses, trips, what is due.

A statement for each vehicle and each of these costs more than the rows it brings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from fleet.track.rules import SECOND_US
from fleet.yards.movement import Driven
from fleet.yards.spans import Span
from fleet.yards.verdicts import Excuse, ExcuseKind
from storage.times import us_of

_DAY_US: Final = 86_400 * SECOND_US

# A time of Python's has no infinity.
_DUE: Final[LiteralString] = """
    SELECT vehicle_id, greatest(ts_from, %(from)s), least(ts_to, %(to)s) FROM fleet_due
    WHERE vehicle_id = ANY(%(ids)s) AND ts_to >= %(from)s AND ts_from < %(to)s
"""
_TRIPS: Final[LiteralString] = """
    SELECT vehicle_id, started_at, ended_at, distance_mm FROM trip
    WHERE vehicle_id = ANY(%(ids)s) AND ended_at > %(from)s AND started_at < %(to)s
    ORDER BY started_at
"""
_DUTY: Final[LiteralString] = """
    SELECT vehicle_id, from_at, to_at, reason FROM fleet_duty
    WHERE withdrawn_at IS NULL AND vehicle_id = ANY(%(ids)s)
        AND from_at < %(to)s AND to_at > %(from)s
    ORDER BY from_at, id
"""
# An order of some days before may still be out.
_ORDERS: Final[LiteralString] = """
    SELECT c.vehicle_id, o.number, (o.day::timestamp AT TIME ZONE %(zone)s), o.out_at, o.back_at
    FROM dispatch_order o JOIN fuel_consumer c ON c.id = o.consumer_id
    WHERE o.withdrawn_at IS NULL AND c.withdrawn_at IS NULL AND c.vehicle_id = ANY(%(ids)s)
        AND coalesce(o.out_at, o.day::timestamp AT TIME ZONE %(zone)s) < %(to)s
        AND coalesce(o.back_at, o.day::timestamp AT TIME ZONE %(zone)s + interval '2 days')
            > %(from)s
    ORDER BY o.day, o.number
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is held beside tracks, by vehicle; what it does not name has nothing.

    Attributes:
        due: of which trips are still to be computed; µs UTC, the end included.
        driven: trips, by time.
        excuses: duty and orders.
    """

    due: Mapping[int, Sequence[Span]]
    driven: Mapping[int, Sequence[Driven]]
    excuses: Mapping[int, Sequence[Excuse]]

    def pending(self, vehicle_id: int, span: Span) -> bool:
        """Whether trips of a span are still to be computed."""
        return any(
            until >= span[0] and since < span[1] for since, until in self.due.get(vehicle_id, ())
        )

    def trips(self, vehicle_id: int, span: Span) -> list[Driven]:
        """Return the trips that touch a span, by time."""
        its = self.driven.get(vehicle_id, ())
        return [one for one in its if one.to_us > span[0] and one.from_us < span[1]]


def beside(
    conn: psycopg.Connection[Any],
    ids: Sequence[int],
    span: tuple[datetime, datetime],
    around_us: int,
    zone: ZoneInfo,
) -> Beside:
    """Read what is held beside the tracks of vehicles.

    What is due is read first: trips that are computed in between are whole.

    Args:
        conn: in any state.
        ids: of vehicles.
        span: from, to.
        around_us: an order covers so much before and behind its times.
        zone: of an order's day.
    """
    named: dict[str, object] = {"ids": list(ids), "from": span[0], "to": span[1], "zone": zone.key}
    due: dict[int, list[Span]] = defaultdict(list)
    for whose, since, until in conn.execute(_DUE, named):
        due[whose].append((us_of(since), us_of(until)))
    driven: dict[int, list[Driven]] = defaultdict(list)
    for whose, start, end, distance in conn.execute(_TRIPS, named):
        driven[whose].append(Driven(us_of(start), us_of(end), distance))
    excuses: dict[int, list[Excuse]] = defaultdict(list)
    for whose, start, end, reason in conn.execute(_DUTY, named):
        excuses[whose].append(Excuse(ExcuseKind.DUTY, us_of(start), us_of(end), reason))
    around = timedelta(microseconds=around_us)
    wide = {**named, "from": span[0] - around, "to": span[1] + around}
    for whose, number, day, out, back in conn.execute(_ORDERS, wide):
        excuses[whose] += of_order(number, day, out, back, around_us)
    return Beside(due, driven, excuses)


def of_order(
    number: str, day: datetime, out: datetime | None, back: datetime | None, around_us: int
) -> list[Excuse]:
    """Return the time that an order covers.

    Without a time of departure it begins with its day. Without a time of return it covers its day,
    and may reach a day further.
    """
    start = us_of(out) - around_us if out else us_of(day)
    if back is not None:
        return [Excuse(ExcuseKind.ORDER, start, us_of(back) + around_us, number)]
    end = us_of(day) + _DAY_US
    return [
        Excuse(ExcuseKind.ORDER, start, end, number),
        Excuse(ExcuseKind.ORDER, end, end + _DAY_US, number, open=True),
    ]
