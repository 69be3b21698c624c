"""Buildings with their meters of water and electricity, hour by hour, as subjects of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city.incidents import POWER, WATER, Buildings, Incident, incidents
from simulators.city.life import midnight_s, span
from simulators.city.model import Case, Series, Subject, Tag
from simulators.city.plan import METERED, By, Plan
from simulators.city.spans import Spans, common, length, union
from simulators.city.weather import celsius

Hours = NDArray[np.float64]
"""By hour of the city's time."""
_HOUR_S: Final = 3_600
_BRANCHES: Final = (0.4, 0.3, 0.2)
"""Shares of a building's electricity that sub-meters count; the rest nobody does."""
_FELT: Final = {
    "water.night_flow": ("water.night_flow", "consumption.step"),
    "electricity.base_load": ("electricity.base_load", "consumption.step"),
    "consumption.step": ("consumption.step", "water.night_flow", "electricity.base_load"),
    "meter.stuck": ("meter.mains",),
}
"""What is left running adds to the use of the day, and use that grows as a whole grows by night;
of a main what a sub-meter does not count is missing."""
_AT_SUB_METERS: Final = frozenset({"meter.mains", "meter.stuck"})
_STEPS: Final = {WATER: (0.001, 0.01, 0.01, 0.1), POWER: (0.01,)}
_OFFICE: Final = np.r_[np.zeros(7), np.linspace(0.4, 1, 3), np.ones(7), 0.5, 0.2, np.zeros(5)]
_EXEMPTING: Final = frozenset({"ward", "cooling-tower"})
_GROWN: Final = 0.25
_UNSEEN: Final = 1 / 3
_WARM_C, _COLD_C = 24.0, 12.0


@dataclass(frozen=True, slots=True)
class City:
    """What is the same for all buildings; ``celsius`` by day."""

    plan: Plan
    seed: int
    of: Buildings
    celsius: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a meter counted; silent: hours without a reading; replaced: the hour, if it was."""

    used: Hours
    silent: list[tuple[int, int]]
    replaced: int | None


def live(plan: Plan, seed: int) -> Callable[[int], list[Subject]]:
    """Make up a city; return what makes up the meters of one of its institutions.

    Raises:
        ValueError: it is too small for what is wanted of it.
    """
    return partial(_institution, City(plan, seed, incidents(plan, seed), celsius(plan, seed)))


def _institution(of: City, number: int) -> list[Subject]:
    each = of.plan.buildings
    return [
        one
        for building in range(number * each, number * each + each)
        for one in _meters(of, building)
    ]


def _meters(of: City, building: int) -> Iterator[Subject]:
    rng = np.random.default_rng([of.seed, 12, building])
    use = of.of.use.get(building)
    happened = of.of.incidents.get(building, [])
    temperature = _temperature(of)
    code = f"i{building // of.plan.buildings:03}-b{building:04}"
    tags = (Tag(use),) if use in _EXEMPTING else ()

    water = _counted(of, rng, _water(of, use, happened, rng))
    mine = [one for one in happened if one.meter == WATER]
    for one in (one for one in mine if one.name == "meter.still"):
        water.used[_at(one)] = 0
    yield _subject(of, f"{code}-water", WATER, water, mine, tags, (temperature,), rng)

    power = _power(of, building, happened, rng)
    mine = [one for one in happened if one.meter == POWER]
    branches = [_counted(of, rng, used) for used in _branches(power, mine, rng)]
    told = [_series(of, POWER, one, rng) for one in branches]
    main = _counted(of, rng, power)
    beside = (temperature, *_parts(POWER, told))
    whole = _subject(of, f"{code}-main", POWER, main, mine, tags, beside, rng, branches)
    yield replace(whole, cases=tuple(one for one in whole.cases if one.kind != "meter.stuck"))
    front = (temperature, *_parts(FRONT, [whole.series]), *_parts(f"{FRONT}/0", told))
    silent = [span for one in (main, *branches) for span in one.silent]
    for number, series in enumerate(told):
        stuck = [one for one in mine if one.name in _AT_SUB_METERS and _branch(one) == number]
        true = _true(of, [one for one in mine if one.name not in _AT_SUB_METERS])
        true["meter.stuck"] = union([_seconds(of, one) for one in stuck])
        cases = tuple(_case(of, one, silent) for one in stuck if one.name == "meter.stuck")
        yield Subject(f"{code}-sub{number}", series, front, tags, cases, true, _marked(of, mine))


FRONT: Final = "front"
"""What a sub-meter's main tells, ``front/0``, and all that stands behind it, ``front/0/0``."""


def _parts(point: str, told: list[tuple[Series, ...]]) -> Iterator[Series]:
    for number, those in enumerate(told):
        yield from (replace(series, point=f"{point}/{number}") for series in those)


