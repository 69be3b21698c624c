"""The county a demo plays."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jieyong.demo import past
from jieyong.demo.plan import Layout, days_until, load_or_make, played_before

NOW = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)  # already the 22nd in Shanghai


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    for files in (made.equipment, made.fleet):
        files.state.mkdir()
    return made


def test_it_is_a_county_of_ten_institutions(layout: Layout) -> None:
    plan = load_or_make(layout, NOW, 7)
    kinds = Counter(device.profile for device in plan.devices)
    assert len(plan.institutions) == 10
    assert kinds["acrel-dtsd1352"] + kinds["tuf-2000m"] >= 60
    assert kinds["reference-ac-unit"] >= 20
    assert kinds["reference-lighting-circuit"] >= 20
    assert len(plan.vehicles) >= 20
    assert plan.faults


def test_it_stays_the_same_county_at_every_start(layout: Layout) -> None:
    assert played_before(layout) is None
    first = load_or_make(layout, NOW, 7)
    assert load_or_make(layout, datetime(2027, 1, 1, tzinfo=UTC), 30) == first
    assert played_before(layout) == first


def test_its_past_is_of_local_days_up_to_now(layout: Layout, tmp_path: Path) -> None:
    plan = load_or_make(layout, NOW, 1)
    days = days_until(plan, NOW)
    assert days == [date(2026, 11, 21), date(2026, 11, 22)]
    now_us = round(NOW.timestamp() * 1e6)
    made = past.make(plan, days, now_us, tmp_path / "past.npz")
    for name, step_s in (("ts", 900), ("position_ts", 60)):
        assert now_us - step_s * 1_000_000 < made[name].max() <= now_us
    assert len({len(made[name]) for name in ("series", "ts", "ticks", "value")}) == 1
    of_a_position = ("position_terminal", "position_ts", "lat", "odometer", "satellites", "acc")
    assert len({len(made[name]) for name in of_a_position}) == 1
