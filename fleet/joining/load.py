"""Records from the database, in bulk: a handful of statements, however many papers there are."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import zip_longest
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from fleet.fence import fences
from fleet.joining.check import FromRecords, Learned, Places, verdicts
from fleet.joining.load_cards import cards
from fleet.joining.load_tracks import sights, tracks
from fleet.joining.model import Fence, Filling, Order, Records, Repair, Track, Unheld, Vehicle
from fleet.joining.names import named
from fleet.joining.refunds import Moved, taken_back
from fleet.joining.rules import Rules
from fleet.joining.spoken import span_of
from fleet.joining.verdict import Check, Verdict
from fleet.joining.wanted import wanted_fixes
from fleet.ledger.load import Order as Asked
from fleet.ledger.orders import ASKED, missing
from fleet.ledger.sensitive import sensitive_codes
from storage.times import NEVER_US, at_us, us_of

_VEHICLES: Final[LiteralString] = """
    SELECT id, code, vehicle_id FROM fuel_consumer
    WHERE withdrawn_at IS NULL AND kind IN ('vehicle', 'motorcycle') ORDER BY code
"""
_FACTS: Final[LiteralString] = """
    SELECT consumer_id, name, since, value FROM consumer_fact
    WHERE withdrawn_at IS NULL AND name IN ('tank', 'energy')
        AND (%(ids)s::int[] IS NULL OR consumer_id = ANY(%(ids)s))
    ORDER BY consumer_id, name, since
"""
_SPENDING: Final[LiteralString] = """
    SELECT s.id, s.kind, owner_id, card, at, timed, product, quantity, unit, fen, odometer_hm,
        full_tank, missed, merchant, part, coalesce(w.code, '')
    FROM fleet_spending_owned s LEFT JOIN fuel_consumer w ON w.id = s.consumer_id
    WHERE at >= %(since)s AND at < %(until)s AND s.kind IN ('filling', 'refund', 'maintenance')
    ORDER BY at, s.id
"""
# All of the cards that they ever held: whom a refund pays back may have held one before.
_SPENDING_OF: Final[LiteralString] = _SPENDING.replace(
    "ORDER BY",
    """AND (s.consumer_id = ANY(%(ids)s) OR card = ANY(ARRAY(
        SELECT card FROM fuel_card_fact WHERE consumer_id = ANY(%(ids)s) AND withdrawn_at IS NULL
    )))
    ORDER BY""",
)
_ORDERS: Final[LiteralString] = """
    SELECT consumer_id, id, number, day, driver, reason, passenger, approver, out_at, back_at,
        odometer_out_hm, odometer_back_hm
    FROM dispatch_order WHERE withdrawn_at IS NULL AND day >= %(first)s AND day < %(end)s
        AND (%(ids)s::int[] IS NULL OR consumer_id = ANY(%(ids)s))
"""


@dataclass(frozen=True, slots=True)
class _Owner:
    """A vehicle of the ledger."""

    id: int
    code: str
    vehicle_id: int | None


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the ledger that is compared."""

    id: int
    kind: str
    owner_id: int | None
    card: str
    at: datetime
    timed: bool
    product: str
    quantity: int | None
    unit: str | None
    fen: int | None
    odometer_hm: int | None
    full: bool
    missed: bool
    merchant: str
    part: str
    written: str


class _Facts:
    """Dated facts of vehicles."""

    def __init__(self, rows: Iterable[tuple[int, str, date, str]]) -> None:
        self._known: dict[tuple[int, str], tuple[list[date], list[str]]] = {}
        for owner, name, since, value in rows:
            days, values = self._known.setdefault((owner, name), ([], []))
            days.append(since)
            values.append(value)

    def on(self, owner: int, name: str, day: date) -> str | None:
        """Return a fact of a day; None: not known."""
        days, values = self._known.get((owner, name), ([], []))
        at = bisect_right(days, day)
        return values[at - 1] if at else None


