"""What holds on which days: values over spans of local days, and how they combine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

EVER: Final = date.min
NEVER: Final = date.max
"""The end of what does not end."""

_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True, slots=True)
class Span(Generic[_T]):
    """``value`` holds on the days ``begin`` ≤ day < ``end``."""

    begin: date
    end: date
    value: _T


Timeline = tuple[Span[_T], ...]
"""Ascending and without overlap; days between spans have no value."""


def always(value: _T) -> Timeline[_T]:
    """Return what never changes."""
    return (Span(EVER, NEVER, value),)


def is_always(line: Timeline[_T]) -> bool:
    """Say whether it never changes and has no gap."""
    return len(line) == 1 and line[0].begin == EVER and line[0].end == NEVER


def days_of(
    since: datetime | None, until: datetime | None, zone: ZoneInfo
) -> tuple[date, date] | None:
    """Return the local days that a span of time touches.

    Args:
        since: begin, aware; None: always.
        until: end, exclusive; None: never.
        zone: whose days.

    Returns:
        First day, and the day behind the last; None when the span is empty.
    """
    if since is not None and until is not None and since >= until:
        return None
    begin = EVER if since is None else since.astimezone(zone).date()
    if until is None:
        return begin, NEVER
    end = until.astimezone(zone)
    touched = end.date() + timedelta(days=1) if end.time() > time.min else end.date()
    return begin, touched


def line_up(spans: Iterable[Span[_T]]) -> Timeline[_T]:
    """Order the spans of one thing; a day that two of them touch belongs to the later one."""
    found: list[Span[_T]] = []
    for span in sorted(spans, key=lambda s: s.begin):
        while found and found[-1].begin >= span.begin:
            found.pop()
        if found and found[-1].end > span.begin:
            found[-1] = Span(found[-1].begin, span.begin, found[-1].value)
        if span.begin < span.end:
            found.append(span)
    return tuple(found)


def then(line: Timeline[_T], follow: Callable[[_T], Timeline[_U]]) -> Timeline[_U]:
    """Follow each value to what it leads to on its days.

    Args:
        line: where from.
        follow: value → its own timeline.
    """
    if is_always(line):
        return follow(line[0].value)
    return _joined(
        Span(max(span.begin, far.begin), min(span.end, far.end), far.value)
        for span in line
        for far in follow(span.value)
        if far.begin < span.end and span.begin < far.end
    )


def on(line: Timeline[_T], day: date) -> _T | None:
    """Return what holds on a day, or None."""
    return next((span.value for span in line if span.begin <= day < span.end), None)


def mapped(line: Timeline[_T], change: Callable[[_T], _U]) -> Timeline[_U]:
    """Return the timeline with each value changed."""
    if len(line) == 1:
        return (Span(line[0].begin, line[0].end, change(line[0].value)),)
    return _joined(Span(span.begin, span.end, change(span.value)) for span in line)


def filled(over: Timeline[_T], under: Timeline[_T]) -> Timeline[_T]:
    """Return ``over`` where it has a value, ``under`` elsewhere."""
    if not over or not under:
        return over or under
    if is_always(over):
        return over
    return _joined(sorted([*over, *_outside(under, over)], key=lambda s: s.begin))


def within(line: Timeline[_T], begin: date, end: date) -> Timeline[_T]:
    """Return the part of a timeline on some days."""
    if (begin, end) == (EVER, NEVER):
        return line
    return then(((Span(begin, end, None)),), lambda _: line) if begin < end else ()


def _outside(line: Timeline[_T], taken: Timeline[_T]) -> Iterator[Span[_T]]:
    for span in line:
        at = span.begin
        for other in taken:
            if other.end <= at or other.begin >= span.end:
                continue
            if at < other.begin:
                yield Span(at, other.begin, span.value)
            at = max(at, other.end)
        if at < span.end:
            yield Span(at, span.end, span.value)


def _joined(spans: Iterable[Span[_T]]) -> Timeline[_T]:
    """Make one span of neighbours with the same value."""
    found: list[Span[_T]] = []
    for span in spans:
        if found and found[-1].end == span.begin and found[-1].value == span.value:
            found[-1] = Span(found[-1].begin, span.end, span.value)
        else:
            found.append(span)
    return tuple(found)
