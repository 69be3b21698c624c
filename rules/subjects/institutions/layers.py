"""What institutions report, as layers: each month holds from its first moment to its last."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from metering.factors.kinds import Kind as EnergyKind
from metering.factors.kinds import load_kinds
from metering.gauge.hold import Holds
from metering.plan.compare import Comparison
from metering.plan.progress import Base, Progress, limit_of
from metering.plan.quota import KIND_NAMES, EnteredQuota
from metering.plan.usage import Usage, Window, month_of
from registry.calendar import Calendar
from rules.kinds.reported import ENERGIES, Energy
from rules.subjects.institutions.months import (
    Limit,
    against_last_year,
    against_plan,
    binding,
    growth,
    plan_of,
    weather,
)
from rules.subjects.model import Inputs
from storage.times import at_us, midnight, us_of

_MICRO: Final = 1_000_000
Usages = Mapping[tuple[str, str], Usage]
"""What is known, by code of the institution and of the energy."""
Row = tuple[int, int, int, float]
"""Institution, from, to (µs UTC), value."""


class Source(Protocol):
    """Where it stands what institutions used: a database, or a simulated city."""

    def usages(
        self, institutions: Sequence[str], energies: Sequence[str], window: Window
    ) -> Usages:
        """Return what is known of institutions, by their codes and those of energies."""

    def quotas(self, institution: str, year: int) -> Iterable[EnteredQuota]:
        """Return the quotas of an institution."""

    def base(self, institution: str, day: date) -> Base:
        """Return its floor area and energy users, as they were on a day."""

    def celsius(self, window: Window) -> Mapping[date, float]:
        """Return the mean outdoor temperature of days, as far as it is known."""


@dataclass(frozen=True, slots=True)
class Months:
    """Months of an institution that are looked at.

    Attributes:
        source: where it stands what was used.
        id: of the institution.
        code: of the institution.
        window: local days; whole months.
        calendar: which days are workdays.
        zone: of the site.
    """

    source: Source
    id: int
    code: str
    window: Window
    calendar: Calendar
    zone: ZoneInfo

    def plans(self, energy: Energy, usage: Usage) -> Iterator[tuple[Window, Limit, Progress]]:
        """Yield months with the quota that counts, and how the year stands to it."""
        for year, months in groupby(self.window.months(), lambda first: first.year):
            quotas = self.source.quotas(self.code, year)
            mine = [one for one in quotas if one.energy == energy.code]
            seasonal = energy.felt > 0
            curve = plan_of(year, usage, self.calendar, seasonal=seasonal) if mine else None
            for first in months if curve else ():
                limit = binding([*self._limits(mine, month_of(first).last)])
                found = limit and curve and against_plan(usage, limit, first, curve)
                if limit and found:
                    yield month_of(first), limit, found

    def years(self, energy: Energy, usage: Usage) -> Iterator[tuple[Window, Comparison, Decimal]]:
        """Yield months with how they stand to the same month of the year before.

        And how many times as much as then may be expected: of a larger institution, in harder
        weather.
        """
        for first in self.window.months():
            found = against_last_year(usage, first, self.calendar)
            if found is not None:
                yield found.window, found, self._expected(energy, found)

    def _expected(self, energy: Energy, found: Comparison) -> Decimal:
        windows = found.window, found.against
        now, then = (self.source.base(self.code, one.last) for one in windows)
        grown = growth(now, then, energy.by)
        if not energy.felt:
            return grown
        return grown * weather(self.source.celsius, windows, energy.felt)

    def _limits(self, quotas: list[EnteredQuota], day: date) -> Iterator[Limit]:
        base = self.source.base(self.code, day)
        for one in quotas:
            kind = _kinds()[one.energy]
            micro = limit_of(kind.in_unit(one.value, one.unit), one.per, base)
            if micro is not None:
                told = f"{KIND_NAMES[one.kind]}，{one.source}"
                yield Limit(one.kind, micro, told)

    def rows(self, month: Window, value: float) -> Row:
        """Return a month's row of a layer."""
        begin = us_of(midnight(month.first, self.zone))
        end = us_of(midnight(date.fromordinal(month.last.toordinal() + 1), self.zone))
        return self.id, begin, end, value


@functools.cache
def _kinds() -> Mapping[str, EnergyKind]:
    """Return the kinds of energy, read once: they are asked for with each quota of each month."""
    return load_kinds()


def months_within(begin_us: int, end_us: int, zone: ZoneInfo) -> Window:
    """Return the whole months that touch a time: begin ≤ t < end, µs UTC."""
    first, last = (at_us(at).astimezone(zone).date() for at in (begin_us, end_us - 1))
    return Window(first.replace(day=1), month_of(last).last)


def usages(months: Sequence[Months], wanted: Collection[str]) -> Usages:
    """Return what is known of energies that layers ask for, of months and the year before them.

    Args:
        months: the same ones of some institutions.
        wanted: names of layers.
    """
    energies = [energy.code for energy in _energies(wanted)]
    if not energies:
        return {}
    one = months[0]
    asked = Window(date(one.window.first.year - 1, 1, 1), one.window.last)
    codes = [each.code for each in months]
    return one.source.usages(codes, energies, asked)


def load(months: Collection[Months], wanted: Collection[str]) -> Inputs:
    """Return layers of institutions; see :class:`rules.subjects.model.Known`.

    Args:
        months: of institutions, ascending.
        wanted: names of layers.
    """
    groups: dict[Window, list[Months]] = {}
    for one in months:
        groups.setdefault(one.window, []).append(one)
    rows: dict[str, list[Row]] = {}
    for group in groups.values():
        known = usages(group, wanted)
        for one in group:
            for name, row in _rows(one, known, wanted):
                rows.setdefault(name, []).append(row)
    return {name: [_holds(sorted(mine))] for name, mine in rows.items()}


def _energies(wanted: Collection[str]) -> list[Energy]:
    return [one for one in ENERGIES if not set(one.layers).isdisjoint(wanted)]


def _rows(months: Months, known: Usages, wanted: Collection[str]) -> Iterator[tuple[str, Row]]:
    for energy in _energies(wanted):
        usage = known[months.code, energy.code]
        if energy.used in wanted or energy.planned in wanted:
            for month, _, found in months.plans(energy, usage):
                yield energy.used, months.rows(month, (found.used or 0) / _MICRO)
                yield energy.planned, months.rows(month, (found.planned or 0) / _MICRO)
        if energy.now in wanted or energy.then in wanted:
            for month, compared, times in months.years(energy, usage):
                days = compared.days * _MICRO
                yield energy.now, months.rows(month, (compared.now or 0) / days)
                yield energy.then, months.rows(month, (compared.then or 0) * float(times) / days)


def _holds(rows: list[Row]) -> Holds:
    subject, since, until, value = zip(*rows, strict=True)
    return Holds(
        np.array(subject, np.int64),
        np.array(since, np.int64),
        np.array(until, np.int64),
        np.array(value, np.float64),
    )
