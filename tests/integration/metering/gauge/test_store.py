from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.gauge.settings import GaugeSettings
from metering.gauge.store import recompute_points
from metering.gauge.windows import PointSpan
from tests.integration.metering.gauge.world import (
    SETTINGS,
    Conn,
    add_device,
    add_point,
    at,
    gauges,
    quarters,
    recompute,
    states,
    store,
)

WEEK = 7 * 86_400
CHANGES: list[tuple[float, float | None]] = [(0, 1.0), (300, 4.0), (900, 4.0), (1500, None)]


def test_quarters_of_a_gauge_and_a_state(conn: Conn) -> None:
    device = add_device(conn)
    power, running = add_point(conn, device, "power"), add_point(conn, device, "on", "state")
    store(conn, power, CHANGES)
    store(conn, running, [(0, 1.0), (600, 0.0), (1200, None)])
    done = recompute(conn, (power, 0, 1500), (running, 0, 1200))
    assert (done.points, done.gauge_rows, done.state_rows) == (2, 2, 3)
    assert quarters(gauges(conn)) == [(0, 1.0, 4.0, 3.0, 900), (1, 4.0, 4.0, 4.0, 600)]
    assert quarters(states(conn)) == [(0, 0, 300), (0, 1, 600), (1, 0, 300)]


def test_the_reading_before_the_span_holds_into_it(conn: Conn) -> None:
    power = add_point(conn, add_device(conn), "power")
    store(conn, power, [(600, 10.0), (1200, 40.0), (1800, None)])
    recompute(conn, (power, 1200, 1800))
    assert quarters(gauges(conn)) == [(1, 10.0, 40.0, 30.0, 900)]


def test_a_reading_without_value_before_the_span_ends_what_held(conn: Conn) -> None:
    power = add_point(conn, add_device(conn), "power")
    store(conn, power, [(600, 10.0), (700, None), (1200, 40.0), (1800, None)])
    recompute(conn, (power, 1200, 1200))
    assert quarters(gauges(conn)) == [(1, 40.0, 40.0, 40.0, 600)]


def test_a_late_reading_ends_what_was_taken_to_hold(conn: Conn) -> None:
    running = add_point(conn, add_device(conn), "on", "state")
    store(conn, running, [(0, 1.0)])
    recompute(conn, (running, 0, 0))
    assert quarters(states(conn)) == [(0, 1, 900), (1, 1, 900), (2, 1, 900), (3, 1, 900)]
    store(conn, running, [(1000, None)])
    recompute(conn, (running, 1000, 1000))
    assert quarters(states(conn)) == [(0, 1, 900), (1, 1, 100)]


def test_a_late_reading_changes_nothing_behind_the_next_one(conn: Conn) -> None:
    running = add_point(conn, add_device(conn), "on", "state")
    store(conn, running, [(0, 1.0), (900, 1.0)])
    recompute(conn, (running, 0, 900))
    conn.execute("UPDATE state_time SET value = 5 WHERE slot >= %s", [at(900)])
    store(conn, running, [(450, 0.0)])
    recompute(conn, (running, 450, 450))
    assert quarters(states(conn))[:3] == [(0, 0, 450), (0, 1, 450), (1, 5, 900)]


def test_a_device_asked_seldom_is_not_silent_between_its_slots(conn: Conn) -> None:
    power = add_point(conn, add_device(conn, interval_s=3600), "power")
    store(conn, power, [(0, 1.0), (3600, 2.0)])
    recompute(conn, (power, 0, 3600))
    assert [row[-1] for row in gauges(conn)] == [900] * 8


def test_settings_say_how_long_a_value_holds(conn: Conn) -> None:
    power = add_point(conn, add_device(conn), "power")
    store(conn, power, [(0, 1.0)])
    recompute(conn, (power, 0, 0), settings=GaugeSettings(gauge_silence_s=100))
    assert quarters(gauges(conn)) == [(0, 1.0, 1.0, 1.0, 100)]


