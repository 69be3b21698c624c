"""Every bench runs for real, in small: its line has its fields, and nothing is lost or doubled.

No figure is asserted: a machine under test says nothing about speed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVERY = {"bench", "ours", "limit", "ratio", "unit", "server", "others_cores"}
SECONDS = 170


@pytest.fixture
def broker_there() -> None:
    if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return
    if "mosquitto" in os.environ.get("JIEYONG_REQUIRE", ""):
        pytest.fail("mosquitto is required (JIEYONG_REQUIRE), but not on the PATH")
    pytest.skip("mosquitto is not on the PATH")


def bench(name: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench", name, "--quick"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "DATABASE_URL"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("\n") == 1, "standard output is for the result alone"
    result: dict[str, Any] = json.loads(ran.stdout)
    assert result["bench"] == name
    assert result["ours"] > 0
    assert result["limit"] > 0
    return result


def test_writer_prints_its_result() -> None:
    result = bench("writer")

    pairs = {
        f"{state}_{figure}"
        for state in ("empty", "replay", "one_duplicate")
        for figure in ("ours", "limit", "ratio")
    }
    assert result.keys() == EVERY | pairs | {"rows_a_commit", "prefill_rows"}


def test_polling_prints_its_result_and_loses_nothing() -> None:
    result = bench("polling")

    assert {
        "cpu_s_per_1000",
        "limit_cpu_s_per_1000",
        "rss_mib",
        "healthy_slots_lost",
    } <= result.keys()
    assert result.keys() >= EVERY
    for lost in ("held_rows_lost", "max_rows_lost"):
        assert result[lost] == result[f"dtsd1352_{lost}"] == 0


@pytest.mark.needs_mosquitto
@pytest.mark.usefixtures("broker_there")
def test_mqtt_prints_its_result_and_neither_loses_nor_doubles() -> None:
    result = bench("mqtt")

    latencies = {"p99_ms", "ack_p99_ms", "p99_ms_at_1000", "outage_ack_p99_ms", "catch_up_s"}
    assert result.keys() >= EVERY | latencies | {"cpu_us", "limit_cpu_us", "sustained_rate"}
    assert result["messages"] > 0
    assert (result["lost"], result["duplicated"]) == (0, 0)


@pytest.mark.needs_mosquitto
@pytest.mark.usefixtures("broker_there")
def test_both_prints_its_result_and_neither_loses_nor_doubles() -> None:
    result = bench("both")

    assert result.keys() >= EVERY | {"p99_ms", "readings_p99_ms", "polls_on_time", "polls_lost"}
    assert result["cores"].keys() == {
        "poller",
        "mqtt_collector",
        "mosquitto",
        "meters",
        "postgresql",
    }
    assert (result["lost"], result["duplicated"]) == (0, 0)


def test_gateway_prints_its_result_and_neither_loses_nor_doubles() -> None:
    result = bench("gateway")

    latencies = {"ack_p99_ms", "limit_ack_p99_ms", "committed_p50_ms", "committed_p99_ms"}
    assert result.keys() >= EVERY | latencies | {"cpu_us", "limit_cpu_us", "rss_mib"}
    assert result["terminals"] == 60
    assert result["messages"] > 0
    told = ("lost", "duplicated", "unacknowledged", "disconnected")
    assert [result[name] for name in told] == [0, 0, 0, 0]


def test_totals_prints_its_result() -> None:
    result = bench("totals")

    assert result.keys() >= EVERY | {"seconds", "seconds_at_10x", "limit_seconds_at_10x"}
    assert result["seconds"] > 0


def test_reported_prints_its_result() -> None:
    result = bench("reported")

    assert result.keys() == EVERY | {"year_seconds", "institutions", "parts"}
    # Two accounts each, and petrol for every second one.
    assert result["parts"] == result["institutions"] * 5 / 2


def test_reporting_prints_its_result() -> None:
    result = bench("reporting")

    own = {"seconds", "seconds_quarter", "rss_mib", "reports", "findings"}
    assert result.keys() == EVERY | own
    # Every tenth institution is reported by its neighbour.
    assert result["reports"] == 36
    assert result["findings"] > 0


def test_recompute_prints_its_result() -> None:
    result = bench("recompute")

    own = {"seconds", "seconds_at_2x", "meters", "quarters", "workers"}
    assert result.keys() == EVERY | own


def test_trips_prints_its_result() -> None:
    result = bench("trips")

    own = {"vehicle_days_per_minute", "vehicles", "days", "positions", "trips", "cpu_ms_a_day"}
    assert result.keys() == EVERY | own
    assert result["trips"] > 0


def test_tick_prints_its_result() -> None:
    result = bench("tick")

    assert result.keys() == EVERY | {"seconds", "seconds_at_2x", "meter_hours", "workers"}


def test_rules_prints_its_result() -> None:
    result = bench("rules")

    own = {"seconds", "seconds_all_changed", "backtest_seconds", "subjects", "changed", "episodes"}
    assert result.keys() == EVERY | own | {"workers", "seconds_on_the_hour"}
    assert result["episodes"] > 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_bench_that_is_stopped_leaves_nothing_behind(
    sent: signal.Signals, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench", "polling", "--meters", "20"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: any("bare_poller" in command for command in commands(tmp_path)))
        assert any("postgres" in command for command in commands(tmp_path))
    finally:
        process.send_signal(sent)
        process.wait(SECONDS)

    assert process.returncode == 130
    wait_for(lambda: not commands(tmp_path))
    assert not list(tmp_path.iterdir())


def commands(tmp_path: Path) -> list[str]:
    """Processes of the bench whose directory is the only one here; all name it."""
    names = [path.name for path in tmp_path.iterdir()]
    every = [_command(process) for process in Path("/proc").glob("[0-9]*")]
    return [command for command in every if any(name in command for name in names)]


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""  # it ended meanwhile


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)
