from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.factors.convert import Total, convert, joined, shown_tonnes
from metering.factors.rounding import product, total
from metering.factors.sets import Measure
from tests.unit.metering.factors.samples import library

COAL, CO2 = Measure.STANDARD_COAL, Measure.CO2
OCTOBER = date(2026, 10, 1)
COUNTING = [k.code for k in library().kinds.values() if k.counts]


def coal(**quantities: str | None) -> Total:
    given = {k: None if q is None else Decimal(q) for k, q in quantities.items()}
    return convert(library(), COAL, given, OCTOBER, "50")


def test_a_figure_names_its_factors() -> None:
    one = coal(electricity="144.5", petrol="40")
    assert one.kilograms == Decimal("17.75905") + Decimal("42.96488")
    assert one.set_names == ("cn-coal@1",)
    petrol = one.parts[1].factor
    assert petrol is not None
    assert (petrol.value, petrol.per, petrol.density) == (Decimal("1.4714"), "kg", Decimal("0.73"))


def test_unknown_is_not_zero_and_says_why() -> None:
    one = coal(electricity="1000", gas=None, heat="0")
    assert one.kilograms is None
    assert one.tonnes is None
    assert one.why == "天然气用量未知"
    assert one.known_kilograms == Decimal("122.9")
    assert one.by_energy() == {"electricity": Decimal("122.9"), "gas": None, "heat": Decimal(0)}
    assert shown_tonnes(one, 2) is None


def test_without_a_factor_a_use_is_unknown_and_none_is_none() -> None:
    used = convert(library(), CO2, {"other": Decimal(2), "gas": Decimal(1)}, OCTOBER, "50")
    assert (used.kilograms, used.why) == (None, "其他能源没有适用的二氧化碳排放因子")
    none = convert(library(), CO2, {"other": Decimal(0)}, OCTOBER, "50")
    assert (none.kilograms, none.why, none.set_names) == (Decimal(0), "", ())
    early = convert(library(), COAL, {"gas": Decimal(2)}, date(2009, 1, 1), "50")
    assert early.why == "天然气没有适用的折标准煤系数"


def test_water_does_not_count() -> None:
    assert coal(water="1000", electricity="1").kilograms == Decimal("0.1229")


def test_an_unknown_energy_is_an_error() -> None:
    with pytest.raises(KeyError, match="steam"):
        coal(steam="1")


def test_a_year_joins_months_with_their_own_factors() -> None:
    use = {"electricity": Decimal(1000)}
    months = [convert(library(), CO2, use, date(y, 12, 1), "50") for y in (2021, 2022, 2023)]
    year = joined(months)
    assert year.kilograms == Decimal("556.8") + Decimal("536.6") + Decimal("247.2")
    assert year.set_names == (
        "cn-co2-grid-2021@1",
        "cn-co2-grid-2022@1",
        "cn-southwest-co2-grid-2023@1",
    )
    assert year.by_energy() == {"electricity": Decimal("1340.6")}
    with pytest.raises(ValueError, match="of one measure"):
        joined([*months, coal(gas="1")])
    with pytest.raises(ValueError, match="one or more"):
        joined([])


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(COUNTING), st.decimals(0, 10**10, allow_nan=False, places=6), min_size=1
    )
)
def test_a_total_is_the_exact_sum_of_its_parts_however_it_is_cut(
    quantities: dict[str, Decimal],
) -> None:
    whole = convert(library(), COAL, quantities, OCTOBER, "31")
    alone = [convert(library(), COAL, {k: q}, OCTOBER, "31") for k, q in quantities.items()]
    assert whole.kilograms == total(one.known_kilograms for one in alone)
    assert joined(alone).by_energy() == whole.by_energy()
    shown = shown_tonnes(whole, 2)
    assert shown is not None
    assert whole.tonnes is not None
    assert abs(total(shown.values()) - whole.tonnes) <= Decimal("0.005")
    factors = {p.energy: p.factor for p in whole.parts}
    for energy, quantity in quantities.items():
        factor = factors[energy]
        if factor is not None:
            assert whole.by_energy()[energy] == product(quantity, factor.per_unit)
