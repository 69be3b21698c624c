"""Simulated fleets with papers: repeatable, true where they say so, untrue where they say so."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from simulators.receipts.case import Kind
from simulators.receipts.tamper import KINDS, RUN, tampered
from simulators.receipts.tamper_orders import ORDER_KINDS
from simulators.receipts.world import World, world


@pytest.fixture(scope="module")
def made() -> World:
    return world(77, vehicles=6, days=150)


def kind(name: str) -> Kind:
    (found,) = (one for one in KINDS if one.name == name)
    return found


def test_a_seed_gives_the_same_world_again(made: World) -> None:
    again = world(77, vehicles=6, days=150)
    assert again.receipts == made.receipts
    assert again.invoices == made.invoices
    for code, track in made.tracks.items():
        np.testing.assert_array_equal(again.tracks[code].t_us, track.t_us)
        np.testing.assert_array_equal(again.tracks[code].lat, track.lat)
    assert world(78, vehicles=2, days=120).receipts != made.receipts[:2]


def test_true_fillings_fit_the_tank_and_happen_at_their_station(made: World) -> None:
    spots = {one.name: one.at for one in (*made.region.stations, *made.region.services)}
    for life in made.lives.values():
        for one in life.pumped:
            assert 0 < one.litres <= one.room_l <= life.car.tank_l * 1.04 + 0.001
            at = (np.interp(one.at_s, life.t, life.x), np.interp(one.at_s, life.t, life.y))
            assert math.dist(at, spots[one.where.name]) < 1.0


def test_tracks_ascend_with_noise_and_holes(made: World) -> None:
    for code, track in made.tracks.items():
        assert (np.diff(track.t_us) > 0).all()
        assert len(track.t_us) > 5_000, code
    assert any(np.diff(track.t_us).max() > 2 * 3_600 * 1_000_000 for track in made.tracks.values())
    assert {bool(np.isnan(track.odometer_km).all()) for track in made.tracks.values()} == {
        True,
        False,
    }


def test_statements_are_late_coarse_and_spelt_in_several_ways(made: World) -> None:
    late = [one.at_s - one.true_s for one in made.receipts if one.timed]
    assert max(late) > 5 * 60
    assert any(not one.timed for one in made.receipts)
    assert any(one.odometer_hm is None for one in made.receipts)
    assert any(one.merchant != one.station for one in made.receipts)


@pytest.mark.parametrize("name", [one.name for one in KINDS])
def test_papers_are_untrue_as_much_as_their_size_says(made: World, name: str) -> None:
    known = {one.number: one for one in made.receipts}
    largest = kind(name).sizes[-2]
    case = tampered(made, kind(name), largest)
    assert case == tampered(made, kind(name), largest)
    untrue = [one for one in case.receipts if one.number in case.untrue]
    untouched = [one for one in case.receipts if one.number not in case.untrue]
    assert all(known[one.number] == one for one in untouched)
    for one in untrue:
        life = made.lives[one.vehicle]
        if name == "overfill:tank":
            assert one.ml == (life.car.tank_l + largest) * 1_000
        if name == "wrong_fuel":
            assert one.product != life.car.energy
        if name == "padded_litres" and one.ml is not None:
            assert one.ml - (known[one.number].ml or 0) == largest * 1_000 // RUN
        if name == "without_travel":
            around = [one.true_s - largest * 60 + 1, one.true_s + largest * 60 - 1]
            driven = np.interp(around, life.t, life.metres)
            assert driven[1] - driven[0] < 1.0
        if name == "two_fills":
            near = [abs(one.true_s - other.true_s) for other in untouched]
            assert (120 - largest) * 60 in near
    if name == "garage_never_visited":
        assert all(one.number in case.untrue for one in case.invoices if one.number >= 900_000)


def test_two_true_pumps_within_two_hours_are_left_out_of_the_count(made: World) -> None:
    case = tampered(made, kind("two_fills"), 30)
    close = {
        one.number
        for before, one in pairwise(made.receipts)
        if before.vehicle == one.vehicle and one.true_s - before.true_s <= 7_200
    }
    assert close <= case.apart


def test_an_order_covers_the_outing_that_it_is_of(made: World) -> None:
    assert made.orders
    for one in made.orders:
        left, back = one.true_s
        assert one.out_s <= left < back
        assert one.back_s is None or one.back_s >= back
    assert any(one.back_s is None for one in made.orders)
    assert any(one.back_hm is None for one in made.orders)


@pytest.mark.parametrize("name", [one.name for one in ORDER_KINDS])
def test_orders_are_untrue_as_much_as_their_size_says(made: World, name: str) -> None:
    largest = kind(name).sizes[-2]
    case = tampered(made, kind(name), largest)
    assert case.untrue or case.driven
    for one in case.orders:
        if one.number in case.untrue and one.number >= 900_000:
            life, wide = made.lives[one.vehicle], largest * 60
            ends = [one.out_s - wide, (one.back_s or 0) + wide]
            assert np.diff(np.interp(ends, life.t, life.metres))[0] < 1.0
        elif one.number in case.untrue:
            true = next(other for other in made.orders if other.number == one.number)
            assert (one.back_hm or 0) - (true.back_hm or 0) == largest * 10
    for vehicle, left, back in case.driven:
        life = made.lives[vehicle]
        assert np.diff(np.interp([left, back], life.t, life.metres))[0] > 0.0
        true_to_it = [one for one in case.orders if one.true_s == (left, back)]
        assert len(true_to_it) == (1 if name.endswith(":shifted") else 0)
