"""What must hold for every counter: it never falls, and no way of reading it differs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import almanac
from simulators.almanac import QUARTER_US, SECOND_US
from simulators.models.counter import Counter
from simulators.models.equipment import Model, build

SINCE = 20_500
KINDS = ("office", "school-water", "hospital", "air-conditioner", "lighting")
# Instants of a hundred days, as offsets from the start.
INSTANTS = st.integers(0, 100 * almanac.DAY_US)


def model(kind: str, seed: int = 7) -> Model:
    return build(kind, 1.0, 5, seed, SINCE)


def main_counter(kind: str, seed: int = 7) -> Counter:
    return next(iter(model(kind, seed).counters.values()))


@pytest.mark.parametrize("kind", KINDS)
@given(offsets=st.lists(INSTANTS, min_size=2, max_size=20))
@settings(max_examples=15, deadline=None)
def test_counters_never_fall(kind: str, offsets: list[int]) -> None:
    start = almanac.start_of(SINCE)
    read = [main_counter(kind).at(start + o) for o in sorted(offsets)]
    assert read == sorted(read)


@pytest.mark.parametrize("kind", KINDS)
@given(first=INSTANTS, step_s=st.sampled_from([1, 7, 60, 901]))
@settings(max_examples=10, deadline=None)
def test_small_steps_and_one_leap_reach_the_same(kind: str, first: int, step_s: int) -> None:
    begin = almanac.start_of(SINCE) + first
    stepped = main_counter(kind)
    for n in range(50):
        walked = stepped.at(begin + n * step_s * SECOND_US)
    assert walked == main_counter(kind).at(begin + 49 * step_s * SECOND_US)


@pytest.mark.parametrize("kind", KINDS)
def test_history_and_live_join_without_a_seam(kind: str) -> None:
    history = main_counter(kind).at_quarters(SINCE + 20, 12)
    live = main_counter(kind)
    begin = almanac.start_of(SINCE + 20)
    assert history.tolist() == [live.at(begin + n * QUARTER_US) for n in range(len(history))]


def test_history_that_begins_before_the_meter_shows_where_it_starts() -> None:
    counter = main_counter("office")
    history = counter.at_quarters(SINCE - 2, 4)
    assert set(history[:193].tolist()) == {counter.at(0)}
    assert history[-1] > counter.at(0)
    assert history[-1] == counter.at_quarters(SINCE + 1, 1)[-1]


@pytest.mark.parametrize("kind", KINDS)
@given(first=INSTANTS)
@settings(max_examples=15, deadline=None)
def test_energy_is_the_integral_of_power(kind: str, first: int) -> None:
    counter = main_counter(kind)
    begin = almanac.start_of(SINCE) + first // QUARTER_US * QUARTER_US
    # Inside one quarter hour power is a straight line: the middle is the mean.
    parts = 30
    step = QUARTER_US // parts
    integral = sum(counter.rate(begin + n * step + step // 2) / 3600 * 30 for n in range(parts))
    used = counter.at(begin + QUARTER_US) - counter.at(begin)
    assert used == pytest.approx(integral, abs=1.0, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_another_gives_another(kind: str) -> None:
    at = almanac.start_of(SINCE + 40) + 11 * 3600 * SECOND_US
    assert model(kind).values(at) == model(kind).values(at)
    assert main_counter(kind).at(at) == main_counter(kind).at(at)
    assert main_counter(kind, 7).at(at) != main_counter(kind, 8).at(at)


def test_a_lean_of_a_hundred_percent_still_never_falls() -> None:
    def quanta(days: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.int64]:
        return np.full((len(days), almanac.QUARTERS), 3, np.int64)

    counter = Counter(quanta, SINCE, 0, 1, ramp_percent=100)
    begin = almanac.start_of(SINCE)
    read = [counter.at(begin + n * 10 * SECOND_US) for n in range(720)]
    assert read == sorted(read)
    assert counter.at(begin + QUARTER_US) == 3