def _branch(one: Incident) -> int:
    """Which sub-meter does not count: the one of about as much, or any that is stuck."""
    if one.name == "meter.stuck":
        return one.begin % len(_BRANCHES)
    return int(np.argmin([abs(share * 100 - one.extent) for share in _BRANCHES]))


def _subject(  # noqa: PLR0913, PLR0917 - what a meter is made of
    of: City,
    code: str,
    point: str,
    counted: Counted,
    happened: list[Incident],
    tags: tuple[Tag, ...],
    beside: tuple[Series, ...],
    rng: np.random.Generator,
    others: Sequence[Counted] = (),
) -> Subject:
    series = _series(of, point, counted, rng)
    silent = [span for one in (counted, *others) for span in one.silent]
    cases = tuple(_case(of, one, silent) for one in happened if one.name in METERED)
    return Subject(code, series, beside, tags, cases, _true(of, happened), _marked(of, happened))


def _case(of: City, one: Incident, silent: list[tuple[int, int]]) -> Case:
    whole = [(one.begin, one.begin + one.hours)]
    unseen = length(common(whole, union(silent))) / one.hours
    begin, end = _seconds(of, one)
    return Case(one.name, begin, end, _sizes(one), unseen <= _UNSEEN)


def _sizes(one: Incident) -> dict[By, float]:
    if one.base_kw:
        return {By.LOAD: one.extent, By.SHARE: one.extent / one.base_kw * 100}
    return {METERED[one.name][0]: one.extent}


def _seconds(of: City, one: Incident) -> tuple[int, int]:
    begin = midnight_s(of.plan.first) + round((one.begin + one.late) * _HOUR_S)
    return begin, begin + one.hours * _HOUR_S


def _true(of: City, happened: list[Incident]) -> dict[str, Spans]:
    found: dict[str, Spans] = {}
    for one in happened:
        for kind in _FELT.get(one.name, (one.name,)) if one.name in METERED else ():
            found[kind] = union(found.get(kind, []), [_seconds(of, one)])
    return found


def _marked(of: City, happened: list[Incident]) -> tuple[tuple[str, Spans], ...]:
    return tuple((one.name, [_seconds(of, one)]) for one in happened if one.name not in METERED)


def _at(one: Incident) -> slice:
    return slice(one.begin, one.begin + one.hours)


def _works(of: City) -> NDArray[np.bool_]:
    first = of.plan.first
    return np.array([of.plan.works(day) for day in range(first, first + of.plan.days)])


def _grows(of: City, rng: np.random.Generator) -> Hours:
    """Some buildings use more towards the end of the season."""
    share = of.plan.unusual.get("growth", 0) / max(len(of.of.base_kw), 1)
    most = _GROWN if rng.random() < share else 0.0
    return np.linspace(1, 1 + most, of.plan.days * 24)


def _water(of: City, use: str | None, happened: list[Incident], rng: np.random.Generator) -> Hours:
    """Use water, m³/h."""
    days, shape = of.plan.days, (of.plan.days, 24)
    level = rng.uniform(1.0, 4.0)
    busy = np.where(_works(of), 1.0, 0.25) * rng.lognormal(0, 0.08, days)
    flow = level * busy[:, None] * _OFFICE * rng.gamma(12, 1 / 12, shape)
    flow += rng.poisson(1.0, shape) * 0.006
    warm = of.celsius
    if use == "dormitory":
        flow += rng.uniform(0.1, 0.6) * rng.gamma(8, 1 / 8, shape)
    elif use == "ward":
        flow += rng.uniform(1, 5) * rng.normal(1, 0.08, (days, 1)) * rng.gamma(30, 1 / 30, shape)
    elif use == "cooling-tower":
        flow += rng.uniform(0.05, 0.15) * level * np.maximum(warm - 22, 0)[:, None]
    elif use == "tank":
        _fill(flow, rng)
    elif use == "garden":
        dry = (warm > 17) & (rng.random(days) < 0.6)
        flow[dry, 3:5] += rng.uniform(1, 2)
    used: Hours = flow.reshape(-1) * _grows(of, rng)
    busiest = float(np.quantile(flow.max(axis=1), 0.96))
    for one in (one for one in happened if one.meter == WATER):
        _happen(used, one, busiest)
    return used


def _happen(used: Hours, one: Incident, busiest: float) -> None:
    if one.name == "water.night_flow":
        used[_at(one)] += one.extent
    elif one.name == "water.burst":
        part = np.r_[1 - one.late, np.ones(one.hours - 1), one.late]
        used[one.begin : one.begin + one.hours + 1] += part * busiest * one.extent / 100
    elif one.name == "closed":
        used[_at(one)] = 0
    elif one.name != "meter.still":
        used[_at(one)] *= 1.6 if one.name == "busy_day" else 1 + one.extent / 100


