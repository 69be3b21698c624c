"""The indicators of an institution over some months, from the figures it reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.figures import figures
from metering.bills.month import Figure
from metering.factors import institution_facts
from metering.factors.convert import Total, convert, joined
from metering.factors.entering import institution_id
from metering.factors.indicators import Indicator, Use, indicators
from metering.factors.library import Library
from metering.factors.rounding import of_micro, total
from metering.factors.sets import Measure
from metering.factors.size import size_of
from registry.refusal import RefusedError

VEHICLE = "vehicle"
"""Class of consumers of a purchase: official vehicles."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How indicators are made.

    Attributes:
        library: kinds of energy and factor sets.
        jurisdiction: whose factors hold; one the library knows.
        vehicle_fuel_in_area: whether energy per area counts what vehicles burnt.
    """

    library: Library
    jurisdiction: str
    vehicle_fuel_in_area: bool


def indicators_of(
    conn: psycopg.Connection[Any],
    institution: str,
    months: tuple[date, date],
    zone: ZoneInfo,
    rules: Rules,
) -> tuple[Indicator, ...]:
    """Return every indicator; what rests on anything unknown is unknown, and says why.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        institution: code.
        months: first day of the first month, first day of the month after the last.
        zone: the site's.
        rules: factors.

    Raises:
        RefusedError: there is no such institution, or nothing was ever known of its energy.
    """
    institution_id(conn, institution)
    found = figures(conn, months, zone.key, [institution])
    if not found:
        raise RefusedError(f"{institution} 在此期间没有任何账单、计量或录入：无法计算指标")
    facts = institution_facts.read(conn, [institution])
    size = size_of({code: spans for (_, code), spans in facts.items()}, *months)
    return indicators(use_of(found, rules), size, vehicle_fuel_in_area=rules.vehicle_fuel_in_area)


def use_of(found: Sequence[Figure], rules: Rules) -> Use:
    """Add the figures of some months up; factors are chosen month by month.

    Args:
        found: of one institution, at least one.
        rules: factors.
    """
    by_energy: dict[str, list[Decimal | None]] = defaultdict(list)
    for one in found:
        by_energy[one.facts.energy].append(_quantity(one))
    return Use(
        coal=_converted(found, Measure.STANDARD_COAL, rules),
        co2=_converted(found, Measure.CO2, rules),
        vehicle_coal=_converted(found, Measure.STANDARD_COAL, rules, of_vehicles=True),
        quantities={energy: _sum(values) for energy, values in by_energy.items()},
    )


def _converted(
    found: Iterable[Figure], measure: Measure, rules: Rules, *, of_vehicles: bool = False
) -> Total:
    months: dict[date, dict[str, Decimal | None]] = defaultdict(dict)
    for one in found:
        quantity = _of_vehicles(one) if of_vehicles else _quantity(one)
        months[one.facts.month][one.facts.energy] = quantity
    return joined(
        convert(rules.library, measure, quantities, month, rules.jurisdiction)
        for month, quantities in months.items()
    )


def _quantity(one: Figure) -> Decimal | None:
    return None if one.micro is None else of_micro(one.micro)


def _of_vehicles(one: Figure) -> Decimal | None:
    """What was bought for vehicles; 0 where something is known and none of it was."""
    bought = [p.micro for p in one.facts.purchases if p.consumer == VEHICLE]
    if not bought:
        return None if one.micro is None else Decimal(0)
    return _sum([None if micro is None else of_micro(micro) for micro in bought])


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return total(known) if len(known) == len(values) else None
