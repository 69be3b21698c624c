"""Our poller in a process of its own: the real source, spool and drain into the real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvloop

from collector.modbus.source import ModbusSource
from collector.modbus.stats import DeviceStats
from collector.profile import load_profile
from collector.profile_model import Profile
from collector.settings import ModbusSettings
from jieyong import interpreter, logs
from registry.snapshot import BusEntry, DeviceEntry
from tests.bench.roles import asking, intake

PROFILE_ID = 1


def buses(given: Mapping[str, Any], profile: Profile) -> list[BusEntry]:
    """Return what the registry would: the simulated meters of ``given["ready"]``.

    The points of meter n, in the profile's order, are n · points + 1, + 2, …
    """
    names = [point.name for point in profile.points]
    behind: dict[int, list[DeviceEntry]] = {}
    for number, meter in enumerate(json.loads(Path(given["ready"]).read_text())["devices"]):
        first = number * len(names) + 1
        entry = DeviceEntry(
            device_id=number + 1,
            code=meter["code"],
            unit=meter["unit"],
            interval_s=given["interval_s"],  # a fraction of a second here: see README.md
            timeout_ms=given["timeout_ms"],
            profile=profile.code,
            profile_id=PROFILE_ID,
            points={name: first + at for at, name in enumerate(names)},
        )
        behind.setdefault(meter["port"], []).append(entry)
    return [
        BusEntry(f"bus-{port}", "modbus-tcp", "127.0.0.1", port, 0, tuple(devices))
        for port, devices in behind.items()
    ]


def polls(devices: Mapping[str, DeviceStats]) -> dict[str, Any]:
    """Add the counters of all devices up."""
    every = devices.values()
    missed: dict[str, int] = {}
    for device in every:
        for cause, slots in device.missed.items():
            missed[cause] = missed.get(cause, 0) + slots
    return {
        "polls": sum(device.polls_ok for device in every),
        "partial": sum(device.polls_partial for device in every),
        "failed": sum(sum(device.polls_failed.values()) for device in every),
        "missed": missed,
        "refused_rows": sum(sum(device.refused_rows.values()) for device in every),
    }


async def _main(given: dict[str, Any]) -> None:
    logs.configure("warning")
    interpreter.tune()
    profile = load_profile(Path(given["profile"]))
    settings = ModbusSettings()
    stop = asyncio.Event()
    with intake.opened(given) as into:
        source = ModbusSource(buses(given, profile), {profile.code: profile}, into.accept, settings)

        def answer(request: str) -> dict[str, Any]:
            if request == "stop polling":
                stop.set()
            return {**polls(source.devices), **into.figures(), "running": not polling.done()}

        polling = asyncio.create_task(source.run(stop))
        await asking.listen(answer)
        stop.set()
        await polling


if __name__ == "__main__":
    uvloop.run(_main(asking.settings()))