def _fill(flow: Hours, rng: np.random.Generator) -> None:
    """A tank fills on most nights, for an hour or two."""
    for day in np.flatnonzero(rng.random(len(flow)) < 0.6).tolist():
        hour = int(rng.integers(0, 4))
        flow[day, hour : hour + 2] += rng.uniform(3, 6), rng.uniform(0, 3)


def _power(of: City, building: int, happened: list[Incident], rng: np.random.Generator) -> Hours:
    """Draw electricity, kW."""
    days, base = of.plan.days, of.of.base_kw[building]
    work = _works(of)
    night = np.where(np.roll(work, 1), 1.1, 1.0) * rng.normal(1, 0.04, days)
    busy = np.where(work, 1.0, 0.15) * rng.lognormal(0, 0.06, days)
    beyond = np.maximum(of.celsius - _WARM_C, 0) + np.maximum(_COLD_C - of.celsius, 0)
    by_day = busy[:, None] * _OFFICE * (rng.uniform(2, 4) + 0.2 * beyond[:, None])
    load = night[:, None] * (1 + 0.01 * beyond[:, None]) + by_day
    used: Hours = (base * load * rng.normal(1, 0.02, (days, 24))).reshape(-1) * _grows(of, rng)
    for one in (one for one in happened if one.meter == POWER):
        if one.name == "electricity.base_load":
            used[_at(one)] += one.extent
        elif one.name == "consumption.step":
            used[_at(one)] *= 1 + one.extent / 100
        elif one.name == "busy_day":
            used[_at(one)] *= 1.6
        elif one.name == "late_work":
            evening = one.begin // 24 * 24
            used[evening + 18 : evening + 30] += base * 1.5
        elif one.name == "branch_off":
            used[_at(one)] *= 1 - _BRANCHES[2]
    return used


def _branches(used: Hours, happened: list[Incident], rng: np.random.Generator) -> Iterator[Hours]:
    """What sub-meters tell: of some a part is taken past them, or they are stuck."""
    for number, share in enumerate(_BRANCHES):
        told = used * share * rng.normal(1, 0.02, len(used))
        for one in happened:
            if one.name == "meter.stuck" and _branch(one) == number:
                told[_at(one)] = 0
            if one.name == "meter.mains" and one.extent / 100 <= share and _branch(one) == number:
                told[_at(one)] = np.maximum(told[_at(one)] - used[_at(one)] * one.extent / 100, 0)
            if one.name == "branch_off":
                whole = used[_at(one)] / (1 - _BRANCHES[2])
                told[_at(one)] = whole * (share if number < 2 else 0.0)
        yield told


def _counted(of: City, rng: np.random.Generator, used: Hours) -> Counted:
    """Disturb a meter as often as meters are."""
    count = len(of.of.base_kw) * (2 + len(_BRANCHES))
    of_each = {name: number / count for name, number in of.plan.failures.items()}
    last = len(used) - 80
    silent = []
    for name in ("gap", "catch_up"):
        for _ in range(rng.poisson(of_each.get(name, 0.0))):
            begin = int(rng.integers(24, last))
            silent.append((begin, begin + int(rng.integers(2, 60))))
            if name == "gap":  # A counter of pulses does not see what flows meanwhile.
                used = used.copy()
                used[slice(*silent[-1])] = 0.0
    replaced = None
    if rng.random() < of_each.get("replaced", 0.0):
        replaced = int(rng.integers(24, last))
        silent.append((replaced, replaced + 3))
    return Counted(used, silent, replaced)


def _series(of: City, point: str, counted: Counted, rng: np.random.Generator) -> tuple[Series, ...]:
    """What the register showed at each hour that was told, the newest meter first."""
    begin_s, end_s = span(of.plan)
    step = float(rng.choice(_STEPS[point]))
    shown = np.floor((np.r_[0.0, np.cumsum(counted.used)] + rng.uniform(0, step)) / step) * step
    heard = np.ones(len(shown), np.bool_)
    for begin, end in counted.silent:
        heard[begin + 1 : end] = False
    parts = [(0, len(shown))]
    if counted.replaced is not None:
        parts = [(counted.replaced + 2, len(shown)), (0, counted.replaced + 1)]
    found = []
    for first, last in parts:
        at = first + np.flatnonzero(heard[first:last])
        ts = (begin_s + at * _HOUR_S) * 1_000_000
        bounds = begin_s + first * _HOUR_S, min(begin_s + last * _HOUR_S, end_s)
        value = shown[at] - shown[at[0]]
        found.append(Series(point, ts, value, ts, *bounds))
    return tuple(found)


def _temperature(of: City) -> Series:
    begin_s, end_s = span(of.plan)
    ts = (begin_s + np.arange(of.plan.days) * 86_400) * 1_000_000
    return Series("celsius", ts, of.celsius, ts, begin_s, end_s)
