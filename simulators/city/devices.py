"""Devices on buses, and when nothing was heard of them, as subjects of rules.

Each institution polls for itself: it is a site with some buses, each with one to eight devices.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import pairwise
from typing import Final

import numpy as np

from simulators.city.life import span
from simulators.city.model import Case, Int64s, Series, Subject
from simulators.city.plan import SILENT, By, Plan
from simulators.city.spans import Span, Spans, common, length, union

_HOUR_S, _DAY_S = 3_600, 86_400
_ON_A_BUS: Final = (1, 2, 3, 5, 8)
_ON_THE_FIRST: Final = 4
"""So every institution has a bus with several devices."""
_EVERY_S, _DAILY_S = 1_200, 86_400
_WEAK_S: Final = (1, 5)
"""Between the readings of a device that is heard badly, hours."""
_DROPOUTS_H: Final = {"dropout": (1, 20), "bus_dropout": (1, 20), "site_dropout": (0.5, 4)}
_HIT: Final = {
    **dict(zip(SILENT, ("device", "bus", "site"), strict=True)),
    **dict(zip(_DROPOUTS_H, ("device", "bus", "site"), strict=True)),
}
"""Whom a silence hits."""
_BENCH_S: Final = 2 * _HOUR_S
_APART_S: Final = 2 * _DAY_S
_TRIES: Final = 4_000
_UNSEEN: Final = 1 / 3

Key = tuple[int, str, int]
"""Institution; device, bus or site; number in the institution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled(Subject):
    """What something is heard of.

    Attributes:
        of: ``device``, ``bus`` or ``site``.
        bus: number of its bus in the institution, from 1 on; of a site 0.
        interval_s: how often a device is asked.
    """

    of: str
    bus: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nothing is heard of somebody; size: hours of a case; None: it is none."""

    kind: str
    span: Span
    size: float | None


@dataclass(frozen=True, slots=True)
class City:
    """What happens where.

    Attributes:
        plan: the scenario.
        seed: of everything.
        buses: of each institution: how many devices are on each bus.
        silences: of devices, buses and sites.
        manner: of devices: what they are besides.
    """

    plan: Plan
    seed: int
    buses: list[list[int]]
    silences: dict[Key, list[Silence]] = field(default_factory=lambda: defaultdict(list))
    manner: dict[Key, str] = field(default_factory=dict)


def live(plan: Plan, seed: int) -> Callable[[int], list[Polled]]:
    """Make up devices; return what makes up those of an institution, its buses and its site.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    rng = np.random.default_rng([seed, 41])
    buses = [_buses(plan, rng) for _ in range(plan.institutions)] if plan.buses else []
    city = City(plan, seed, buses)
    _be(city, rng)
    wanted = [one for one in plan.wanted if one.kind in SILENT]
    for kind, size in ((w.kind, s) for w in wanted for s in w.sizes * w.each):
        _enter(city, rng, kind, size * rng.uniform(1.0, 1.05), size)
    for name, hours in _DROPOUTS_H.items():
        for _ in range(plan.device_troubles.get(name, 0)):
            low, high = map(math.log, hours)
            _enter(city, rng, name, math.exp(rng.uniform(low, high)), None)
    return partial(_institution, city)


def _buses(plan: Plan, rng: np.random.Generator) -> list[int]:
    return [_ON_THE_FIRST, *rng.choice(_ON_A_BUS, plan.buses - 1).tolist()]


def _be(city: City, rng: np.random.Generator) -> None:
    """Say which devices are not like most."""
    # The first bus keeps its devices: an institution is to have one with several.
    free = [
        (number, "device", device)
        for number, buses in enumerate(city.buses)
        for device in range(_ON_THE_FIRST, sum(buses))
    ]
    order = iter(rng.permutation(len(free)).tolist())
    for name in ("weak", "daily", "exchanged", "taken_down"):
        for _ in range(city.plan.device_troubles.get(name, 0)):
            at = next(order, None)
            if at is None:
                raise ValueError(f"no device is left for {name}: fewer of it, or more devices")
            city.manner[free[at]] = name


def _enter(
    city: City, rng: np.random.Generator, kind: str, hours: float, size: float | None
) -> None:
    """Put a silence where it lies apart from others of the same subject."""
    begin, end = span(city.plan)
    lasts = int(hours * _HOUR_S)
    for _ in range(_TRIES if city.buses else 0):
        key = _drawn(city, rng, _HIT[kind])
        at = int(rng.integers(begin + _DAY_S, max(end - lasts - _DAY_S, begin + _DAY_S + 1)))
        near = [(at - _APART_S, at + lasts + _APART_S)]
        mine = [one.span for one in city.silences[key]]
        plain = city.manner.get(key, "weak") == "weak"
        if plain and at + lasts < end and not common(near, union(mine)):
            city.silences[key].append(Silence(kind, (at, at + lasts), size))
            return
    raise ValueError(f"nobody is left for {kind}: fewer of it, or a larger city")


def _drawn(city: City, rng: np.random.Generator, of: str) -> Key:
    institution = int(rng.integers(len(city.buses)))
    buses = city.buses[institution]
    if of == "device":
        return institution, of, int(rng.integers(sum(buses)))
    several = [
        bus
        for bus, devices in _on(city, institution)
        if sum(not _apart(city, institution, device) for device in devices) > 1
    ]
    return institution, of, int(rng.choice(several)) if of == "bus" else 0


