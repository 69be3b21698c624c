"""``python -m simulators``: run, history, county, modbus-load, mqtt-load, jt808-load."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from simulators import county, history, jt808_load, modbus_load, mqtt_load, plant, run, scenario
from simulators.jt808.header import Version
from simulators.jt808.line import Gate
from simulators.modbus.profile import load_profile, load_profiles
from simulators.mqtt.codec import V5, V311, Client, ProtocolError
from simulators.mqtt.publisher import Broker
from simulators.truth import Level, TruthError

_VERSIONS: Final = {"3.1.1": V311, "5": V5}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    asked = parser().parse_args(arguments)
    try:
        asked.command(asked)
    except (OSError, ProtocolError, TruthError, ValueError) as error:
        print(f"simulators: {str(error) or repr(error)}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _run(asked: argparse.Namespace) -> None:
    plan = scenario.load(asked.scenario)
    broker = None
    if asked.mqtt_port:
        secret = asked.password_file.read_text().strip() if asked.password_file else None
        name = f"{plan.code}-fleet"
        client = Client(name, _VERSIONS[asked.mqtt_version], 30, asked.username, secret)
        broker = Broker(asked.mqtt_host, asked.mqtt_port, client, asked.window)
    gate = Gate(asked.jt808_host, asked.jt808_port) if asked.jt808_port else None
    _play(_run_until_told(plan, run.Files(asked.state), broker, asked.truth, gate))


async def _run_until_told(
    plan: scenario.Scenario,
    files: run.Files,
    broker: Broker | None,
    level: Level,
    gate: Gate | None,
) -> None:
    await run.play(plan, files, broker, level, _stop_signal(), gate=gate)


def _county(asked: argparse.Namespace) -> None:
    wanted = {f.name: getattr(asked, f.name) for f in fields(county.Size)}
    plan = county.county(asked.seed, asked.since, county.Size(**wanted))
    if asked.rough:
        faults, messages = county.rough(plan, asked.rough)
        wire = county.rough_wire(asked.rough)
        plan = msgspec.structs.replace(plan, faults=faults, messages=messages, wire=wire)
    scenario.save(plan, asked.out)


def _history(asked: argparse.Namespace) -> None:
    plan = scenario.load(asked.scenario)
    last = (asked.until - date(1970, 1, 1)).days
    first = (_months_before(asked.until, asked.months) - date(1970, 1, 1)).days
    began = time.monotonic()
    profiles = load_profiles(plant.PROFILES)
    readings, positions = history.write_history(plan, profiles, range(first, last), asked.out)
    took = round(time.monotonic() - began, 2)
    _say({"readings": readings, "positions": positions, "seconds": took, "file": str(asked.out)})


def _modbus_load(asked: argparse.Namespace) -> None:
    _allow_many_files()
    load = modbus_load.Load(
        ports=asked.ports,
        units=asked.units,
        base_port=asked.base_port,
        latency_s=asked.latency_ms / 1000.0,
        dead=asked.dead,
        refresh_s=asked.refresh_s,
        seed=asked.seed,
    )
    _play(_serve_load(load, asked))


async def _serve_load(load: modbus_load.Load, asked: argparse.Namespace) -> None:
    farm = modbus_load.Farm(load, load_profile(asked.profile), run.now_us)
    stop = _stop_signal()
    await farm.start()
    _write_json(asked.ready, {"devices": farm.devices()})
    await stop.wait()
    farm.stop()
    counts = farm.counts()
    if asked.counts:
        _write_json(asked.counts, counts)
    _say(
        {
            "received": sum(received for received, _ in counts.values()),
            "replied": sum(replied for _, replied in counts.values()),
        }
    )


def _mqtt_load(asked: argparse.Namespace) -> None:
    load = mqtt_load.Load(
        host=asked.host,
        port=asked.port,
        rate=asked.rate,
        seconds=asked.seconds,
        terminals=asked.terminals,
        window=asked.window,
        prefix=asked.prefix,
        first_seq=asked.first_seq,
        version=_VERSIONS[asked.mqtt_version],
    )
    _play(_send_load(load))


async def _send_load(load: mqtt_load.Load) -> None:
    _say(await mqtt_load.run(load))


def _jt808_load(asked: argparse.Namespace) -> None:
    _allow_many_files()
    load = jt808_load.Load(
        host=asked.host,
        port=asked.port,
        rate=asked.rate,
        seconds=asked.seconds,
        terminals=asked.terminals,
        version=Version(asked.edition),
    )
    _play(_send_positions(load, asked.journal))


async def _send_positions(load: jt808_load.Load, journal: Path | None) -> None:
    _say(await jt808_load.run(load, lambda connected: _say({"connected": connected}), journal))


def parser() -> argparse.ArgumentParser:
    """Return the command line; parsing it runs nothing."""
    top = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="play a scenario in real time until SIGTERM"))
    _add_county(commands.add_parser("county", help="make up a county and write its scenario"))
    _add_history(commands.add_parser("history", help="write months of readings and positions"))
    _add_modbus_load(commands.add_parser("modbus-load", help="serve many meters cheaply"))
    _add_mqtt_load(commands.add_parser("mqtt-load", help="send positions at a rate"))
    _add_jt808_load(commands.add_parser("jt808-load", help="the same from connected terminals"))
    return top


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_run)
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--state", type=Path, required=True, help="directory for what it leaves")
    parser.add_argument("--mqtt-host", default="127.0.0.1")
    parser.add_argument("--mqtt-port", type=int, default=0, help="0: no vehicles")
    parser.add_argument("--mqtt-version", choices=_VERSIONS, default="3.1.1")
    parser.add_argument("--jt808-host", default="127.0.0.1")
    parser.add_argument("--jt808-port", type=int, default=0, help="0: no such vehicles")
    parser.add_argument("--username")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--window", type=int, default=200, help="unacknowledged messages at most")
    parser.add_argument("--truth", choices=("full", "counters"), default="full")


def _add_county(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_county)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--since", type=date.fromisoformat, required=True)
    for field in fields(county.Size):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    parser.add_argument("--rough", type=float, default=0.0, help="share of each kind of fault")
    parser.add_argument("--out", type=Path, required=True)


def _add_history(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_history)
    parser.add_argument("--scenario", type=Path, required=True)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument(
        "--until", type=date.fromisoformat, required=True, help="local date, exclusive"
    )
    parser.add_argument("--out", type=Path, required=True, help="a .npz file")


def _add_modbus_load(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_modbus_load)
    parser.add_argument("--ports", type=int, default=1000)
    parser.add_argument("--units", type=int, default=1, help="devices behind each port")
    parser.add_argument("--base-port", type=int, default=0, help="0: free ports")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--dead", type=float, default=0.0, help="share that never answers")
    parser.add_argument("--refresh-s", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", type=Path, default=plant.PROFILES / "acrel-dtsd1352.yaml")
    parser.add_argument("--ready", type=Path, required=True, help="JSON: where each meter is")
    parser.add_argument("--counts", type=Path, help="JSON at the end: [received, replied] by code")


def _add_mqtt_load(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_mqtt_load)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--rate", type=float, default=1000.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--terminals", type=int, default=4000)
    parser.add_argument("--window", type=int, default=60_000)
    parser.add_argument("--prefix", default="load-")
    parser.add_argument("--first-seq", type=int, default=1)
    parser.add_argument("--mqtt-version", choices=_VERSIONS, default="3.1.1")


def _add_jt808_load(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_jt808_load)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8808)
    parser.add_argument("--rate", type=float, default=500.0, help="positions a second, all in all")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--terminals", type=int, default=5000)
    parser.add_argument("--edition", choices=[v.value for v in Version], default="2013")
    parser.add_argument("--journal", type=Path, help="an .npz file: what became of each position")


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    first = date(year, month + 1, 1)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def _play(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415  not on Windows
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _write_json(path: Path, what: object) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(what), encoding="utf-8")
    partial.replace(path)


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201  the result of a command


if __name__ == "__main__":
    sys.exit(main())
