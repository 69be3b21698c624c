"""Simulated devices as rules take them: when something was heard becomes layers.

What in production the database tells of readings is told here by arrays; whose a silence is says
what production runs (:mod:`rules.subjects.devices`, :mod:`rules.subjects.buses`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from jieyong.evaluation.city.places import Basis, Laid, laid
from jieyong.evaluation.city.score import Doubt
from metering.counter.model import Int64s
from rules.kinds.model import Sort
from rules.subjects.buses.site import SITE, known_site
from rules.subjects.buses.subjects import known_buses
from rules.subjects.devices.beside import EVERYTHING, Hanging, Source, hanging_of
from rules.subjects.devices.heard import HOUR_US, Span
from rules.subjects.devices.subjects import known_devices
from rules.subjects.model import Inputs
from rules.timeline.overlay import Windows
from simulators.city.devices import Polled

_SECOND_US: Final = 1_000_000


def doubts(subjects: Sequence[Polled], basis: Basis) -> list[Doubt]:
    """Return what the rules find at the devices, buses and the site of an institution.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    return [doubt for one in lay(subjects, basis) for doubt in one.doubts(basis.rules)]


def lay(subjects: Sequence[Polled], basis: Basis) -> list[Laid]:
    """Return what is known of the devices, buses and the site of an institution."""
    if not subjects:
        return []
    (site,) = (one for one in subjects if one.of == "site")
    devices = [one for one in subjects if one.of == "device"]
    buses = {one.bus: one for one in subjects if one.of == "bus"}
    source = _source(devices)
    silence_s = max(basis.gauges.gauge_silence_s, basis.gauges.state_silence_s)
    wanted = {name for rule in basis.rules for name in rule.kind.inputs}
    known: Sequence[tuple[Sort, _Known, Sequence[int], Sequence[Polled]]] = [
        (
            Sort.DEVICE,
            known_devices(source, range(len(devices)), silence_s, wanted),
            range(len(devices)),
            devices,
        ),
        # By number: buses and the site are counted from 1 on.
        (
            Sort.BUS,
            known_buses(source, buses, silence_s, wanted),
            sorted(buses),
            [buses.get(number, site) for number in range(max(buses, default=0) + 1)],
        ),
        (Sort.SITE, known_site(source, silence_s), [SITE], [site, site]),
    ]
    found = []
    for sort, one, numbers, group in known:
        windows = _windows(numbers, basis)
        found.append(laid(sort, group, one.laid(source, windows), windows, basis.rules))
    return found


class _Known(Protocol):
    def laid(self, source: Source, windows: Windows) -> Inputs: ...


def _windows(numbers: Iterable[int], basis: Basis) -> Windows:
    those = np.array([*numbers], np.int64)
    # Behind its last reading the city is not silent, but over.
    begin, end = basis.begin_s * _SECOND_US, basis.end_s * _SECOND_US
    return Windows(those, np.full(len(those), begin), np.full(len(those), end))


@dataclass(frozen=True, slots=True)
class _Simulated:
    """See :class:`rules.subjects.devices.beside.Source`; devices by position, hours of each."""

    devices: Sequence[Polled]
    hours: Sequence[Int64s]
    on: Mapping[int, Int64s]

    def hanging(self, ids: Iterable[int], silence_s: int, *, buses: bool = False) -> list[Hanging]:
        asked = set(ids)
        return [
            hanging_of(number, one.bus, *self._bound(one), one.interval_s, silence_s)
            for number, one in enumerate(self.devices)
            if (one.bus if buses else number) in asked and len(one.series[0].ts)
        ]

    def bus_of(self, devices: Iterable[int]) -> Mapping[int, int]:
        return {device: self.devices[device].bus for device in devices}

    def quickest(self) -> int | None:
        several = len({one.bus for one in self.devices}) > 1
        return min(one.interval_s for one in self.devices) if several else None

    def first(self) -> int | None:
        return min((int(one.series[0].ts[0]) for one in self.devices), default=None)

    def newest(self) -> int | None:
        return int(self.on[EVERYTHING][-1]) if self.quickest() is not None else None

    def hours_of_devices(self, asked: Mapping[int, Span]) -> Int64s:
        found = [
            np.c_[np.full(len(hours), device), hours]
            for device, span in sorted(asked.items())
            for hours in [_within(self.hours[device], *span)]
        ]
        return np.concatenate(found) if found else np.empty((0, 2), np.int64)

    def hours_on_buses(
        self, asked: Sequence[tuple[int, int, int]], most: int | None = None
    ) -> list[list[int]]:
        return [_within(self.on[bus], *span)[:most].tolist() for bus, *span in asked]

    def last_of_devices(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        return _last([(self.hours[device], at) for device, at in asked])

    def last_of_buses(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        return _last([(self.on[bus], at) for bus, at in asked])

    def _bound(self, one: Polled) -> tuple[int, int | None]:
        """Nobody entered since when the first ones hang there; of what came later somebody did."""
        (series,) = one.series
        begun = min(other.series[0].since_s for other in self.devices)
        over = max(other.series[0].until_s for other in self.devices)
        since = int(series.ts[0]) if series.since_s == begun else series.since_s * _SECOND_US
        return since, None if series.until_s == over else series.until_s * _SECOND_US


def _source(devices: Sequence[Polled]) -> _Simulated:
    hours = [np.unique(one.series[0].ts // HOUR_US) * HOUR_US for one in devices]
    buses: dict[int, list[Int64s]] = {}
    for one, its in zip(devices, hours, strict=True):
        buses.setdefault(one.bus, []).append(its)
    on = {bus: np.unique(np.concatenate(its)) for bus, its in buses.items()}
    return _Simulated(devices, hours, {**on, EVERYTHING: np.unique(np.concatenate(hours))})


def _within(hours: Int64s, begin: int, end: int) -> Int64s:
    first, last = np.searchsorted(hours, (begin // HOUR_US * HOUR_US, end))
    return hours[first:last]


def _last(asked: Sequence[tuple[Int64s, int]]) -> Mapping[int, int]:
    places = [int(np.searchsorted(hours, at)) for hours, at in asked]
    return {
        number: int(hours[place - 1])
        for number, (place, (hours, _)) in enumerate(zip(places, asked, strict=True))
        if place
    }
