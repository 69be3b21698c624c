from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from metering.bills.figure import figure
from metering.bills.month import Entered, Figure, MonthFacts, PurchaseFigures
from metering.bills.reported import Reported, shared
from metering.factors.dated import Figure as Value
from metering.factors.indicators import Size, indicators
from metering.plan.institution_indicators import Rules, use_of
from tests.unit.metering.factors.samples import library

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
MICRO = 1_000_000
SIZE = Size(Value(Decimal(10)), Value(Decimal(100)))


def given(*own: Figure) -> Reported:
    parts = tuple(part for one in own for _, part in shared(one, ((1, Fraction(1)),)))
    return Reported("i", own[0].facts.energy, own[0].facts.month, parts)


def power(month: date, kwh: int | None) -> Reported:
    entered = None if kwh is None else Entered(kwh * MICRO, None, (1,))
    return given(figure(MonthFacts("i", "electricity", month, entered=entered)))


def petrol(month: date, *bought: tuple[str, int | None]) -> Reported:
    return given(filled(month, *bought))


def filled(month: date, *bought: tuple[str, int | None]) -> Figure:
    purchases = tuple(
        PurchaseFigures(n, consumer, None if litres is None else litres * MICRO, 100)
        for n, (consumer, litres) in enumerate(bought)
    )
    return figure(MonthFacts("i", "petrol", month, purchases=purchases))


def values(found: list[Reported], *, with_vehicles: bool = True) -> dict[str, Decimal | None]:
    rules = Rules(library(), "CN", with_vehicles)
    rows = indicators(use_of(found, rules), SIZE, vehicle_fuel_in_area=with_vehicles)
    return {row.code: row.figure.value for row in rows}


def test_months_add_up_and_vehicles_can_be_left_out_of_the_area() -> None:
    found = [
        power(JANUARY, 1000),
        power(FEBRUARY, 2000),
        petrol(JANUARY, ("vehicle", 100), ("other", 50)),
        petrol(FEBRUARY, ("other", 0)),
    ]
    electric = 3000 * Decimal("0.1229")
    litre = Decimal("0.73") * Decimal("1.4714")
    every = values(found)
    assert every["electricity-per-head"] == 300
    assert every["coal"] == (electric + 150 * litre) / 1000
    assert every["coal-per-head"] == (electric + 150 * litre) / 10
    assert every["coal-per-area"] == (electric + 150 * litre) / 100
    assert values(found, with_vehicles=False)["coal-per-area"] == (electric + 50 * litre) / 100


def test_one_unknown_month_leaves_the_whole_unknown_and_not_less() -> None:
    found = values([power(JANUARY, 1000), power(FEBRUARY, None)])
    assert found["coal"] is None
    assert found["electricity-per-head"] is None


def test_a_filling_of_unknown_quantity_makes_the_area_without_vehicles_unknown() -> None:
    found = [power(JANUARY, 1000), petrol(JANUARY, ("vehicle", None))]
    assert values(found, with_vehicles=False)["coal-per-area"] is None


def test_a_month_without_a_figure_of_an_energy_is_unknown_and_not_zero() -> None:
    found = values([power(JANUARY, 1000), petrol(JANUARY, ("other", 1)), power(FEBRUARY, 2000)])
    assert found["coal"] is None
    assert found["electricity-per-head"] == 300


def test_fuel_of_vehicles_is_shared_out_with_the_figure() -> None:
    own = filled(JANUARY, ("vehicle", 100), ("other", 50))
    _, third = shared(own, ((1, Fraction(2, 3)), (2, Fraction(1, 3))))
    found = [power(JANUARY, 0), Reported("i", "petrol", JANUARY, (third[1],))]
    litre = Decimal("0.73") * Decimal("1.4714")
    of_others = Decimal(50) - Decimal("33.333333")
    assert values(found, with_vehicles=False)["coal-per-area"] == of_others * litre / 100
