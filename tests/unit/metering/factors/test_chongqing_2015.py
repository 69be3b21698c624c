"""The published table of a city: every quantity, every part in tce and the total (facts S11).

Its own rounding is part of the test: electricity stands there as 78.41, though 63.81 × 1.229 is
78.42; the rounded parts would add up to 110.76, and the largest gives way.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from metering.factors.convert import Total, convert, shown_tonnes
from metering.factors.dated import Figure
from metering.factors.indicators import Size, Use, indicators
from metering.factors.rounding import balanced, quotient, rounded, total
from metering.factors.sets import Measure
from tests.unit.metering.factors.samples import library

D = Decimal
TEN_THOUSAND = D(10_000)
QUANTITIES: dict[str, Decimal | None] = {
    "electricity": D("63.81e8"),  # kWh
    "coal": D("5.47e4"),  # t
    "gas": D("14482.41e4"),  # m3
    "petrol": D("7927.99e4"),  # L
    "diesel": D("506.81e4"),  # L
    "other": D("176.32"),  # tce
    "water": D("1.39e8"),
}
PUBLISHED = {  # 10 000 tce
    "electricity": D("78.41"),
    "coal": D("3.91"),
    "gas": D("19.26"),
    "petrol": D("8.52"),
    "diesel": D("0.63"),
    "other": D("0.02"),
}


def table() -> Total:
    return convert(library(), Measure.STANDARD_COAL, QUANTITIES, date(2015, 1, 1), "50")


def test_every_part_and_the_total_are_as_published() -> None:
    shown = shown_tonnes(table(), -2)
    assert shown is not None
    assert {energy: tonnes / TEN_THOUSAND for energy, tonnes in shown.items()} == PUBLISHED
    assert total(PUBLISHED.values()) == D("110.75")
    tonnes = table().tonnes
    assert tonnes is not None
    assert rounded(tonnes / TEN_THOUSAND, 2) == D("110.75")


def test_the_shares_are_as_published() -> None:
    tonnes = PUBLISHED
    fuel = tonnes["petrol"] + tonnes["diesel"]
    parts = [tonnes["electricity"], tonnes["coal"], tonnes["gas"], fuel, tonnes["other"]]
    shares = balanced([quotient(part * 100, total(parts)) for part in parts], 2)
    assert shares == (D("70.80"), D("3.53"), D("17.39"), D("8.26"), D("0.02"))


def test_each_fuels_factor_and_density_is_the_one_that_fits() -> None:
    # Published parts leave ±50 tce: other densities miss them.
    tonnes = {k: v for k, v in table().by_energy().items() if v is not None}
    for energy, density in (("petrol", D("0.73")), ("diesel", D("0.85"))):
        for other in (D("-0.01"), D("0.01")):
            moved = tonnes[energy] / 1000 / TEN_THOUSAND * (density + other) / density
            assert rounded(moved, 2) != PUBLISHED[energy]


def test_indicators_of_the_city() -> None:
    vehicles = convert(
        library(),
        Measure.STANDARD_COAL,
        {k: QUANTITIES[k] for k in ("petrol", "diesel")},
        date(2015, 1, 1),
        "50",
    )
    co2 = convert(library(), Measure.CO2, QUANTITIES, date(2015, 1, 1), "50")
    use = Use(table(), co2, vehicles, QUANTITIES)
    size = Size(Figure(D("501.50e4")), Figure(D("7968.72e4")))
    found = {i.code: i.figure.value for i in indicators(use, size, vehicle_fuel_in_area=True)}
    assert {k: rounded(v, 2) for k, v in found.items() if v is not None} == {
        "coal": D("1107522.79"),
        "coal-per-head": D("220.84"),
        "coal-per-area": D("13.90"),
        "electricity-per-head": D("1272.38"),
        "water-per-head": D("27.72"),
    }
    without = {i.code: i.figure.value for i in indicators(use, size, vehicle_fuel_in_area=False)}
    assert without["coal-per-area"] is not None
    assert rounded(without["coal-per-area"], 2) == D("12.75")
    # 176.32 tce of other energy have no known CO₂: the sum is unknown, not too small.
    assert found["co2"] is None
