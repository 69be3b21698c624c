"""Real tracks from files, and fleets on them: a made-up taxi in the format of the real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from simulators import almanac
from simulators.receipts import places
from simulators.receipts.case import Case
from simulators.receipts.real import driven
from simulators.receipts.recording import (
    Recording,
    Stood,
    believable,
    in_beijing_time,
    read,
    read_all,
    stays,
)
from simulators.receipts.road import LAPS, Road, road
from simulators.receipts.tamper import KINDS, tampered
from simulators.receipts.world import World, scored_from
from tests.unit.simulators.taxis import LAT, STOPS, write_taxi


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("tracks")
    for n in range(2):
        write_taxi(found / f"new_{n}.txt", n * 700.0)
    return found


@pytest.fixture(scope="module")
def laid(directory: Path) -> Road:
    return road(read_all(directory))


@pytest.fixture(scope="module")
def made(laid: Road) -> World:
    return driven(laid, 5)


def test_a_file_is_read_in_order_of_time_whichever_way_round_it_is(directory: Path) -> None:
    one = read(directory / "new_0.txt")
    assert one.name == "new_0"
    assert (np.diff(one.t) > 0).all()
    assert one.lat[0] == pytest.approx(LAT, abs=0.05)


def test_t_drive_is_read_in_beijings_time(tmp_path: Path) -> None:
    path = tmp_path / "1.txt"
    path.write_text("1,2008-02-02 15:36:08,116.5,39.9\n1,2008-02-02 15:46:08,116.6,39.8\n")
    one = read(path)
    assert one.t[0] == datetime.fromisoformat("2008-02-02T15:36:08+08:00").timestamp()
    assert (one.lat[0], one.lon[0]) == (39.9, 116.5)


@pytest.mark.parametrize("line", ["37.7 -122.4 0", "x -122.4 0 1", "97.7 -122.4 0 1", "1,2,3,4"])
def test_a_line_that_is_no_fix_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(f"37.7 -122.4 0 1211033530\n{line}\n")
    with pytest.raises(ValueError, match=r"bad\.txt:2: "):
        read(path)


def test_a_directory_without_tracks_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no track"):
        read_all(tmp_path)


def test_tracks_are_driven_at_the_hour_of_their_own_sun(directory: Path) -> None:
    one = read(directory / "new_0.txt")
    (moved,) = in_beijing_time([one])
    assert moved.t[0] - one.t[0] == -16 * 3_600


def test_a_wild_fix_is_not_taken_as_true_and_a_place_is_where_it_stood() -> None:
    t = np.arange(0.0, 600.0, 60.0)
    x = np.array([0.0, 9.0, 30_000.0, 4.0, 0.0, 8.0, 400.0, 900.0, 1_400.0, 1_900.0])
    keep = believable(t, x, np.zeros(10))
    assert np.flatnonzero(~keep).tolist() == [2]
    (stay,) = stays(t[keep], x[keep], np.zeros(9))
    assert (stay.begin_s, stay.end_s) == (0.0, 300.0)
    assert abs(stay.at[0]) < 10.0


def test_each_lap_repeats_the_first_and_the_fixes_are_those_of_the_file(
    directory: Path, laid: Road
) -> None:
    one = read(directory / "new_0.txt")
    sent = laid.vehicles[0].sent
    assert len(sent.t_us) == LAPS * len(one.t)
    assert (np.diff(sent.t_us) > 0).all()
    np.testing.assert_array_equal(sent.lat[: len(one.t)], one.lat)
    later = sent.t_us[len(one.t)] - sent.t_us[0]
    assert later == laid.lap_days * 86_400_000_000


def test_stations_are_where_several_vehicles_stand_as_long_as_a_filling_takes(laid: Road) -> None:
    found = places.stations(laid.vehicles)
    assert len(found) == len(STOPS)


def test_vehicles_fill_at_stops_and_no_more_than_there_is_room_for(made: World) -> None:
    assert made.recorded
    for life in made.lives.values():
        assert life.pumped
        for one in life.pumped:
            assert 0 < one.litres <= one.room_l <= life.car.tank_l * 1.04
            stay = next(stay for stay in life.stays if stay[0] <= one.at_s <= stay[1])
            assert np.hypot(stay[2][0] - one.where.at[0], stay[2][1] - one.where.at[1]) <= 100.0
        assert life.metres[-1] > 100_000.0


@pytest.mark.parametrize("name", ["without_travel", "station_elsewhere"])
def test_of_what_nobody_saw_nothing_untrue_is_made_up(made: World, name: str) -> None:
    (kind,) = (one for one in KINDS if one.name == name)
    for size in kind.sizes[:2]:
        case: Case = tampered(made, kind, size)
        for one in case.receipts:
            if one.number in case.untrue:
                assert one.at_s >= scored_from(made)
                life = made.lives[one.vehicle]
                assert life.seen(one.true_s, one.true_s + 1)


def test_the_same_seed_gives_the_same_papers(laid: Road, made: World) -> None:
    again = driven(laid, 5)
    assert again.receipts == made.receipts
    assert driven(laid, 6).receipts != made.receipts
    assert almanac.day_of(int(made.receipts[0].true_s) * 1_000_000) >= made.first_day


def test_a_recording_that_never_stands_is_left_out_and_named(directory: Path) -> None:
    t = np.arange(0.0, 6_000.0, 60.0)
    restless = Recording("restless", t + 1.3e9, LAT + t / 6_000.0, np.full(len(t), -122.4))
    way = road([*read_all(directory), restless])
    assert way.never_stood == ("restless",)
    assert len(way.vehicles) == 2


def test_a_place_beside_which_one_of_many_taxis_lives_can_be_a_station(laid: Road) -> None:
    twelve = [replace(laid.vehicles[n % 2], code=f"R{n:03d}") for n in range(12)]
    (x, y), *_ = places.stations(twelve)
    day = Stood(0, 1, 0.0, 1e7, (x, y))
    living = replace(twelve[0], stood=(*twelve[0].stood, day))
    assert (x, y) in places.stations([living, *twelve[1:]])
    assert (x, y) not in places.stations([living, twelve[1]])


def test_a_place_where_two_vehicles_stood_long_by_day_once_is_a_garage(laid: Road) -> None:
    noon = float(almanac.start_of(laid.first_day + 1) // 1_000_000 + 12 * 3_600)
    alone, shared = (90_000.0, 0.0), (0.0, 90_000.0)
    at = [(alone, shared), (shared,)]
    laps = [
        replace(lap, stood=tuple(Stood(0, 1, noon, noon + 7_200.0, one) for one in stays_at))
        for lap, stays_at in zip(laid.vehicles, at, strict=True)
    ]
    assert places.garages(laps) == [shared]
