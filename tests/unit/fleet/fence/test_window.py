"""What is said of a window does not depend on the window, nor on how fixes came."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.fence.passage import Crossing, Watch, crossings, passage
from fleet.fence.shape import circle, polygon
from fleet.fence.track import Silence, Track, track_of
from fleet.fence.window import Around, crossings_in, window
from fleet.track.fixes import Fixes
from fleet.track.judge import judge
from fleet.yards.spans import Span, joined, within
from tests.unit.fleet.drives import HOUR, LAT, LON, MINUTE, RULES, SECOND, Drive, Fix, fixes_of
from tests.unit.fleet.trips.test_recompute import history

SILENCE = Silence()


@dataclass
class Kept:
    """Fixes in memory, as a database would give them."""

    fixes: Fixes
    read_fixes: int = field(default=0)

    def around(self, from_us: int, to_us: int) -> Around | None:
        times = self.fixes.t_us.tolist()
        if not times:
            return None
        before = max((t for t in times if t <= from_us), default=from_us)
        behind = min((t for t in times if t >= to_us), default=to_us)
        return Around(times[0], before, behind, times[-1])

    def read(self, from_us: int, to_us: int) -> Fixes:
        found = self.fixes.between(from_us, to_us)
        self.read_fixes = len(found)
        return found


def watches(dice: random.Random, rows: list[Fix]) -> list[Watch]:
    """Fences of all sizes where the vehicle was, or nearly."""
    found = list[Watch]()
    under_way = rows[:: max(1, len(rows) // 50)] + [one for one in rows if (one.speed or 0) > 5]
    for _ in range(3):
        there = dice.choice(under_way)
        off = dice.choice([0.0, 0.0004, 0.004])
        middle = (there.lon + off, there.lat - off)
        size = dice.choice([40, 300, 2_000, 20_000])
        shape = circle(middle, size)
        if dice.random() < 0.4:
            d = size / 100_000
            x, y = middle
            corners = [(x, y), (x + 2 * d, y), (x + 2 * d, y + d), (x + d, y + d / 3), (x, y + d)]
            found.append(Watch(polygon(corners), dice.choice([0, 50]), _dwell(dice)))
        else:
            found.append(Watch(shape, dice.choice([0, 50, 500]), _dwell(dice)))
    return found


def _dwell(dice: random.Random) -> int:
    return dice.choice([0, 0, 3 * MINUTE, 30 * MINUTE])


def inside(track: Track, watch: Watch, span: Span) -> list[Span]:
    stays = joined((one.from_us, one.to_us) for one in passage(track, watch).stays)
    return within(stays, [span])


def unknown(track: Track, watch: Watch, span: Span) -> list[Span]:
    return within(joined(passage(track, watch).unknown), [span])


def whole(rows: list[Fix]) -> Track:
    return track_of(judge(fixes_of(rows).ordered(), RULES), RULES, SILENCE)


def shuttle(seed: int, steps: int) -> list[Fix]:
    """A vehicle that goes to and fro between four places, with gaps, jumps and scatter."""
    dice = random.Random(seed)
    places = [(dice.uniform(-4_000, 4_000), dice.uniform(-4_000, 4_000)) for _ in range(4)]
    drive = Drive(
        every_s=dice.choice([10, 30, 60]), noise_m=dice.choice([0, 5, 30]), seed=seed, odometer_km=1
    )
    for _ in range(steps):
        x, y = dice.choice(places)
        drive.go(x - drive.x, y - drive.y, kmh=dice.choice([15, 40, 90]))
        drive.park(dice.choice([1, 3, 8, 25, 60]), acc=dice.choice([0, 0, 1]))
        if dice.random() < 0.2:
            drive.silent(dice.choice([3, 20, 45, 540]))
        if dice.random() < 0.1:
            drive.fix(0.0, 1, lat=LAT + 0.3)
            drive.now_us += drive.every_s * SECOND
    return drive.rows


def check(seed: int, steps: int) -> tuple[int, int, int]:
    """Ask for random windows of a random history; return what was read, what there is, events."""
    dice = random.Random(seed)
    rows = (history if seed % 2 else shuttle)(seed, steps)
    if not rows:
        return 0, 0, 0
    track, kept = whole(rows), Kept(fixes_of(rows).ordered())
    first, last = rows[0].t_us, rows[-1].t_us
    read, there, events = 0, 0, 0
    for _ in range(4):
        start = dice.randrange(first - 2 * HOUR, last + HOUR)
        end = start + dice.choice([1, HOUR, 6 * HOUR, 48 * HOUR])
        its = watches(dice, rows)
        piece = window(kept, start, end, its, RULES, SILENCE)
        for watch in its:
            expected = crossings_in(track, watch, start, end)
            assert crossings_in(piece, watch, start, end) == expected
            assert inside(piece, watch, (start, end)) == inside(track, watch, (start, end))
            assert unknown(piece, watch, (start, end)) == unknown(track, watch, (start, end))
            events += len(expected)
        read, there = read + kept.read_fixes, there + len(kept.fixes)
    return read, there, events


@pytest.mark.parametrize("seed", range(10))
def test_a_window_says_what_the_whole_says(seed: int) -> None:
    check(seed, 25)


def test_windows_are_really_windows() -> None:
    found = [check(seed, 60) for seed in range(100, 108)]
    read, there, events = (sum(column) for column in zip(*found, strict=True))
    assert read < there / 2, "nearly everything was read: the tests show nothing"
    assert events > 50, "hardly anything was crossed: the tests show nothing"


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25))
def test_any_window_of_any_history(seed: int, steps: int) -> None:
    check(seed, steps)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_the_order_of_arrival_does_not_matter(seed: int) -> None:
    dice = random.Random(seed)
    rows = history(seed, 12)
    again = dice.sample(rows, len(rows)) + rows[::7]
    for watch in watches(dice, rows) if rows else ():
        assert crossings(whole(again), watch) == crossings(whole(rows), watch)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25))
def test_entries_and_exits_take_turns_and_lie_between_their_fixes(seed: int, steps: int) -> None:
    rows = (history if seed % 2 else shuttle)(seed, steps)
    track = whole(rows)
    for watch in watches(random.Random(seed), rows) if rows else ():
        found: list[Crossing] = crossings(track, watch)
        assert [one.at_us for one in found] == sorted(one.at_us for one in found)
        assert all(one.after_us <= one.at_us <= one.before_us for one in found)
        turns = [one.entered for one in found]
        assert all(one != other for one, other in pairwise(turns))


def test_a_vehicle_parked_for_weeks_needs_no_weeks_to_be_read() -> None:
    drive = Drive(every_s=600).go(-4_000).go(4_000).park(20 * 24 * 60)
    kept = Kept(fixes_of(drive.rows).ordered())
    end = drive.now_us - HOUR
    watch = Watch(circle((LON, LAT), 300))
    piece = window(kept, end - HOUR, end, [watch], RULES, SILENCE)
    assert inside(piece, watch, (end - HOUR, end)) == [(end - HOUR, end)]
    assert kept.read_fixes < len(kept.fixes) / 10


def test_years_of_silence_around_a_window_are_not_read() -> None:
    drive = Drive(every_s=60)
    for _ in range(3):
        drive.go(-4_000).go(4_000).park(3 * 24 * 60).silent(60 * 24 * 60)
    kept = Kept(fixes_of(drive.rows).ordered())
    watch = Watch(circle((LON, LAT), 300))
    for days in (30, 90, 150):
        start = drive.rows[0].t_us + days * 24 * HOUR
        piece = window(kept, start, start + HOUR, [watch], RULES, SILENCE)
        span = (start, start + HOUR)
        assert unknown(piece, watch, span) == unknown(whole(drive.rows), watch, span)
        assert kept.read_fixes < len(kept.fixes) / 4


def test_a_stay_that_ends_before_its_dwell_hours_behind_the_window_is_none() -> None:
    drive = Drive(every_s=60).go(-4_000).park(600).go(4_000)
    came = drive.now_us
    drive.park(180, acc=1).go(-4_000).park(600)
    kept = Kept(fixes_of(drive.rows).ordered())
    for hours, entries in ((4, 0), (2, 1)):
        watch = Watch(circle((LON, LAT), 300), 50, hours * HOUR)
        span = came - HOUR, came + HOUR // 6
        assert len(crossings_in(whole(drive.rows), watch, *span)) == entries
        piece = window(kept, *span, [watch], RULES, SILENCE)
        assert len(crossings_in(piece, watch, *span)) == entries


def test_nobody_was_heard() -> None:
    kept = Kept(fixes_of([]))
    watch = Watch(circle((LON, LAT), 300))
    assert passage(window(kept, 0, HOUR, [watch], RULES, SILENCE), watch).stays == ()
