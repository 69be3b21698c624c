"""What units report: their energy of two years, by day or by month, their quotas, and their size.

Whatever the quarter of a scenario: of the year in which it begins, and the one before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac
from simulators.city.life import midnight_s
from simulators.city.model import Case, Subject
from simulators.city.plan import AHEAD, GROWN, REPORT_HARMLESS, REPORTED, By, Plan
from simulators.city.spans import Span, Spans, union

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EPOCH: Final = date(1970, 1, 1)
_OF_DAYS: Final = {
    "electricity": (200, 2_000),
    "water": (20, 200),
    "gas": (60, 600),
    "heat": (10, 100),
}
"""Of a usual workday: kWh, m³, m³, GJ."""
_GROWS: Final = {
    "staff": ("electricity", "water", "gas"),
    "building": ("electricity", "gas", "heat"),
}
_GROWN_BY: Final = (0.25, 0.6)
_OFF: Final = 0.35
_DAYS_VARY, _MONTHS_VARY, _TREND = 0.1, 0.03, 0.05
_SLACK: Final = (0.06, 0.2)
"""What a quota leaves beyond what is needed."""
_LATER: Final = 0.3
"""Share of units that begin to use too much only from spring on."""
_GAP_D: Final = (12, 40)
_HEATED: Final = frozenset({1, 2, 3, 11, 12})
_TELLABLE: Final = 2 / 3
_PERS: Final = ("total", "m2", "head")


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of a unit for a year.

    Attributes:
        energy: code.
        kind: ``constraint``, ``baseline`` or ``guide``.
        per: ``total``, ``m2`` or ``head``.
        value: in the energy's unit.
    """

    energy: str
    kind: str
    per: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter(Subject):
    """A unit; by day of two years where nothing else is said.

    Attributes:
        first: local day since 1970: the first of the year before.
        year: the year that is looked at.
        used: energy → what was used; NaN: nobody knows.
        billed: energies of which only the sums of months are known.
        quotas: of the year.
        area: m².
        heads: energy users.
        celsius: mean outdoor temperature.
    """

    first: int
    year: int
    used: dict[str, Floats]
    billed: frozenset[str]
    quotas: tuple[Quota, ...]
    area: Floats
    heads: Floats
    celsius: Floats


@dataclass(frozen=True, slots=True)
class Years:
    """Two years, by day: ``month`` counts from 0 to 23."""

    first: int
    year: int
    month: Ints
    works: NDArray[np.bool_]
    celsius: Floats

    def span(self, month: int) -> Span:
        """From when to when a month lasts, s UTC."""
        days = np.flatnonzero(self.month == month)
        return midnight_s(self.first + int(days[0])), midnight_s(self.first + int(days[-1]) + 1)


@dataclass(frozen=True, slots=True)
class Wish:
    """More than is needed: by a share, in months from one on (12 to 23), up to another."""

    kind: str
    share: float
    begin: int
    end: int


Wishes = dict[tuple[int, str], Wish]
"""Unit and energy → what is wanted of it."""


@dataclass(frozen=True, slots=True)
class City:
    """What is the same for all units; ``harmless``: what of it is at each."""

    plan: Plan
    seed: int
    years: Years
    wishes: Wishes
    harmless: dict[int, set[str]]


