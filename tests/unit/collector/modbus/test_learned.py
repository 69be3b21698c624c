from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.modbus import learned
from collector.modbus.device import Device, Plans
from collector.modbus.learned import FIRST_RETRY_US, Memory
from collector.modbus.plan import Learned, Span
from collector.modbus.stats import DeviceStats
from collector.profile_model import Table
from registry.snapshot import DeviceEntry
from tests.unit.collector.modbus.profiles import point, profile

DAY = 86_400_000_000
WEEK = 7 * DAY
PROFILE = profile(point("a", 0))
HOLE = Learned(holes=frozenset({Span(Table.HOLDING, 1, 5)}))
REFUSED = Learned(refused=frozenset({Span(Table.INPUT, 7, 9)}))
ALL = HOLE | REFUSED | Learned(max_registers=60, max_bits=500)


def test_nothing_is_known_at_first() -> None:
    assert Memory(None, WEEK).recall("d1", PROFILE, 0) == (Learned(), None)


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "learned.json"
    memory = Memory(path, WEEK)
    memory.learn("表-1", PROFILE, ALL, now_us=DAY)
    learned.write(path, memory.text())
    again = Memory(path, WEEK)
    assert again.recall("表-1", PROFILE, DAY + 1) == (ALL, DAY + FIRST_RETRY_US)
    assert again.recall("other", PROFILE, DAY + 1) == (Learned(), None)


def test_another_version_of_the_profile_starts_anew() -> None:
    memory = Memory(None, WEEK)
    memory.learn("d1", PROFILE, HOLE, now_us=0)
    assert memory.recall("d1", profile(point("a", 0), version=2), 1) == (Learned(), None)


def test_a_hole_is_tried_again_after_the_set_time() -> None:
    memory = Memory(None, WEEK)
    memory.learn("d1", PROFILE, HOLE, now_us=0)
    assert memory.recall("d1", PROFILE, WEEK - 1) == (HOLE, WEEK)
    assert memory.recall("d1", PROFILE, WEEK) == (Learned(), None)


def test_a_refused_point_is_tried_again_soon_and_then_less_and_less_often() -> None:
    memory = Memory(None, WEEK)
    now, pauses = 0, []
    for _ in range(6):
        memory.learn("d1", PROFILE, REFUSED, now)
        until = memory.recall("d1", PROFILE, now)[1]
        assert until is not None
        pauses.append(until - now)
        now = until
    hour = FIRST_RETRY_US
    assert pauses == [hour, 4 * hour, 16 * hour, 64 * hour, WEEK, WEEK]


def test_what_was_learned_by_a_clock_far_ahead_does_not_blind_a_device_for_years() -> None:
    memory = Memory(None, WEEK)
    false, true = 30_000 * DAY, 20_000 * DAY
    memory.learn("d1", PROFILE, REFUSED, false)
    assert memory.recall("d1", PROFILE, false)[0] == REFUSED
    assert memory.recall("d1", PROFILE, true) == (Learned(), None)
    memory.learn("d1", PROFILE, REFUSED, true)
    assert memory.recall("d1", PROFILE, true)[0] == REFUSED


def test_a_device_is_planned_anew_when_the_clock_was_set_back() -> None:
    two = profile(point("a", 0), point("b", 50), max_hole=0)
    entry = DeviceEntry(1, "d1", 1, 10, 500, two.code, 7, {"a": 1, "b": 2})
    stats = DeviceStats("d1", "bus")
    device = Device(entry, two, plans=Plans(), memory=Memory(None, WEEK), stats=stats)
    false, true = 30_000 * DAY, 20_000 * DAY
    device.learn(Learned(refused=frozenset({Span(Table.HOLDING, 50, 51)})), false)
    assert len(device.steps(false)) == 1
    assert len(device.steps(true)) == 2
    assert device.steps(true + 1) is device.steps(true + 2)


def test_learning_what_is_known_changes_nothing() -> None:
    memory = Memory(None, WEEK)
    memory.learn("d1", PROFILE, REFUSED, now_us=0)
    memory.text()
    memory.learn("d1", PROFILE, REFUSED, now_us=5)
    assert not memory.dirty
    assert memory.recall("d1", PROFILE, 5)[1] == FIRST_RETRY_US


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"jieyong learned 1": [{"device": 1}]}', '{"jieyong learned 9": []}']
)
def test_a_damaged_file_costs_only_what_was_learned(tmp_path: Path, text: str) -> None:
    path = tmp_path / "learned.json"
    path.write_text(text)
    memory = Memory(path, WEEK)
    assert memory.recall("d1", PROFILE, 0) == (Learned(), None)
    memory.learn("d1", PROFILE, HOLE, now_us=0)
    learned.write(path, memory.text())
    assert Memory(path, WEEK).recall("d1", PROFILE, 1)[0] == HOLE


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "learned.json"
    learned.write(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        learned.write(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["learned.json"]
    assert path.read_text() == "old"