def checked(  # noqa: PLR0913 - whose, when, and what is believed
    conn: psycopg.Connection[Any],
    first: date,
    end: date,
    zone: ZoneInfo,
    rules: Rules,
    *,
    only: Sequence[str] | None = None,
    checks: Collection[Check] = tuple(Check),
    learned: Learned | None = None,
) -> Iterator[Verdict]:
    """Yield the verdicts of papers and trips from a local day until before another.

    Args:
        conn: in any state.
        first: the first day.
        end: the day after the last.
        zone: the site's.
        rules: what is believed.
        only: codes of vehicles of the ledger; None: all.
        checks: what to compare.
        learned: where places are; None: it is learned from all vehicles, which takes long.
    """
    begin_us, end_us = _begin(first, zone), _begin(end, zone)
    whose = None if learned is None else only
    records = load(conn, begin_us, end_us, zone, rules, only=whose)
    known = learned or FromRecords(records.records, rules)
    places = Places(known, records.records.fences)
    spans = list(_unexplained(records, (begin_us, end_us), places, rules, only))
    seen = sights(conn, spans)
    told = cards(conn, list(_ordered(records, (begin_us, end_us), rules, only)))
    vehicles = dict(records.records.vehicles)
    for code, vehicle_id in records.ids.items():
        if vehicle_id in seen:
            vehicle, sight = vehicles[code], seen[vehicle_id]
            track = replace(vehicle.track, sight=sight.placeless() if vehicle.sensitive else sight)
            vehicles[code] = replace(vehicle, track=track)
        if vehicle_id in told:
            vehicles[code] = replace(vehicles[code], cards=told[vehicle_id])
    found = replace(records.records, vehicles=vehicles)
    yield from verdicts(found, begin_us, end_us, rules, only=only, checks=checks, places=places)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Records, and the ids of vehicles by their codes in the ledger."""

    records: Records
    ids: Mapping[str, int]


def load(  # noqa: PLR0913 - whose, when, and what is believed
    conn: psycopg.Connection[Any],
    begin_us: int,
    end_us: int,
    zone: ZoneInfo,
    rules: Rules,
    *,
    only: Collection[str] | None = None,
    orders: bool = True,
) -> Loaded:
    """Read what comparing a span of time takes, without single fixes; ``only``: of these codes.

    ``orders``: dispatch orders, too.
    """
    since, until = at_us(begin_us - rules.past_us), at_us(end_us + rules.ahead_us)
    owners = [_Owner(*row) for row in conn.execute(_VEHICLES)]
    owners = [one for one in owners if only is None or one.code in only]
    whose = None if only is None else [one.id for one in owners]
    facts = _Facts(conn.execute(_FACTS, {"ids": whose}).fetchall())
    named_lines = {"since": since, "until": until, "ids": whose}
    spending = _SPENDING if whose is None else _SPENDING_OF
    lines = [_Line(*row) for row in conn.execute(spending, named_lines)]
    back = taken_back(_moved(lines))
    by_owner: dict[int | None, list[_Line]] = defaultdict(list)
    for line in lines:
        if line.id not in back:
            by_owner[line.owner_id].append(line)
    days = since.astimezone(zone).date(), until.astimezone(zone).date()
    its_orders = _orders(conn, days, zone, whose) if orders else {}
    ids = {one.code: one.vehicle_id for one in owners if one.vehicle_id is not None}
    known = tracks(conn, list(ids.values()), since, until)
    first, last = at_us(begin_us).astimezone(zone).date(), until.astimezone(zone).date()
    secret = sensitive_codes(conn, first, last)
    vehicles = {}
    for one in owners:
        mine = by_owner.get(one.id, [])
        vehicles[one.code] = Vehicle(
            code=one.code,
            sensitive=one.code in secret,
            fillings=tuple(_filling(x, one.id, facts, zone) for x in mine if x.kind == "filling"),
            repairs=tuple(_repair(x, zone) for x in mine if x.kind == "maintenance"),
            orders=tuple(its_orders.get(one.id, ())),
            track=known.get(one.vehicle_id or -1, Track()),
        )
    unheld = tuple(
        Unheld(x.id, us_of(x.at), x.card) for x in by_owner.get(None, []) if x.kind == "filling"
    )
    return Loaded(Records(vehicles, unheld, tuple(_fences(conn, zone))), ids)


def _unexplained(
    loaded: Loaded,
    span: tuple[int, int],
    places: Places,
    rules: Rules,
    only: Sequence[str] | None,
) -> Iterator[tuple[int, int, int]]:
    """Yield (vehicle, from, to) of the fillings that stops alone do not explain."""
    for code, vehicle_id in loaded.ids.items():
        vehicle = loaded.records.vehicles[code]
        if only is not None and code not in only:
            continue
        for one in vehicle.fillings:
            if span[0] <= one.at_us < span[1]:
                place = places.stations(one).get(named(one.merchant))
                wanted = wanted_fixes(vehicle, one, place, rules)
                if wanted is not None:
                    yield vehicle_id, *wanted


def _ordered(
    loaded: Loaded, span: tuple[int, int], rules: Rules, only: Sequence[str] | None
) -> Iterator[tuple[int, int, int]]:
    """Yield (vehicle, from, to): within these its orders are held against drivers' cards."""
    for code, vehicle_id in loaded.ids.items():
        vehicle = loaded.records.vehicles[code]
        times = [span_of(one) for one in vehicle.orders]
        times = [one for one in times if span[0] <= one[0] < span[1]]
        if times and not vehicle.sensitive and (only is None or code in only):
            yield (
                vehicle_id,
                min(begin for begin, _ in times) - rules.card_us,
                max(end for _, end in times),
            )


