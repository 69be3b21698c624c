"""Cells from what is known: exact over months, rounded once, parts that add up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.bills.reported import Reported
from metering.factors.dated import Span
from reporting.draft.cells import Cell, Standing
from reporting.draft.compiling import Sources, added, compiled
from reporting.draft.period import period_of
from reporting.forms.reading import load_editions
from tests.unit.reporting.figures import bought, recorded

EDITION = load_editions()[-1]
QUARTER = period_of("2026Q1")
JANUARY, FEBRUARY, MARCH = QUARTER.months()
FUEL = ("150", "1501", "1502", "151", "1511", "1512")


def cells(*figures: Reported, code: str = "2026Q1", **known: object) -> dict[str, Cell]:
    by_month = {(one.energy, one.month): one for one in figures}
    sources = Sources(by_month, known.get("facts", {}), known.get("entered", {}))  # type: ignore[arg-type]
    return {one.code: one for one in compiled(EDITION, period_of(code), sources)}


def values(found: dict[str, Cell], *codes: str) -> list[str | None]:
    shown = (found[code].value for code in codes)
    return [None if value is None else str(value) for value in shown]


def test_months_add_up_exactly_and_are_rounded_once() -> None:
    # Three times 0.004 litres would be 0.00 each.
    months = [bought(month, ("vehicle", 4_000, 100)) for month in QUARTER.months()]
    assert values(cells(*months), *FUEL) == ["0.01", "0.01", "0.00", "3.00", "3.00", "0.00"]


def test_vehicles_and_the_rest_make_up_the_whole() -> None:
    months = [
        bought(JANUARY, ("vehicle", 30_005_000, 24_000), ("other", 5_005_000, 4_000)),
        bought(FEBRUARY, ("vehicle", 10_000_000, 8_000)),
        bought(MARCH, ("other", 1_000_000, 800)),
    ]
    assert values(cells(*months), *FUEL) == [
        *("46.01", "40.00", "6.01"),
        *("368.00", "320.00", "48.00"),
    ]


def test_a_share_of_what_was_bought_is_reported() -> None:
    part = bought(JANUARY, ("vehicle", 9_000_000, 600), ("other", 3, 0), share=Fraction(1, 3))
    found = cells(part, code="2026-01")
    assert values(found, "150", "1501", "1502") == ["3.00", "3.00", "0.00"]


def test_shares_of_several_purchases_leave_nothing_below_zero() -> None:
    # Two thirds of a millionth each are one by themselves, but four thirds are one as well.
    part = bought(JANUARY, *[("vehicle", 2, 200)] * 2, share=Fraction(1, 3))
    found = cells(part, code="2026-01")
    assert values(found, *FUEL) == ["0.00", "0.00", "0.00", "1.33", "1.33", "0.00"]


def test_shares_of_many_purchases_never_exceed_the_whole() -> None:
    part = bought(JANUARY, *[("vehicle", 20_000_000, 200)] * 30, share=Fraction(1, 3))
    found = cells(part, code="2026-01")
    assert values(found, *FUEL) == ["200.00", "200.00", "0.00", "20.00", "20.00", "0.00"]


@given(
    st.lists(st.tuples(st.sampled_from(["vehicle", "other"]), st.integers(0, 99)), min_size=1),
    st.fractions(Fraction(1, 9), Fraction(8, 9), max_denominator=9),
)
def test_shares_of_parts_make_up_the_share_of_the_whole(
    rows: list[tuple[str, int]], share: Fraction
) -> None:
    part = bought(JANUARY, *[(who, n * 10_000, n) for who, n in rows], share=share)
    found = cells(part, code="2026-01")
    for whole, *parts in (FUEL[:3], FUEL[3:]):
        shown = [found[code].value or Decimal(0) for code in parts]
        assert sum(shown) == found[whole].value
        assert min(shown) >= 0


def test_earlier_records_do_not_say_what_burnt_it() -> None:
    found = cells(recorded(JANUARY, 5_000_000, 4_000), code="2026-01")
    assert values(found, *FUEL) == ["5.00", None, None, "40.00", None, None]
    assert found["1501"].standing is Standing.MISSING
    assert found["1501"].why == "2026-01 用量未知"


def test_unknown_is_not_zero_and_says_of_which_month() -> None:
    months = [
        bought(JANUARY, ("vehicle", 1_000_000, 800)),
        bought(FEBRUARY, ("vehicle", None, 800)),
        bought(MARCH, ("vehicle", 1_000_000, None)),
    ]
    found = cells(*months)
    assert values(found, *FUEL) == [None] * 6
    assert (found["150"].why, found["151"].why) == ("2026-02 用量未知", "2026-03 费用未知")
    assert [one.month for one in found["150"].traces] == [*QUARTER.months()]


def test_a_month_of_which_nothing_is_there_leaves_the_quarter_unknown() -> None:
    found = cells(bought(JANUARY, ("vehicle", 1_000_000, 800)))
    assert found["150"].why == "2026-02 没有用量；2026-03 没有用量"


def test_what_an_institution_never_had_is_absent() -> None:
    found = cells(bought(JANUARY, ("vehicle", 1_000_000, 800)), code="2026-01")
    assert {found[code].standing for code in ("110", "160", "210")} == {Standing.ABSENT}


def test_facts_are_those_of_the_last_day_and_people_the_daily_average() -> None:
    facts = {
        "floor-area": [
            Span(date(2020, 1, 1), date(2026, 3, 31), Decimal(800)),
            Span(date(2026, 3, 31), None, Decimal("900.005")),
        ],
        "energy-users": [
            Span(date(2020, 1, 1), date(2026, 2, 15), Decimal(10)),
            Span(date(2026, 2, 15), None, Decimal(20)),
        ],
    }
    found = cells(facts=facts)
    assert values(found, "101", "102") == ["900.01", "15"]
    assert found["1021"].standing is Standing.ABSENT
    facts = {"establishment": [Span(date(2020, 1, 1), date(2026, 1, 1), Decimal(9))]}
    found = cells(facts=facts)
    assert found["1021"].why == "2026-03-31 没有编制人数"
    assert found["101"].why == "2026-03-31 没有建筑面积"


def test_what_people_enter_stands_there() -> None:
    found = cells(entered={"210": Decimal(12), "240": Decimal("3.456")})
    assert values(found, "210", "240", "2401") == ["12", "3.46", None]


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=3, max_size=3),
)
def test_parts_always_add_up(litres: list[tuple[int, int]]) -> None:
    months = [
        bought(month, ("vehicle", one, 0), ("other", other, 0))
        for month, (one, other) in zip(QUARTER.months(), litres, strict=True)
    ]
    found = cells(*months)
    whole, one, other = (found[code].value for code in FUEL[:3])
    assert one is not None
    assert other is not None
    assert whole == one + other
    exact = Decimal(sum(map(sum, litres))) / 10**6
    assert abs(exact - (whole or 0)) <= Decimal("0.005")


@pytest.mark.parametrize("last", ["0.01", None])
def test_a_year_is_the_sum_of_its_rounded_quarters(last: str | None) -> None:
    quarters = [
        {"150": _cell("150", "0.01"), "101": _cell("101", "800")},
        {"150": _cell("150", "0.01"), "101": _cell("101", "810")},
        {},
        {"150": _cell("150", last), "101": _cell("101", "900")},
    ]
    found = {one.code: one for one in added(EDITION, quarters)}
    assert values(found, "150", "101") == ["0.03" if last else None, "900"]
    assert found["150"].why == ("" if last else "第四季度：2026-12 用量未知")
    assert found["140"].standing is Standing.ABSENT


def _cell(code: str, value: str | None) -> Cell:
    if value is None:
        return Cell(code, None, Standing.MISSING, "2026-12 用量未知")
    return Cell(code, Decimal(value), Standing.KNOWN)


def test_a_cell_that_is_missing_says_why() -> None:
    with pytest.raises(ValueError, match="says why"):
        Cell("110", None, Standing.MISSING)
    with pytest.raises(ValueError, match="known by its value"):
        Cell("110", Decimal(1), Standing.ABSENT)
