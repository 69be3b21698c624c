"""Spans of time: half-open, either end may be without bound. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from psycopg.types.range import Range, TimestamptzRange

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for no beginning where a time must be written; no reading is older."""

LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Stands for no end; far enough, and still a time that zones can be applied to."""


@dataclass(frozen=True, slots=True)
class Span:
    """``since`` ≤ t < ``until``; None is without bound."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def first(self) -> datetime:
        """The beginning, or :data:`EARLIEST`."""
        return self.since or EARLIEST

    @property
    def end(self) -> datetime:
        """The end, or :data:`LATEST`."""
        return self.until or LATEST

    def __contains__(self, moment: datetime) -> bool:
        return self.first <= moment < self.end

    def touches(self, moment: datetime) -> bool:
        """Tell whether a time is inside or at the very end."""
        return self.first <= moment <= self.end

    def meets(self, other: Span) -> bool:
        """Tell whether the two have time in common."""
        return self.first < other.end and other.first < self.end

    def common(self, other: Span) -> Span | None:
        """Return the time in common, or None."""
        if not self.meets(other):
            return None
        since, until = max(self.first, other.first), min(self.end, other.end)
        return Span(None if since == EARLIEST else since, None if until == LATEST else until)


ALWAYS: Final = Span()
"""Without bounds."""


def of_range(value: Range[Any]) -> Span | None:
    """Read PostgreSQL's range; None when it is empty."""
    return None if value.isempty else Span(value.lower, value.upper)


def to_range(span: Span | None) -> Range[datetime]:
    """Write PostgreSQL's range; None is the empty one."""
    if span is None:
        return TimestamptzRange(empty=True)
    return TimestamptzRange(span.since, span.until, "[)")


def differing(one: Span | None, other: Span | None) -> tuple[Span, ...]:
    """Return the time that belongs to exactly one of two spans, in order."""
    if one is None or other is None:
        return tuple(s for s in (one, other) if s is not None)
    if not one.meets(other):
        return tuple(sorted((one, other), key=lambda s: s.first))
    begins = sorted((one.first, other.first))
    ends = sorted((one.end, other.end))
    pieces = ((begins[0], begins[1]), (ends[0], ends[1]))
    return tuple(
        Span(None if a == EARLIEST else a, None if b == LATEST else b) for a, b in pieces if a < b
    )
