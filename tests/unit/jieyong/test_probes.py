from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from collector.drain_stats import DrainStats
from collector.modbus.stats import BusStats
from collector.settings import SpoolSettings
from collector.spool_model import SpoolStats
from jieyong.probes import (
    buses_connected,
    database_up,
    spool_sound,
    spool_writable,
)

NOW_US = 1_800_000_000_000_000
LEAST = 32 * 1024**2
SETTINGS = SpoolSettings(max_bytes=100_000, min_free_bytes=LEAST)


def spool(*, rows: int = 0, size: int = 0, age_s: float | None = None) -> SpoolStats:
    oldest = None if age_s is None else NOW_US - int(age_s * 1e6)
    return SpoolStats(rows, size, oldest, {}, 0, None, {})


@pytest.mark.parametrize(
    ("size", "free", "ok", "words"),
    [
        (0, LEAST, True, "7 rows wait"),
        (98_999, LEAST, True, "7 rows wait"),
        (99_000, LEAST, False, "full: 99000 of 100000 bytes"),
        (0, LEAST - 1, False, f"less than {LEAST} bytes are free"),
    ],
)
def test_the_spool_is_judged_by_its_bounds(size: int, free: int, ok: bool, words: str) -> None:
    stats = spool(rows=7, size=size)
    verdict = spool_writable(lambda: stats, SETTINGS, Path("spool"), lambda: free)()
    assert verdict.ok is ok
    assert words in verdict.reason


def test_free_space_is_measured(tmp_path: Path) -> None:
    greedy = SPOOL_LARGER_THAN_ANY_DISK
    assert not spool_writable(spool, greedy, tmp_path)().ok
    assert spool_writable(spool, SETTINGS, tmp_path)().ok


def test_a_damaged_spool_asks_for_a_restart() -> None:
    assert spool_sound(spool)().ok
    verdict = spool_sound(lambda: replace(spool(), broken="malformed"))()
    assert not verdict.ok
    assert "malformed" in verdict.reason
    assert "restart" in verdict.reason


SPOOL_LARGER_THAN_ANY_DISK = SpoolSettings(min_free_bytes=2**60)


@pytest.mark.parametrize(
    ("db_up", "age_s", "ok", "words"),
    [
        (None, None, True, "nothing written yet"),
        (True, None, True, "waits 0.0 s"),
        (True, 60.0, True, "waits 60.0 s"),
        (True, 61.0, False, "behind: the oldest row waits 61 s"),
        (None, 61.0, False, "behind"),
        (False, 12.0, False, "away; the oldest row waits 12 s in the spool, nothing is lost"),
    ],
)
def test_the_database_is_judged_by_attempts_and_by_what_waits(
    db_up: bool | None, age_s: float | None, ok: bool, words: str
) -> None:
    stats = DrainStats()
    stats.db_up = db_up
    verdict = database_up(lambda: stats, lambda: spool(age_s=age_s), lambda: NOW_US)()
    assert verdict.ok is ok
    assert words in verdict.reason


def test_single_dead_buses_are_named_and_do_no_harm() -> None:
    buses = [BusStats(f"bus-{n}", connected=n == 0) for n in range(8)]
    verdict = buses_connected(lambda: buses)()
    assert verdict.ok
    assert verdict.reason == ("1 of 8 buses connected; away: bus-1, bus-2, bus-3, bus-4, bus-5 …")


def test_no_connected_bus_is_not_ready_but_no_bus_at_all_is() -> None:
    buses = [BusStats("a"), BusStats("b")]
    assert not buses_connected(lambda: buses)().ok
    assert buses_connected(list)().ok
