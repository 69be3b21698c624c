"""What a part of consumption costs: some hours of a meter, or of a device without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.counter.model import GRAIN_US, Bools, Quarters
from metering.factors.assignments import OfInstitution, OfMeter
from metering.factors.base_prices import read as read_base_prices
from metering.factors.clock import midnight_us
from metering.factors.cost import Pricer, tiers_of
from metering.factors.layers import Piece, first_of
from metering.factors.meter_cost import Pricing, assigned, cut, with_entered
from metering.factors.rounding import total
from metering.factors.tariff import Tariff
from storage.times import at_us, midnight

_INSTITUTIONS: Final[LiteralString] = """
    SELECT i.code, lower(pr.valid), upper(pr.valid)
    FROM place_room pr
    JOIN room r ON r.id = pr.room_id
    JOIN building b ON b.id = r.building_id
    JOIN institution i ON i.id = b.institution_id
    WHERE pr.place_id = %s AND pr.valid && tstzrange(%s, %s)
    ORDER BY pr.valid
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What was used.

    Attributes:
        place: id of where.
        meter: code of what counted it; None: no meter did, the institution's tariff prices it.
        energy: code of its kind.
        unit: of the quantities.
        quarters: whole or in parts, in order; at least one.
    """

    place: int
    meter: str | None
    energy: str
    unit: str
    quarters: Quarters


@dataclass(frozen=True, slots=True)
class PartCost:
    """What it costs, for energy alone: a basic charge does not depend on some hours.

    Attributes:
        yuan: exact; None: unknown.
        said: by which tariffs, or why it is unknown, in Chinese.
    """

    yuan: Decimal | None
    said: str


def part_cost(conn: psycopg.Connection[Any], used: Used, pricing: Pricing) -> PartCost:
    """Price a part of consumption by the meter's tariff, else by that of the institution there.

    A tariff with tiers gives no price for a part: it depends on all else that was used.

    Args:
        conn: any connection.
        used: what, and when.
        pricing: tariffs, calendar, zone.

    Raises:
        RefusedError: the file of an assigned tariff is not there.
    """
    slot, zone = used.quarters.slot, pricing.zone
    begin = at_us(int(slot[0])).astimezone(zone).date()
    end = at_us(int(slot[-1])).astimezone(zone).date() + timedelta(days=1)
    own = [] if used.meter is None else assigned(conn, OfMeter(used.meter), begin, end)
    laid = first_of([own, _of_institutions(conn, used, begin, end, pricing)], begin, end)
    spans = [
        Piece(first, last, _complete(conn, tariff))
        for piece in laid
        if piece.value is not None
        for first, last, tariff in cut(pricing.tariffs, piece.value, piece.begin, piece.end)
    ]
    why = _unknown(laid, [span.value for span in spans], used)
    if why:
        return PartCost(None, why)
    costs = [
        Pricer(
            span.value,
            pricing.calendar,
            zone,
            midnight_us(span.begin, zone),
            midnight_us(span.end, zone),
        ).cost(_within(used.quarters, span, pricing))
        for span in spans
    ]
    yuan = [cost.yuan for cost in costs if cost.yuan is not None]
    if len(yuan) < len(costs):
        return PartCost(None, "；".join(dict.fromkeys(cost.why for cost in costs if cost.why)))
    return PartCost(total(yuan), "、".join(dict.fromkeys(cost.tariff for cost in costs)))


def _unknown(
    laid: Sequence[Piece[str | None]], tariffs: Sequence[Tariff], used: Used
) -> str | None:
    """Say why there is no price."""
    if any(piece.value is None for piece in laid):
        return "没有指定电价" if used.energy == "electricity" else "没有指定价格"
    for tariff in tariffs:
        if tiers_of(tariff) is not None:
            return f"{tariff.full_name}分档，单独一段用量无从定价"
        if tariff.unit != used.unit:
            return f"{tariff.full_name}按 {tariff.unit} 定价，用量以 {used.unit} 计"
    return None


def _complete(conn: psycopg.Connection[Any], tariff: Tariff) -> Tariff:
    return with_entered(tariff, read_base_prices(conn, tariff.code))


def _of_institutions(
    conn: psycopg.Connection[Any], used: Used, begin: date, end: date, pricing: Pricing
) -> list[Piece[str]]:
    window = [midnight(day, pricing.zone) for day in (begin, end)]
    found: list[Piece[str]] = []
    for code, since, until in conn.execute(_INSTITUTIONS, [used.place, *window]).fetchall():
        first = max(_day(since, pricing, begin), begin)
        last = min(_day(until, pricing, end), end)
        if first < last:
            found += assigned(conn, OfInstitution(code, used.energy), first, last)
    return found


def _day(moment: datetime | None, pricing: Pricing, otherwise: date) -> date:
    return otherwise if moment is None else moment.astimezone(pricing.zone).date()


def _within(quarters: Quarters, span: Piece[Tariff], pricing: Pricing) -> Quarters:
    first, last = midnight_us(span.begin, pricing.zone), midnight_us(span.end, pricing.zone)
    inside: Bools = (quarters.slot >= first) & (quarters.slot + GRAIN_US <= last)
    return Quarters(
        quarters.slot[inside],
        quarters.micro[inside],
        quarters.estimated[inside],
        quarters.covered_s[inside],
        quarters.flags[inside],
    )
