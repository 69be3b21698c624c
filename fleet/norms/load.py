"""What norms rest on, from the database: some vehicles at a time, for tracks are long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from fleet.joining.load import load
from fleet.joining.model import Filling, Vehicle
from fleet.joining.rules import DAY_US, Rules
from fleet.ledger.window import later
from fleet.norms.compare import PAST, WINDOWS, Compared, Member, compared
from fleet.norms.parts import Mended
from fleet.norms.prices import FAR_US, Line, Prices, in_money
from fleet.norms.used import BEFORE_US, Books
from storage.times import at_us, midnight, us_of

COMPARABLE: Final = frozenset({"petrol", "diesel", "hybrid"})
"""Energies of which litres tell what was used; a plug-in hybrid drives on its battery as well."""
_AT_ONCE: Final = 200
_CODES: Final[LiteralString] = """
    SELECT code FROM fuel_consumer
    WHERE withdrawn_at IS NULL AND kind IN ('vehicle', 'motorcycle') ORDER BY code
"""
_CLASSES: Final[LiteralString] = """
    SELECT c.code, f.since, f.value
    FROM consumer_fact f JOIN fuel_consumer c ON c.id = f.consumer_id AND c.withdrawn_at IS NULL
    WHERE f.withdrawn_at IS NULL AND f.name = 'class' ORDER BY c.code, f.since
"""
_MONEY: Final[LiteralString] = """
    SELECT id, at, product, CASE unit WHEN 'ml' THEN quantity END, fen FROM fleet_spending
    WHERE withdrawn_at IS NULL AND kind = 'filling' AND fen > 0 AND at >= %s AND at < %s
"""
_MENDED: Final[LiteralString] = """
    SELECT c.code, s.id, s.at, s.part, s.odometer_hm, s.fen
    FROM fleet_spending_owned s JOIN fuel_consumer c ON c.id = s.owner_id
    WHERE s.kind = 'maintenance' AND s.part <> '' AND c.code = ANY(%s) AND c.withdrawn_at IS NULL
    ORDER BY s.at, s.id
"""


@dataclass(frozen=True, slots=True)
class Norms:
    """What was used, and paid for it, against norms: by the first day of each month."""

    rate: dict[date, list[Compared]]
    cost: dict[date, list[Compared]]
    prices: Prices


def norms(
    conn: psycopg.Connection[Any], first: date, last: date, zone: ZoneInfo, rules: Rules
) -> Norms:
    """Hold what vehicles used, and paid for it, against their norms, for months.

    Args:
        conn: in any state.
        first: a day of the first month.
        last: a day of the last month.
        zone: the site's.
        rules: what is believed of fillings and ways.
    """
    before = PAST + max(WINDOWS) - 1
    days = _months(later(first, -before), last)
    begins = [us_of(midnight(day, zone)) for day in days]
    asked = range(before, len(days) - 1)
    money = _money(conn, begins[0] - BEFORE_US - FAR_US, begins[-1] + FAR_US)
    prices = Prices(money.values())
    litres, paid = list[Member](), list[Member]()
    classes = _classes(conn, zone)
    for vehicle in _vehicles(conn, begins, zone, rules):
        fillings = [one for one in vehicle.fillings if one.energy in COMPARABLE]
        if fillings:
            its = classes.get(vehicle.code, ())
            litres.append(_member(vehicle, fillings, its, rules))
            bought = [in_money(one, money.get(one.number), prices) for one in fillings]
            paid.append(_member(vehicle, bought, its, rules))
    return Norms(
        {days[n]: found for n, found in compared(litres, begins, asked, rules).items()},
        {days[n]: found for n, found in compared(paid, begins, asked, rules).items()},
        prices,
    )


def mended(conn: psycopg.Connection[Any], codes: Sequence[str]) -> dict[str, list[Mended]]:
    """Return the lines of maintenance of vehicles, ascending."""
    found: dict[str, list[Mended]] = defaultdict(list)
    for code, number, at, *rest in conn.execute(_MENDED, [list(codes)]):
        found[code].append(Mended(number, us_of(at), *rest))
    return found


def _months(first: date, last: date) -> list[date]:
    """Return the first days of months, and that of the one behind the last."""
    found = [first.replace(day=1)]
    while found[-1] <= last:
        found.append(later(found[-1], 1))
    return found


def _vehicles(
    conn: psycopg.Connection[Any], begins: Sequence[int], zone: ZoneInfo, rules: Rules
) -> Iterator[Vehicle]:
    codes = [code for (code,) in conn.execute(_CODES)]
    since = begins[0] - BEFORE_US - DAY_US + rules.past_us  # so far before it records are read
    for start in range(0, len(codes), _AT_ONCE):
        part = codes[start : start + _AT_ONCE]
        loaded = load(conn, since, begins[-1] - rules.ahead_us, zone, rules, only=frozenset(part))
        yield from loaded.records.vehicles.values()


def _member(
    vehicle: Vehicle,
    fillings: Sequence[Filling],
    classes: tuple[tuple[int, str], ...],
    rules: Rules,
) -> Member:
    ordered = sorted(fillings, key=lambda one: (one.at_us, one.odometer_hm or 0, one.number))
    energy = ordered[-1].energy or ""
    return Member(vehicle.code, Books(ordered, vehicle.track, rules), energy, classes)


def _money(conn: psycopg.Connection[Any], begin_us: int, end_us: int) -> dict[int, Line]:
    rows = conn.execute(_MONEY, [at_us(begin_us), at_us(end_us)])
    return {number: Line(number, us_of(at), *rest) for number, at, *rest in rows}


def _classes(
    conn: psycopg.Connection[Any], zone: ZoneInfo
) -> dict[str, tuple[tuple[int, str], ...]]:
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for code, since, kind in conn.execute(_CLASSES):
        found[code].append((us_of(midnight(since, zone)), kind))
    return {code: tuple(its) for code, its in found.items()}
