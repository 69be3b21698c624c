"""What a vehicle is expected to use on a way, by its own books."""

from __future__ import annotations

from fleet.joining.rates import Rate
from fleet.joining.rules import Rules

KM = 1_000_000
HOUR = 3_600
RULES = Rules(running_ml_h=900)


def test_vehicle_case_15_fuel_from_the_way_by_the_vehicles_own_consumption() -> None:
    assert Rate(80_000, 1_000 * KM, 0, 0, 10).expected(500 * KM, 0, 0, RULES) == 40_000


def test_vehicle_case_15_a_slow_way_uses_more_than_a_fast_one() -> None:
    own = Rate(80_000, 1_000 * KM, 20 * HOUR, 1_000 * KM, 10)
    # 18 L of the 80 are 20 hours of running; the rest goes with the way.
    assert own.expected(500 * KM, 10 * HOUR, 500 * KM, RULES) == 40_000
    assert own.expected(500 * KM, 20 * HOUR, 500 * KM, RULES) == 31_000 + 18_000
    assert own.expected(500 * KM, 5 * HOUR, 500 * KM, RULES) == 31_000 + 4_500


def test_running_is_never_taken_for_more_than_half_of_what_was_used() -> None:
    own = Rate(80_000, 1_000 * KM, 100 * HOUR, 1_000 * KM, 10)
    assert own.expected(500 * KM, 100 * HOUR, 500 * KM, RULES) == 20_000 + 40_000


def test_where_nobody_knows_how_long_it_ran_it_ran_as_usual() -> None:
    own = Rate(80_000, 1_000 * KM, 10 * HOUR, 500 * KM, 10)
    assert own.expected(500 * KM, 0, 0, RULES) == 40_000
    assert own.expected(500 * KM, 10 * HOUR, 250 * KM, RULES) == 31_000 + 18_000 * 15 // 20
