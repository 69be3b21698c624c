"""What a track says of the time between two fixes: seen, asleep, or unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.fence.track import Silence, Track, track_of
from fleet.track.judge import judge
from tests.unit.fleet.drives import HOUR, MINUTE, RULES, SECOND, Drive, Fix, fixes_of

SILENCE = Silence()


def track(rows: list[Fix]) -> Track:
    return track_of(judge(fixes_of(rows).ordered(), RULES), RULES, SILENCE)


def slept(us: int, **later: object) -> tuple[bool, bool]:
    """A vehicle is silent for a time, and where it was: (asleep, unknown)."""
    drive = Drive(odometer_km=100.0, acc=False).fix()
    drive.now_us += us
    drive.fix()
    drive.rows[1] = replace(drive.rows[1], **later)  # type: ignore[arg-type]
    found = track(drive.rows)
    return bool(found.asleep[0]), bool(found.unknown[0])


def test_an_odometer_at_rest_tells_that_it_stayed() -> None:
    assert slept(5 * HOUR) == (True, False)
    assert slept(5 * HOUR, odometer_km=100.1) == (True, False), "the last digit may turn"
    assert slept(5 * HOUR, odometer_km=100.2) == (False, True)
    assert slept(5 * HOUR, odometer_km=None) == (False, True)


def test_a_vehicle_that_is_elsewhere_afterwards_did_not_sleep() -> None:
    drive = Drive().fix(acc=0)
    drive.now_us += 5 * HOUR
    found = track(drive.move(5_000).fix(acc=0).rows)
    assert (found.asleep[0], found.unknown[0]) == (False, True)
    drive.now_us += MINUTE
    seen = track(drive.move(500).fix(acc=1).rows)
    assert (seen.asleep[1], seen.unknown[1]) == (False, False), "a drive that was seen"


@pytest.mark.parametrize("shown", [(0.0, 100.0), (100.0, 0.0)])
def test_an_odometer_of_zero_is_none(shown: tuple[float, float]) -> None:
    drive = Drive(odometer_km=100.0).fix(acc=0)
    drive.now_us += 5 * HOUR
    drive.fix(acc=0)
    rows = [replace(row, odometer_km=km) for row, km in zip(drive.rows, shown, strict=True)]
    assert track(rows).asleep[0], "the ignition was off, and nothing speaks against it"
    unknown = [replace(row, acc=-1) for row in rows]
    assert track(unknown).unknown[0]


def test_two_terminals_of_a_sleeping_vehicle_do_not_speak_for_each_other() -> None:
    """Their odometers count apart: as equal as they are by chance, as unequal they say nothing."""
    assert slept(5 * HOUR, terminal=2) == (False, True)
    drive = Drive(odometer_km=100.0).fix(acc=0)
    drive.now_us += 5 * HOUR
    drive.fix(acc=0)
    other = replace(drive.rows[1], terminal=2, odometer_km=70_000.0)
    assert bool(track([drive.rows[0], other]).asleep[0])
    same = replace(drive.rows[1], odometer_km=70_000.0)
    assert not track([drive.rows[0], same]).asleep[0]


@pytest.mark.parametrize(
    ("us", "asleep", "unknown", "gap"),
    [
        (120 * SECOND - 1, False, False, False),
        (120 * SECOND, False, False, True),
        (30 * MINUTE - 1, False, False, True),
        (30 * MINUTE, True, False, True),
        (12 * HOUR, True, False, True),
        (12 * HOUR + 1, False, True, True),
    ],
)
def test_how_long_is_silent_and_how_long_asleep(
    us: int, *, asleep: bool, unknown: bool, gap: bool
) -> None:
    drive = Drive().fix(acc=0)
    drive.now_us += us
    found = track(drive.fix(acc=0).rows)
    assert (found.asleep[0], found.unknown[0], found.gap[0]) == (asleep, unknown, gap)


def test_nothing_is_known_of_a_leg_that_nobody_drives_however_short_it_took() -> None:
    """Two runs that are believed contradict each other: both stay, and nothing lies between."""
    drive = Drive().park(30)
    count = len(drive.rows)
    drive.move(100_000).park(30)
    found = track(drive.rows)
    assert len(found) == len(drive.rows)
    assert found.unknown.nonzero()[0].tolist() == [count - 1]
    assert not found.asleep.any()
