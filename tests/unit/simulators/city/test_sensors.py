"""What sensors tell of what is true, and what they do not."""

from __future__ import annotations

import numpy as np

from simulators.city.life import Course
from simulators.city.model import Series
from simulators.city.sensors import Sensed, Troubles, aircon, lamps, seen
from simulators.city.weather import COOL

HOUR = 3_600
SPAN = (0, 24 * HOUR)


def sensed(troubles: Troubles) -> Sensed:
    return Sensed(SPAN, np.random.default_rng(1), troubles)


def at(series: Series, hour: float) -> float:
    """The value that was told last."""
    return float(
        series.value[np.searchsorted(series.ts, hour * HOUR * 1_000_000, side="right") - 1]
    )


def test_a_change_is_told_at_the_next_poll_and_signs_of_life_in_between() -> None:
    (run,) = sensed(Troubles()).state("run", [(9 * HOUR, 10 * HOUR)])
    assert [at(run, hour) for hour in (8.9, 9.02, 9.9, 10.02)] == [0.0, 1.0, 1.0, 0.0]
    assert np.diff(run.ts).max() <= 1_800 * 1_000_000


def test_in_a_silence_nothing_is_told_and_it_is_on_record() -> None:
    gap = (9 * HOUR, 12 * HOUR)
    troubles = Troubles(gone=[gap], unknown=[gap])
    (run,) = sensed(troubles).state("run", [(8 * HOUR, 11 * HOUR)])
    inside = run.value[(run.ts >= gap[0] * 1_000_000) & (run.ts < gap[1] * 1_000_000)]
    assert np.isnan(inside).tolist() == [True]
    assert troubles.silent == [gap]


def test_late_is_late_and_nothing_is_lost() -> None:
    late = sensed(Troubles(late=[(9 * HOUR, 12 * HOUR)])).state("run", [])[0]
    prompt = sensed(Troubles()).state("run", [])[0]
    assert late.ts.tolist() == prompt.ts.tolist()
    held = late.received[(late.ts >= 9 * HOUR * 1_000_000) & (late.ts < 12 * HOUR * 1_000_000)]
    assert len(held) > 0
    assert set(held.tolist()) == {(12 * HOUR + 1) * 1_000_000}


def test_another_device_tells_after_the_first_and_nothing_in_between() -> None:
    newer, older = sensed(Troubles(replaced=9 * HOUR)).state("run", [])
    assert (older.since_s, older.until_s, newer.since_s, newer.until_s) == (
        0,
        32_400,
        39_600,
        86_400,
    )
    assert older.ts.max() < 32_400 * 1_000_000
    assert newer.ts.min() >= 39_600 * 1_000_000


def test_one_wrong_value_is_corrected_by_the_next_poll() -> None:
    course = Course(idle=[(0, (COOL, 26.0))])
    set_point = aircon(course, sensed(Troubles(glitches=[9 * HOUR + 7])))[2]
    wrong = set_point.ts[set_point.value != 26.0]
    assert wrong.tolist() == [(9 * HOUR + 7) * 1_000_000]
    assert set_point.ts[np.searchsorted(set_point.ts, wrong[0]) + 1] - wrong[0] <= 60_000_000


def test_who_sits_still_is_not_seen_and_who_left_is_for_a_while() -> None:
    course = Course(people=[(9 * HOUR, 10 * HOUR)], still=[(9 * HOUR + 600, 9 * HOUR + 2_400)])
    spans = seen(course, (9 * HOUR, 10 * HOUR), np.random.default_rng(0), 60)
    hold = spans[0][1] - (9 * HOUR + 600)
    assert hold in {60, 120, 300}
    assert spans[-1] == (9 * HOUR + 2_400, 10 * HOUR + hold)


def test_lamps_add_to_the_light_of_the_window() -> None:
    course = Course(lamp=[(9 * HOUR, 10 * HOUR)])
    *_, lux = lamps(course, sensed(Troubles()), np.full(96, 200.0), 300.0)
    assert abs(at(lux, 9.5) - 500) < 100
    assert abs(at(lux, 10.5) - 200) < 40
