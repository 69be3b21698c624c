"""Dated values of an institution: what held on a day, and the mean over a time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from metering.factors.rounding import product, quotient, total


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, or why there is none.

    Attributes:
        value: None: unknown.
        why: in Chinese, when unknown; else empty.
    """

    value: Decimal | None
    why: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.why):
            raise ValueError("a figure has a value, or says why it has none")


@dataclass(frozen=True, slots=True)
class Span:
    """A value that holds from ``begin`` to the day before ``end``.

    Attributes:
        begin: first day.
        end: day after the last; None: until further notice.
        value: on each of its days; of person-days: the sum over them.
    """

    begin: date
    end: date | None
    value: Decimal


def on_day(spans: Iterable[Span], day: date, name: str) -> Figure:
    """Return what held on a day.

    Args:
        spans: without overlap.
        day: the day.
        name: what it is, in Chinese, for the reason.
    """
    for span in spans:
        if span.begin <= day and (span.end is None or day < span.end):
            return Figure(span.value)
    return Figure(None, f"{day} 没有{name}")


def daily_mean(spans: Iterable[Span], begin: date, end: date, name: str) -> Figure:
    """Return the mean over days, each day weighing the same.

    Args:
        spans: without overlap.
        begin: first day.
        end: day after the last.
        name: what it is, in Chinese, for the reason.

    Returns:
        Unknown when a day has no value: the first one is named.

    Raises:
        ValueError: there is no day between ``begin`` and ``end``.
    """
    days = _days(begin, end)
    inside = _cut(spans, begin, end)
    missing = _first_without(inside, begin, end)
    if missing is not None:
        return Figure(None, f"{missing} 没有{name}")
    weighted = total(product(value, Decimal((last - first).days)) for first, last, value in inside)
    return Figure(quotient(weighted, Decimal(days)))


def person_days(spans: Iterable[Span], begin: date, end: date) -> Decimal:
    """Return the person-days of a time; a span that reaches beyond it gives its share by days.

    Nobody recorded is nobody there: visitors are entered when there were some.

    Raises:
        ValueError: there is no day between ``begin`` and ``end``; or a span has no end.
    """
    _days(begin, end)
    found = []
    for span in spans:
        if span.end is None:
            raise ValueError(f"人·日数必须有截止日期：{span.begin} 起的一条没有")
        inside = (min(span.end, end) - max(span.begin, begin)).days
        if inside > 0:
            whole = Decimal((span.end - span.begin).days)
            found.append(quotient(product(span.value, Decimal(inside)), whole))
    return total(found)


@dataclass(frozen=True, slots=True)
class People:
    """Who uses energy in an institution, by how it is known.

    Attributes:
        energy_users: the number itself; where it is given it is taken as it is.
        present: heads by group (staff, contract staff, service staff, students); a group without
            spans has nobody. The first is required.
        visits: person-days (visitors, outpatients, inpatients).
    """

    energy_users: Sequence[Span]
    present: Sequence[Sequence[Span]]
    visits: Sequence[Sequence[Span]]


def energy_users(people: People, begin: date, end: date, closed_days: int = 0) -> Figure:
    """Return 用能人数: people on a daily average.

    Heads count on the days they are there, visitors by person-days; all over the calendar days.

    Args:
        people: what is known.
        begin: first day.
        end: day after the last.
        closed_days: days of it without those present, for example a school's holidays.

    Raises:
        ValueError: there is no day between ``begin`` and ``end``; more closed days than days.
    """
    days = _days(begin, end)
    if not 0 <= closed_days <= days:
        raise ValueError(f"{closed_days} closed days do not fit into {days} days")
    if people.energy_users:
        return daily_mean(people.energy_users, begin, end, "用能人数")
    if not people.present or not people.present[0]:
        return Figure(None, "没有用能人数，也没有在编在岗人数")
    means = [daily_mean(group, begin, end, "在岗人数") for group in people.present if group]
    unknown = [mean.why for mean in means if mean.why]
    if unknown:
        return Figure(None, unknown[0])
    heads = total(mean.value for mean in means if mean.value is not None)
    there = product(heads, Decimal(days - closed_days))
    visits = total(person_days(group, begin, end) for group in people.visits)
    return Figure(quotient(total([there, visits]), Decimal(days)))


def _days(begin: date, end: date) -> int:
    days = (end - begin).days
    if days <= 0:
        raise ValueError(f"{begin} to {end} has no day: the end is the day after the last")
    return days


def _cut(spans: Iterable[Span], begin: date, end: date) -> list[tuple[date, date, Decimal]]:
    """Return the parts of the spans that lie inside, in order."""
    found = [(max(s.begin, begin), min(s.end or end, end), s.value) for s in spans]
    return sorted(part for part in found if part[0] < part[1])


def _first_without(parts: list[tuple[date, date, Decimal]], begin: date, end: date) -> date | None:
    reached = begin
    for first, last, _ in parts:
        if first > reached:
            return reached
        reached = last
    return reached if reached < end else None
