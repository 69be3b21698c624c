"""Did it move while sealed? By trips, odometer and ignition; of sensitive ones without places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from fleet.yards.days import Window
from fleet.yards.movement import Driven, Limits, Sign, movement
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
from tests.unit.fleet.drives import HOUR, MINUTE, NOON, SECOND

BEGIN = NOON - 12 * HOUR
DAY = Window(date(2026, 6, 1), BEGIN, BEGIN + 24 * HOUR)
LIMITS = Limits(500_000, 15 * MINUTE, 12 * HOUR)
LATER = BEGIN + 1_000 * HOUR
KM = 1_000_000


def heard(
    every_h: float = 1.0,
    *,
    acc: bool | None = False,
    km: float | None = None,
    drives_at: float | None = None,
    terminal: int = 1,
) -> list[Sign]:
    """A terminal's words of the day and an hour around; ``drives_at``: 30 km more from then on."""
    hours = [-1 + n * every_h for n in range(int(26 / every_h) + 1)]
    return [
        Sign(
            BEGIN + int(hour * HOUR),
            terminal,
            acc,
            None
            if km is None
            else int((km + (30 if drives_at is not None and hour > drives_at else 0)) * KM),
        )
        for hour in hours
    ]


def judged(
    signs: Sequence[Sign],
    trips: Sequence[Driven] | None = (),
    excuses: Sequence[Excuse] = (),
    now: int = LATER,
) -> Verdict:
    return movement(DAY, signs, trips, excuses, LIMITS, now)


def trip(from_h: float, to_h: float, km: float) -> Driven:
    return Driven(BEGIN + int(from_h * HOUR), BEGIN + int(to_h * HOUR), int(km * KM))


def test_a_sealed_vehicle_that_stood_agrees() -> None:
    assert isinstance(judged(heard()), Agrees)
    assert isinstance(judged(heard(km=100.0), None), Agrees)


def test_a_sealed_vehicle_that_drove_is_a_doubt() -> None:
    found = judged(heard(), [trip(9, 10, 30)])
    assert isinstance(found, Doubt)
    assert found.kind is DoubtKind.MOVED_SEALED
    assert found.evidence.moved_mm == 30 * KM
    assert found.evidence.away == ((BEGIN + 9 * HOUR, BEGIN + 10 * HOUR),)


def test_a_trip_over_midnight_counts_by_its_time() -> None:
    found = judged(heard(), [trip(-1, 1, 30)])
    assert isinstance(found, Doubt)
    assert found.evidence.moved_mm == 15 * KM


def test_putting_it_elsewhere_in_the_yard_is_no_doubt() -> None:
    assert isinstance(judged(heard(), [trip(9, 9.1, 0.3)]), Agrees)


def test_orders_and_duty_exempt() -> None:
    for kind in (ExcuseKind.ORDER, ExcuseKind.DUTY):
        excuse = Excuse(kind, BEGIN + 8 * HOUR, BEGIN + 11 * HOUR, "P1")
        assert isinstance(judged(heard(), [trip(9, 10, 30)], [excuse]), Agrees)
        assert isinstance(judged(heard(), [trip(9, 10, 30), trip(15, 16, 5)], [excuse]), Doubt)


def test_an_order_without_return_leaves_it_open() -> None:
    excuse = Excuse(ExcuseKind.ORDER, BEGIN, BEGIN + 24 * HOUR, "P1", open=True)
    found = judged(heard(), [trip(9, 10, 30)], [excuse])
    assert isinstance(found, CannotTell)
    assert found.why is Why.ORDER_OPEN


def test_an_odometer_that_went_on_is_a_doubt_without_any_position() -> None:
    found = judged(heard(km=100.0, drives_at=9.0))
    assert isinstance(found, Doubt)
    assert found.evidence.odometer_mm == 30 * KM
    assert found.evidence.moved_mm == 0


def test_a_sensitive_vehicle_is_judged_by_odometer_and_ignition_alone() -> None:
    moved = judged(heard(km=100.0, drives_at=9.0), None)
    assert isinstance(moved, Doubt)
    assert moved.evidence.moved_mm is None
    assert moved.evidence.place is None
    assert moved.evidence.away == ()
    running = heard(0.1, acc=True)
    started = judged(running, None)
    assert isinstance(started, Doubt)
    assert started.kind is DoubtKind.IGNITION_SEALED
    # It warmed up and did not move: the odometer says so.
    assert isinstance(judged(heard(0.1, acc=True, km=100.0), None), Agrees)


def test_a_trip_of_unknown_length_leaves_the_odometer_to_tell() -> None:
    unseen = replace(trip(-1, 1, 0), distance_mm=None)
    stood = judged(heard(km=100.0), [unseen])
    assert isinstance(stood, Agrees)
    assert stood.evidence.moved_mm is None
    assert isinstance(judged(heard(km=100.0, drives_at=9.0), [unseen]), Doubt)
    started = judged(heard(0.1, acc=True), [unseen])
    assert isinstance(started, Doubt)
    assert started.kind is DoubtKind.IGNITION_SEALED


