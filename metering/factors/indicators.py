"""The indicators of an institution or a group of them. Pure; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from metering.factors.convert import Total
from metering.factors.dated import Figure
from metering.factors.rounding import product, quotient, total
from metering.factors.sets import Measure

_GRAMS = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Use:
    """What was used in a time.

    Attributes:
        coal: all energy as standard coal.
        co2: the same as CO₂.
        vehicle_coal: the part of ``coal`` that official vehicles burnt; only needed where the
            figure per area leaves it out.
        quantities: energy → quantity in the kind's unit; None, or not named: unknown.
    """

    coal: Total
    co2: Total
    vehicle_coal: Total | None
    quantities: Mapping[str, Decimal | None]

    def __post_init__(self) -> None:
        vehicle = self.vehicle_coal or self.coal
        if {self.coal.measure, vehicle.measure} != {Measure.STANDARD_COAL}:
            raise ValueError("coal and vehicle_coal must be totals of standard coal")
        if self.co2.measure != Measure.CO2:
            raise ValueError("co2 must be a total of CO₂")


@dataclass(frozen=True, slots=True)
class Size:
    """What the use is divided by: people on a daily average, and floor area in m²."""

    energy_users: Figure
    floor_area_m2: Figure


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator.

    Attributes:
        code: stable.
        name: in Chinese.
        unit: of the value.
        figure: exact as far as division allows, or why unknown.
        set_names: the factor sets it rests on.
    """

    code: str
    name: str
    unit: str
    figure: Figure
    set_names: tuple[str, ...] = ()


def indicators(use: Use, size: Size, *, vehicle_fuel_in_area: bool) -> tuple[Indicator, ...]:
    """Return every indicator, in the order of the bulletin.

    Args:
        use: of the time.
        size: of the same time.
        vehicle_fuel_in_area: whether energy per area counts what vehicles burnt; the marking sheet
            of model institutions leaves it out, other rules count all (facts S12).
    """
    coal, co2 = _of(use.coal), _of(use.co2)
    users, area = size.energy_users, size.floor_area_m2
    of_area = coal if vehicle_fuel_in_area else _without_vehicles(use)
    electricity, water = _used(use, "electricity", "用电量"), _used(use, "water", "用水量")
    coal_sets, co2_sets = use.coal.set_names, use.co2.set_names
    rows = (
        ("coal", "综合能耗", "tce", _thousandth(coal), coal_sets),
        ("coal-per-head", "人均综合能耗", "kgce/人", _per(coal, users), coal_sets),
        ("coal-per-area", "单位建筑面积能耗", "kgce/m²", _per(of_area, area), coal_sets),
        ("electricity-per-head", "人均用电量", "kWh/人", _per(electricity, users), ()),
        ("water-per-head", "人均用水量", "m³/人", _per(water, users), ()),
        ("co2", "二氧化碳排放量", "tCO₂", _thousandth(co2), co2_sets),
        ("co2-per-area", "单位建筑面积碳排放", "kgCO₂/m²", _per(co2, area), co2_sets),
    )
    return tuple(Indicator(*row) for row in rows)


def _of(one: Total) -> Figure:
    return Figure(one.kilograms, one.why)


def _used(use: Use, energy: str, name: str) -> Figure:
    quantity = use.quantities.get(energy)
    return Figure(quantity, "" if quantity is not None else f"{name}未知")


def _without_vehicles(use: Use) -> Figure:
    coal = _of(use.coal)
    if use.vehicle_coal is None:
        return Figure(None, "公务用车用油未知")
    vehicles = _of(use.vehicle_coal)
    if coal.value is None or vehicles.value is None:
        return Figure(None, coal.why or vehicles.why)
    return Figure(total([coal.value, -vehicles.value]))


def _thousandth(figure: Figure) -> Figure:
    return figure if figure.value is None else Figure(product(figure.value, _GRAMS))


def _per(use: Figure, size: Figure) -> Figure:
    if use.value is None or size.value is None:
        return Figure(None, "；".join(why for why in (use.why, size.why) if why))
    if size.value == 0:
        return Figure(None, "除数为 0")
    return Figure(quotient(use.value, size.value))
