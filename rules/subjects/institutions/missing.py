"""Which figures of an institution are missing, period by period. Pure.

A figure is missing that should be there: of electricity and water, what an account or a meter is
there for, or what was reported within a year without one; of all else, which is used in some
seasons or now and then, what was used in the same month of last year, unless its account ended.
What was there and is taken back is missing since then: mostly it is entered anew in minutes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from metering.gauge.hold import Holds
from rules.kinds.missing import NOTHING
from rules.subjects.model import Inputs
from storage.times import ALWAYS_US, midnight, us_of

STEADY: Final = frozenset({"electricity", "water"})
"""Used in every month."""
YEAR: Final = 12
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an energy and a month.

    Attributes:
        micro: what is reported; None: that is not known.
        bound: an account or a meter is there for it.
        gone_us: until when all of it was known, and then taken back, µs UTC; None: it never was.
    """

    micro: int | None
    bound: bool
    gone_us: int | None = None


Figures = Mapping[str, Mapping[date, Told]]
"""By energy and first day of the month."""


@dataclass(frozen=True, slots=True)
class Period:
    """Some months after each other of which something is reported.

    Attributes:
        first: day.
        months: how many.
        asked_from: day; figures of earlier months nobody asks for.
    """

    first: date
    months: int
    asked_from: date = date.min

    @property
    def end(self) -> date:
        """The first day behind it."""
        return later(self.first, self.months)

    @property
    def next_end(self) -> date:
        """The first day behind the next one: until then this is the last one."""
        return later(self.end, self.months)

    def each(self) -> list[date]:
        """Return the first days of its months of which figures are asked for."""
        months = (later(self.first, n) for n in range(self.months))
        return [month for month in months if month >= self.asked_from]


@dataclass(frozen=True, slots=True)
class Begun:
    """Months as the program has seen them begin.

    Attributes:
        last: the one that began last: what ends later is not over.
        first: the one in which the program began to be used: what was reported before, was
            reported elsewhere.
    """

    last: date
    first: date


def later(month: date, months: int) -> date:
    """Return the first day of the month that comes so many months after one."""
    whole = month.year * YEAR + month.month - 1 + months
    return date(whole // YEAR, whole % YEAR + 1, 1)


def over(first: date, last: date, months: int, begun: Begun) -> Iterator[Period]:
    """Yield the periods of which any day of a time is in the next one, in order.

    Args:
        first: day.
        last: day.
        months: of a period.
        begun: the months that have begun.
    """
    whole = first.year * YEAR + first.month - 1
    one = Period(later(date(1, 1, 1), (whole // months - 1) * months - YEAR), months, begun.first)
    while one.end <= min(last, begun.last):
        yield one
        one = Period(one.end, months, begun.first)


def missing(figures: Figures, period: Period) -> list[tuple[date, str]]:
    """Return what is missing of a period: month, and energy."""
    return [
        (month, energy)
        for month in period.each()
        for energy, told in figures.items()
        if _micro(told, month) is None and _needed(energy, told, month)
    ]


def _needed(energy: str, told: Mapping[date, Told], month: date) -> bool:
    bound = month in told and told[month].bound
    if energy not in STEADY:
        then = told.get(later(month, -YEAR))
        # An account that was there then, and is not any more, was handed over.
        return then is not None and bool(then.micro) and (bound or not then.bound)
    if bound:
        return True
    before = (told.get(later(month, -n)) for n in range(1, YEAR + 1))
    return any(one is not None and one.micro and not one.bound for one in before)


def _micro(told: Mapping[date, Told], month: date) -> int | None:
    return told[month].micro if month in told else None


def days_since(
    periods: Iterable[Period], figures: Figures, zone: ZoneInfo
) -> list[tuple[int, int, float]]:
    """Return the days since the last period ended of which something is missing.

    Args:
        periods: in order, of the same length.
        figures: of their months, and of the year before each.
        zone: of days.

    Returns:
        From, to (µs UTC), days; :data:`~rules.kinds.missing.NOTHING` while nothing is missing.
    """
    return [row for one in periods for row in _rows(one, _since(figures, one), zone)]


def laid(
    periods: Mapping[str, Mapping[int, Sequence[Period]]],
    figures: Mapping[int, Figures],
    zone: ZoneInfo,
) -> Inputs:
    """Return the layers of what is missing.

    Args:
        periods: that are looked at, by layer and institution; see :func:`days_since`.
        figures: by institution.
        zone: of days.
    """
    return {
        layer: [
            _holds(
                [
                    (id_, *row)
                    for id_, its in sorted(of_layer.items())
                    for row in days_since(its, figures[id_], zone)
                ]
            )
        ]
        for layer, of_layer in periods.items()
    }


def _holds(rows: Sequence[tuple[int, int, int, float]]) -> Holds:
    columns = tuple(zip(*rows, strict=True)) or ((), (), (), ())
    subject, since, until = (np.array(column, np.int64) for column in columns[:3])
    return Holds(subject, since, until, np.array(columns[3], np.float64))


def _since(figures: Figures, period: Period) -> int | None:
    """From when on something is missing of a period, µs UTC; None: nothing is."""
    lacking = [figures[energy].get(month) for month, energy in missing(figures, period)]
    gone = (told.gone_us if told else None for told in lacking)
    return min((ALWAYS_US if at is None else at for at in gone), default=None)


def _rows(
    period: Period, lacking_us: int | None, zone: ZoneInfo
) -> Iterator[tuple[int, int, float]]:
    begin, end = _us(period.end, zone), _us(period.next_end, zone)
    since = end if lacking_us is None else min(max(lacking_us, begin), end)
    if begin < since:
        yield begin, since, NOTHING
    for n, (day, following) in enumerate(pairwise(_midnights(period.end, period.next_end, zone))):
        if following > since:
            yield max(day, since), following, float(n)


@functools.lru_cache(maxsize=256)
def _midnights(first: date, last: date, zone: ZoneInfo) -> list[int]:
    """Return the begins of days, both among them: many institutions are asked about the same."""
    return [_us(first + n * _DAY, zone) for n in range((last - first).days + 1)]


def _us(day: date, zone: ZoneInfo) -> int:
    return us_of(midnight(day, zone))
