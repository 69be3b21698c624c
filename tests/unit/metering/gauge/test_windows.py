from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.counter.model import GRAIN_US
from metering.gauge.windows import (
    WEEK_US,
    PointSpan,
    Window,
    joined,
    micros,
    portions,
    touched,
)
from storage.times import at_us
from tests.unit.metering.gauge.samples import MIDNIGHT, SECOND

SILENCE = 900 * SECOND
START = at_us(MIDNIGHT)


def span(since: float, until: float) -> PointSpan:
    return PointSpan(1, START + timedelta(seconds=since), START + timedelta(seconds=until))


def quarters(window: Window) -> tuple[float, float]:
    return (window.begin - MIDNIGHT) / GRAIN_US, (window.end - MIDNIGHT) / GRAIN_US


def test_a_reading_touches_its_quarter_and_those_it_holds_into() -> None:
    assert quarters(touched(span(0, 0), SILENCE, None)) == (0, 1)
    assert quarters(touched(span(1, 1), SILENCE, None)) == (0, 2)
    assert quarters(touched(span(1, 950), 2 * SILENCE, None)) == (0, 4)


def test_it_touches_nothing_behind_the_next_reading() -> None:
    following = MIDNIGHT + 1800 * SECOND
    assert quarters(touched(span(1, 950), 9 * SILENCE, following)) == (0, 2)
    assert quarters(touched(span(1, 950), 9 * SILENCE, following + 1)) == (0, 3)


def test_times_are_exact_to_the_microsecond() -> None:
    at = datetime(2026, 6, 1, 12, 30, 15, 123457, tzinfo=UTC)
    assert at_us(micros(at)) == at
    assert micros(at + timedelta(microseconds=1)) == micros(at) + 1


def test_wrong_spans_are_refused() -> None:
    with pytest.raises(ValueError, match="point 1: the span ends before it begins"):
        touched(span(1, 0), SILENCE, None)
    with pytest.raises(ValueError, match="no zone"):
        micros(datetime(2026, 6, 1))  # noqa: DTZ001


WINDOWS = st.lists(
    st.builds(
        lambda point, begin, length: Window(
            point, MIDNIGHT + begin * GRAIN_US, MIDNIGHT + (begin + length) * GRAIN_US, SILENCE
        ),
        st.integers(1, 3),
        st.integers(-5, 700),
        st.integers(1, 1500),
    ),
    max_size=8,
)
Cell = tuple[int, int]


def cells(windows: list[Window]) -> list[Cell]:
    """Point and quarter of each quarter of each window."""
    return [
        (window.point_id, slot)
        for window in windows
        for slot in range(window.begin, window.end, GRAIN_US)
    ]


@given(WINDOWS)
def test_joined_windows_are_each_quarter_once(windows: list[Window]) -> None:
    found = joined(windows)
    assert cells(found) == sorted(set(cells(windows)))
    assert all(a.point_id != b.point_id or a.end < b.begin for a, b in itertools.pairwise(found))


def test_windows_that_touch_are_one_and_those_of_other_points_are_not() -> None:
    def window(point: int, begin: int, end: int) -> Window:
        return Window(point, begin * GRAIN_US, end * GRAIN_US, SILENCE)

    found = joined([window(1, 2, 3), window(2, 2, 3), window(1, 0, 2), window(1, 5, 6)])
    assert found == [window(1, 0, 3), window(1, 5, 6), window(2, 2, 3)]


@given(WINDOWS, st.integers(1, 2000))
def test_portions_are_all_quarters_once_within_a_week_and_bounded(
    windows: list[Window], most: int
) -> None:
    whole = joined(windows)
    found = list(portions(whole, most * GRAIN_US))
    assert sorted(cell for portion in found for cell in cells(portion)) == cells(whole)
    for portion in found:
        assert len({window.begin // WEEK_US for window in portion}) == 1
        assert all((w.end - 1) // WEEK_US == w.begin // WEEK_US for w in portion)
        total = sum(window.end - window.begin for window in portion)
        assert len(portion) == 1 or total <= most * GRAIN_US
