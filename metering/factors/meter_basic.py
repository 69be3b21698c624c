"""The basic charge of a meter by the month: dated basis, priced pieces of tariffs, its demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.counter.model import GRAIN_US
from metering.derive.times import next_month
from metering.factors.basic import Basis, Charge, Load, charges
from metering.factors.basic_basis import BasisFact, read
from metering.factors.clock import midnight_us
from metering.factors.entered_demand import read as read_entered
from metering.factors.layers import Piece, first_of
from metering.factors.rounding import product, quotient, rounded
from metering.factors.tariff import Tariff
from metering.gauge.demand import maximum_demand
from metering.gauge.meter_demand import Asked, meter_demand
from storage.times import midnight

_UNITS: Final[LiteralString] = """
    SELECT DISTINCT p.unit FROM meter m
    JOIN device_place dp ON dp.place_id = m.place_id AND dp.valid && tstzrange(%s, %s)
    JOIN point p ON p.device_id = dp.device_id AND p.name = %s AND p.class = 'gauge'
    WHERE m.id = %s
"""
_KILOWATTS: Final = {"W": Decimal("0.001"), "kW": Decimal(1), "MW": Decimal(1000)}
_WATTS: Final = 3


@dataclass(frozen=True, slots=True)
class DemandRule:
    """How the demand of a meter is found.

    Attributes:
        power: name of the point of active power.
        least_s: a quarter of which fewer seconds are known is no demand.
    """

    power: str = "power_total"
    least_s: int = 600


@dataclass(frozen=True, slots=True)
class BasicLine:
    """One line of a month's basic charge.

    Attributes:
        begin: first day.
        end: day after the last.
        tariff: full name of the tariff that prices it.
        charge: of a whole month.
        demand: the greatest demand and where it comes from, in Chinese; may be empty.
        days: days it is for.
        of_days: days of the month; fewer days cost their share.
    """

    begin: date
    end: date
    tariff: str
    charge: Charge
    demand: str
    days: int
    of_days: int

    @property
    def yuan(self) -> Decimal | None:
        """Its days' share of the month; None: unknown."""
        whole = self.charge.yuan
        if whole is None or self.days == self.of_days:
            return whole
        return quotient(product(whole, Decimal(self.days)), Decimal(self.of_days))

    @property
    def why(self) -> str:
        """Why it is unknown, in Chinese; else empty."""
        why = self.charge.why
        last = self.end - timedelta(days=1)
        return f"{self.begin} 至 {last} 的基本电费未知：{why}" if why else ""


@dataclass(frozen=True, slots=True)
class Metered:
    """A meter, and how its demand is found.

    Attributes:
        id: of the meter.
        code: of the meter.
        zone: of the site.
        rule: which point, and how much of a quarter has to be known.
        now: aware; a quarter that is not over by then has no demand yet.
    """

    id: int
    code: str
    zone: ZoneInfo
    rule: DemandRule
    now: datetime


def basic_lines(
    conn: psycopg.Connection[Any],
    meter: Metered,
    spans: Sequence[Piece[Tariff]],
    asked: tuple[date, date],
) -> tuple[BasicLine, ...]:
    """Return the basic charge of a meter, month by month.

    Only months that lie whole in the time have a charge: the greatest demand is that of a month.

    Args:
        conn: only read.
        meter: whose.
        spans: what prices it, in order.
        asked: first day, day after the last of the time.
    """
    begin, end = asked
    facts = [entered.fact for entered in read(conn, meter.code, begin, end)]
    found: list[BasicLine] = []
    for first, last, tariff in _by_month(spans):
        whole = begin <= first.replace(day=1) and next_month(first) <= end
        layer = [Piece(max(f.begin, first), min(f.end or last, last), f) for f in facts]
        for piece in first_of([layer], first, last):
            lines, demand = _charges(conn, meter, tariff, piece, whole=whole)
            days = (piece.end - piece.begin).days
            of_days = (next_month(first) - first.replace(day=1)).days
            name = tariff.full_name
            found += [
                BasicLine(piece.begin, piece.end, name, c, demand, days, of_days) for c in lines
            ]
    return tuple(found)


def _by_month(spans: Sequence[Piece[Tariff]]) -> Iterator[tuple[date, date, Tariff]]:
    for span in spans:
        first = span.begin
        while first < span.end:
            last = min(next_month(first), span.end)
            yield first, last, span.value
            first = last


def _charges(
    conn: psycopg.Connection[Any],
    meter: Metered,
    tariff: Tariff,
    piece: Piece[BasisFact | None],
    *,
    whole: bool,
) -> tuple[tuple[Charge, ...], str]:
    """Return the lines of some days, and their demand in words."""
    fact = piece.value
    if tariff.basic is None and fact is None:
        return (), ""
    name = "基本电费" if fact is None else fact.basis.chinese
    if tariff.basic is None:
        return (Charge(name, None, None, "电价文件没有基本电价"),), ""
    if fact is None:
        return (Charge(name, None, None, "没有登记计费方式（jieyong factor basic）"),), ""
    if not whole:
        return (Charge(name, None, None, "基本电费按整月计算，请查询整月"),), ""
    needed = fact.basis is not Basis.CAPACITY
    load = _load(conn, meter, piece.begin, piece.end) if needed else Load(None, 0)
    return charges(tariff.basic, fact.basis, fact.size, load), load.said


def _load(conn: psycopg.Connection[Any], meter: Metered, begin: date, end: date) -> Load:
    """Return the greatest demand of some days, in whole watts; what was entered goes first."""
    entered = read_entered(conn, meter.id, begin) if end == next_month(begin) else None
    if entered is not None and begin.day == 1:
        return Load(entered, 0, entered=True)
    since, until = midnight(begin, meter.zone), midnight(end, meter.zone)
    first, last = midnight_us(begin, meter.zone), midnight_us(end, meter.zone)
    units = conn.execute(_UNITS, [since, until, meter.rule.power, meter.id]).fetchall()
    factors = {_KILOWATTS.get(unit) for (unit,) in units}
    factor = factors.pop() if len(factors) == 1 else None
    if factor is None:
        # No point of power, or one whose unit says nothing: no quarter is known.
        return Load(None, (last - first) // GRAIN_US)
    asked = Asked(since, until, meter.now)
    demands = meter_demand(conn, meter.id, meter.rule.power, asked)
    found = maximum_demand(demands, first, last, meter.rule.least_s)
    missing = sum(out.until - out.since for out in found.left_out) // GRAIN_US
    if found.value is None:
        return Load(None, missing)
    # What is only fed in draws nothing; repr, since a float's own digits can pass sixty.
    kilowatts = product(max(Decimal(repr(found.value)), Decimal(0)), factor)
    return Load(rounded(kilowatts, _WATTS), missing)
