"""Simulated units as rules take them: what they used of two years, their quotas, and their size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from jieyong.evaluation.city.places import Basis, Laid, laid
from jieyong.evaluation.city.score import Doubt
from metering.factors.kinds import load_kinds
from metering.plan.progress import Base, Kind, Per
from metering.plan.quota import EnteredQuota
from metering.plan.usage import MonthTotal, Source, Usage, Window, year_of
from rules.kinds.model import Sort
from rules.subjects.institutions.layers import Months, Usages, load
from rules.timeline.overlay import Windows
from simulators.city.reports import Reporter
from storage.times import midnight, us_of

_MICRO: Final = 1_000_000
_EPOCH: Final = date(1970, 1, 1)
_UNITS: Final = {one.code: one.unit for one in load_kinds().values()}
_ENTERED: Final = datetime(2000, 1, 1, tzinfo=UTC)


def doubts(units: Sequence[Reporter], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated units in the year that is looked at.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    return lay(units, basis).doubts(basis.rules) if units else []


def lay(units: Sequence[Reporter], basis: Basis) -> Laid:
    """Return what is known of units, as far as rules look at it."""
    source, year = _Simulated({one.code: one for one in units}), year_of(units[0].year)
    months = [
        Months(source, number, one.code, year, basis.calendar, basis.zone)
        for number, one in enumerate(units)
    ]
    begin, end = (
        us_of(midnight(day, basis.zone)) for day in (year.first, year.last + timedelta(days=1))
    )
    windows = Windows(np.arange(len(units)), np.full(len(units), begin), np.full(len(units), end))
    wanted = {name for one in basis.rules for name in one.kind.inputs}
    return laid(Sort.INSTITUTION, units, load(months, wanted), windows, basis.rules)


@dataclass(frozen=True, slots=True)
class _Simulated:
    """See :class:`rules.subjects.institutions.layers.Source`; units by their codes."""

    units: Mapping[str, Reporter]

    def usages(
        self, institutions: Sequence[str], energies: Sequence[str], window: Window
    ) -> Usages:
        del window
        return {
            (code, energy): _usage(self.units[code], energy)
            for code in institutions
            for energy in energies
        }

    def quotas(self, institution: str, year: int) -> Iterable[EnteredQuota]:
        one = self.units[institution]
        return [*_quotas(one)] if year == one.year else []

    def base(self, institution: str, day: date) -> Base:
        one = self.units[institution]
        at = (day - _EPOCH).days - one.first
        return Base(Decimal(float(one.area[at])), Decimal(float(one.heads[at])))

    def celsius(self, window: Window) -> Mapping[date, float]:
        one = next(iter(self.units.values()))
        return {day: float(one.celsius[(day - _EPOCH).days - one.first]) for day in window}


def _usage(one: Reporter, energy: str) -> Usage:
    first = _EPOCH + timedelta(days=one.first)
    micro = {
        first + timedelta(days=number): round(used * _MICRO)
        for number, used in enumerate(one.used[energy].tolist())
        if not math.isnan(used)
    }
    if energy not in one.billed:
        return Usage(micro)
    whole = Window(first, date(one.year, 12, 31))
    months: dict[date, int] = {}
    for day in whole:
        if day in micro:
            month = day.replace(day=1)
            months[month] = months.get(month, 0) + micro[day]
    return Usage({}, {at: MonthTotal(sum_, Source.BILLED) for at, sum_ in months.items()}, True)


def _quotas(one: Reporter) -> Iterator[EnteredQuota]:
    for number, quota in enumerate(one.quotas):
        yield EnteredQuota(
            number,
            one.code,
            quota.energy,
            one.year,
            Kind(quota.kind),
            Per(quota.per),
            Decimal(str(quota.value)),
            _UNITS[quota.energy],
            "",
            date(one.year, 1, 1),
            "",
            _ENTERED,
        )
