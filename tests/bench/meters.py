"""Simulated meters on many ports, in a process of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.processes import Process


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


@contextmanager
def farm(
    work_dir: Path,
    name: str,
    profile: Path,
    *,
    ports: int,
    units: int = 1,
    latency_ms: float = 0.0,
    dead: float = 0.0,
) -> Iterator[Meters]:
    """Serve ``ports`` times ``units`` meters until the block ends.

    Args:
        work_dir: for its files.
        name: of its files.
        profile: register map of every meter.
        ports: TCP ports.
        units: meters behind each.
        latency_ms: time every reply takes.
        dead: share of meters that never answer.
    """
    ready = work_dir / f"{name}.json"
    argv = [
        *(sys.executable, "-m", "simulators", "modbus-load"),
        *("--ports", str(ports), "--units", str(units), "--profile", str(profile)),
        *("--latency-ms", str(latency_ms), "--dead", str(dead), "--ready", str(ready)),
        *("--refresh-s", "3600"),  # making all registers anew would stall everybody for a moment
    ]
    with Process(name, argv, work_dir) as process:
        process.wait_for(ready.exists, "list of its ports")
        yield Meters(ready, json.loads(ready.read_text())["devices"], process)
