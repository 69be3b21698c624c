"""How far a vehicle went: what nobody saw of a silent stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fleet.joining.model import Sight, Stops, Track, Trips
from fleet.joining.rules import MINUTE_US, Rules
from fleet.joining.ways import Ways

HOUR_US = 60 * MINUTE_US
GAINED_MM = 20_000_000


def whole(*values: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def silent_stop() -> Track:
    """Twenty hours without a fix, at the end of which the odometer stands 20 km further."""
    here = np.array([30.0, 30.0])
    return Track(
        Stops(
            whole(0, 21 * HOUR_US),
            whole(20 * HOUR_US, 22 * HOUR_US),
            here,
            here,
            whole(GAINED_MM, 0),
            whole(0, 0),
        ),
        Trips(whole(20 * HOUR_US), whole(21 * HOUR_US), whole(1), whole(0), whole(1), whole(0)),
        Sight(whole(), np.zeros(0), np.zeros(0)),
    )


@pytest.mark.parametrize(("begin_h", "end_h", "hidden"), [(5, 7, 18), (0, 20, 0), (19, 22, 19)])
def test_all_that_a_silent_stop_gained_may_lie_in_any_part_of_it(
    begin_h: int, end_h: int, hidden: int
) -> None:
    way = Ways(silent_stop(), Rules()).between(begin_h * HOUR_US, end_h * HOUR_US)
    assert way.hidden_mm == hidden * 1_000_000
    assert way.most_mm >= GAINED_MM
    assert (way.terminal_mm or 0) <= GAINED_MM + 1


@pytest.mark.parametrize(("end_h", "complete"), [(10, False), (21, True)])
def test_a_silence_at_the_edge_of_a_stop_hides_a_way_from_what_ends_within_it(
    end_h: int, complete: bool
) -> None:
    track = silent_stop()
    edge = replace(track.stops, terminal_mm=whole(0, 0), silent_s=whole(15 * 3_600, 0))
    ways = Ways(replace(track, stops=edge), Rules())
    assert ways.between(0, end_h * HOUR_US).complete(Rules()) is complete


def read(**stops: int) -> Track:
    """A stop, a way of 2 km by the odometer, and an hour at its end."""
    one = {"told": 0, "long_s": 3_600, "trip": 2_000_000, "silent": 0, **stops}
    begin, end = one["long_s"] * 1_000_000, one["long_s"] * 1_000_000 + HOUR_US
    here = np.array([30.0, 30.0])
    told, silent = whole(one["told"], 0), whole(one["silent"], 0)
    return Track(
        Stops(whole(0, end), whole(begin, end + HOUR_US), here, here, told, silent),
        Trips(*(whole(n) for n in (begin, end, 1_900_000, 0, one["trip"], 0))),
        Sight(whole(), np.zeros(0), np.zeros(0)),
    )


@pytest.mark.parametrize(
    ("track", "terminal_mm"),
    [
        (read(), 2_000_000),
        (read(told=500_000), 2_500_000),
        (read(told=-1), None),  # a stop untold may hide a way
        (read(told=-1, long_s=61), None),
        (read(told=-1, long_s=60), 2_000_000),  # of one fix: it hides nothing
        (read(trip=-1), None),
        (read(trip=0), None),  # an odometer that never moved is none
    ],
)
def test_the_odometer_tells_where_every_stop_and_trip_is_told(
    track: Track, terminal_mm: int | None
) -> None:
    way = Ways(track, Rules()).between(0, 3 * HOUR_US)
    assert way.terminal_mm == terminal_mm
    assert way.gps_mm == 1_900_000


@pytest.mark.parametrize(
    ("told", "silent", "silent_s"), [(-1, 4_501, 4_501), (-1, 4_500, 0), (0, 4_501, 0)]
)
def test_a_long_silence_of_a_stop_that_no_odometer_tells_of_hides_a_way(
    told: int, silent: int, silent_s: int
) -> None:
    way = Ways(read(told=told, silent=silent), Rules()).between(0, 3 * HOUR_US)
    assert way.silent_s == silent_s
    assert way.complete(Rules()) is (not silent_s)
