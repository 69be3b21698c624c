"""Where stations are: what a place stands on, and what is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fleet.joining import learn
from fleet.joining.learn import Place
from fleet.joining.model import Records, Vehicle
from tests.unit.fleet.joining.scene import (
    AT_A,
    MINUTE,
    PLACES,
    RULES,
    Car,
    Itinerary,
    filling,
    in_may,
    us,
)

FIRM = Place("a", 30.0, 104.0, 9, 1, 8, matches=4, of=8, vehicles=2, spread_mm=0)
AS_OF = in_may(1)


@pytest.mark.parametrize(
    ("place", "firm"),
    [
        (FIRM, True),
        (replace(FIRM, vehicles=1), False),
        (replace(FIRM, matches=3, of=3), False),
        (replace(FIRM, of=9), False),
        (replace(FIRM, outdone=True), False),
        (replace(FIRM, own_pct=25), True),
        (replace(FIRM, own_pct=24), False),
    ],
)
def test_a_place_is_firm_by_its_vehicles_papers_and_their_share(place: Place, firm: bool) -> None:
    assert place.firm(RULES) == firm


def cars(
    itinerary: Itinerary, clock: str = "09:27", *, visits: int = 4, secret: bool = False
) -> Records:
    """Three cars with four papers each; on some days as the itinerary says, on others as usual."""
    found = {}
    for n in range(3):
        days = [AS_OF - timedelta(days=3 + n + 4 * k) for k in range(4)]
        papers = [filling(100 * n + k, day, clock) for k, day in enumerate(days)]
        track = Car(f"c{n}", dict.fromkeys(days[:visits], itinerary)).track()
        found[f"c{n}"] = Vehicle(f"c{n}", secret, tuple(papers), track=track)
    return Records(found)


def learned(records: Records, as_of: int | None = None) -> Place | None:
    return learn.stations(records, us(AS_OF) if as_of is None else as_of, RULES).get("第一加油站")


def test_a_short_stop_where_a_vehicle_lives_is_no_filling() -> None:
    calling_home: Itinerary = [
        *(("yard", "00:00", "07:30"), ("office", "08:00", "08:30"), ("yard", "09:00", "09:15")),
        *(("A", "09:25", "09:30"), ("yard", "16:30", "24:00")),
    ]
    place = learned(cars(calling_home, visits=3))
    assert place is not None
    assert (place.lat, place.lon) == pytest.approx(PLACES["A"], abs=1e-6)
    assert place.matches == 9


def test_a_long_stop_is_no_filling() -> None:
    lunch: Itinerary = [("yard", "00:00", "09:00"), ("far", "09:20", "10:40"), *AT_A[-1:]]
    assert learned(cars(lunch)) is None
    shorter: Itinerary = [("yard", "00:00", "09:00"), ("far", "09:20", "10:20"), *AT_A[-1:]]
    assert learned(cars(shorter)) is not None


def test_secret_vehicles_and_days_without_times_teach_nothing() -> None:
    assert learned(cars(AT_A, secret=True)) is None
    records = cars(AT_A)
    untimed = {
        code: replace(one, fillings=tuple(replace(f, timed=False) for f in one.fillings))
        for code, one in records.vehicles.items()
    }
    assert learned(Records(untimed)) is None


def test_a_place_rests_on_no_paper_of_its_own_month() -> None:
    records = cars(AT_A)
    newest = max(one.at_us for car in records.vehicles.values() for one in car.fillings)
    # A paper that may mean a stop behind that moment is not in it either.
    before = learned(records, newest + RULES.after_us)
    behind = learned(records, newest + RULES.after_us + MINUTE)
    assert before is not None
    assert behind is not None
    assert (before.of, behind.of) == (11, 12)


def test_of_each_vehicle_three_papers_weigh_at_most() -> None:
    records = cars(AT_A, visits=2)
    # One car was at another place for each of its many papers; two were at A twice each.
    days = [AS_OF - timedelta(days=20 + n) for n in range(7)]
    papers = tuple(filling(900 + k, day, "09:27") for k, day in enumerate(days))
    far: Itinerary = [("yard", "00:00", "08:40"), ("far", "09:20", "09:26"), *AT_A[-1:]]
    track = Car("x", dict.fromkeys(days, far)).track()
    all_of_them = {**records.vehicles, "x": Vehicle("x", fillings=papers, track=track)}
    place = learned(Records(all_of_them))
    assert place is not None
    assert (place.lat, place.lon) == pytest.approx(PLACES["A"], abs=1e-6)
