"""How long, while garages work, nobody knew where a vehicle was."""

from __future__ import annotations

import numpy as np
import pytest

from fleet.fence.shape import circle
from fleet.joining.fenced import Fenced
from fleet.joining.model import Repair, Sight, Stops, Track, Trips, Vehicle
from fleet.joining.repair import repair_verdict
from fleet.joining.rules import DAY_US, MINUTE_US, Rules
from fleet.joining.verdict import Doubt, Verdict, Why
from fleet.joining.ways import Ways
from fleet.joining.where import Within

RULES = Rules()
DAY = 20_000 * DAY_US
FAR = Fenced("厂", 31.0, 104.0, ("F",), Within((circle((104.0, 31.0), 100),), 0), is_station=False)
Stay = tuple[int, int, int, int]
"""From which minute of the invoice's day to which; metres gained, minutes silent."""


def invoice(*stays: Stay, sensitive: bool = False, lat: float = 30.0) -> Verdict:
    """A vehicle that stands at home but for the time between its stays."""

    def column(values: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.array(values, np.int64)

    home = np.full(len(stays), lat), np.full(len(stays), 104.0)
    stops = Stops(
        column([DAY + one[0] * MINUTE_US for one in stays]),
        column([DAY + one[1] * MINUTE_US for one in stays]),
        *home,
        column([-1 if one[2] < 0 else one[2] * 1_000 for one in stays]),
        column([one[3] * 60 for one in stays]),
    )
    track = Track(
        stops=stops,
        trips=Trips(*(column([]) for _ in range(6))),
        sight=Sight(column([]), *(np.zeros(0),) * 2),
    )
    paper = Repair(1, DAY + DAY_US // 2, DAY, DAY, "厂")
    vehicle = Vehicle("v", sensitive, repairs=(paper,), track=track)
    return repair_verdict(vehicle, paper, Ways(track, RULES), {"厂": FAR}, RULES)


def clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


FIRST, LAST = -10 * 1_440, 2 * 1_440
"""Ten days before the invoice, and the day behind it."""


def told(found: Verdict) -> bool:
    if found.doubt is Doubt.GARAGE_NEVER_VISITED:
        return True
    assert found.why is Why.TRACK_INCOMPLETE
    return False


@pytest.mark.parametrize(
    ("begin", "end", "doubt"),
    [
        ("20:00", "31:00", True),  # a night, until seven
        ("05:00", "10:01", True),  # three hours, but for a minute of rounding
        ("05:00", "10:02", False),
        ("16:59", "23:00", True),
        ("16:58", "23:00", False),
        ("10:00", "13:02", False),
    ],
)
def test_what_lies_between_stops_counts_while_garages_work(
    begin: str, end: str, *, doubt: bool
) -> None:
    hole = (FIRST, clock(begin), 0, 0), (clock(end), LAST, 0, 0)
    assert told(invoice(*hole)) is doubt


def test_holes_of_several_days_add_up() -> None:
    one = (FIRST, clock("08:00"), 0, 0), (clock("09:40"), 1_440 + clock("08:00"), 0, 0)
    assert told(invoice(*one, (1_440 + clock("08:00"), LAST, 0, 0)))
    assert not told(invoice(*one, (1_440 + clock("09:40"), LAST, 0, 0)))


@pytest.mark.parametrize(
    ("begin", "end", "gained", "silent", "doubt"),
    [
        ("08:00", "18:00", -1, 180, True),
        ("08:00", "18:00", -1, 181, False),
        ("20:00", "31:00", -1, 600, True),  # silent all night
        ("17:00", "31:00", -1, 600, True),
        ("16:59", "31:00", -1, 600, False),
        ("08:00", "11:01", 301, 0, False),  # driven there without its antenna
        ("08:00", "11:00", 301, 0, True),
        ("08:00", "11:01", 300, 0, True),
        ("20:00", "31:00", 20_000, 0, True),
    ],
)
def test_a_stop_hides_what_its_silence_or_its_odometer_tells_of(
    begin: str, end: str, gained: int, silent: int, *, doubt: bool
) -> None:
    since, until = clock(begin), clock(end)
    stays = (FIRST, since, 0, 0), (since, until, gained, silent), (until, LAST, 0, 0)
    assert told(invoice(*stays)) is doubt


def test_what_lies_outside_of_the_days_about_the_invoice_does_not_count() -> None:
    assert told(
        invoice(
            (FIRST - 9_000, FIRST - 600, 0, 0), (FIRST, LAST, 0, 0), (LAST + 600, LAST + 700, 0, 0)
        )
    )
    assert invoice((FIRST - 600, FIRST - 1, 0, 0)).why is Why.NO_TRACK


def test_of_a_sensitive_vehicle_or_time_nothing_is_said() -> None:
    assert invoice((FIRST, LAST, 0, 0), sensitive=True).why is Why.SENSITIVE
    assert invoice((FIRST, LAST, 0, 0), lat=np.nan).why is Why.SENSITIVE
