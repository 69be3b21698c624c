"""What was used between fillings: Σ over Σ, and what the tank leaves open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.joining.model import Track
from fleet.norms.used import BEFORE_US, Books
from tests.unit.fleet.norms.town import BEGINS, RULES, TANK, Habits, papers

HOLDS = TANK * (100 + RULES.tank_over_pct) // 100
BRIM = HOLDS * (100 - RULES.brim_pct) // 100


def books(**said: object) -> Books:
    return Books(papers("v", replace(Habits(), **said)), Track(), RULES)  # type: ignore[arg-type]


def test_a_month_runs_from_the_last_filling_before_it_to_its_last_one() -> None:
    found = books().used(BEGINS[3], BEGINS[4])
    assert found is not None
    sums = found.sums
    assert found.since_us < BEGINS[3] <= found.until_us < BEGINS[4]
    assert sums.ml * 1e5 / sums.mm == pytest.approx(10.0)
    assert sums.mm == sums.legs * 4 * 100_000_000
    following = books().used(BEGINS[4], BEGINS[5])
    assert following is not None
    assert following.since_us == found.until_us, "stretches add up"


def test_a_full_tank_at_both_ends_leaves_little_open_and_an_unknown_level_the_tank() -> None:
    full, open_ = books().used(BEGINS[3], BEGINS[4]), books(full=False).used(BEGINS[3], BEGINS[4])
    assert full is not None
    assert open_ is not None
    assert (full.sums.ml - full.low_ml, full.high_ml - full.sums.ml) == (HOLDS - BRIM,) * 2
    assert open_.sums.ml - open_.low_ml == HOLDS - 40_000, "after a filling it is at least that"
    assert open_.high_ml - open_.sums.ml == HOLDS - 40_000


def test_a_leg_that_is_not_known_is_left_out_and_opens_the_tank_twice_more() -> None:
    fillings = papers("v", Habits())
    within = next(n for n, one in enumerate(fillings) if one.at_us > BEGINS[3]) + 2
    whole = Books(fillings, Track(), RULES).used(BEGINS[3], BEGINS[4])
    fillings[within] = replace(fillings[within], odometer_hm=None)
    holed = Books(fillings, Track(), RULES).used(BEGINS[3], BEGINS[4])
    assert whole is not None
    assert holed is not None
    assert holed.sums.legs == whole.sums.legs - 2
    assert holed.sums.ml * whole.sums.mm == whole.sums.ml * holed.sums.mm
    assert holed.sums.ml - holed.low_ml == 2 * (HOLDS - BRIM)


@pytest.mark.parametrize("said", [{"odometer": False}, {"tank_ml": None}])
def test_without_kilometres_or_the_size_of_the_tank_nothing_is_known(
    said: dict[str, object],
) -> None:
    if "odometer" in said:
        assert books(odometer=False).used(BEGINS[3], BEGINS[4]) is None
        return
    fillings = [replace(one, tank_ml=None) for one in papers("v", Habits())]
    assert Books(fillings, Track(), RULES).used(BEGINS[3], BEGINS[4]) is None


def test_who_was_not_used_for_two_months_begins_anew() -> None:
    fillings = [one for one in papers("v", Habits()) if not BEGINS[1] <= one.at_us < BEGINS[5]]
    found = Books(fillings, Track(), RULES).used(BEGINS[5], BEGINS[6])
    assert found is not None
    assert found.since_us >= BEGINS[5]
    assert BEGINS[5] - BEFORE_US > BEGINS[1]