def _on(city: City, institution: int) -> Iterator[tuple[int, range]]:
    """Yield buses of an institution with the devices on them."""
    ends = np.cumsum([0, *city.buses[institution]]).tolist()
    for bus, bounds in enumerate(pairwise(ends), 1):
        yield bus, range(*bounds)


def _apart(city: City, institution: int, device: int) -> bool:
    """Whether a device does not tell of its bus: it tells once a day, or not to the end."""
    return city.manner.get((institution, "device", device)) in {"daily", "taken_down"}


def _institution(city: City, number: int) -> list[Polled]:
    if not city.buses:
        return []
    site = _spans(city, (number, "site", 0))
    found = [_above(city, number, "site", 0, [], _everything(city, number))]
    for bus, devices in _on(city, number):
        together = _together(city, number, devices)
        if len(devices) > 1:
            found.append(_above(city, number, "bus", bus, site, together))
        mates = together if len(devices) > 1 else []
        hidden = union(site, _spans(city, (number, "bus", bus)), mates)
        for device in devices:
            found += _device(city, (number, "device", device), bus, hidden)
    return found


def _everything(city: City, number: int) -> Spans:
    """When by chance nothing at all is heard of."""
    lines = _on(city, number)
    return reduce(
        common,
        (union(_spans(city, (number, "bus", b)), _together(city, number, d)) for b, d in lines),
    )


def _together(city: City, number: int, devices: range) -> Spans:
    """When all devices of a bus are silent: then it is the bus that is."""
    those = [one for one in devices if not _apart(city, number, one)] or devices
    return reduce(common, (_spans(city, (number, "device", one)) for one in those))


def _spans(city: City, key: Key) -> Spans:
    return union([one.span for one in city.silences[key]])


def _above(  # noqa: PLR0913, PLR0917 - what it is, and what happened there
    city: City, institution: int, of: str, bus: int, hidden: Spans, besides: Iterable[Span] = ()
) -> Polled:
    """A bus or a site: of itself it tells nothing; besides: when it was silent, too."""
    code = f"i{institution:03}" + (f"-u{bus}" if bus else "-site")
    mine = [
        *city.silences[institution, of, bus],
        *(Silence(f"{of}.silent", one, None) for one in besides),
    ]
    return _polled(code, (), mine, hidden, of=of, bus=bus, interval_s=0)


def _device(city: City, key: Key, bus: int, hidden: Spans) -> Iterator[Polled]:
    rng = np.random.default_rng([city.seed, 42, key[0], key[2]])
    manner, mine = city.manner.get(key, ""), city.silences[key]
    begin, end = span(city.plan)
    code, silent = f"i{key[0]:03}-u{bus}-d{key[2]:02}", union(hidden, _spans(city, key))
    every_s = _DAILY_S if manner == "daily" else _EVERY_S
    there = [(begin, end)]
    if manner in {"exchanged", "taken_down"}:
        at = int(rng.integers(begin + _DAY_S, end - 3 * _DAY_S))
        there = [(begin, at)] + ([(at + _BENCH_S, end)] if manner == "exchanged" else [])
    for name, bound in zip(("", "-new"), there, strict=False):
        ts = (
            _weakly(rng, bound)
            if manner == "weak"
            else np.arange(bound[0] + int(rng.integers(every_s)), bound[1], every_s)
        )
        series = _told(ts, silent, bound)
        yield _polled(
            code + name, (series,), mine, hidden, of="device", bus=bus, interval_s=every_s
        )


def _weakly(rng: np.random.Generator, bound: Span) -> Int64s:
    hours = (bound[1] - bound[0]) / _HOUR_S
    steps = rng.uniform(*_WEAK_S, int(hours)) * _HOUR_S
    ts = bound[0] + np.cumsum(steps).astype(np.int64)
    return ts[ts < bound[1]]


def _told(ts: Int64s, silent: Spans, bound: Span) -> Series:
    edges = np.array(silent, np.int64).reshape(-1, 2)
    inside = np.searchsorted(edges[:, 0], ts, side="right") > np.searchsorted(
        edges[:, 1], ts, side="right"
    )
    at = ts[~inside] * 1_000_000
    return Series("heard", at, np.ones(len(at)), at, *bound)


def _polled(  # noqa: PLR0913 - what it is, and what happened there
    code: str,
    series: tuple[Series, ...],
    mine: list[Silence],
    hidden: Spans,
    *,
    of: str,
    bus: int,
    interval_s: int,
) -> Polled:
    # What runs into a silence of all around ends there, or in it, or behind it: nobody can tell.
    own = {kind: union([one.span for one in mine if one.kind == kind]) for kind in SILENT}
    true = {
        kind: [one for one in union(spans, hidden) if common([one], spans)]
        for kind, spans in own.items()
    }
    return Polled(
        code=code,
        series=series,
        beside=(),
        tags=(),
        cases=tuple(_case(one, one.size, hidden) for one in mine if one.size is not None),
        true=true,
        marked=tuple((one.kind, [one.span]) for one in mine if one.kind not in SILENT),
        of=of,
        bus=bus,
        interval_s=interval_s,
    )


def _case(one: Silence, size: float, hidden: Spans) -> Case:
    """It cannot be told where for a third of it all around was silent, too."""
    lasts = one.span[1] - one.span[0]
    unseen = length(common([one.span], hidden)) / lasts
    return Case(one.kind, *one.span, {By.HOURS: size}, unseen <= _UNSEEN)
