from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.tree.shared import Overlap, Stay, half_away, overlaps, twice

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
V1, V2, V3 = 1, 2, 3
A, B, C, D = 11, 12, 13, 14


def stay(meter: int, begin: int = 0, end: int = 24) -> Stay:
    return Stay(meter, f"V{meter}", BEGIN + begin * HOUR, BEGIN + end * HOUR)


def made_of(*sources: int) -> dict[int, Fraction]:
    return dict.fromkeys(sources, Fraction(1))


def shown(*found: Overlap) -> list[tuple[int, tuple[str, ...], int, int]]:
    return [
        (
            one.source,
            tuple(code for code, _ in one.within),
            (one.begin - BEGIN) // HOUR,
            (one.end - BEGIN) // HOUR,
        )
        for one in found
    ]


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((), 0),
        ((1,), 0),
        ((2,), 0),
        ((1, 1), 1),
        ((1, 1, 1), 2),
        ((0.5, 0.5), 0),
        ((0.75, 0.5), 0.25),
        ((2, 1), 1),
        ((2, 2), 2),
    ],
)
def test_more_than_once_or_than_one_has_on_purpose_counts_twice(
    factors: tuple[float, ...], expected: float
) -> None:
    assert twice(map(Fraction, factors)) == Fraction(expected)


def test_a_source_in_two_sub_meters_is_found() -> None:
    contents = {V1: made_of(A, B), V2: made_of(A, C)}
    assert shown(*overlaps([stay(V1), stay(V2)], contents)) == [(A, ("V1", "V2"), 0, 24)]


def test_parts_that_make_the_whole_are_right_as_they_are() -> None:
    contents = {V1: {A: Fraction("0.6")}, V2: {A: Fraction("0.4"), B: Fraction(1)}}
    assert not list(overlaps([stay(V1), stay(V2)], contents))


def test_only_while_both_are_there() -> None:
    contents = {V1: made_of(A), V2: made_of(A), V3: made_of(A)}
    found = overlaps([stay(V1, 0, 10), stay(V2, 6, 20), stay(V3, 8, 9), stay(V1, 18, 24)], contents)
    assert shown(*found) == [
        (A, ("V1", "V2"), 6, 8),
        (A, ("V1", "V2", "V3"), 8, 9),
        (A, ("V1", "V2"), 9, 10),
        (A, ("V2", "V1"), 18, 20),
    ]


def test_others_who_come_and_go_do_not_cut_it() -> None:
    contents = {V1: made_of(A), V2: made_of(A), V3: made_of(B)}
    found = overlaps([stay(V1), stay(V2), stay(V3, 3, 5)], contents)
    assert shown(*found) == [(A, ("V1", "V2"), 0, 24)]


def test_what_a_formula_takes_off_is_not_in_it() -> None:
    contents = {V1: made_of(A, B), V2: made_of(A, C), V3: made_of(D) | {A: Fraction(-1)}}
    assert shown(*overlaps([stay(V1), stay(V3)], contents)) == []
    assert shown(*overlaps([stay(V1), stay(V2), stay(V3)], contents)) == [(A, ("V1", "V2"), 0, 24)]


def test_of_virtual_sources_what_they_are_made_of_counts() -> None:
    contents = {V1: made_of(A), V2: made_of(V1, A)}
    assert shown(*overlaps([stay(V1), stay(V2)], contents)) == [(A, ("V1", "V2"), 0, 24)]


FACTORS = st.sampled_from([Fraction(n, 10) for n in (-10, -3, 1, 4, 6, 10, 10, 20)])
CONTENTS = st.fixed_dictionaries(
    {v: st.dictionaries(st.integers(11, 14), FACTORS) for v in range(1, 5)}
)
STAYS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 23), st.integers(1, 24)).filter(
        lambda one: one[1] < one[2]
    )
)


@given(CONTENTS, STAYS)
def test_hour_by_hour_it_is_what_exceeds(
    contents: dict[int, dict[int, Fraction]], spans: list[tuple[int, int, int]]
) -> None:
    stays = [stay(*span) for span in spans]
    found: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for one in overlaps(stays, contents):
        for hour in range((one.begin - BEGIN) // HOUR, (one.end - BEGIN) // HOUR):
            assert (one.source, hour) not in found
            found[one.source, hour] = twice(factor for _, factor in one.within)
    for source in range(11, 15):
        for hour in range(24):
            there = [v for v, begin, end in spans if begin <= hour < end]
            factors = [max(contents[v].get(source, Fraction(0)), Fraction(0)) for v in there]
            allowed = max([Fraction(1), *factors])
            assert found.get((source, hour), 0) == max(sum(factors) - allowed, 0)


def test_halves_are_rounded_away_from_zero() -> None:
    assert [half_away(Fraction(n, 2)) for n in (-3, -1, 0, 1, 3, 4)] == [-2, -1, 0, 1, 2, 2]
    assert half_away(Fraction(-1, 3)) == 0
