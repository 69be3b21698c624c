"""Whether a vehicle can have been at a place unseen, and what hides a way."""

from __future__ import annotations

import numpy as np
import pytest

from fleet.joining.model import UNKNOWN, Sight, Stops, Track
from fleet.joining.ways import Way
from fleet.joining.where import Around, Met, nearest
from tests.unit.fleet.joining.scene import MINUTE, RULES, in_may, us

PLACE = Around(30.6, 104.0, 300_000)
"""A station, and 300 m around it."""
TEN_KM_NORTH = 30.6 + 10 / 110.86
BEGIN = us(in_may(12), "10:00")
SECOND = 1_000_000


def sight(*times: int) -> Sight:
    many = len(times)
    return Sight(np.array(times), np.full(many, TEN_KM_NORTH), np.full(many, 104.0))


def stop(until: int, terminal_mm: int) -> Stops:
    one = (BEGIN - 60 * MINUTE, until, TEN_KM_NORTH, 104.0, terminal_mm, 0)
    times = [np.array([value], np.int64) for value in (one[0], one[1], one[4], one[5])]
    places = [np.array([value]) for value in one[2:4]]
    return Stops(times[0], times[1], places[0], places[1], times[2], times[3])


@pytest.mark.parametrize(("seconds", "met"), [(660, Met.ELSEWHERE), (685, Met.PERHAPS)])
def test_there_and_back_and_a_filling_take_their_time(seconds: int, met: Met) -> None:
    # Twice 10 km less 300 m at 120 km/h are 582 s, and 90 s for the filling: 672.
    end = BEGIN + seconds * SECOND
    track = Track(sight=sight(BEGIN, end))
    assert nearest(track, (BEGIN, end), PLACE, RULES).met is met


@pytest.mark.parametrize(("first", "last"), [(60, 300), (0, 240)])
def test_an_end_of_the_time_that_nobody_saw_leaves_it_open(first: int, last: int) -> None:
    track = Track(sight=sight(BEGIN + first * SECOND, BEGIN + last * SECOND))
    assert nearest(track, (BEGIN, BEGIN + 300 * SECOND), PLACE, RULES).met is Met.PERHAPS
    whole = Track(sight=sight(BEGIN, BEGIN + 300 * SECOND))
    assert nearest(whole, (BEGIN, BEGIN + 300 * SECOND), PLACE, RULES).met is Met.ELSEWHERE


@pytest.mark.parametrize(
    ("minutes", "gained", "met"),
    [
        (70, UNKNOWN, Met.ELSEWHERE),
        (80, UNKNOWN, Met.PERHAPS),
        (80, 0, Met.ELSEWHERE),
        (70, 12_000_000, Met.PERHAPS),
    ],
)
def test_who_stood_stayed_unless_long_silent_or_its_odometer_went_on(
    minutes: int, gained: int, met: Met
) -> None:
    end = BEGIN + minutes * MINUTE
    track = Track(stops=stop(end + 60 * MINUTE, gained), sight=sight(BEGIN, end))
    assert nearest(track, (BEGIN, end), PLACE, RULES).met is met


@pytest.mark.parametrize(
    ("terminal", "hole_s", "silent_s", "edge_s", "jumps", "complete"),
    [
        (None, 0, 0, 0, 0, True),
        (None, 0, 1, 0, 0, False),
        (None, 0, 0, 0, 1, False),
        (9, 0, 1, 0, 1, True),
        (9, 75 * 60, 0, 75 * 60, 0, True),
        (9, 75 * 60 + 1, 0, 0, 0, False),
        (9, 0, 0, 75 * 60 + 1, 0, False),
    ],
)
def test_a_way_is_complete_when_nothing_can_hide_in_it(  # noqa: PLR0917 - what is silent
    terminal: int | None, hole_s: int, silent_s: int, edge_s: int, jumps: int, complete: bool
) -> None:
    way = Way(1_000, 0, terminal, 0, 9, hole_s, silent_s, edge_s, 0, jumps)
    assert way.complete(RULES) == complete


def test_the_longest_that_a_way_can_have_been() -> None:
    assert Way(1_000, 500, None, 0, 0, 0, 0, 0, 0, 0).most_mm == 1_150
    assert Way(1_000, 500, 2_000, 0, 0, 0, 0, 0, 0, 0).most_mm == 2_000
