from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metering.counter.model import GRAIN_US
from metering.quality.check import Booked, Noted, Stretch, accepted, check

WORTH = 10_000
RESOLUTION = Decimal("0.01")


def stretch(quarters: list[float], ticks: list[int], device: str = "d") -> Stretch:
    ts = np.array([round(q * GRAIN_US) for q in quarters], dtype=np.int64)
    return Stretch(device, RESOLUTION, WORTH, ts, np.array(ticks, dtype=np.int64))


def booked(micro: dict[int, int]) -> Booked:
    slots = sorted(micro)
    return Booked(
        np.array(slots, dtype=np.int64) * GRAIN_US,
        np.array([micro[slot] for slot in slots], dtype=np.int64),
    )


def window(quarters: int) -> tuple[int, int]:
    return 0, quarters * GRAIN_US


def test_last_minus_first_agrees() -> None:
    found = check(
        [(stretch([0, 1, 2], [5, 7, 10]), ())],
        booked({0: 2 * WORTH, 1: 3 * WORTH}),
        window(2),
    )
    assert found.holds
    assert found.edges == ()
    assert found.total == 5 * WORTH


def test_one_millionth_too_many_is_seen() -> None:
    found = check([(stretch([0, 1], [5, 7]), ())], booked({0: 2 * WORTH + 1}), window(1))
    assert not found.holds
    assert found.segments[0].off == 1


def test_readings_between_quarters_and_those_left_out_are_no_ends() -> None:
    dip = Noted("dip", 4 * GRAIN_US, 4 * GRAIN_US, 9, 0, 0)
    one = stretch([0.5, 1, 2, 3, 4, 4.5], [5, 6, 7, 9, 0, 10])
    found = check([(one, (dip,))], booked(dict.fromkeys(range(5), WORTH)), window(5))
    (segment,) = found.segments
    assert (segment.since_us, segment.until_us) == (GRAIN_US, 3 * GRAIN_US)
    assert [edge.micro for edge in found.edges] == [WORTH, 2 * WORTH]


def test_a_rollover_adds_what_the_register_lost() -> None:
    rollover = Noted("rollover", GRAIN_US, 2 * GRAIN_US, 998, 3, 5 * WORTH)
    found = check(
        [(stretch([0, 1, 2], [990, 998, 3]), (rollover,))],
        booked({0: 8 * WORTH, 1: 5 * WORTH}),
        window(2),
    )
    assert found.holds
    assert found.segments[0].corrections[0].micro == 1000 * WORTH


def test_an_unknown_jump_is_taken_off() -> None:
    jump = Noted("jump", GRAIN_US, 2 * GRAIN_US, 10, 9_000, None)
    found = check(
        [(stretch([0, 1, 2, 3], [5, 10, 9_000, 9_001]), (jump,))],
        booked({0: 5 * WORTH, 2: WORTH}),
        window(3),
    )
    assert found.holds


def test_a_gap_is_no_correction() -> None:
    gap = Noted("gap", 0, 3 * GRAIN_US, 1, 4, 3 * WORTH)
    found = check(
        [(stretch([0, 3], [1, 4]), (gap,))], booked(dict.fromkeys(range(3), WORTH)), window(3)
    )
    assert found.holds
    assert found.segments[0].corrections == ()


def test_one_reading_makes_no_segment() -> None:
    found = check([(stretch([1], [5]), ())], booked({}), window(2))
    assert found.segments == ()
    assert not found.holds
    assert [(edge.since_us, edge.until_us) for edge in found.edges] == [window(2)]
    assert found.edges[0].micro is None
    assert found.total is None


def test_two_devices_at_once_are_not_held_against_one_sum() -> None:
    pieces = [(stretch([0, 3], [1, 4], "a"), ()), (stretch([2, 5], [1, 4], "b"), ())]
    found = check(pieces, booked(dict.fromkeys(range(5), WORTH)), window(5))
    assert found.segments == ()
    assert found.total == 5 * WORTH


def test_everything_left_out_by_a_finding_is_left_out() -> None:
    ts = np.arange(6, dtype=np.int64)
    noted = (Noted("spike", 1, 2, 0, 9, 0), Noted("suspect", 5, 5, 0, 9, None))
    assert accepted(ts, noted).tolist() == [True, False, False, True, True, False]
    assert accepted(ts, (Noted("gap", 0, 5, 0, 9, 0),)).all()


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=40),
    st.sets(st.integers(1, 38), max_size=3),
    st.sets(st.integers(0, 40)),
)
def test_segments_and_edges_add_up_to_the_total(
    gains: list[int], changes: set[int], unread: set[int]
) -> None:
    """Devices follow each other; some quarters were not read; all that was booked is right."""
    count = len(gains)
    bounds = [0, *sorted(change for change in changes if change < count), count]
    pieces = []
    for number, (begin, end) in enumerate(pairwise(bounds)):
        read = [q for q in range(begin, end + 1) if q not in unread]
        ticks = [7 + sum(gains[begin:q]) for q in read]
        pieces.append((stretch([float(q) for q in read], ticks, f"d{number}"), ()))
    found = check(pieces, booked({q: g * WORTH for q, g in enumerate(gains)}), window(count))
    assert found.total == sum(gains) * WORTH
    parts = [segment.booked for segment in found.segments]
    parts += [edge.micro or 0 for edge in found.edges]
    assert sum(parts) == found.total
    assert all(segment.off == 0 for segment in found.segments)
    ends = sorted(
        [(s.since_us, s.until_us) for s in found.segments]
        + [(e.since_us, e.until_us) for e in found.edges]
    )
    assert [a for a, _ in ends] == [0, *(b for _, b in ends[:-1])]


def test_devices_that_follow_one_another_on_the_minute_are_both_compared() -> None:
    found = check(
        [(stretch([0, 1], [5, 7], "old"), ()), (stretch([1, 2], [0, 3], "new"), ())],
        booked({0: 2 * WORTH, 1: 3 * WORTH}),
        window(2),
    )
    assert found.holds
    assert [segment.device for segment in found.segments] == ["old", "new"]


def test_an_event_of_the_first_step_is_corrected() -> None:
    rollover = Noted("rollover", 0, GRAIN_US, 998, 3, 5 * WORTH)
    found = check([(stretch([0, 1], [998, 3]), (rollover,))], booked({0: 5 * WORTH}), window(1))
    assert found.holds