def _moved(lines: Iterable[_Line]) -> Iterator[Moved]:
    for one in lines:
        if one.kind != "maintenance":
            card = one.card or f"#{one.owner_id}"
            figures = one.quantity, one.fen
            yield Moved(one.id, us_of(one.at), card, *figures, one.kind == "refund")


def _filling(one: _Line, owner: int, facts: _Facts, zone: ZoneInfo) -> Filling:
    day = one.at.astimezone(zone).date()
    tank = facts.on(owner, "tank", day)
    return Filling(
        number=one.id,
        at_us=us_of(one.at),
        day_us=_begin(day, zone),
        month_us=_begin(day.replace(day=1), zone),
        timed=one.timed,
        product=one.product,
        energy=facts.on(owner, "energy", day),
        ml=one.quantity if one.unit == "ml" else None,
        tank_ml=None if tank is None else int(tank),
        odometer_hm=one.odometer_hm,
        full=one.full,
        missed=one.missed,
        merchant=one.merchant,
        card=one.card,
        written=one.written,
        fen=one.fen,
    )


def _repair(one: _Line, zone: ZoneInfo) -> Repair:
    day = one.at.astimezone(zone).date()
    month = day.replace(day=1)
    return Repair(
        one.id, us_of(one.at), _begin(day, zone), _begin(month, zone), one.merchant, one.part
    )


def _orders(
    conn: psycopg.Connection[Any], days: tuple[date, date], zone: ZoneInfo, ids: list[int] | None
) -> dict[int, list[Order]]:
    found: dict[int, list[Order]] = defaultdict(list)
    values = {"first": days[0], "end": days[1], "ids": ids}
    for owner, number, *rest in conn.execute(_ORDERS, values):
        asked = Asked(*rest)
        found[owner].append(
            Order(
                number=number,
                name=asked.number,
                day_us=_begin(asked.day, zone),
                out_us=None if asked.out_at is None else us_of(asked.out_at),
                back_us=None if asked.back_at is None else us_of(asked.back_at),
                out_hm=asked.odometer_out_hm,
                back_hm=asked.odometer_back_hm,
                missing=tuple(ASKED[name] for name in missing(asked)),
                driver=asked.driver,
            )
        )
    return found


def _fences(conn: psycopg.Connection[Any], zone: ZoneInfo) -> Iterator[Fence]:
    standing = fences.standing(conn)
    for one, following in zip_longest(standing, standing[1:]):
        ends = [] if one.until is None else [one.until]
        if following is not None and following.code == one.code:
            ends.append(following.since)
        yield Fence(
            *(one.code, one.name, one.purpose, _begin(one.since, zone)),
            until_us=_begin(min(ends), zone) if ends else NEVER_US,
            shape=one.shape,
            margin_mm=one.margin_m * 1_000,
        )


def _begin(day: date, zone: ZoneInfo) -> int:
    return us_of(datetime.combine(day, time(0), zone))
