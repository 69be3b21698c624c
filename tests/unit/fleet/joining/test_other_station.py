"""At which other station a vehicle stood: what is taken for one, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fleet.fence.shape import circle
from fleet.joining.fenced import Fenced
from fleet.joining.model import Filling, Sight, Stops, Track, Vehicle
from fleet.joining.other_station import other_station
from fleet.joining.rules import DAY_US, MINUTE_US, SECOND_US, Rules
from fleet.joining.where import Within

RULES = Rules()
DAY = 20_000 * DAY_US
METRE = 1 / 110_862.0
LATS = {"甲": 30.0, "乙": 30.1, "丙": 30.1 + 100 * METRE, "修": 30.2}
Stay = tuple[str, int, int]
"""Near which place, and from which minute of the day to which."""


def site(name: str, *, station: bool = True) -> Fenced:
    spot = Within((circle((104.0, LATS[name]), 50),), 250_000)
    return Fenced(name, LATS[name], 104.0, (name,), spot, station)


PLACES = {name: site(name) for name in ("甲", "乙")}


def filled(minute: int = 600, number: int = 1, merchant: str = "甲", **more: Any) -> Filling:  # noqa: ANN401
    at = DAY + minute * MINUTE_US
    return Filling(
        number=number, at_us=at, day_us=DAY, month_us=DAY, timed=True, merchant=merchant, **more
    )


def untimed(number: int = 1, merchant: str = "甲") -> Filling:
    noon = DAY + DAY_US // 2
    return Filling(
        number=number, at_us=noon, day_us=DAY, month_us=DAY, timed=False, merchant=merchant
    )


def stood(*stays: Stay, sight: Sight | None = None) -> Track:
    began = np.array([DAY + begin * MINUTE_US for _, begin, _ in stays], np.int64)
    ended = np.array([DAY + end * MINUTE_US for _, _, end in stays], np.int64)
    lat = np.array([LATS[one[0]] for one in stays], np.float64)
    nothing = np.zeros(len(stays), np.int64)
    stops = Stops(began, ended, lat, np.full(len(stays), 104.0), nothing, nothing)
    return Track(stops=stops, sight=sight or Track().sight)


def found(
    *stays: Stay,
    filling: Filling | None = None,
    papers: tuple[Filling, ...] = (),
    places: dict[str, Fenced] | None = None,
    sight: Sight | None = None,
) -> str | None:
    one = filling or filled()
    its = Vehicle("v", fillings=(one, *papers), track=stood(*stays, sight=sight))
    known = places or PLACES
    other = other_station(its, one, known["甲"], known, RULES)
    return None if other is None else other.name


@pytest.mark.parametrize(
    ("begin", "end", "other"),
    [
        (540, 546, "乙"),
        (610, 616, "乙"),  # ten minutes behind the paper
        (611, 617, None),
        (530, 590, "乙"),  # an hour long
        (520, 560, "乙"),  # twice the tolerance before: as long as that
        (530, 591, None),
        (509, 529, "乙"),  # hours before: twenty minutes
        (508, 529, None),
        (354, 360, "乙"),  # four hours before
        (353, 359, None),
    ],
)
def test_how_long_and_how_near_in_time_a_stay_is_for_a_filling(
    begin: int, end: int, other: str | None
) -> None:
    assert found(("乙", begin, end)) == other


def test_what_is_no_station_is_none() -> None:
    assert (
        found(("乙", 580, 590), places={"甲": site("甲"), "乙": site("乙", station=False)}) is None
    )
    assert found(("修", 580, 590)) is None
    assert found() is None


def test_a_paper_without_a_time_speaks_of_its_day_alone() -> None:
    assert found(("乙", 0, 6), filling=untimed()) == "乙"
    assert found(("乙", -20, -1), filling=untimed()) is None


def test_the_nearest_counts_and_of_equals_the_first_by_name() -> None:
    three = {**PLACES, "丙": site("丙")}
    assert found(("乙", 570, 576), places=three) == "乙"
    assert found(("丙", 570, 576), places=three) == "丙"
    assert found(("乙", 570, 576), ("丙", 580, 586), places=three) == min("乙", "丙")


@pytest.mark.parametrize(
    ("paper", "explained"),
    [
        (filled(439, 2, "丁"), True),  # of its time, whatever it names
        (filled(440, 2, "丁"), False),
        (filled(300, 2, "乙"), True),  # at its station, hours off
        (filled(160, 2, "乙"), True),
        (filled(159, 2, "乙"), False),
        (filled(300, 2, "甲"), False),
        (untimed(2, "乙"), True),
        (untimed(2, "甲"), False),
        (untimed(2, "丁"), False),
    ],
)
def test_of_a_stay_hours_before_another_paper_may_speak(paper: Filling, *, explained: bool) -> None:
    """At 乙 from 6:40 to 6:44; the paper of 10:00 names 甲."""
    assert found(("乙", 400, 404), papers=(paper,)) == (None if explained else "乙")
    assert found(("乙", 580, 584), papers=(paper,)) == "乙", "of the time itself none is asked"


def test_a_paper_without_a_time_speaks_of_no_stay_of_the_evening_before() -> None:
    evening, night = ("乙", -30, -20), filled(60)
    assert found(evening, filling=night, papers=(untimed(2, "乙"),)) == "乙"
    assert found(evening, filling=night, papers=(filled(30, 2, "乙"),)) is None


@pytest.mark.parametrize(("seconds", "other"), [(90, "乙"), (80, None)])
def test_where_no_stop_was_made_single_fixes_may_show_one(seconds: int, other: str | None) -> None:
    t_us = DAY + 580 * MINUTE_US + np.arange(0, seconds + 1, 10, dtype=np.int64) * SECOND_US
    seen = Sight(t_us, np.full(len(t_us), LATS["乙"]), np.full(len(t_us), 104.0))
    assert found(sight=seen) == other
    assert found(("乙", 520, 610), sight=seen) is None, "a stay that is too long is no filling"