def test_nothing_that_tells_of_moving_is_no_agreement() -> None:
    unseen = replace(trip(9, 10, 0), distance_mm=None)
    for trips in (None, [unseen]):
        found = judged(heard(acc=None), trips)
        assert isinstance(found, CannotTell)
        assert found.why is Why.SENSITIVE


def test_an_odometer_that_leapt_or_fell_is_not_believed() -> None:
    signs = heard(km=100.0)
    broken = [*signs[:5], Sign(signs[5].t_us, 1, False, 9_000 * KM), *signs[6:]]
    assert isinstance(judged(broken), Agrees)


def test_vehicle_case_01_an_odometer_that_creeps_with_the_ignition_off_is_no_move() -> None:
    creeping = [
        replace(one, odometer_mm=100 * KM + n * 60_000) for n, one in enumerate(heard(km=100.0))
    ]
    assert isinstance(judged(creeping), Agrees)
    assert isinstance(judged(creeping, None), Agrees)
    driven = [replace(one, acc=True) for one in creeping]
    assert isinstance(judged(driven), Doubt)


def test_of_two_terminals_the_one_that_says_more_counts_once() -> None:
    both = sorted(
        [*heard(km=100.0, drives_at=9.0), *heard(km=500.0, drives_at=9.0, terminal=2)],
        key=lambda one: one.t_us,
    )
    found = judged(both)
    assert isinstance(found, Doubt)
    assert found.evidence.odometer_mm == 30 * KM


def test_a_vehicle_that_says_nothing_is_not_known_to_stand() -> None:
    nothing = judged([])
    assert isinstance(nothing, CannotTell)
    assert nothing.why is Why.NO_POSITIONS
    before = [Sign(BEGIN - 30 * HOUR, 1, False, None)]
    long_ago = judged(before)
    assert isinstance(long_ago, CannotTell)
    assert long_ago.why is Why.NO_POSITIONS
    fell_silent = judged(heard()[:3])
    assert isinstance(fell_silent, CannotTell)
    assert fell_silent.why is Why.SILENT


def test_the_hours_before_a_terminal_was_first_heard_of_are_not_known() -> None:
    first_heard = judged([one for one in heard() if one.t_us >= BEGIN + 10 * HOUR])
    assert isinstance(first_heard, CannotTell)
    assert first_heard.why is Why.SILENT
    assert first_heard.evidence.unknown == ((BEGIN, BEGIN + 10 * HOUR),)


def test_days_of_silence_with_the_same_odometer_are_days_of_standing() -> None:
    asleep = [
        Sign(BEGIN - 30 * HOUR, 1, False, 100 * KM),
        Sign(BEGIN + 50 * HOUR, 1, False, 100 * KM),
    ]
    assert isinstance(judged(asleep), Agrees)
    drove = [asleep[0], Sign(BEGIN + 50 * HOUR, 1, False, 160 * KM)]
    assert isinstance(judged(drove), CannotTell)


def test_the_day_is_still_running() -> None:
    signs = [one for one in heard() if one.t_us < NOON]
    assert isinstance(judged(signs, now=NOON + 30 * SECOND), Agrees)


@pytest.mark.parametrize("acc", [None, False])
def test_without_ignition_or_odometer_a_sensitive_vehicle_that_reports_is_not_doubted(
    acc: bool | None,
) -> None:
    found = judged(heard(acc=acc), None)
    assert not isinstance(found, Doubt)
    assert found.evidence.odometer_mm is None


@pytest.mark.parametrize(("mm", "doubt"), [(500_000, True), (499_999, False)])
def test_how_far_is_moved(mm: int, *, doubt: bool) -> None:
    way = replace(trip(9, 10, 0), distance_mm=mm)
    assert isinstance(judged(heard(), [way]), Doubt) is doubt
    on = [replace(one, acc=True, odometer_mm=100 * KM + mm * (one.t_us > NOON)) for one in heard()]
    assert isinstance(judged(on), Doubt) is doubt


@pytest.mark.parametrize(("minutes", "doubt"), [(15, True), (14, False)])
def test_how_long_an_ignition_may_be_on(minutes: int, *, doubt: bool) -> None:
    """A terminal that speaks every minute, of which an odometer or a place tells nothing."""
    signs = [
        Sign(BEGIN + n * MINUTE, 1, 600 <= n < 600 + minutes, None) for n in range(-1, 24 * 60 + 1)
    ]
    found = judged(signs, None)
    assert isinstance(found, Doubt) is doubt
    assert found.evidence.ignition_us == minutes * MINUTE
    if not doubt:
        assert isinstance(found, Agrees), "an ignition is known"


