"""When figures are expected of a meter: from its first binding on, to its last one's end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.plan.usage import Window
from storage.times import midnight

HUNG: Final[LiteralString] = """
    SELECT m.id AS meter_id, range_agg(
        CASE WHEN lower(held.span) > '-infinity' THEN held.span
             ELSE held.span * tstzrange(seen.first, NULL) END
    ) AS spans
    FROM meter m
    CROSS JOIN LATERAL (
        SELECT d.valid * m.valid AS span FROM device_place d
        WHERE d.place_id = m.place_id AND d.valid && m.valid
        UNION ALL
        SELECT m.valid WHERE m.formula IS NOT NULL
    ) AS held
    LEFT JOIN LATERAL (
        SELECT min(slot) AS first FROM consumption c WHERE c.meter_id = m.id
    ) AS seen ON lower_inf(held.span) OR lower(held.span) = '-infinity'
    WHERE m.id = ANY(%(meters)s)
      AND (NOT (lower_inf(held.span) OR lower(held.span) = '-infinity') OR seen.first IS NOT NULL)
    GROUP BY m.id
"""
"""Per meter: when a device hung at its place. A binding without a begin counts from the first
quarter hour that is known; a virtual meter is expected as long as it is valid."""

_SPANS: Final[LiteralString] = (
    "WITH hung AS ("  # noqa: S608 - put together from constants
    + HUNG
    + ") SELECT lower(span), upper(span) FROM hung, unnest(spans) AS span ORDER BY 1"
)
_BOUND: Final[LiteralString] = """
    SELECT array_agg(lower(d.valid) ORDER BY lower(d.valid) NULLS FIRST),
           array_agg(upper(d.valid) ORDER BY upper(d.valid))
    FROM meter m JOIN device_place d USING (place_id)
    WHERE m.id = ANY(%s) AND NOT isempty(d.valid) GROUP BY m.id
"""
_FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """A time from `begin` to before `end`, aware."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """How long it is, whole seconds."""
        return int((self.end - self.begin).total_seconds())


@dataclass(frozen=True, slots=True)
class Change:
    """One device gave way to another."""

    removed: datetime
    installed: datetime

    def touches(self, span: Span) -> bool:
        """Tell whether it falls into a time; the old one's end is still of the time before it."""
        return span.begin < self.removed <= span.end or span.begin <= self.installed < span.end


def presence(conn: psycopg.Connection[Any], meter_id: int) -> tuple[Span, ...]:
    """When figures are expected of a meter, in order, without overlap."""
    rows = conn.execute(_SPANS, {"meters": [meter_id]}).fetchall()
    return tuple(Span(begin, end or _FAR) for begin, end in rows)


def replaced(conn: psycopg.Connection[Any], meter_ids: Collection[int]) -> tuple[Change, ...]:
    """When devices at the places of some meters gave way to others, by time.

    The first one that came to a place and the last one that went replaced nothing.
    """
    found = [
        Change(removed, installed)
        for begins, ends in conn.execute(_BOUND, [list(meter_ids)])
        for removed, installed in zip(ends, begins[1:], strict=False)
        if removed is not None and installed is not None
    ]
    return tuple(sorted(found, key=lambda one: one.installed))


def within(spans: Iterable[Span], window: Span) -> tuple[Span, ...]:
    """The parts of some spans that lie in a window."""
    cut = (Span(max(s.begin, window.begin), min(s.end, window.end)) for s in spans)
    return tuple(span for span in cut if span.begin < span.end)


def without(spans: Iterable[Span], window: Span) -> tuple[Span, ...]:
    """The parts of a window that lie in none of some spans, by their begin."""
    found, begin = [], window.begin
    for span in within(spans, window):
        if begin < span.begin:
            found.append(Span(begin, span.begin))
        begin = max(begin, span.end)
    if begin < window.end:
        found.append(Span(begin, window.end))
    return tuple(found)


def expected_s(spans: Sequence[Span], window: Span, now: datetime) -> int:
    """How many seconds of a window figures are expected of, up to now."""
    over = Span(window.begin, max(window.begin, min(window.end, now)))
    return sum(span.seconds for span in within(spans, over))


def local_span(window: Window, zone: ZoneInfo) -> Span:
    """When a window of local days begins and ends."""
    begin, end = midnight(window.first, zone), midnight(window.last + timedelta(days=1), zone)
    return Span(begin.astimezone(UTC), end.astimezone(UTC))


def local_days(window: Window, zone: ZoneInfo) -> Iterator[tuple[date, Span]]:
    """Each day of a window and when it begins and ends: 23 or 25 hours where clocks change."""
    for day in window:
        yield day, local_span(Window(day, day), zone)
