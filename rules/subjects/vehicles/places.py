"""Where vehicles stood when they had to, as events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from fleet.track.rules import SECOND_US
from fleet.yards.look import Asked, By, Found, at_rest, in_yards
from fleet.yards.model import Vehicle
from fleet.yards.source import Source
from fleet.yards.verdicts import CannotTell, Doubt
from rules.kinds.vehicles import Layer
from rules.subjects.model import Basis
from rules.subjects.vehicles.laid import Event

_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""No clock: what has not come yet is what no position tells of."""
Look = Callable[[Source, Asked, Sequence[Vehicle]], Iterator[list[Found]]]
LOOKS: Final[dict[str, Look]] = {
    Layer.AWAY: in_yards,
    Layer.MOVED_SEALED: partial(at_rest, by=By.NOTICE),
    Layer.MOVED_TAIL: partial(at_rest, by=By.TAIL),
}
"""Layer → who looks."""


def asked(basis: Basis, first: date, last: date) -> Asked:
    """Return the question for some days, by the settings by which `jieyong fleet` looks.

    The last day's night ends on the next one.
    """
    believed = basis.believed
    return Asked(
        first=first,
        last=last,
        zone=basis.zone,
        now=_NEVER,
        calendar=basis.calendar,
        rules=believed.track,
        silence=believed.fences.silence(believed.track.gap_us // SECOND_US),
        tolerance_us=believed.fences.tolerance_min * 60 * SECOND_US,
        around_order_us=believed.fences.around_order_min * 60 * SECOND_US,
        limits=believed.fences.limits(believed.track.fastest_kmh),
    )


def place_events(found: Iterable[Found]) -> list[Event]:
    """Return verdicts as events: where one cannot tell, of the whole window."""
    return [event for one in found for event in _events(one)]


def _events(one: Found) -> Iterator[Event]:
    window, vehicle = one.window, one.vehicle.id
    if isinstance(one.verdict, CannotTell):
        yield Event(vehicle, window.from_us, window.to_us, None)
    if isinstance(one.verdict, Doubt):
        # An odometer tells that it moved, and not when.
        spans = one.verdict.evidence.away or ((window.from_us, window.to_us),)
        yield from (Event(vehicle, *span) for span in spans)


def days(begin_us: int, end_us: int, zone: ZoneInfo) -> tuple[date, date]:
    """Return the local days of a time, one more before: its night goes on."""
    first, last = (
        datetime.fromtimestamp(us / 1e6, UTC).astimezone(zone).date() for us in (begin_us, end_us)
    )
    return date.fromordinal(first.toordinal() - 1), last
