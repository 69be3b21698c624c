"""What is beside a silence: who on a bus can speak for whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.counter.model import Int64s
from rules.subjects.buses.subjects import known_buses
from rules.subjects.devices.beside import EVERYTHING, Hanging, beside_devices, hanging_of
from rules.subjects.devices.heard import HOUR_US, Span
from rules.subjects.devices.own import Silence, proven

HOLDS_S = 3_600
DAYS = 4


@dataclass(frozen=True)
class Told:
    """Devices by number: bus, interval, hours in which they spoke."""

    devices: Mapping[int, tuple[int, int, list[int]]]

    def hanging(self, ids: Iterable[int], silence_s: int, *, buses: bool = False) -> list[Hanging]:
        asked = set(ids)
        return [
            hanging_of(device, bus, 0, None, interval_s, silence_s)
            for device, (bus, interval_s, _) in self.devices.items()
            if (bus if buses else device) in asked
        ]

    def bus_of(self, devices: Iterable[int]) -> Mapping[int, int]:
        return {device: self.devices[device][0] for device in devices}

    def quickest(self) -> int | None:
        several = len({bus for bus, _, _ in self.devices.values()}) > 1
        return min(interval_s for _, interval_s, _ in self.devices.values()) if several else None

    def first(self) -> int | None:
        return 0

    def newest(self) -> int | None:
        several = len({bus for bus, _, _ in self.devices.values()}) > 1
        hours = [hour for _, _, hours in self.devices.values() for hour in hours]
        return max(hours) * HOUR_US if several and hours else None

    def hours_of_devices(self, asked: Mapping[int, Span]) -> Int64s:
        rows = [(device, hour * HOUR_US) for device in asked for hour in self.devices[device][2]]
        return np.array(rows, np.int64).reshape(-1, 2)

    def hours_on_buses(
        self, asked: Sequence[tuple[int, int, int]], most: int | None = None
    ) -> list[list[int]]:
        return [
            sorted(
                {
                    hour * HOUR_US
                    for bus, _, hours in self.devices.values()
                    for hour in hours
                    if asked_bus in {bus, EVERYTHING} and begin <= hour * HOUR_US < end
                }
            )[:most]
            for asked_bus, begin, end in asked
        ]

    def last_of_devices(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        return {}

    def last_of_buses(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        return {}


ALWAYS = list(range(DAYS * 24))
DAILY = [9 + 24 * day for day in range(DAYS)]
MINUTE_S, DAY_S = 60, 86_400


class Unnoted(Told):
    """What was heard last nobody knows."""

    def newest(self) -> int | None:
        return None


def beside_one(told: Told, device: int, since: int) -> tuple[Silence, Sequence[Span]]:
    silence = Silence(device, since * HOUR_US, since * HOUR_US, DAYS * 24 * HOUR_US)
    lasts = {one.hung.subject: one.lasts for one in told.hanging([device], HOLDS_S)}
    (found,) = beside_devices(told, [silence], lasts, HOLDS_S)
    return found


def own_hours(told: Told, device: int, since: int = 10) -> int:
    silence, beside = beside_one(told, device, since)
    return sum(until - begin for begin, until in proven(silence, beside)) // HOUR_US


def test_a_device_beside_one_that_tells_once_a_day_is_as_good_as_alone() -> None:
    told = Told({1: (1, MINUTE_S, [*range(9)]), 2: (1, DAY_S, DAILY), 3: (2, MINUTE_S, ALWAYS)})
    assert own_hours(told, 1) == DAYS * 24 - 10
    assert known_buses(told, [1, 2], HOLDS_S, ()).hung == ()


def test_a_silence_of_all_that_tell_by_the_hour_is_not_a_devices_own() -> None:
    told = Told(
        {
            1: (1, MINUTE_S, [*range(9)]),
            2: (1, DAY_S, [9]),
            3: (1, MINUTE_S, [*range(9)]),
            4: (2, MINUTE_S, ALWAYS),
        }
    )
    assert own_hours(told, 1) == 0
    assert [one.subject for one in known_buses(told, [1, 2], HOLDS_S, ()).hung] == [1]


def test_those_that_all_tell_once_a_day_are_beside_each_other() -> None:
    told = Told({1: (1, DAY_S, [9]), 2: (1, DAY_S, DAILY), 3: (2, MINUTE_S, ALWAYS)})
    assert [one.subject for one in known_buses(told, [1, 2], HOLDS_S, ()).hung] == [1]


@given(st.sets(st.integers(0, DAYS * 24 - 1)), st.integers(2, 90))
def test_where_everything_is_silent_nothing_is_a_devices_own(spoke: set[int], since: int) -> None:
    before = sorted(hour for hour in spoke if hour < since - 1)
    told = Told({1: (1, MINUTE_S, before), 2: (1, DAY_S, before), 3: (2, MINUTE_S, before)})
    assert own_hours(told, 1, since) == 0


def test_what_begins_behind_all_that_was_heard_is_asked_of_nobody() -> None:
    class Deaf(Told):
        def hours_on_buses(
            self, asked: Sequence[tuple[int, int, int]], most: int | None = None
        ) -> list[list[int]]:
            pytest.fail("nothing can be known of what is to come")

    told = Deaf({n: (n // 3, MINUTE_S, [*range(9)]) for n in range(6)})
    # Spoken in hour 8, each is heard of until 10.
    assert [len(beside_one(told, device, 10)[1]) for device in range(6)] == [0] * 6


@pytest.mark.parametrize("seed", range(40))
def test_to_know_what_was_heard_last_changes_nothing(seed: int) -> None:
    random = Random(seed)
    devices = {
        n: (
            random.randrange(1, 4),
            random.choice([MINUTE_S, 3_600, DAY_S]),
            sorted(random.sample(range(DAYS * 24), random.randrange(1, 6))),
        )
        for n in range(1, 7)
    }
    for device in devices:
        for since in range(random.randrange(4), DAYS * 24, 5):
            known, unknown = (beside_one(of(devices), device, since) for of in (Told, Unnoted))
            assert [*proven(*known)] == [*proven(*unknown)], (seed, device, since)
