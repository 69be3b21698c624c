"""What norms rest on, from the database: some vehicles at a time, for tracks are long."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from fleet.derive.arrays import items
from fleet.joining.load import load
from fleet.joining.model import Filling, Vehicle
from fleet.joining.rules import DAY_US, Rules
from fleet.ledger.window import later
from fleet.norms.compare import (
    PAST,
    WINDOWS,
    Beside,
    Compared,
    Member,
    Stood,
    compared,
    standing,
)
from fleet.norms.parts import Mended
from fleet.norms.prices import FAR_US, Lines, Prices, in_money
from fleet.norms.used import BEFORE_US, Books
from storage.records import PG_EPOCH_US
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
    SELECT product, array_agg(at), array_agg(quantity), array_agg(fen) FROM (
        SELECT product, at, quantity, fen FROM fleet_spending
        WHERE withdrawn_at IS NULL AND kind = 'filling' AND fen > 0 AND unit = 'ml'
            AND quantity <> 0 AND at >= %s AND at < %s
        ORDER BY product, at
    ) AS line GROUP BY product
"""
_MENDED: Final[LiteralString] = """
    SELECT c.code, s.id, s.at, s.part, s.odometer_hm, s.fen
    FROM fleet_spending_owned s JOIN fuel_consumer c ON c.id = s.owner_id
    WHERE s.kind = 'maintenance' AND s.part <> '' AND c.code = ANY(%s) AND c.withdrawn_at IS NULL
    ORDER BY s.at, s.id
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What vehicles give to the norms of a month: of litres, and of money."""

    rate: dict[int, list[Stood]]
    cost: dict[int, list[Stood]]


@dataclass(frozen=True, slots=True)
class Norms:
    """What was used, and paid for it, against norms: by the first day of each month."""

    rate: dict[date, list[Compared]]
    cost: dict[date, list[Compared]]
    prices: Prices


Besides = Callable[[str, date, int], Beside]
"""All vehicles by ``rate`` or ``cost``, the first day of a month, and how long its window is."""


def norms(reading: Reading, codes: Sequence[str], besides: Besides | None = None) -> Norms:
    """Hold what vehicles used, and paid for it, against their norms.

    Args:
        reading: of the months.
        codes: of vehicles of the ledger.
        besides: all vehicles; None: these are all.
    """
    litres, paid = list[Member](), list[Member]()
    for part in reading.parts(codes):
        for vehicle in part:
            its = reading.members(vehicle)
            litres += its[:1]
            paid += its[1:]
    rate, cost = (
        reading.compared(its, None if besides is None else functools.partial(besides, what))
        for what, its in (("rate", litres), ("cost", paid))
    )
    return Norms(rate, cost, reading.prices)


class Reading:
    """Reads what some months of norms rest on, vehicle by vehicle.

    Attributes:
        prices: of the time.
        months: first days of the months that are asked for.
    """

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        first: date,
        last: date,
        zone: ZoneInfo,
        rules: Rules,
    ) -> None:
        """Read what all vehicles share.

        Args:
            conn: in any state.
            first: a day of the first month.
            last: a day of the last month.
            zone: the site's.
            rules: what is believed of fillings and ways.
        """
        self._conn, self._zone, self._rules = conn, zone, rules
        before = PAST + max(WINDOWS) - 1
        self._days = _months(later(first, -before), last)
        self._begins = [us_of(midnight(day, zone)) for day in self._days]
        self._asked = range(before, len(self._days) - 1)
        self.months = [self._days[n] for n in self._asked]
        begin, end = self._begins[0] - BEFORE_US - FAR_US, self._begins[-1] + FAR_US
        self.prices = Prices(_lines(conn, begin, end))
        self._classes = _classes(conn, zone)

    def parts(self, codes: Sequence[str]) -> Iterator[list[Vehicle]]:
        """Yield vehicles with their fillings, invoices and tracks, some at a time."""
        rules = self._rules
        # So far before it records are read, and a month behind: what was paid back is known then.
        since = self._begins[0] - BEFORE_US - DAY_US + rules.past_us
        until = self._begins[-1]
        for start in range(0, len(codes), _AT_ONCE):
            part = frozenset(codes[start : start + _AT_ONCE])
            found = load(self._conn, since, until, self._zone, rules, only=part, orders=False)
            yield list(found.records.vehicles.values())

    def members(self, vehicle: Vehicle) -> list[Member]:
        """Return a vehicle as norms see it, in litres and in money; empty: it fills nothing."""
        fillings = [one for one in vehicle.fillings if one.energy in COMPARABLE]
        if not fillings:
            return []
        bought = [in_money(one, self.prices) for one in fillings]
        its = self._classes.get(vehicle.code, ())
        return [_member(vehicle, papers, its, self._rules) for papers in (fillings, bought)]

    def used(self, members: Sequence[Member]) -> dict[date, dict[int, list[Stood]]]:
        """Return what vehicles give to the norms of each month."""
        return {self._days[n]: standing(members, self._begins, n, self._rules) for n in self._asked}

    def compared(
        self, members: Sequence[Member], beside: Callable[[date, int], Beside] | None
    ) -> dict[date, list[Compared]]:
        """Hold vehicles against norms; see :func:`fleet.norms.compare.compared`."""
        of = None if beside is None else lambda n, length: beside(self._days[n], length)
        found = compared(members, self._begins, self._asked, self._rules, of)
        return {self._days[n]: its for n, its in found.items()}


def everyone(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the codes of all vehicles of the ledger."""
    return [code for (code,) in conn.execute(_CODES)]


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


def _member(
    vehicle: Vehicle,
    fillings: Sequence[Filling],
    classes: tuple[tuple[int, str], ...],
    rules: Rules,
) -> Member:
    ordered = sorted(fillings, key=lambda one: (one.at_us, one.odometer_hm or 0, one.number))
    return Member(vehicle.code, Books(ordered, vehicle.track, rules), "", classes)


def _lines(conn: psycopg.Connection[Any], begin_us: int, end_us: int) -> Lines:
    with conn.cursor(binary=True) as cursor:
        cursor.execute(_MONEY, [at_us(begin_us), at_us(end_us)])
        result = cursor.pgresult
        if result is None:
            raise RuntimeError("the statement of prices returned nothing")
        found = {}
        for row in range(result.ntuples):
            product = (result.get_value(row, 0) or b"").decode()
            at, ml, fen = (items(result.get_value(row, n), ">i8") for n in (1, 2, 3))
            found[product] = (at.astype(np.int64) + PG_EPOCH_US, fen / ml)
        return found


def _classes(
    conn: psycopg.Connection[Any], zone: ZoneInfo
) -> dict[str, tuple[tuple[int, str], ...]]:
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for code, since, kind in conn.execute(_CLASSES):
        found[code].append((us_of(midnight(since, zone)), kind))
    return {code: tuple(its) for code, its in found.items()}
