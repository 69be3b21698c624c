"""Where a vehicle was: what was seen, what is excluded, what nobody can tell."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.tip.verdict import Verdict, verdict
from fleet.tip.whereabouts import Place, Whereabouts, whereabouts
from tests.unit.fleet.drives import LAT, LON, MINUTE, NOON, RULES, SECOND, Drive, Fix, fixes_of

EAST, NORTH = 95_891.0, 110_862.0


def place(east_m: float, north_m: float = 0.0) -> Place:
    return Place(LAT + north_m / NORTH, LON + east_m / EAST)


def look(rows: list[Fix], begin: int, end: int, where: Place | None) -> Whereabouts:
    """Look from one minute to another, counted from noon."""
    return whereabouts(
        fixes_of(rows).ordered(), NOON + begin * MINUTE, NOON + end * MINUTE, where, RULES
    )


def test_the_way_between_two_fixes_counts_too() -> None:
    rows = Drive(every_s=60).park(5).go(10_000, kmh=60.0).park(5).rows
    found = look(rows, 0, 30, place(2_500, 120))
    assert found.nearest is not None
    assert found.nearest.metres == pytest.approx(120, abs=2)
    assert verdict(found, 150, place=True) is Verdict.NEAR
    assert verdict(found, 100, place=True) is Verdict.ELSEWHERE or not found.certain


def test_only_the_way_within_the_span_counts() -> None:
    rows = Drive(every_s=60).park(5).go(10_000, kmh=60.0).park(5).rows
    found = look(rows, 0, 6, place(9_000))  # it is there at 12:14
    assert found.nearest is not None
    assert (found.nearest.metres or 0) > 7_000


def test_a_gap_is_no_absence_unless_the_place_is_out_of_reach() -> None:
    rows = Drive().park(5).silent(30).park(10).rows
    near = look(rows, 10, 20, place(20_000))
    assert [(gap.excluded, gap.why) for gap in near.gaps] == [(False, "")]
    assert verdict(near, 300, place=True) is Verdict.OPEN
    far = look(rows, 10, 20, place(60_000))  # 120 km in half an hour
    assert [(gap.excluded, gap.why) for gap in far.gaps] == [(True, "reach")]
    assert verdict(far, 300, place=True) is Verdict.ELSEWHERE


def test_an_odometer_that_stood_still_excludes_a_place() -> None:
    rows = Drive(odometer_km=100.0).park(5).silent(30).park(10).rows
    assert [gap.why for gap in look(rows, 10, 20, place(20_000)).gaps] == ["odometer"]
    assert [gap.why for gap in look(rows, 10, 20, place(400)).gaps] == [""]


def test_before_the_first_and_behind_the_last_fix_nobody_can_tell() -> None:
    rows = Drive(NOON + 10 * MINUTE).park(5).rows
    found = look(rows, 0, 30, place(0))
    assert [((g.from_us - NOON) // MINUTE, (g.to_us - NOON) // MINUTE) for g in found.gaps] == [
        (0, 10),
        (15, 30),
    ]
    assert not found.certain
    nothing = look([], 0, 30, place(0))
    assert (nothing.nearest, len(nothing.gaps), nothing.certain) == (None, 1, False)


def test_a_fix_that_nobody_believes_puts_no_vehicle_anywhere() -> None:
    drive = Drive().park(10)
    drive.move(80_000).fix(0.0)
    drive.move(-80_000)
    drive.now_us += 10 * SECOND
    rows = drive.park(10).rows
    found = look(rows, 0, 20, place(80_000))
    assert found.left_out == 1
    assert found.nearest is not None
    assert (found.nearest.metres or 0) > 79_000


LEGS = st.lists(
    st.tuples(
        st.integers(-3_000, 3_000),
        st.integers(-3_000, 3_000),
        st.integers(20, 110),
        st.booleans(),
        st.integers(0, 6),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(LEGS, st.integers(-4_000, 4_000), st.integers(-4_000, 4_000))
def test_who_was_there_is_never_said_to_have_been_elsewhere(
    legs: list[tuple[int, int, int, bool, int]], east: int, north: int
) -> None:
    """A drive with stretches that nobody saw, held against where it truly was every 5 s."""
    drive = Drive(every_s=5).park(2)
    hidden: list[tuple[int, int]] = []
    for dx, dy, kmh, unseen, minutes in legs:
        begin = drive.now_us
        if dx or dy:
            drive.go(dx, dy, kmh=float(kmh))
        drive.park(minutes)
        if unseen:
            hidden.append((begin, drive.now_us))
    drive.park(2)
    seen = [row for row in drive.rows if not any(a < row.t_us < b for a, b in hidden)]
    begin, end = NOON, drive.now_us
    found = whereabouts(fixes_of(seen).ordered(), begin, end, place(east, north), RULES)
    truly = min(
        math.hypot((r.lat - LAT) * NORTH - north, (r.lon - LON) * EAST - east)
        for r in drive.rows
        if begin <= r.t_us <= end
    )
    if truly <= 300:
        assert verdict(found, 300, place=True) is not Verdict.ELSEWHERE
    if found.certain and truly > 400:  # 5 s at 110 km/h are 150 m
        assert verdict(found, 300, place=True) is Verdict.ELSEWHERE


def minute(number: float, east_m: float = 0.0, odometer_km: float | None = None) -> Fix:
    at = NOON + int(number * MINUTE)
    return Fix(at, LAT, LON + east_m / EAST, odometer_km=odometer_km, hash=int(number * 60))


def gaps_of(found: Whereabouts) -> list[tuple[int, int]]:
    return [((g.from_us - NOON) // MINUTE, (g.to_us - NOON) // MINUTE) for g in found.gaps]


def test_the_span_holds_its_ends_and_its_neighbours_stand_outside() -> None:
    found = look([minute(n) for n in range(9, 22)], 10, 20, None)
    assert [(one.t_us - NOON) // MINUTE for one in found.points] == list(range(10, 21))
    assert found.before is not None
    assert found.after is not None
    assert ((found.before.t_us - NOON) // MINUTE, (found.after.t_us - NOON) // MINUTE) == (9, 21)
    assert (found.gaps, found.nearest, found.left_out) == ((), None, 0)


def test_a_silence_is_a_gap_from_longer_than_it_may_be_on_and_only_within_the_span() -> None:
    gap_s = RULES.gap_us // SECOND
    seen = look([minute(0), minute(gap_s / 60)], 0, gap_s // 60, None)
    assert seen.gaps == ()
    missed = look([minute(0), minute(gap_s / 60 + 1 / 60)], 0, gap_s // 60, None)
    assert gaps_of(missed) == [(0, gap_s // 60)]
    around = look([minute(0), minute(60)], 10, 20, None)
    assert gaps_of(around) == [(10, 20)]
    assert [gap.excluded for gap in around.gaps] == [None], "no place is asked about"


def test_the_way_there_and_back_decides_what_is_out_of_reach() -> None:
    """10 km there and 20 km back, in the time that 30 km take, or less."""
    at = place(10_000)
    took = next(s for s in range(60, 7_200) if RULES.reach_m(s) >= 30_005)
    for seconds, excluded in ((took, False), (took - 60, True)):
        rows = [minute(0), minute(seconds / 60, -10_000)]
        (gap,) = look(rows, 0, seconds // 60, at).gaps
        assert gap.excluded is excluded


@pytest.mark.parametrize(
    ("driven_km", "why"), [(2.0, "odometer"), (100.0, ""), (-3.0, ""), (None, "")]
)
def test_an_odometer_excludes_what_it_did_not_drive(driven_km: float | None, why: str) -> None:
    """Ten kilometres there and back in an hour; an odometer that fell says nothing."""
    end = None if driven_km is None else 1_000.0 + driven_km
    rows = [minute(-1, 0, 500.0), minute(0, 0, 1_000.0), minute(60, 0, end), minute(61, 0, 9_000.0)]
    (gap,) = look(rows, 0, 60, place(5_000)).gaps
    assert gap.why == why


def test_the_first_and_the_last_fix_alone_leave_ends_open() -> None:
    assert gaps_of(look([minute(10)], 0, 20, None)) == [(0, 10), (10, 20)]
    assert gaps_of(look([minute(30)], 0, 20, None)) == [(0, 20)]
    assert gaps_of(look([minute(-10)], 0, 20, None)) == [(0, 20)]
    assert gaps_of(look([minute(0), minute(1)], 0, 1, None)) == []


def test_of_places_as_near_the_earlier_counts() -> None:
    rows = [minute(n) for n in range(5)]
    found = look(rows, 0, 4, place(1_000))
    assert found.nearest is not None
    assert found.nearest.t_us == NOON
