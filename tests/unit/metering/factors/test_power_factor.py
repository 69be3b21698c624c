"""The tables of 功率因数调整电费办法 in full, against what is computed from their corners."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.factors.files import DataFileError
from metering.factors.power_factor import adjustment, mean_factor
from metering.factors.power_factor_file import load_adjustments

D = Decimal
TABLES = load_adjustments()
# As programs print them (S63, S64, S65): from the factor in front downwards, 0.01 each.
FALLS = {
    "0.90": ("0.94", "0.60 0.45 0.30 0.15 0"),
    "0.85": ("0.93", "0.95 0.80 0.65 0.5 0.4 0.3 0.2 0.1 0"),
}
MOST = {"0.90": ("0.95", "0.75"), "0.85": ("0.94", "1.10")}
RISES = (
    "0.5 1.0 1.5 2.0 2.5 3.0 3.5 4.0 4.5 5.0 5.5 6.0 6.5 7.0 7.5 8.0 8.5 9.0 9.5 10.0"
    " 11.0 12.0 13.0 14.0 15.0 17.0 19.0 21.0"
)


def percent(standard: str, factor: Decimal) -> Decimal:
    return TABLES.percent(D(standard), factor)


@pytest.mark.parametrize("standard", ["0.90", "0.85"])
def test_every_printed_figure_of_a_table(standard: str) -> None:
    first, falls = FALLS[standard]
    least, most = MOST[standard]
    for number, printed in enumerate(falls.split()):
        assert percent(standard, D(first) - D(number) / 100) == -D(printed)
    for number, printed in enumerate(RISES.split(), 1):
        assert percent(standard, D(standard) - D(number) / 100) == D(printed)
    for hundredths in range(int(D(least) * 100), 101):
        assert percent(standard, D(hundredths) / 100) == -D(most)


@pytest.mark.parametrize("standard", ["0.90", "0.85"])
def test_a_better_factor_never_costs_more(standard: str) -> None:
    found = [percent(standard, D(n) / 100) for n in range(101)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("active", "reactive", "factor"),
    [
        ("100", "0", "1"),
        ("0", "100", "0"),
        ("3", "4", "0.6"),
        ("4", "3", "0.8"),
        ("800", "387.5", "0.90"),
        # 0.895 exactly is √(1 − 0.895²) kvarh to 0.895 kWh; a little more of them is below.
        ("895", "446.066", "0.90"),
        ("895", "446.068", "0.89"),
    ],
)
def test_a_mean_factor_has_two_decimals_half_up(active: str, reactive: str, factor: str) -> None:
    assert mean_factor(D(active), D(reactive)) == D(factor)


@given(st.integers(0, 10**12), st.integers(0, 10**12).filter(bool))
def test_a_mean_factor_is_the_nearest_hundredth(active: int, reactive: int) -> None:
    found = int(mean_factor(D(active), D(reactive)) * 100)
    square, both = 40_000 * active**2, active**2 + reactive**2
    assert max(0, 2 * found - 1) ** 2 * both <= square < (2 * found + 1) ** 2 * both


@pytest.mark.parametrize(("active", "reactive"), [("0", "0"), ("-1", "5"), ("5", "-1")])
def test_where_there_is_no_factor_none_is_made_up(active: str, reactive: str) -> None:
    with pytest.raises(ValueError, match="no power factor follows"):
        mean_factor(D(active), D(reactive))


def test_a_charge_changes_by_whole_fen_half_away_from_zero() -> None:
    assert adjustment(D("8500"), D("-0.4")) == D("-34.00")
    assert adjustment(D("200000"), D("2")) == 4_000
    assert adjustment(D("1"), D("-0.5")) == D("-0.01")
    assert adjustment(D("0.99"), D("0.5")) == 0


def test_other_standards_and_impossible_factors_are_refused() -> None:
    with pytest.raises(LookupError):
        percent("0.95", D("0.9"))
    with pytest.raises(ValueError, match="lies between 0 and 1"):
        percent("0.90", D("1.01"))


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ("[{at: 1, percent: 0}, {at: 0.5, percent: 1}]", "from at: 1.00 down to at: 0.00"),
        ("[{at: 1, percent: 0}, {at: 1, percent: 2}, {at: 0, percent: 1}]", "down to"),
        ("[{at: 1}, {at: 0, percent: 1}]", "percent is missing"),
        ("[{at: 1, percent: 0}, {at: 0.925, percent: 0}, {at: 0, percent: 1}]", "two decimals"),
    ],
)
def test_a_table_with_a_hole_is_refused_with_its_line(
    tmp_path: Path, corners: str, message: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        f"source: a test\nconfidence: low\ntables:\n  - standard: 0.9\n    corners: {corners}\n",
        encoding="utf-8",
    )
    with pytest.raises(DataFileError, match=message) as refused:
        load_adjustments(path)
    assert "own.yaml:5:" in str(refused.value)
