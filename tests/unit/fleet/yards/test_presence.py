"""Was it in its yard? facts/field_cases.md, vehicles, 18: outside when it should be inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.fence.passage import Passage, Stay, Watch, passage
from fleet.fence.shape import circle
from fleet.fence.track import Silence, track_of
from fleet.track.judge import judge
from fleet.yards.days import Window
from fleet.yards.presence import journey, presence
from fleet.yards.spans import Span, joined, longest, without
from fleet.yards.verdicts import (
    Agrees,
    CannotTell,
    Doubt,
    DoubtKind,
    Excuse,
    ExcuseKind,
    Verdict,
    Why,
)
from tests.unit.fleet.drives import HOUR, LAT, LON, MINUTE, NOON, RULES, Drive, fixes_of

YARD = Watch(circle((LON, LAT), 300))
OTHER = Watch(circle((LON + 20_000 / 95_891, LAT), 300))
TEN = NOON + 10 * HOUR
NIGHT = Window(date(2026, 6, 1), TEN, TEN + 8 * HOUR)
LATER = TEN + 100 * HOUR


def judged(
    drive: Drive,
    excuses: Sequence[Excuse] = (),
    *,
    now: int = LATER,
    watches: Sequence[Watch] = (YARD,),
    window: Window = NIGHT,
) -> Verdict:
    track = track_of(judge(fixes_of(drive.rows).ordered(), RULES), RULES, Silence())
    passages = [passage(track, one) for one in watches]
    return presence(window, ["Y"] * len(watches), passages, excuses, 30 * MINUTE, now)


def out_and_back(hours_out: float) -> Drive:
    """Leaves the yard at 20:00, and is away for so long."""
    drive = Drive(every_s=60).park(8 * 60).go(20_000)
    drive.park(hours_out * 60, acc=1).go(-20_000)
    return drive.park((LATER - drive.now_us) / MINUTE)


def test_vehicle_case_18_a_vehicle_that_stands_in_its_yard_agrees() -> None:
    assert isinstance(judged(Drive(every_s=600).park(48 * 60)), Agrees)


def test_vehicle_case_18_a_vehicle_elsewhere_at_ten_is_a_doubt_with_its_times() -> None:
    found = judged(out_and_back(3))
    assert isinstance(found, Doubt)
    assert found.kind is DoubtKind.NOT_IN_YARD
    ((start, end),) = found.evidence.away
    assert start == TEN
    assert 1.5 * HOUR < end - start < 2 * HOUR


def test_vehicle_case_18_a_vehicle_that_leaves_at_night_is_another_doubt() -> None:
    drive = Drive(every_s=60).park(12 * 60).go(20_000).park(3 * 60, acc=1).go(-20_000)
    drive.park(12 * 60)
    found = judged(drive)
    assert isinstance(found, Doubt)
    assert found.kind is DoubtKind.LEFT_YARD


def test_a_few_minutes_late_are_let_pass() -> None:
    assert isinstance(judged(out_and_back(1.5)), Agrees)


def test_one_of_several_yards_is_enough() -> None:
    assert isinstance(judged(out_and_back(12), watches=(YARD, OTHER)), Agrees)


def test_an_order_or_duty_exempts_as_long_as_it_lasts() -> None:
    for kind in (ExcuseKind.ORDER, ExcuseKind.DUTY):
        whole = Excuse(kind, NOON, TEN + 3 * HOUR, "P1")
        found = judged(out_and_back(3), [whole])
        assert isinstance(found, Agrees)
        assert found.evidence.excuses == (whole,)
        early = Excuse(kind, NOON, TEN + HOUR // 2, "P1")
        late = judged(out_and_back(3), [early])
        assert isinstance(late, Doubt)
        assert late.evidence.away[0][0] == TEN + HOUR // 2


def test_an_order_that_does_not_say_when_it_ended_leaves_it_open() -> None:
    some = Excuse(ExcuseKind.ORDER, NOON, TEN, "P1")
    rest = Excuse(ExcuseKind.ORDER, TEN, TEN + 24 * HOUR, "P1", open=True)
    found = judged(out_and_back(3), [some, rest])
    assert isinstance(found, CannotTell)
    assert found.why is Why.ORDER_OPEN


def test_a_trip_that_runs_at_ten_and_ends_in_the_yard_agrees() -> None:
    drive = Drive(every_s=60).park(9 * 60).go(50_000).go(-50_000).park(12 * 60)
    assert isinstance(judged(drive), Doubt)
    trips = [(one.started_us, one.ended_us) for one in drive.travelled().trips]
    excuses = journey(trips, TEN)
    assert [one.kind for one in excuses] == [ExcuseKind.JOURNEY]
    assert isinstance(judged(drive, excuses), Agrees)


def test_a_trip_that_runs_at_ten_and_ends_elsewhere_is_a_doubt_from_then_on() -> None:
    drive = Drive(every_s=60).park(9 * 60).go(80_000).park(12 * 60)
    trips = [(one.started_us, one.ended_us) for one in drive.travelled().trips]
    found = judged(drive, journey(trips, TEN))
    assert isinstance(found, Doubt)
    assert found.evidence.away[0][0] == trips[0][1]


def test_a_trip_that_begins_or_ends_at_ten_does_not_run_at_ten() -> None:
    assert journey([(TEN - HOUR, TEN), (TEN, TEN + HOUR)], TEN) == []


def test_a_vehicle_without_positions_is_never_in_its_yard() -> None:
    for drive in (Drive(), Drive().park(60).silent(72 * 60).park(60)):
        found = judged(drive)
        assert isinstance(found, CannotTell)
        assert found.why is Why.NO_POSITIONS
    broken_off = judged(Drive(every_s=60).park(11 * 60).silent(30 * 60).park(10))
    assert isinstance(broken_off, CannotTell)
    assert broken_off.why is Why.SILENT


def test_silence_between_two_places_is_not_known() -> None:
    drive = Drive(every_s=60).park(9 * 60).move(5_000).silent(12 * 60).park(60)
    found = judged(drive)
    assert isinstance(found, CannotTell)


def test_what_is_only_believed_of_a_sleeping_vehicle_is_said() -> None:
    drive = Drive(every_s=60).park(9 * 60).silent(11 * 60).park(60)
    found = judged(drive)
    assert isinstance(found, Agrees)
    assert found.evidence.asleep == ((TEN, TEN + 8 * HOUR),)
    awake = judged(Drive(every_s=600).park(48 * 60))
    assert awake.evidence.asleep == ()


def test_out_all_of_a_short_window_is_a_doubt() -> None:
    short = replace(NIGHT, to_us=TEN + 10 * MINUTE)
    assert isinstance(judged(out_and_back(3), window=short), Doubt)
    assert isinstance(judged(Drive(every_s=600).park(48 * 60), window=short), Agrees)


def test_a_duty_covers_silence_too() -> None:
    duty = Excuse(ExcuseKind.DUTY, NOON, TEN + 12 * HOUR, "值班")
    assert isinstance(judged(Drive(), [duty]), Agrees)


def test_what_lies_ahead_is_not_judged() -> None:
    drive = Drive(every_s=60).park(10.5 * 60)
    assert isinstance(judged(drive, now=TEN + HOUR // 2), Agrees)


@given(
    kinds=st.lists(st.sampled_from("IOU"), min_size=20, max_size=20),
    certain=st.lists(st.tuples(st.integers(0, 19), st.integers(1, 20)), max_size=2),
    maybe=st.lists(st.tuples(st.integers(0, 19), st.integers(1, 20)), max_size=2),
    tolerance=st.integers(1, 6),
)
def test_every_minute_is_inside_away_excused_or_unknown(
    kinds: list[str], certain: list[Span], maybe: list[Span], tolerance: int
) -> None:
    def spans(kind: str) -> list[Span]:
        return joined((n, n + 1) for n, one in enumerate(kinds) if one == kind)

    stays = tuple(Stay(start, end, 0, 0) for start, end in spans("I"))
    known = Passage(0, 20, stays, tuple(spans("U")))
    excuses = [Excuse(ExcuseKind.ORDER, *one, "") for one in certain if one[0] < one[1]]
    excuses += [Excuse(ExcuseKind.ORDER, *one, "", open=True) for one in maybe if one[0] < one[1]]
    window = Window(NIGHT.day, 0, 20)
    found = presence(window, ["Y"], [known], excuses, tolerance, 20)
    sure = joined(one.span for one in excuses if not one.open)
    away, unknown = without(spans("O"), sure), without(spans("U"), sure)
    assert (list(found.evidence.away), list(found.evidence.unknown)) == (away, unknown)
    left = without(away, joined(one.span for one in excuses if one.open))
    assert isinstance(found, Doubt) == (longest(left) >= tolerance)
    if isinstance(found, Agrees):
        assert longest(away) < tolerance
        assert longest(unknown) < tolerance


def known(
    *stays: Span, unknown: Sequence[Span] = (), first: int = NOON, last: int = LATER
) -> Passage:
    """What a track says: minutes of the night become times."""
    inside = tuple(Stay(TEN + a * MINUTE, TEN + b * MINUTE, 0, 1) for a, b in stays)
    lost = tuple((TEN + a * MINUTE, TEN + b * MINUTE) for a, b in unknown)
    return Passage(first, last, inside, lost)


def said(*passages: Passage, excuses: Sequence[Excuse] = (), window: Window = NIGHT) -> Verdict:
    return presence(window, ["Y"] * len(passages), passages, excuses, 30 * MINUTE, LATER)


def excuse(begin: int, end: int, *, open_: bool = False) -> Excuse:
    span = TEN + begin * MINUTE, TEN + end * MINUTE
    return Excuse(ExcuseKind.ORDER, *span, f"{begin}", open=open_)


@pytest.mark.parametrize(("away", "doubt"), [(30, True), (29, False)])
def test_from_half_an_hour_in_one_piece_on_it_is_a_doubt(away: int, *, doubt: bool) -> None:
    found = said(known((0, 100), (100 + away, 480)))
    assert isinstance(found, Doubt if doubt else Agrees)
    twice = said(known((0, 100), (100 + away, 300), (300 + away, 480)))
    assert isinstance(twice, Doubt) is doubt, "shorter pieces do not add up"


@pytest.mark.parametrize(("away", "open_"), [(30, True), (29, False)])
def test_what_an_open_order_may_cover_is_left_open(away: int, *, open_: bool) -> None:
    found = said(known((0, 100), (100 + away, 480)), excuses=[excuse(90, 200, open_=True)])
    assert isinstance(found, CannotTell if open_ else Agrees)
    if isinstance(found, CannotTell):
        assert found.why is Why.ORDER_OPEN
    closed = said(known((0, 100), (100 + away, 480)), excuses=[excuse(90, 200)])
    assert isinstance(closed, Agrees)


@pytest.mark.parametrize(
    ("stays", "kind"),
    [
        (((60, 480),), DoubtKind.NOT_IN_YARD),
        (((0, 60),), DoubtKind.LEFT_YARD),
        # A short absence before is none: it was there when it left for long.
        (((20, 100), (200, 480)), DoubtKind.LEFT_YARD),
        # It was away from the begin on for long: that it left again later changes nothing.
        (((40, 100), (200, 480)), DoubtKind.NOT_IN_YARD),
    ],
)
def test_whoever_was_there_before_has_left(stays: tuple[Span, ...], kind: DoubtKind) -> None:
    found = said(known(*stays))
    assert isinstance(found, Doubt)
    assert found.kind is kind


@pytest.mark.parametrize(("lost", "told"), [(29, True), (30, False)])
def test_how_long_nothing_may_be_known(lost: int, *, told: bool) -> None:
    found = said(known((0, 100), (100 + lost, 480), unknown=[(100, 100 + lost)]))
    assert isinstance(found, Agrees if told else CannotTell)


@pytest.mark.parametrize(
    ("passage_", "why"),
    [
        (known(unknown=[(0, 480)]), Why.NO_POSITIONS),
        (known((0, 100), unknown=[(100, 480)]), Why.SILENT),
        (known(unknown=[(20, 480)]), Why.SILENT),  # it was elsewhere for a while: not for long
        (known(first=TEN + 8 * HOUR), Why.NO_POSITIONS),
        (known(last=TEN), Why.NO_POSITIONS),
    ],
)
def test_that_nothing_was_heard_is_another_thing_than_that_it_fell_silent(
    passage_: Passage, why: Why
) -> None:
    found = said(passage_)
    assert isinstance(found, CannotTell)
    assert found.why is why


def test_without_any_fence_nothing_is_known() -> None:
    found = said()
    assert isinstance(found, CannotTell)
    assert found.evidence.unknown == ((TEN, TEN + 8 * HOUR),)


def test_excuses_that_only_touch_the_night_are_none_of_it() -> None:
    edges = [excuse(-10, 0), excuse(-10, 1), excuse(479, 490), excuse(480, 490)]
    found = said(known((0, 480)), excuses=edges)
    assert [one.from_us for one in found.evidence.excuses] == [
        TEN - 10 * MINUTE,
        TEN + 479 * MINUTE,
    ]
