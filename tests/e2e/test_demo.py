"""`jieyong demo` as a newcomer meets it: real processes, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jieyong.demo.figures import samples
from jieyong.embedded.broker import find_mosquitto
from jieyong.embedded.postgres import EmbeddedPostgres
from tests.e2e.world import wait_for
from tests.processes import alive


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "state"
    yield directory
    EmbeddedPostgres(directory / "postgres").destroy()


def command(state: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "jieyong", "demo", "--state", str(state), *more]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}


def run_to_the_end(state: Path, *more: str) -> dict[str, Any]:
    summary = state.with_name("summary.json")
    asked = command(state, "--for", "12", "--history", "1", "--summary", str(summary), *more)
    ended = subprocess.run(
        asked, env=environment(), capture_output=True, text=True, timeout=150, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return told


@contextmanager
def running(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a demo that collects; nothing of it stays behind."""
    process = subprocess.Popen(
        command(state, "--history", "0"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("0:00:"):
                break
        else:
            pytest.fail("the demo ended before it collected")
        yield process
    finally:
        process.kill()
        process.communicate()


def children_of(state: Path) -> list[int]:
    """Living processes whose command line, environment or directory names the state."""
    return [pid for pid in processes() if alive(pid) and str(state) in described(pid)]


def processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def described(pid: int) -> str:
    found = b""
    for name in ("cmdline", "environ"):
        try:
            found += Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:
            continue
    return found.decode(errors="replace")


def assert_accounted_for(told: dict[str, Any], state: Path) -> None:
    """Every row, and what was made of it."""
    assert told["lost"] == told["duplicated"] == told["invented"] == 0
    assert told["refused"] == told["waiting"] == 0
    assert told["accepted"] > 500
    assert told["polls_ok"] > 50
    assert told["rows"]["readings"] > told["accepted"]  # the past is there too
    assert 0 < told["lag_p50_ms"] <= told["lag_p99_ms"]
    assert told["meters"] >= 60
    assert told["used"]["kWh"] > 0 < told["used"]["m3"]
    assert told["unbalanced"] == []
    assert told["trips"] > told["vehicles"] > 0
    assert told["driven_km"] == pytest.approx(told["odometer_km"], rel=0.03)
    left = (state / "collect-jt808" / "metrics.prom").read_text(encoding="utf-8")
    frames = {
        labels["message"]: number
        for name, labels, number in samples(left)
        if name == "jieyong_jt808_frames_total"
    }
    assert frames["0x0102"] >= 4, "four vehicles come over the gateway"
    assert children_of(state) == []


def test_on_mosquitto_it_ends_by_itself_and_accounts_for_every_row(state: Path) -> None:
    if find_mosquitto() is None:
        assert "mosquitto" not in os.environ.get("JIEYONG_REQUIRE", "")
        pytest.skip("mosquitto is not installed: the demo is not tested on it")
    assert_accounted_for(run_to_the_end(state, "--broker", "mosquitto"), state)


@pytest.mark.timeout(400)
def test_on_amqtt_too_and_a_second_start_goes_on_and_a_fresh_one_begins_anew(state: Path) -> None:
    first = run_to_the_end(state, "--broker", "amqtt")
    assert_accounted_for(first, state)
    truth = state / "equipment" / "truth.jsonl"
    began = truth.read_bytes()[:200]
    second = run_to_the_end(state, "--broker", "amqtt")
    assert truth.read_bytes()[:200] != began, "it would grow for ever"
    assert second["lost"] == second["duplicated"] == second["invented"] == 0
    assert second["rows"]["readings"] > first["rows"]["readings"]
    assert second["rows"]["conflicts"] == 0
    third = run_to_the_end(state, "--broker", "amqtt", "--fresh")
    assert third["rows"]["readings"] < second["rows"]["readings"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_it_leaves_nothing_running(state: Path, number: signal.Signals) -> None:
    with running(state) as process:
        assert children_of(state)
        process.send_signal(number)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "0 lost, 0 duplicated" in told
    assert children_of(state) == []
    assert EmbeddedPostgres(state / "postgres").pids == []


def test_interrupted_while_it_prepares_it_leaves_nothing_running(state: Path) -> None:
    process = subprocess.Popen(
        command(state),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "the past" in line:
            break
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in told
    assert children_of(state) == []
    assert EmbeddedPostgres(state / "postgres").pids == []


def test_killed_it_takes_its_children_along_and_the_next_start_goes_on(state: Path) -> None:
    with running(state) as process:
        process.kill()
        process.wait(30)
        server = set(EmbeddedPostgres(state / "postgres").pids)
        wait_for(lambda: set(children_of(state)) <= server, "the children end with it")
    time.sleep(1)
    told = run_to_the_end(state)
    assert told["lost"] == told["duplicated"] == told["invented"] == 0
    assert EmbeddedPostgres(state / "postgres").pids == []
