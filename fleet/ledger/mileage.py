"""Kilometres of a window from the first source that knows them: dashboard, terminal, positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from fleet.ledger.events import Dashboard, Event, Mileage, Stretch, Unknown
from fleet.ledger.window import Window
from storage.times import midnight

MM_IN_HM: Final = 100_000
_DAYS: Final[LiteralString] = """
    SELECT c.code, d.day, d.gps_mm, d.terminal_mm, d.fixes > d.bad
    FROM fuel_consumer c JOIN vehicle_day d ON d.vehicle_id = c.vehicle_id
    JOIN institution i ON i.id = c.institution_id
    WHERE c.withdrawn_at IS NULL AND d.day >= %(first)s AND d.day < %(end)s
        AND (%(codes)s::text[] IS NULL OR c.code = ANY(%(codes)s))
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY c.code, d.day
"""


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of a vehicle as its terminal saw it; whole millimetres, None: unknown.

    Attributes:
        day: which.
        gps_mm: the way from fix to fix.
        terminal_mm: what the terminal's odometer gained.
        seen: there was a fix that counts.
    """

    day: date
    gps_mm: int | None
    terminal_mm: int | None
    seen: bool


class Positions:
    """Kilometres from the days of a terminal, by its odometer or from fix to fix.

    The stretch runs from the first day with a fix to the last one, so that fuel is counted on the
    same days as the way. Each window is rounded once to 0.1 km.
    """

    def __init__(
        self,
        source: Literal["terminal", "gps"],
        days: Mapping[str, Sequence[Day]],
        zone: ZoneInfo,
    ) -> None:
        self._source: Literal["terminal", "gps"] = source
        self._days = days
        self._zone = zone

    def stretch(
        self, code: str, events: Sequence[Event], window: tuple[datetime, datetime]
    ) -> Stretch | Unknown:
        """Return the kilometres of the days; see :class:`fleet.ledger.events.Mileage`."""
        del events
        inside = [one for one in self._days.get(code, ()) if self._inside(one.day, window)]
        seen = [one.day for one in inside if one.seen]
        if not seen:
            return Unknown("期内没有定位")
        # A day without a known way is a hole in the sum, unless nothing moved on it.
        ways = [self._way(one) for one in inside]
        if None in ways or (self._source == "terminal" and not _told(inside)):
            return Unknown("期内有些天的里程不知道")
        millimetres = sum(way for way in ways if way is not None)
        since = midnight(seen[0], self._zone)
        until = midnight(seen[-1] + timedelta(days=1), self._zone)
        return Stretch(self._source, (millimetres + MM_IN_HM // 2) // MM_IN_HM, since, until)

    def _way(self, one: Day) -> int | None:
        if self._source == "gps":
            return one.gps_mm
        return 0 if one.terminal_mm is None and one.gps_mm == 0 else one.terminal_mm

    def _inside(self, day: date, window: tuple[datetime, datetime]) -> bool:
        return window[0] <= midnight(day, self._zone) < window[1]


def _read(events: Iterable[Event], window: tuple[datetime, datetime]) -> bool:
    begin, end = window
    return any(one.odometer_hm is not None and begin <= one.at < end for one in events)


def _told(days: Iterable[Day]) -> bool:
    return any(one.terminal_mm is not None for one in days)


class First:
    """Kilometres from the first of several sources that knows them."""

    def __init__(self, *sources: Mileage) -> None:
        self._sources = sources

    def stretch(
        self, code: str, events: Sequence[Event], window: tuple[datetime, datetime]
    ) -> Stretch | Unknown:
        """Return what the first source knows; otherwise why each does not."""
        reasons: list[Unknown] = []
        for source in self._sources:
            found = source.stretch(code, events, window)
            if isinstance(found, Stretch):
                whys = dict.fromkeys(one.why for one in reasons)
                return replace(found, instead="，".join(whys) if _read(events, window) else "")
            reasons.append(found)
        whys = dict.fromkeys(one.why for one in reasons)
        posted = dict.fromkeys(one.posted or one.why for one in reasons)
        return Unknown("，".join(whys), "，".join(posted))


def in_turn(
    conn: psycopg.Connection[Any],
    window: Window,
    zone: ZoneInfo,
    codes: Sequence[str] | None = None,
    institutions: Sequence[str] | None = None,
) -> Mileage:
    """Return where kilometres of a window come from: the dashboard, the terminal, positions.

    Args:
        conn: in any state.
        window: which months.
        zone: the site's.
        codes: of vehicles; None: all.
        institutions: their codes; None: all.
    """
    days: dict[str, list[Day]] = defaultdict(list)
    named = {
        "first": window.first,
        "end": window.end,
        "codes": None if codes is None else list(codes),
        "only": None if institutions is None else list(institutions),
    }
    for code, *day in conn.execute(_DAYS, named):
        days[code].append(Day(*day))
    return First(Dashboard(), Positions("terminal", days, zone), Positions("gps", days, zone))
