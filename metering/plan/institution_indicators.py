"""The indicators of an institution over some months, from the figures it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.reported import Part, Reported
from metering.bills.reporting import reported
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

    Energy is what the institution reports, for others too; floor area and heads are those entered
    for the institution itself.

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
    found = reported(conn, months, zone.key, [institution])
    if not found:
        raise RefusedError(f"{institution} 在此期间没有任何账单、计量或录入：无法计算指标")
    facts = institution_facts.read(conn, [institution])
    size = size_of({code: spans for (_, code), spans in facts.items()}, *months)
    return indicators(use_of(found, rules), size, vehicle_fuel_in_area=rules.vehicle_fuel_in_area)


def use_of(found: Sequence[Reported], rules: Rules) -> Use:
    """Add the figures of some months up; factors are chosen month by month.

    An energy that has a figure in any of the months and none in another is unknown in that one.

    Args:
        found: of one institution, at least one.
        rules: factors.
    """
    quantities = _by_month(found, _quantity)
    vehicles = _by_month(found, _of_vehicles)
    energies = {one.energy for one in found}
    return Use(
        coal=_converted(quantities, Measure.STANDARD_COAL, rules),
        co2=_converted(quantities, Measure.CO2, rules),
        vehicle_coal=_converted(vehicles, Measure.STANDARD_COAL, rules),
        quantities={e: _sum([month[e] for month in quantities.values()]) for e in energies},
    )


_Months = Mapping[date, Mapping[str, Decimal | None]]
"""Month → energy → quantity; None: not known."""


def _by_month(found: Sequence[Reported], quantity: Callable[[Reported], Decimal | None]) -> _Months:
    energies = dict.fromkeys(one.energy for one in found)
    months: dict[date, dict[str, Decimal | None]] = {
        one.month: dict.fromkeys(energies) for one in found
    }
    for one in found:
        months[one.month][one.energy] = quantity(one)
    return months


def _converted(months: _Months, measure: Measure, rules: Rules) -> Total:
    return joined(
        convert(rules.library, measure, quantities, month, rules.jurisdiction)
        for month, quantities in months.items()
    )


def _quantity(one: Reported) -> Decimal | None:
    return None if one.micro is None else of_micro(one.micro)


def _of_vehicles(one: Reported) -> Decimal | None:
    """What was bought for vehicles; 0 where something is known and none of it was."""
    bought = [micro for part in one.parts for micro in _vehicle_fuel(part)]
    if not bought:
        return None if one.micro is None else Decimal(0)
    return _sum([None if micro is None else of_micro(micro) for micro in bought])


def _vehicle_fuel(part: Part) -> Iterator[int | None]:
    """Yield what a part has of purchases for vehicles, millionths; a share to the millionth."""
    for purchase in part.figure.facts.purchases:
        if purchase.consumer == VEHICLE:
            yield None if purchase.micro is None else round(purchase.micro * part.share)


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return total(known) if len(known) == len(values) else None
