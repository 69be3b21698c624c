from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from metering.factors.convert import Total, convert
from metering.factors.dated import Figure
from metering.factors.indicators import Indicator, Size, Use, indicators
from metering.factors.sets import Measure
from tests.unit.metering.factors.samples import library

Quantities = dict[str, Decimal | None]
YEAR: Quantities = {
    "electricity": Decimal(200_000),
    "gas": Decimal(10_000),
    "petrol": Decimal(5_000),
    "water": Decimal(6_000),
}
SIZE = Size(Figure(Decimal(250)), Figure(Decimal(5_000)))


def total(quantities: Quantities, measure: Measure = Measure.STANDARD_COAL) -> Total:
    return convert(library(), measure, quantities, date(2026, 1, 1), "31")


def found(
    quantities: Quantities, size: Size = SIZE, vehicle: Quantities | None = None
) -> dict[str, Indicator]:
    fuel = None if vehicle is None else total(vehicle)
    use = Use(total(quantities), total(quantities, Measure.CO2), fuel, quantities)
    rows = indicators(use, size, vehicle_fuel_in_area=vehicle is None)
    return {row.code: row for row in rows}


def test_every_indicator_with_name_unit_and_factor_sets() -> None:
    rows = found(YEAR)
    coal = Decimal(24580) + Decimal(13300) + Decimal("5370.61")
    co2 = Decimal(110000) + Decimal(21622) + Decimal("10676.615")
    assert {code: row.figure.value for code, row in rows.items()} == {
        "coal": coal / 1000,
        "coal-per-head": coal / 250,
        "coal-per-area": coal / 5000,
        "electricity-per-head": Decimal(800),
        "water-per-head": Decimal(24),
        "co2": co2 / 1000,
        "co2-per-area": co2 / 5000,
    }
    assert (rows["coal-per-area"].name, rows["coal-per-area"].unit) == (
        "单位建筑面积能耗",
        "kgce/m²",
    )
    assert rows["coal"].set_names == ("cn-coal@1",)
    assert rows["co2"].set_names == ("cn-co2-fuels@1", "cn-east-co2-grid-2023@1")
    assert rows["water-per-head"].set_names == ()


def test_vehicle_fuel_leaves_the_figure_per_area_only() -> None:
    rows = found(YEAR, vehicle={"petrol": Decimal(4_000)})
    assert rows["coal-per-area"].figure.value == (Decimal("43250.61") - Decimal("4296.488")) / 5000
    assert rows["coal-per-head"].figure.value == Decimal("43250.61") / 250


def test_unknown_vehicle_fuel_makes_only_that_figure_unknown() -> None:
    use = Use(total(YEAR), total(YEAR, Measure.CO2), None, YEAR)
    rows = {i.code: i.figure for i in indicators(use, SIZE, vehicle_fuel_in_area=False)}
    assert rows["coal-per-area"] == Figure(None, "公务用车用油未知")
    assert rows["coal"].value is not None
    partly = found(YEAR, vehicle={"petrol": None})
    assert partly["coal-per-area"].figure.why == "汽油用量未知"


def test_what_is_unknown_is_unknown_and_says_why() -> None:
    rows = found(
        {"electricity": None, "gas": Decimal(1)}, Size(Figure(None, "甲"), SIZE.energy_users)
    )
    why = {code: row.figure.why for code, row in rows.items() if row.figure.value is None}
    assert why == {
        "coal": "电用量未知",
        "coal-per-head": "电用量未知；甲",
        "coal-per-area": "电用量未知",
        "electricity-per-head": "用电量未知；甲",
        "water-per-head": "用水量未知；甲",
        "co2": "电用量未知",
        "co2-per-area": "电用量未知",
    }


def test_nobody_and_no_area_give_no_figure() -> None:
    rows = found(YEAR, Size(Figure(Decimal(0)), Figure(Decimal(0))))
    assert rows["coal-per-head"].figure == Figure(None, "除数为 0")
    assert rows["co2-per-area"].figure.value is None


def test_totals_of_the_wrong_measure_are_refused() -> None:
    coal, co2 = total(YEAR), total(YEAR, Measure.CO2)
    with pytest.raises(ValueError, match="co2 must be"):
        Use(coal, coal, None, YEAR)
    for wrong in ((co2, None), (coal, co2)):
        with pytest.raises(ValueError, match="must be totals of standard coal"):
            Use(wrong[0], co2, wrong[1], YEAR)
