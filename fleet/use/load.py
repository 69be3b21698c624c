"""What utilisation rests on: who is in service, what is known of each day, and when it was out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from fleet.ledger.sensitive import sensitive_codes
from fleet.use.overlap import Minutes

_MINUTE: Final = timedelta(minutes=1)
# Of the ledger its vehicles, and of the inventory those that are not in the ledger.
_VEHICLES: Final[LiteralString] = """
    SELECT coalesce(c.code, v.code) AS code, v.id AS vehicle_id, c.id AS consumer_id,
        i.code AS institution, i.name AS institution_name, coalesce(f.plate, v.plate, c.code)
            AS plate,
        coalesce(c.code, v.code) = ANY(%(secret)s) AS sensitive,
        (lower(v.valid) AT TIME ZONE %(zone)s)::date AS since,
        (upper(v.valid) AT TIME ZONE %(zone)s)::date AS until
    FROM (SELECT * FROM fuel_consumer
        WHERE withdrawn_at IS NULL AND kind IN ('vehicle', 'motorcycle')) c
    FULL JOIN vehicle v ON v.id = c.vehicle_id
    JOIN institution i ON i.id = coalesce(c.institution_id, v.institution_id)
    LEFT JOIN LATERAL (
        SELECT max(value) FILTER (WHERE name = 'plate') AS plate
        FROM (
            SELECT DISTINCT ON (name) name, value FROM consumer_fact
            WHERE consumer_id = c.id AND withdrawn_at IS NULL AND since <= %(last)s
            ORDER BY name, since DESC
        ) AS newest
    ) f ON true
    WHERE (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
        AND CASE WHEN v.id IS NULL THEN coalesce((
                SELECT min(since) <= %(last)s FROM consumer_fact
                WHERE consumer_id = c.id AND withdrawn_at IS NULL
            ), true)
            ELSE v.valid && tstzrange(%(begin)s, %(end)s)
        END
        AND NOT EXISTS (
            SELECT FROM fuel_consumer o WHERE c.id IS NULL AND o.vehicle_id = v.id
                AND o.withdrawn_at IS NULL
        )
    ORDER BY i.code, 1
"""
_STATES: Final[LiteralString] = """
    SELECT consumer_id, since, value FROM consumer_fact
    WHERE name = 'state' AND withdrawn_at IS NULL AND since <= %s ORDER BY consumer_id, since
"""
_DAYS: Final[LiteralString] = """
    SELECT vehicle_id, day, fixes > bad, gps_mm, terminal_mm
    FROM vehicle_day WHERE day >= %s AND day <= %s
"""
_TRIPS: Final[LiteralString] = """
    SELECT vehicle_id, started_at, ended_at FROM trip WHERE started_at < %s AND ended_at > %s
"""
_ORDERS: Final[LiteralString] = """
    SELECT consumer_id, day, out_at, back_at FROM dispatch_order
    WHERE withdrawn_at IS NULL AND ((day >= %(first)s AND day <= %(last)s)
        OR (out_at < %(end)s AND back_at > %(begin)s))
"""
_YARDS: Final[LiteralString] = """
    SELECT p.name, array_agg(DISTINCT i.code ORDER BY i.code)
    FROM fleet_party p JOIN institution i ON i.id = p.institution_id
    WHERE p.kind = 'parking' AND p.withdrawn_at IS NULL AND p.since <= %(last)s
        AND (p.until IS NULL OR p.until > %(first)s)
    GROUP BY p.name HAVING count(DISTINCT i.code) > 1 ORDER BY p.name
"""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle that was in service.

    Attributes:
        code: in the ledger or the inventory.
        vehicle_id: in the inventory; None: it has no terminal that we know.
        consumer_id: in the ledger; None: it is not kept there.
        institution, institution_name: whose it is.
        plate: as it is shown.
        sensitive: on a day from the first on until today, or by the inventory: its plate is not
            shown.
        since, until: in service from one day to before another; None: without end.
        states: ``used``, ``sealed``, ``disposed``: each from its day on.
    """

    code: str
    vehicle_id: int | None
    consumer_id: int | None
    institution: str
    institution_name: str
    plate: str
    sensitive: bool
    since: date | None
    until: date | None
    states: tuple[tuple[date, str], ...] = ()

    def state(self, day: date) -> str:
        """Return its state on a day; ``used`` where nothing is said."""
        return next((state for since, state in reversed(self.states) if since <= day), "used")

    def serves(self, day: date) -> bool:
        """Tell whether it was in service on a day, under seal too."""
        begun = self.since is None or self.since <= day
        ended = self.until is not None and self.until <= day
        return begun and not ended and self.state(day) != "disposed"

    def free(self, day: date) -> bool:
        """Tell whether it was in service, and not under seal."""
        return self.serves(day) and self.state(day) != "sealed"


@dataclass(frozen=True, slots=True)
class DayRow:
    """What positions say of a day; whole millimetres, None: unknown."""

    seen: bool
    gps_mm: int | None
    terminal_mm: int | None

    @property
    def way_mm(self) -> int | None:
        """The way from fix to fix, or else what the odometer gained."""
        return self.terminal_mm if self.gps_mm is None else self.gps_mm


@dataclass(frozen=True, slots=True)
class Known:
    """Everything of a time.

    Attributes:
        vehicles: in service.
        days: vehicle of the inventory, day → what positions say.
        trips: vehicle of the inventory → minutes since 1970.
        orders: vehicle of the ledger → those with both times.
        order_days: vehicle of the ledger → days with an order.
        yards: name of a designated parking place → institutions that share it.
    """

    vehicles: tuple[Vehicle, ...]
    days: dict[tuple[int, date], DayRow]
    trips: dict[int, list[Minutes]]
    orders: dict[int, list[Minutes]]
    order_days: dict[int, set[date]]
    yards: dict[str, tuple[str, ...]]


def known(  # noqa: PLR0913, PLR0917 - whose, which days, and seen from when
    conn: psycopg.Connection[Any],
    first: date,
    last: date,
    zone: ZoneInfo,
    institutions: Sequence[str] | None,
    today: date,
) -> Known:
    """Read what is known from one day to another, both included.

    Args:
        conn: in any state.
        first: the first day.
        last: the last one.
        zone: of days.
        institutions: their codes; None: all.
        today: whose plate may not be shown then is not.
    """
    named: dict[str, Any] = {
        "first": first,
        "last": last,
        "begin": datetime.combine(first, time(0), zone),
        "end": datetime.combine(last + timedelta(days=1), time(0), zone),
        "zone": zone.key,
        "only": None if institutions is None else list(institutions),
        "secret": list(sensitive_codes(conn, first, today)),
    }
    vehicles = tuple(_vehicles(conn, named, first, last))
    days = {(v, day): DayRow(*rest) for v, day, *rest in conn.execute(_DAYS, [first, last])}
    trips: dict[int, list[Minutes]] = defaultdict(list)
    for vehicle, begin, end in conn.execute(_TRIPS, [named["end"], named["begin"]]):
        trips[vehicle].append(minutes(begin, end))
    orders: dict[int, list[Minutes]] = defaultdict(list)
    order_days: dict[int, set[date]] = defaultdict(set)
    for consumer, day, out, back in conn.execute(_ORDERS, named):
        order_days[consumer].update(_days(day, out, back, zone))
        if out is not None and back is not None and out < back:
            orders[consumer].append(minutes(out, back))
    yards = {name: tuple(codes) for name, codes in conn.execute(_YARDS, named)}
    return Known(vehicles, days, dict(trips), dict(orders), dict(order_days), yards)


def _vehicles(
    conn: psycopg.Connection[Any], named: Mapping[str, Any], first: date, last: date
) -> Iterator[Vehicle]:
    """Yield the vehicles that were in service on a day at least."""
    states: dict[int, list[tuple[date, str]]] = defaultdict(list)
    for consumer, since, state in conn.execute(_STATES, [last]):
        states[consumer].append((since, state))
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    with conn.cursor(row_factory=class_row(Vehicle)) as cursor:
        for one in cursor.execute(_VEHICLES, named).fetchall():
            found = replace(one, states=tuple(states.get(one.consumer_id or -1, ())))
            if any(found.serves(day) for day in every):
                yield found


def minutes(begin: datetime, end: datetime) -> Minutes:
    """Return the whole minutes since 1970 that a time touches."""
    since = datetime.fromtimestamp(0, begin.tzinfo)
    return (begin - since) // _MINUTE, -((since - end) // _MINUTE)


def _days(day: date, out: datetime | None, back: datetime | None, zone: ZoneInfo) -> Iterator[date]:
    """Yield the days of an order: all that it covers, or the one that it names."""
    if out is None or back is None:
        yield day
        return
    at, end = out.astimezone(zone).date(), back.astimezone(zone).date()
    while at <= end:
        yield at
        at += timedelta(days=1)