def test_other_points_and_other_times_stay(conn: Conn) -> None:
    device = add_device(conn)
    one, other = add_point(conn, device, "one"), add_point(conn, device, "other")
    for point in (one, other):
        store(conn, point, [(0, 1.0), (90_000, 2.0)])
    recompute(conn, (one, 0, 90_000), (other, 0, 90_000))
    before = gauges(conn)
    recompute(conn, (one, 0, 0))
    assert gauges(conn) == before
    assert len(before) == 4


def test_strange_states_are_unknown_and_counted(conn: Conn) -> None:
    running = add_point(conn, add_device(conn), "on", "state")
    store(conn, running, [(0, 1.0), (60, 0.5), (120, 4e9), (180, 1.0), (240, None)])
    done = recompute(conn, (running, 0, 240))
    assert done.unfit == 2
    assert quarters(states(conn)) == [(0, 1, 120)]


def test_counters_and_unknown_points_are_named_and_do_not_stop_the_others(conn: Conn) -> None:
    device = add_device(conn)
    power, energy = add_point(conn, device, "power"), add_point(conn, device, "energy", "counter")
    store(conn, power, CHANGES)
    store(conn, energy, CHANGES)
    done = recompute(conn, (energy, 0, 1500), (999, 0, 1500), (power, 0, 1500))
    assert done.ignored == tuple(sorted((energy, 999)))
    assert {row[0] for row in gauges(conn)} == {power}


def test_nothing_to_do(conn: Conn) -> None:
    done = recompute_points(conn, [], SETTINGS)
    assert (done.points, done.gauge_rows, done.state_rows, done.ignored) == (0, 0, 0, ())


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [(at(1), at(0), "ends before it begins"), (datetime(2026, 6, 1), at(0), "no zone")],  # noqa: DTZ001
)
def test_a_wrong_span_is_refused(conn: Conn, since: datetime, until: datetime, said: str) -> None:
    power = add_point(conn, add_device(conn), "power")
    with pytest.raises(ValueError, match=said):
        recompute_points(conn, [PointSpan(power, since, until)], SETTINGS)


# Around the start of a week too: there a portion ends and the next begins.
TIMES = st.builds(
    lambda day, quarter, second: day + quarter * 900 + second,
    st.sampled_from([0, 3 * 86_400 - 1800, WEEK]),
    st.integers(0, 5),
    st.one_of(st.sampled_from([0, 0.000001, 899.999999]), st.integers(0, 899)),
)
VALUES = st.sampled_from([None, 0.0, 1.0, 2.0, 0.1])
READINGS = st.lists(st.tuples(st.integers(0, 2), TIMES, VALUES), min_size=1, max_size=12)
BATCHES = st.lists(READINGS, min_size=1, max_size=6)
SILENCES = st.builds(
    GaugeSettings,
    gauge_silence_s=st.sampled_from([1, 900, 2000]),
    state_silence_s=st.sampled_from([60, 3600, 100_000]),
)


@contextmanager
def thrown_away(conn: Conn) -> Iterator[None]:
    with conn.transaction(force_rollback=True):
        yield


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=BATCHES, policy=SILENCES, together=st.booleans())
def test_incremental_is_full_to_the_bit(
    conn: psycopg.Connection[Any],
    batches: list[list[tuple[int, float, float | None]]],
    policy: GaugeSettings,
    together: bool,
) -> None:
    with thrown_away(conn):
        device = add_device(conn)
        points = [
            add_point(conn, device, "power"),
            add_point(conn, device, "voltage"),
            add_point(conn, device, "on", "state"),
        ]
        for batch in batches:
            spans: list[tuple[int, float, float]] = []
            for which, second, value in batch:
                store(conn, points[which], [(second, value)])
                spans.append((points[which], second, second))
            if together:
                seconds = [second for _, second, _ in batch]
                spans = [(point, min(seconds), max(seconds)) for point in points]
            recompute(conn, *spans, settings=policy)
        incremental = gauges(conn), states(conn)
        conn.execute("TRUNCATE gauge, state_time")
        recompute(conn, *((point, 0, 2 * WEEK) for point in points), settings=policy)
        assert (gauges(conn), states(conn)) == incremental
