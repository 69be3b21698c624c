"""Verdicts of papers, orders and trips, and repairs, as events. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fleet.joining.verdict import Check, Doubt, Finding, Kind, Verdict
from fleet.norms.parts import Mended, again, parts
from rules.subjects.vehicles.laid import MINUTE_US, Event
from storage.times import at_us, midnight, us_of

RAISES: Final[Mapping[Check, tuple[Doubt, ...]]] = {
    Check.PLACE: (Doubt.BORROWED_CARD, Doubt.STATION_ELSEWHERE),
    Check.TRAVEL: (Doubt.WITHOUT_TRAVEL,),
    Check.TANK: (Doubt.OVERFILL,),
    Check.ROOM: (Doubt.OVERFILL,),
    Check.PAIR: (Doubt.TWO_FILLS,),
    Check.LITRES: (Doubt.PADDED_LITRES,),
    Check.HOLDER: (Doubt.OTHER_VEHICLE,),
    Check.FUEL: (Doubt.WRONG_FUEL,),
    Check.GARAGE: (Doubt.GARAGE_NEVER_VISITED,),
    Check.ORDER: (Doubt.ORDER_WITHOUT_TRIP, Doubt.ORDER_KILOMETRES),
    Check.TRIP: (Doubt.TRIP_WITHOUT_ORDER,),
    Check.DRIVER: (Doubt.OTHER_DRIVER,),
}
"""What was compared → the doubts that it can raise."""
OF_ORDERS: Final = frozenset({Check.ORDER, Check.DRIVER})
"""Of orders, which may have begun long before the time in question."""
_ENDS: Final = {
    Kind.TRIP: "ended_us",
    Kind.ORDER: "span_to_us",
}
"""What a verdict is about → the figure that says until when that was."""


def checks_for(layers: Collection[str]) -> frozenset[Check]:
    """Return what has to be compared for some layers."""
    return frozenset(check for check, doubts in RAISES.items() if set(doubts) & set(layers))


def paper_events(
    verdicts: Iterable[Verdict], ids: Mapping[str, int], untimed: Collection[int], zone: ZoneInfo
) -> Mapping[str, list[Event]]:
    """Return verdicts as events, by the doubt that they raise, or would.

    Args:
        verdicts: of vehicles.
        ids: code → id; verdicts on others are left out.
        untimed: numbers of fillings and invoices of which only the day is known.
        zone: of days.
    """
    found: dict[str, list[Event]] = defaultdict(list)
    for one in verdicts:
        if one.finding is Finding.AGREES or one.vehicle not in ids:
            continue
        since, until = span_of(one, untimed, zone)
        raised = RAISES[one.check] if one.doubt is None else (one.doubt,)
        value = None if one.doubt is None else 1.0
        for doubt in raised:
            found[doubt.value].append(Event(ids[one.vehicle], since, until, value))
    return found


def part_events(
    mended: Mapping[str, Sequence[Mended]], ids: Mapping[str, int], zone: ZoneInfo
) -> list[Event]:
    """Return parts that were replaced again, each on its day, by what was left of their lives.

    Args:
        mended: code → lines of maintenance, ascending.
        ids: code → id.
        zone: of days.
    """
    return [
        Event(ids[code], *day_of(one.at_us, zone), one.early_pct)
        for code, lines in mended.items()
        for one in again(lines, parts())
    ]


def span_of(one: Verdict, untimed: Collection[int], zone: ZoneInfo) -> tuple[int, int]:
    """Return when what a verdict is about was, µs UTC; see :func:`paper_events`."""
    if one.kind in _ENDS:
        ends = (f.value for f in one.figures if f.name == _ENDS[one.kind])
        end = next((value for value in ends if isinstance(value, int)), one.at_us)
        return one.at_us, max(end, one.at_us + MINUTE_US)
    if one.number not in untimed:
        return one.at_us, one.at_us + MINUTE_US
    return day_of(one.at_us, zone)


def day_of(us: int, zone: ZoneInfo) -> tuple[int, int]:
    """Return the begin of the local day of a moment and of the next one, µs UTC."""
    day = at_us(us).astimezone(zone).date()
    return us_of(midnight(day, zone)), us_of(midnight(day + timedelta(days=1), zone))