@pytest.mark.parametrize(("acc", "apart"), [((True, False), 10), ((True, None), 5)])
def test_an_ignition_is_believed_for_ten_minutes(
    acc: tuple[bool | None, bool | None], apart: int
) -> None:
    signs = [
        Sign(BEGIN, 1, False, None),
        Sign(NOON, 1, acc[0], None),
        Sign(NOON + (apart if apart < 10 else 60) * MINUTE, 1, acc[1], None),
        Sign(BEGIN + 24 * HOUR, 1, False, None),
    ]
    assert judged(signs, None).evidence.ignition_us == apart * MINUTE


@pytest.mark.parametrize(
    ("off", "mm"),
    [
        ((False, False), 0),
        ((False, True), 400_000),
        ((True, False), 400_000),
        ((None, False), 400_000),
    ],
)
def test_what_creeps_is_off_at_both_ends(off: tuple[bool | None, bool | None], mm: int) -> None:
    signs = [
        Sign(BEGIN + HOUR, 1, off[0], 100 * KM),
        Sign(BEGIN + 2 * HOUR, 1, off[1], 100 * KM + 400_000),
    ]
    assert judged(signs).evidence.odometer_mm == mm


@pytest.mark.parametrize(("mm", "gained"), [(201 * KM, 201 * KM), (201 * KM + 1, None), (-1, None)])
def test_how_far_an_odometer_goes_in_an_hour(mm: int, gained: int | None) -> None:
    """200 km/h, and a kilometre in whose steps a terminal counts."""
    signs = [
        Sign(BEGIN + HOUR, 1, True, 1_000 * KM),
        Sign(BEGIN + 2 * HOUR, 1, True, 1_000 * KM + mm),
    ]
    assert judged(signs).evidence.odometer_mm == gained


def test_of_two_terminals_the_further_one_counts() -> None:
    signs = [
        Sign(BEGIN + hour * HOUR, terminal, True, (100 + hour * terminal) * KM)
        for hour in (1, 2)
        for terminal in (1, 2)
    ]
    assert judged(signs).evidence.odometer_mm == 2 * KM


def test_a_reading_without_an_odometer_between_two_with_one_parts_no_step() -> None:
    signs = [
        Sign(BEGIN + hour * HOUR, 1, True, None if hour == 2 else (100 + hour) * KM)
        for hour in (1, 2, 3)
    ]
    assert judged(signs).evidence.odometer_mm == 2 * KM


def test_a_step_counts_in_the_piece_in_which_it_lies() -> None:
    """Duty parts the day: what was driven before and behind it counts, across its edge not."""
    duty = Excuse(ExcuseKind.DUTY, BEGIN + 8 * HOUR, BEGIN + 11 * HOUR, "")
    signs = [Sign(BEGIN + h * HOUR, 1, True, (100 + h) * KM) for h in (1, 2, 7, 9, 12, 13)]
    assert judged(signs, (), [duty]).evidence.odometer_mm == (1 + 5 + 1) * KM


def test_excuses_that_only_touch_the_day_are_none_of_it() -> None:
    edges = [
        Excuse(ExcuseKind.DUTY, BEGIN - HOUR, BEGIN, "before"),
        Excuse(ExcuseKind.DUTY, BEGIN - HOUR, BEGIN + 1, "into"),
        Excuse(ExcuseKind.DUTY, BEGIN + 24 * HOUR - 1, BEGIN + 25 * HOUR, "out of"),
        Excuse(ExcuseKind.DUTY, BEGIN + 24 * HOUR, BEGIN + 25 * HOUR, "behind"),
    ]
    assert [one.what for one in judged(heard(), (), edges).evidence.excuses] == ["into", "out of"]


@pytest.mark.parametrize(
    ("known", "kind"), [("odometer", Agrees), ("trips", Agrees), (None, Doubt)]
)
def test_an_ignition_is_asked_where_nothing_else_tells(known: str | None, kind: type) -> None:
    signs = heard(0.1, acc=True, km=100.0 if known == "odometer" else None)
    assert isinstance(judged(signs, () if known == "trips" else None), kind)


def test_one_terminal_without_an_ignition_does_not_hide_that_of_another() -> None:
    signs = [replace(one, acc=None) if n % 2 else one for n, one in enumerate(heard(0.1, acc=True))]
    assert judged(signs, None).evidence.ignition_us is not None


def test_a_trip_of_unknown_length_beyond_the_day_hides_nothing() -> None:
    before = replace(trip(-2, 0, 0), distance_mm=None)
    found = judged(heard(), [before, trip(9, 10, 3)])
    assert found.evidence.moved_mm == 3 * KM


def test_an_odometer_at_rest_is_enough_where_no_ignition_is_told() -> None:
    assert isinstance(judged(heard(acc=None, km=100.0), None), Agrees)
    assert isinstance(judged(heard(acc=None), ()), Agrees), "trips tell it as well"
