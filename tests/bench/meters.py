"""Simulated meters on many ports, and the two pollers that ask them, each in its own process."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from collector.modbus.plan import NOTHING, plan
from collector.profile import load_profile
from tests.bench.processes import ROOT, BenchError, Process, role
from tests.bench.services import Database

ONE_BLOCK: Final = Path(__file__).with_name("one-block.yaml")
"""20 points that one request reads."""

DTSD1352: Final = ROOT / "collector" / "profiles" / "acrel-dtsd1352.yaml"
"""20 points of a real meter, in three blocks."""

TIMEOUT_MS: Final = 1_000
CATCH_UP_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """What a poll of one meter is.

    Attributes:
        profile: its file.
        points: values of one poll.
        blocks: first register and number of registers of each request.
    """

    profile: Path
    points: int
    blocks: tuple[tuple[int, int], ...]

    @classmethod
    def read(cls, path: Path) -> RegisterMap:
        """Read a profile and plan a poll as the collector does."""
        profile = load_profile(path)
        spans = [block.span for block in plan(profile, tuple(profile.points), NOTHING)]
        blocks = tuple((span.first, span.end - span.first) for span in spans)
        return cls(path, len(profile.points), blocks)


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many meters there are, and what they are like.

    Attributes:
        ports: TCP ports.
        units: meters behind each.
        latency_ms: time every reply takes.
        dead: share of meters that never answer.
    """

    ports: int
    units: int = 1
    latency_ms: float = 0.0
    dead: float = 0.0


@dataclass(frozen=True, slots=True)
class Meters:
    """A running ``modbus-load``.

    Attributes:
        ready: the file that says where each meter is.
        devices: its content: code, port, unit, dead.
    """

    ready: Path
    devices: list[dict[str, Any]]
    process: Process
    map: RegisterMap


@contextmanager
def farm(work_dir: Path, register_map: RegisterMap, crowd: Crowd) -> Iterator[Meters]:
    """Serve a crowd of meters until the block ends."""
    ready = work_dir / "meters.json"
    ready.unlink(missing_ok=True)
    argv = [
        *(sys.executable, "-m", "simulators", "modbus-load"),
        *("--ports", str(crowd.ports), "--units", str(crowd.units)),
        *("--latency-ms", str(crowd.latency_ms), "--dead", str(crowd.dead)),
        *("--profile", str(register_map.profile), "--ready", str(ready)),
        *("--refresh-s", "3600"),  # making all registers anew would stall everybody for a moment
    ]
    with Process("modbus-load", argv, work_dir) as process:
        process.wait_for(ready.exists, "list of its ports")
        yield Meters(ready, json.loads(ready.read_text())["devices"], process, register_map)


def bare_poller(
    meters: Meters, rate: int | None, work_dir: Path, cores: Collection[int] | None = None
) -> Process:
    """Start the limit: at a rate (polls/s), or as fast as it can."""
    given = {"ready": str(meters.ready), "blocks": meters.map.blocks, "rate": rate}
    return role("bare_poller", given, work_dir, cores)


def poller(
    meters: Meters,
    interval_s: float,
    database: Database,
    work_dir: Path,
    cores: Collection[int] | None = None,
) -> Process:
    """Start ours, with the settings we ship."""
    given = {
        "url": database.url,
        "spool": str(work_dir / f"polling-{time.monotonic_ns()}.spool"),
        "ready": str(meters.ready),
        "profile": str(meters.map.profile),
        "interval_s": interval_s,
        "timeout_ms": TIMEOUT_MS,
    }
    return role("modbus_collector", given, work_dir, cores)


def finish(polling: Process) -> dict[str, Any]:
    """Stop polling and wait until all that was accepted is in the database.

    Returns:
        The poller's last counters.

    Raises:
        BenchError: it does not get there.
    """
    last = polling.ask("stop polling")
    until = time.monotonic() + CATCH_UP_S
    while last["running"] or last["waiting"]:
        if time.monotonic() > until:
            raise BenchError(f"after {CATCH_UP_S:.0f} s {last['waiting']} rows still wait")
        time.sleep(0.1)
        last = polling.ask("look")
    return last


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two looks at a poller."""

    seconds: float
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def gained(self, name: str) -> float:
        """How much a counter grew."""
        return float(self.after[name] - self.before[name])

    def rate(self, name: str) -> float:
        """How much a counter grew a second."""
        return self.gained(name) / self.seconds

    @property
    def cpu_s_per_1000(self) -> float:
        """CPU seconds per 1,000 polls."""
        return self.gained("cpu_s") / self.gained("polls") * 1000


def windows(polling: Process, rounds: int, seconds: float) -> list[Window]:
    """Look at a poller several times, each time after so many seconds."""
    found = []
    at, seen = time.perf_counter(), polling.ask("look")
    for _ in range(rounds):
        time.sleep(seconds)
        look = polling.ask("look")
        now = time.perf_counter()
        found.append(Window(now - at, seen, look))
        at, seen = now, look
    return found