def live(plan: Plan, seed: int) -> Callable[[int], list[Reporter]]:
    """Make up units; return what makes up those of an institution.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    of = City(plan, seed, _years(plan, seed), _wishes(plan, seed), _harmless(plan, seed))
    return partial(_institution, of)


def _institution(of: City, number: int) -> list[Reporter]:
    each = of.plan.reporters
    return [_reporter(of, one) for one in range(number * each, number * each + each)]


def _years(plan: Plan, seed: int) -> Years:
    year = (_EPOCH + timedelta(days=plan.first)).year
    first, last = ((date(y, 1, 1) - _EPOCH).days for y in (year - 1, year + 1))
    days = np.arange(first, last)
    dates = [_EPOCH + timedelta(days=day) for day in days.tolist()]
    month = np.array([(one.year - year + 1) * 12 + one.month - 1 for one in dates])
    celsius = almanac.outdoor(seed, days).mean(axis=1)
    for spell in plan.spells:
        celsius = celsius + np.where((days >= spell.first) & (days <= spell.last), spell.degrees, 0)
    works = [
        day in plan.reported_makeup or not ((day + 3) % 7 >= 5 or day in plan.reported_holidays)
        for day in days.tolist()
    ]
    return Years(first, year, month, np.array(works), celsius)


def _wishes(plan: Plan, seed: int) -> Wishes:
    rng = np.random.default_rng([seed, 61])
    found: Wishes = {}
    for energy in REPORTED:
        order = iter(rng.permutation(plan.institutions * plan.reporters).tolist())
        for kind in (AHEAD[energy], GROWN[energy]):
            wanted = [one for one in plan.wanted if one.kind == kind]
            for size in (size for one in wanted for size in one.sizes * one.each):
                unit = next(order, None)
                if unit is None:
                    raise ValueError(f"no unit is left for {kind}: fewer of it, or more units")
                found[unit, energy] = _wish(rng, kind, energy, size)
    return found


def _wish(rng: np.random.Generator, kind: str, energy: str, size: float) -> Wish:
    share = size / 100 * rng.uniform(1.0, 1.1)
    if kind == AHEAD[energy]:
        later = energy != "heat" and rng.random() < _LATER
        return Wish(kind, share, 12 + (int(rng.integers(2, 5)) if later else 0), 24)
    months = sorted(_HEATED) if energy == "heat" else range(1, 13)
    begin = 11 + int(rng.choice(list(months)))
    return Wish(kind, share, begin, begin + 1)


def _harmless(plan: Plan, seed: int) -> dict[int, set[str]]:
    rng = np.random.default_rng([seed, 62])
    count, found = plan.institutions * plan.reporters, defaultdict[int, set[str]](set)
    for name in REPORT_HARMLESS:
        number = plan.report_harmless.get(name, 0)
        if number > count:
            raise ValueError(f"{number} units are wanted for {name}: {count} are there")
        for unit in rng.permutation(count)[:number].tolist():
            found[unit].add(name)
    return found


def _reporter(of: City, number: int) -> Reporter:
    years, what = of.years, of.harmless.get(number, set())
    rng = np.random.default_rng([of.seed, 63, number])
    sizes = {"staff": np.ones(len(years.month)), "building": np.ones(len(years.month))}
    marked: list[tuple[str, Spans]] = []
    for name in sorted(sizes.keys() & what):
        at = int(rng.integers(13, 22))
        sizes[name][years.month >= at] *= 1 + rng.uniform(*_GROWN_BY)
        marked.append((name, [(years.span(at)[0], years.span(23)[1])]))
    heads = np.round(float(rng.integers(20, 400)) * sizes["staff"])
    area = np.round(float(rng.integers(800, 9_000)) * sizes["building"])
    used, quotas, cases = dict[str, Floats](), list[Quota](), list[Case]()
    true: dict[str, Spans] = {}
    for energy in REPORTED:
        need = _need(years, energy, sizes, rng)
        wish = of.wishes.get((number, energy))
        used[energy] = need * _more(years, wish)
        quotas += _quotas(years, energy, need, wish, area, heads, what, rng)
        missing = _gap(years, rng) if "gap" in what and rng.random() < 0.5 else slice(0)
        unseen = np.zeros(len(need), np.bool_)
        unseen[missing] = True
        ahead = _ahead(years, used[energy], quotas[-1], area, heads)
        true[AHEAD[energy]] = union(years.span(m) for m, share in enumerate(ahead, 12) if share > 0)
        true[GROWN[energy]] = [_from_to(years, wish)] if wish is not None else []
        cases += _cases(years, energy, ahead, wish, unseen)
        if unseen.any():
            used[energy] = np.where(unseen, np.nan, used[energy])
            marked.append(("gap", [_seconds(years, np.flatnonzero(unseen))]))
    code = f"i{number // of.plan.reporters:03}-o{number:04}"
    billed = frozenset(one for one in REPORTED if "billed" in what and rng.random() < 0.5)
    return Reporter(
        code=code,
        series=(),
        beside=(),
        tags=(),
        cases=tuple(cases),
        true=true,
        marked=tuple(marked),
        first=years.first,
        year=years.year,
        used=used,
        billed=billed,
        quotas=tuple(quotas),
        area=area,
        heads=heads,
        celsius=years.celsius,
    )


def _need(years: Years, energy: str, sizes: dict[str, Floats], rng: np.random.Generator) -> Floats:
    """What is used without waste, by day."""
    low, high = _OF_DAYS[energy]
    level = np.exp(rng.uniform(np.log(low), np.log(high)))
    cold, warm = np.maximum(16 - years.celsius, 0), np.maximum(years.celsius - 24, 0)
    heated = np.isin(years.month % 12 + 1, list(_HEATED))
    weather = {
        "electricity": 1 + 0.02 * cold + 0.04 * warm,
        "water": 1 + 0.02 * warm,
        "gas": 0.4 + 0.06 * cold,
        "heat": np.where(heated, 0.1 * cold, 0.0),
    }[energy]
    grown = np.max([sizes[name] for name, those in _GROWS.items() if energy in those], axis=0)
    months = rng.lognormal(0, _MONTHS_VARY, 24)[years.month]
    trend = np.where(years.month >= 12, 1 + rng.uniform(-_TREND, _TREND), 1.0)
    days = np.where(years.works, 1.0, _OFF) * rng.lognormal(0, _DAYS_VARY, len(years.month))
    need: Floats = level * weather * grown * months * trend * days
    return need


def _more(years: Years, wish: Wish | None) -> Floats:
    more = np.ones(len(years.month))
    if wish is not None:
        more[(years.month >= wish.begin) & (years.month < wish.end)] += wish.share
    return more


def _quotas(  # noqa: PLR0913, PLR0917 - what a quota depends on
    years: Years,
    energy: str,
    need: Floats,
    wish: Wish | None,
    area: Floats,
    heads: Floats,
    what: set[str],
    rng: np.random.Generator,
) -> Iterator[Quota]:
    """A guide value that nobody reaches, and last the one that counts."""
    now = years.month >= 12
    slack = 0.0 if wish is not None and wish.kind == AHEAD[energy] else rng.uniform(*_SLACK)
    grows = what & _GROWS.keys() & {n for n, those in _GROWS.items() if energy in those}
    per = {"staff": "head", "building": "m2"}[min(grows)] if grows else str(rng.choice(_PERS))
    base = {"total": 1.0, "m2": float(area[-1]), "head": float(heads[-1])}[per]
    value = float(need[now].sum()) * (1 + slack) / base
    if "guided" in what:
        yield Quota(energy, "guide", per, round(value * 0.7, 6))
    yield Quota(energy, str(rng.choice(["constraint", "baseline"])), per, round(value, 6))


def _gap(years: Years, rng: np.random.Generator) -> slice:
    begin = int(rng.integers(0, len(years.month) - _GAP_D[1]))
    return slice(begin, begin + int(rng.integers(*_GAP_D)))


def _ahead(years: Years, used: Floats, quota: Quota, area: Floats, heads: Floats) -> list[float]:
    """By how much the year was ahead of its plan at the end of each month, as a share.

    The plan gives each month what it had of the year before, and ends at the quota.
    """
    by_month = np.bincount(years.month, used, 24)
    upto = np.cumsum(by_month[:12]) / by_month[:12].sum()
    last = [int(np.flatnonzero(years.month == month)[-1]) for month in range(12, 24)]
    base = {"total": np.ones(12), "m2": area[last], "head": heads[last]}[quota.per]
    return [float(x) for x in np.cumsum(by_month[12:]) / (quota.value * base * upto) - 1]


def _cases(
    years: Years, energy: str, ahead: list[float], wish: Wish | None, unseen: NDArray[np.bool_]
) -> Iterator[Case]:
    for over, run in groupby(enumerate(ahead, 12), lambda one: one[1] > 0):
        months, shares = zip(*run, strict=True)
        if over:
            size = {By.SHARE: float(np.mean(shares)) * 100, By.MONTHS: float(len(months))}
            yield _case(years, AHEAD[energy], months[0], months[-1] + 1, size, unseen)
    if wish is not None:
        size = {By.SHARE: wish.share * 100, By.MONTHS: float(wish.end - wish.begin)}
        yield _case(years, GROWN[energy], wish.begin, wish.end, size, unseen)


def _case(  # noqa: PLR0913, PLR0917 - what a case is made of
    years: Years,
    kind: str,
    begin: int,
    end: int,
    size: dict[By, float],
    unseen: NDArray[np.bool_],
) -> Case:
    """It cannot be told where a third of its days, or of those of the year before, are unknown.

    Of a quota also not where weeks of the year before are: nobody knows its plan.
    """
    known = [
        float(np.mean(~unseen[(years.month >= begin - back) & (years.month < end - back)]))
        for back in (0, 12)
    ]
    span = years.span(begin)[0], years.span(end - 1)[1]
    planned = kind not in AHEAD.values() or not unseen[years.month < 12].any()
    return Case(kind, *span, size, planned and min(known) >= _TELLABLE)


def _from_to(years: Years, wish: Wish) -> Span:
    return years.span(wish.begin)[0], years.span(wish.end - 1)[1]


def _seconds(years: Years, days: Ints) -> Span:
    return midnight_s(years.first + int(days[0])), midnight_s(years.first + int(days[-1]) + 1)
