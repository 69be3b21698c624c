"""Simulated meters as rules take them: registers become figures, and those become layers.

What in production the database and the counter do, registers into certain hours and days, is done
here on arrays, by the same bounds (:mod:`rules.subjects.meters.read`); behind that all is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

import numpy as np

from jieyong.evaluation.city.places import Basis, Laid, laid
from jieyong.evaluation.city.score import Doubt
from metering.counter.model import Int64s
from metering.gauge.hold import Float64s, Holds
from rules.kinds.model import Sort
from rules.subjects.meters.days import LEARNED, Days, Table, spanning, touched
from rules.subjects.meters.layers import MAKERS, Part
from rules.subjects.meters.read import DAY_GAP_US, HOUR_GAP_US, Figures
from rules.subjects.meters.subjects import having_of
from rules.timeline.overlay import Windows
from simulators.city.buildings import FRONT
from simulators.city.model import Series, Subject
from storage.times import NEVER_US

_SECOND_US: Final = 1_000_000
_MICRO: Final = 1e6
HOUR_US: Final = 3_600 * _SECOND_US
_SORTS: Final = {"water": ("water", "m3"), "kwh": ("electricity", "kWh")}
"""Point → energy and unit."""


def doubts(subjects: Sequence[Subject], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated meters.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    return [doubt for one in lay(subjects, basis) for doubt in one.doubts(basis.rules)]


def lay(subjects: Sequence[Subject], basis: Basis) -> list[Laid]:
    """Return what is known of simulated meters: of water, of mains, of sub-meters."""
    ordered = sorted(subjects, key=_sort)
    return [_of(sort, [*group], basis) for sort, group in groupby(ordered, _sort)]


def _sort(one: Subject) -> tuple[str, bool]:
    point = one.series[0].point
    return point, bool(branches(one))


def _of(sort: tuple[str, bool], group: Sequence[Subject], basis: Basis) -> Laid:
    energy, unit = _SORTS[sort[0]]
    names = having_of(energy, unit, "in", hangs=False, is_main=sort[1])
    meters, days = np.arange(len(group)), _days(group[0], basis)
    begin, end = int(days.begin[LEARNED]), int(days.end[-1])
    windows = Windows(meters, np.full(len(group), begin), np.full(len(group), end))
    part = Part(_Simulated(group), meters, days, [energy] * len(group))
    return laid(Sort.METER, group, _inputs(part, names), windows, basis.rules)


def _inputs(part: Part, names: frozenset[str]) -> Mapping[str, Sequence[Holds]]:
    made = [make(part) for some, make in MAKERS.items() if names.issuperset(some)]
    return {name: [holds] for layers in made for name, holds in layers.items()}


def _days(one: Subject, basis: Basis) -> Days:
    """The city's days; the first 28 are only learned from."""
    first, last = touched(basis.begin_s * _SECOND_US, basis.end_s * _SECOND_US, basis.zone)
    weather = next(series for series in one.beside if series.point == "celsius")
    warm = {first + timedelta(days=n): degrees for n, degrees in enumerate(weather.value.tolist())}
    return spanning(
        first + timedelta(days=LEARNED), last, basis.calendar, basis.zone, lambda _, __: warm
    )


@dataclass(frozen=True, slots=True)
class _Simulated:
    """Figures of meters by their positions; see :class:`rules.subjects.meters.layers.Source`."""

    group: Sequence[Subject]

    def hours(self, meters: Int64s, days: Days, before: int) -> Figures:
        begin = days.hours[:, :before]
        value = [
            figures(one.series, begin.ravel(), begin.ravel() + HOUR_US, HOUR_GAP_US)
            for one in self._of(meters)
        ]
        return _rounded(np.array(value).reshape(len(meters), *begin.shape))

    def days(self, meters: Int64s, days: Days) -> Figures:
        return _rounded(np.array([_of_days(one.series, days) for one in self._of(meters)]))

    def balances(self, meters: Int64s, days: Days) -> tuple[Table, Table]:
        """Of mains, and of those that sub-meters have in front of them."""
        supplied, taken = [], []
        for one in self._of(meters):
            front = _told(one, f"{FRONT}/0")
            point = f"{FRONT}/0" if front else one.series[0].point
            supplied.append(_of_days(front or one.series, days))
            taken.append(np.sum([_of_days(those, days) for those in _each(one, point)], axis=0))
        return _rounded(np.array(supplied)).value, np.array(taken)

    def mains(self, meters: Int64s, days: Days) -> Int64s:
        """Whatever stands in front of a sub-meter is told beside it, and has its number."""
        behind = [bool(_told(one, f"{FRONT}/0")) for one in self._of(meters)]
        return np.where(np.array(behind)[:, None], meters[:, None], np.full(len(days), -1))

    def by_power(self, meters: Int64s, days: Days) -> Table:
        """No simulated meter tells its power."""
        return np.full((len(meters), len(days)), np.nan)

    def _of(self, meters: Int64s) -> Sequence[Subject]:
        return [self.group[meter] for meter in meters.tolist()]


def branches(main: Subject) -> Sequence[Sequence[Series]]:
    """Return what each sub-meter of a main tells, one list of its devices each."""
    return _each(main, main.series[0].point)


def _each(one: Subject, point: str) -> Sequence[Sequence[Series]]:
    mine = [series for series in one.beside if series.point.startswith(f"{point}/")]
    return [[*those] for _, those in groupby(mine, lambda series: series.point)]


def _told(one: Subject, point: str) -> Sequence[Series]:
    return [series for series in one.beside if series.point == point]


def _of_days(series: Sequence[Series], days: Days) -> Float64s:
    return figures(series, days.begin, days.end, DAY_GAP_US)


def figures(series: Sequence[Series], begin: Int64s, end: Int64s, longest_us: int) -> Float64s:
    """Return what was counted in each time; NaN where it is parted, or spread over a silence."""
    found = np.full(len(begin), np.nan)
    for one in series:
        silences = np.flatnonzero(np.diff(one.ts) > longest_us)
        since, until = one.ts[silences], one.ts[silences + 1]
        # Silences follow one another: of those that end behind the begin the first decides.
        next_ = np.searchsorted(until, begin, side="right")
        spread = np.append(since, NEVER_US)[next_] < end
        whole = (begin >= one.ts[0]) & (end <= one.ts[-1]) & ~spread
        counted = np.interp(end, one.ts, one.value) - np.interp(begin, one.ts, one.value)
        found = np.where(whole, counted, found)
    return found


def _rounded(value: Table) -> Figures:
    micro = np.round(np.nan_to_num(value) * _MICRO).astype(np.int64)
    return Figures(np.where(np.isfinite(value), micro / _MICRO, np.nan), micro)
