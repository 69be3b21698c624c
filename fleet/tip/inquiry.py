"""Looking into a report: from plate, place and time to what the books and the track say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from fleet.derive import listing
from fleet.derive.listing import TripRow
from fleet.derive.reading import fixes_of
from fleet.tip.plates import Bearer, bearers
from fleet.tip.whereabouts import Place, Whereabouts, whereabouts
from fleet.track.along import withheld
from fleet.track.rules import Rules
from storage.times import us_of

_MARGIN: Final = timedelta(hours=24)
"""So far around the span fixes are read: what stands at its edges, and what judges them."""
_ORDERS: Final[LiteralString] = """
    SELECT number, day, driver, reason, passenger, approver, destination, out_at, back_at
    FROM dispatch_order
    WHERE withdrawn_at IS NULL AND consumer_id = %(consumer)s AND CASE
        WHEN out_at IS NULL THEN day = ANY(%(days)s) AND (back_at IS NULL OR back_at >= %(from)s)
        ELSE out_at <= %(to)s AND coalesce(back_at >= %(from)s, day = ANY(%(days)s))
    END
    ORDER BY out_at NULLS LAST, number
"""
_TERMINALS: Final[LiteralString] = """
    SELECT count(*) FROM terminal_vehicle
    WHERE vehicle_id = %s AND valid && tstzrange(%s, %s, '[]')
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody reports.

    Attributes:
        plate: as it was reported.
        at: when, aware.
        within: so long before and after is looked at.
        place: where; None: no coordinates are known.
        address: where, in words.
        reason: why the track is looked at.
    """

    plate: str
    at: datetime
    within: timedelta
    place: Place | None
    address: str
    reason: str

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Begin and end of what is looked at."""
        return self.at - self.within, self.at + self.within


@dataclass(frozen=True, slots=True)
class Order:
    """A dispatch order that covers the time, or may; None and empty: not stated."""

    number: str
    day: date
    driver: str
    reason: str
    passenger: str
    approver: str
    destination: str
    out_at: datetime | None
    back_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known.

    Attributes:
        asked: the report.
        bearer: who bore the plate then; None: nobody, or several.
        bearers: everyone who ever did.
        terminals: of the vehicle in the span.
        seen: what its track says; None: there is none to look at.
        trips: that touch the span.
        orders: that cover it, or may.
    """

    asked: Asked
    bearer: Bearer | None
    bearers: tuple[Bearer, ...]
    terminals: int = 0
    seen: Whereabouts | None = None
    trips: tuple[TripRow, ...] = ()
    orders: tuple[Order, ...] = ()


def borne_then(
    conn: psycopg.Connection[Any], asked: Asked, zone: ZoneInfo, today: date
) -> tuple[list[Bearer], list[Bearer]]:
    """Return who bore the plate on the day, and everyone who ever did."""
    first, day, last = (
        at.astimezone(zone).date() for at in (asked.span[0], asked.at, asked.span[1])
    )
    everyone = bearers(conn, asked.plate, (first, day, last), today)
    return [one for one in everyone if one.on(day)], everyone


def answer(
    conn: psycopg.Connection[Any], asked: Asked, zone: ZoneInfo, today: date, rules: Rules
) -> Answer:
    """Return what is known; of a sensitive vehicle nothing but that it is one.

    Args:
        conn: in the transaction that records who looks.
        asked: the report.
        zone: the site's.
        today: the day on the officer's calendar.
        rules: what is believed of a track.
    """
    then, everyone = borne_then(conn, asked, zone, today)
    if len(then) != 1 or then[0].sensitive:
        found = then[0] if len(then) == 1 else None
        return Answer(asked, found, tuple(everyone))
    (bearer,) = then
    orders = _orders(conn, bearer, asked, zone)
    if bearer.vehicle_id is None:
        return Answer(asked, bearer, tuple(everyone), orders=orders)
    begin, end = asked.span
    first, last = us_of(begin - _MARGIN), us_of(end + _MARGIN)
    fixes = fixes_of(conn, bearer.vehicle_id, first, last)
    fixes = fixes.take(~withheld(fixes))  # those of a sensitive day lie nowhere
    row = conn.execute(_TERMINALS, [bearer.vehicle_id, begin, end]).fetchone()
    return Answer(
        asked,
        bearer,
        tuple(everyone),
        terminals=0 if row is None else int(row[0]),
        seen=whereabouts(fixes, us_of(begin), us_of(end), asked.place, rules),
        trips=tuple(listing.trips(conn, bearer.vehicle_id, begin, end)),
        orders=orders,
    )


def _orders(
    conn: psycopg.Connection[Any], bearer: Bearer, asked: Asked, zone: ZoneInfo
) -> tuple[Order, ...]:
    begin, end = asked.span
    days = sorted({at.astimezone(zone).date() for at in (begin, asked.at, end)})
    named = {"consumer": bearer.consumer_id, "days": days, "from": begin, "to": end}
    with conn.cursor(row_factory=class_row(Order)) as cursor:
        return tuple(cursor.execute(_ORDERS, named).fetchall())
