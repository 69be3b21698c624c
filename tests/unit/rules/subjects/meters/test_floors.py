"""From which size on rules about meters find what they look for, and how often chance looks so.

Simulated meters of a year, of other seeds than those on which the defaults were chosen: what is
asserted here stands in docs/rules.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from rules.kinds.catalogue import KINDS
from rules.kinds.model import Values
from rules.subjects.meters import learned
from rules.subjects.meters.days import LEARNED
from rules.timeline.overlay import Pieces
from rules.timeline.truth import TRUE

Table = npt.NDArray[np.float64]
DAYS = LEARNED + 364
METERS = 40
WORK = np.resize([1, 1, 1, 1, 1, 0, 0], DAYS)
AFTER = np.roll(WORK, 1)
BEGIN, END = 228, 238
"""Days on which something is added."""


def doubtful(code: str, names: list[str], found: learned.Usual) -> npt.NDArray[np.bool_]:
    """Where a kind holds true, by meter and day, with its defaults."""
    kind = KINDS[code]
    values: Values = {name: p.default or 0.0 for name, p in kind.parameters.items()}
    tables = (found.now, found.usual, found.spread)
    count = found.now.size
    at = np.arange(count)
    columns = {name: table.ravel() for name, table in zip(names, tables, strict=True)}
    pieces = Pieces(np.ones(count, np.int64), at, at + 1, columns)
    true: npt.NDArray[np.bool_] = kind.holds(pieces, values) == TRUE
    return true.reshape(found.now.shape)


def runs(true: npt.NDArray[np.bool_], least: int) -> int:
    """How many stretches of so many days there are."""
    total = 0
    for row in true:
        length = 0
        for one in row.tolist():
            length = length + 1 if one else 0
            total += length == least
    return total


def share_found(true: npt.NDArray[np.bool_], least: int) -> float:
    during = true[:, BEGIN - LEARNED : END - LEARNED]
    return float(np.mean([runs(row[None], least) > 0 for row in during]))


def of_nights(
    code: str, names: list[str], hours: Table, least: int
) -> Callable[[Table | float], float]:
    """How many of the meters are found when so much an hour is added."""

    def look(added: Table | float) -> float:
        more = hours.copy()
        more[:, BEGIN:END] += added
        micro = np.round(more * 1e6).astype(np.int64)
        return share_found(doubtful(code, names, learned.nights(more, micro, AFTER)), least)

    return look


WATER = ["water_night", "water_night_usual", "water_night_spread"]
LOAD = ["load_night", "load_night_usual", "load_night_spread"]
DAY = ["day", "day_usual", "day_spread"]


def water(kind: str, rng: np.random.Generator) -> Table:
    """Nights by meter, m³/h."""
    shape = (METERS, DAYS, 5)
    if kind == "office":
        hours = rng.poisson(1.0, shape) * 0.006
    elif kind == "dormitory":
        hours = rng.uniform(0.1, 0.6, (METERS, 1, 1)) * rng.gamma(8, 1 / 8, shape)
    elif kind == "hospital":
        level = rng.uniform(1, 5, (METERS, 1, 1)) * rng.normal(1, 0.08, (METERS, DAYS, 1))
        hours = level * rng.gamma(30, 1 / 30, shape)
    else:  # A tank fills on most nights, for an hour or two.
        hours = rng.poisson(0.5, shape) * 0.006
        for meter, day in np.argwhere(rng.random((METERS, DAYS)) < 0.6).tolist():
            hour = int(rng.integers(0, 4))
            hours[meter, day, hour : hour + 2] += rng.uniform(3, 6), rng.uniform(0, 3)
    return np.round(hours, 3)


@pytest.mark.parametrize(
    ("kind", "floor"), [("office", 0.15), ("tank", 0.15), ("dormitory", 0.6), ("hospital", 4.0)]
)
def test_night_flow(kind: str, floor: float) -> None:
    hours = water(kind, np.random.default_rng(11))
    look = of_nights("water.night_flow", WATER, hours, 2)
    micro = np.round(hours * 1e6).astype(np.int64)
    usual = doubtful("water.night_flow", WATER, learned.nights(hours, micro, AFTER))
    assert runs(usual, 2) <= 0.1 * METERS
    assert look(floor) >= 0.95


def test_night_flow_of_a_coarse_register() -> None:
    rng = np.random.default_rng(12)

    def register(leak: float) -> Table:
        """Whole m³ of a dormitory, read every hour."""
        flow = rng.uniform(0.05, 0.4, (METERS, 1, 1)) * rng.gamma(8, 1 / 8, (METERS, DAYS, 24))
        flow[:, BEGIN:END] += leak
        shown = np.floor(np.cumsum(flow.reshape(METERS, -1), axis=1) + rng.random((METERS, 1)))
        return np.diff(shown, axis=1, prepend=0).reshape(METERS, DAYS, 24)[:, :, :5]

    quiet = register(0)
    look = of_nights("water.night_flow", WATER, quiet, 2)
    assert look(0) == 0
    micro = np.round(quiet * 1e6).astype(np.int64)
    usual = doubtful("water.night_flow", WATER, learned.nights(quiet, micro, AFTER))
    assert runs(usual, 2) <= 0.1 * METERS
    assert of_nights("water.night_flow", WATER, register(1.0), 2)(0) >= 0.95


@pytest.mark.parametrize(
    ("spread", "weekdays", "overtime", "floor"),
    [(0.06, 1.15, 0.03, 0.6), (0.03, 1.1, 0.02, 0.4), (0.12, 1.3, 0.05, 1.2)],
)
def test_base_load(spread: float, weekdays: float, overtime: float, floor: float) -> None:
    rng = np.random.default_rng(13)
    base = rng.uniform(3, 60, (METERS, 1, 1))
    hours = base * np.where(AFTER == 1, weekdays, 1.0)[None, :, None]
    hours = hours * rng.normal(1, spread, (METERS, DAYS, 1))
    hours = hours * rng.normal(1, spread / 2, (METERS, DAYS, 5))
    late = rng.random((METERS, DAYS)) < overtime
    hours[late] *= rng.uniform(1.5, 2.5, (int(late.sum()), 1))
    micro = np.round(hours * 1e6).astype(np.int64)
    usual = doubtful("electricity.base_load", LOAD, learned.nights(hours, micro, AFTER))
    assert runs(usual, 3) <= 0.1 * METERS
    look = of_nights("electricity.base_load", LOAD, hours, 3)
    assert look(floor * base) >= 0.95


@pytest.mark.parametrize(("spread", "floor"), [(0.08, 0.7), (0.2, 1.8)])
def test_step(spread: float, floor: float) -> None:
    rng = np.random.default_rng(14)
    use = np.where(WORK == 1, 100.0, 35.0)[None] * rng.lognormal(0, spread, (METERS, DAYS))
    usual = doubtful("consumption.step", DAY, learned.days(use, WORK))
    workdays = WORK[LEARNED:] == 1
    assert runs(usual[:, workdays], 5) <= 0.1 * METERS
    use[:, BEGIN : BEGIN + 28] *= 1 + floor
    more = doubtful("consumption.step", DAY, learned.days(use, WORK))
    during = np.flatnonzero(workdays)
    during = during[(during >= BEGIN - LEARNED) & (during < BEGIN - LEARNED + 28)]
    assert np.mean([runs(row[None], 5) > 0 for row in more[:, during]]) >= 0.95


def test_burst() -> None:
    rng = np.random.default_rng(15)
    day = np.r_[np.full(7, 0.05), np.linspace(1, 4, 4), np.full(7, 4.0), np.full(6, 0.5)]
    level = rng.uniform(0.5, 3, (METERS, 1, 1))
    flow = level * day * rng.gamma(6, 1 / 6, (METERS, 150, 24))
    names = ["water_hour", "water_hour_usual", "water_hour_most"]
    assert doubtful("water.burst", names, learned.hours(flow)).sum() <= 0.1 * METERS
    most = flow[:, :, :].max(axis=(1, 2))
    flow[:, 100, 3] += 2 * most
    assert doubtful("water.burst", names, learned.hours(flow))[:, 100 - LEARNED, 3].mean() >= 0.95
