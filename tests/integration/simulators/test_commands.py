"""The commands as processes, from the first byte to SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulators import scenario
from simulators.__main__ import main
from simulators.modbus.faults import Fault, Kind
from simulators.truth import (
    Counters,
    Jt808Acked,
    Jt808Sent,
    ModbusReply,
    MqttAcked,
    MqttSent,
    acknowledged,
    read_truth,
)
from tests.brokers import Mosquitto, running_mosquitto
from tests.integration.simulators.gateways import listening
from tests.integration.simulators.wires import Wire
from tests.processes import until, wait_until

SMALL = ("--institutions", "2", "--meters", "4", "--ac", "2", "--lights", "2")
MODULE = (sys.executable, "-m", "simulators")


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*MODULE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def told(path: Path) -> Mapping[str, Any]:
    wait_until(path.exists, f"{path.name} is there")
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def finish(child: subprocess.Popen[str]) -> str:
    child.send_signal(signal.SIGTERM)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 0, output
    return output


def a_scenario(directory: Path, *more: str) -> Path:
    path = directory / "scenario.yaml"
    assert (
        main(["county", "--seed", "3", "--since", "2026-10-01", *SMALL, *more, "--out", str(path)])
        == 0
    )
    return path


def ask(port: int, unit: int) -> bytes:
    async def exchange() -> bytes:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
        await wire.send(
            bytes.fromhex("0001 0000 0006") + bytes((unit,)) + bytes.fromhex("0300000002")
        )
        found = await wire.receive(13)
        wire.close()
        return found

    return asyncio.run(exchange())


def test_a_run_serves_tells_where_and_stops_cleanly(tmp_path: Path) -> None:
    path, state = a_scenario(tmp_path, "--vehicles", "0"), tmp_path / "state"
    with process("run", path, "--state", state) as child:
        ready = told(state / "ready.json")
        assert ready["pid"] == child.pid
        assert len(ready["ports"]) == 2
        reply = ask(ready["ports"]["gw-i001-1"], 1)
        assert Path(ready["inventory"]).read_text(encoding="utf-8").startswith("time_zone:")
        finish(child)
    assert not (state / "ready.json").exists()
    records = list(read_truth(state / "truth.jsonl"))
    assert isinstance(records[0], ModbusReply)
    assert reply.hex().endswith(records[0].words)
    assert isinstance(records[-1], Counters)
    assert records[-1].counts["replied:m-0001"] == 1


def test_a_second_run_keeps_its_ports_and_its_counters_rise(tmp_path: Path) -> None:
    path, state = a_scenario(tmp_path, "--vehicles", "0"), tmp_path / "state"
    seen = []
    for _ in range(2):
        with process("run", path, "--state", state) as child:
            ports = told(state / "ready.json")["ports"]
            seen.append((ports, ask(ports["gw-i001-1"], 1)[9:]))
            finish(child)
    assert seen[0][0] == seen[1][0]
    assert int.from_bytes(seen[1][1]) >= int.from_bytes(seen[0][1]) > 0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with running_mosquitto(tmp_path / "broker") as running:
        yield running


def often(path: Path) -> None:
    """Let every vehicle of a scenario report each second."""
    text = path.read_text(encoding="utf-8")
    eager = text.replace("  terminal:", "  interval_s: 1\n  parked_every: 1\n  terminal:")
    path.write_text(eager, encoding="utf-8")


def messages(state: Path, kind: type[MqttSent | MqttAcked]) -> list[Any]:
    path = state / "truth.jsonl"
    return [r for r in read_truth(path) if isinstance(r, kind)] if path.exists() else []


@pytest.mark.needs_mosquitto
def test_vehicles_are_numbered_across_a_kill(tmp_path: Path, broker: Mosquitto) -> None:
    path, state = a_scenario(tmp_path, "--vehicles", "3"), tmp_path / "state"
    often(path)
    arguments = ("run", path, "--state", state, "--mqtt-port", broker.port)
    with process(*arguments) as child:
        wait_until(lambda: len(messages(state, MqttAcked)) > 6, "messages are acknowledged")
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    before = messages(state, MqttSent)
    with process(*arguments) as child:
        wait_until(lambda: len(messages(state, MqttSent)) > len(before) + 6, "it goes on")
        finish(child)
    sent = messages(state, MqttSent)
    keys = [(m.terminal, m.seq) for m in sent]
    assert len(set(keys)) == len(keys), "no number is used twice"
    for terminal in {m.terminal for m in sent}:
        numbers = [m.seq for m in sent if m.terminal == terminal]
        assert numbers == list(range(1, len(numbers) + 1))
    after = {(m.terminal, m.seq) for m in sent[len(before) :]}
    assert after <= acknowledged(read_truth(state / "truth.jsonl")).keys()


async def test_jt808_terminals_are_numbered_across_a_kill(tmp_path: Path) -> None:
    path = a_scenario(tmp_path, "--vehicles", "3", "--jt808", "3")
    state = tmp_path / "state"
    often(path)
    async with listening() as gateway:
        arguments = ("run", path, "--state", state, "--jt808-port", gateway.port)
        with process(*arguments) as child:
            await until(lambda: len(reports(state, Jt808Acked)) > 9, "reports are answered")
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        before = reports(state, Jt808Sent)
        with process(*arguments) as child:
            await until(lambda: len(reports(state, Jt808Sent)) > len(before) + 9, "it goes on")
            await asyncio.to_thread(finish, child)
    sent = reports(state, Jt808Sent)
    first = [(r.terminal, r.seq) for r in sent if r.copy == 0]
    assert len(set(first)) == len(first), "no number is used twice"
    assert {r.terminal for r in sent} == {f"1390000000{n}" for n in (1, 2, 3)}
    last: Counters = list(read_truth(state / "truth.jsonl"))[-1]  # type: ignore[assignment]
    assert last.counts["jt808:connects"] >= 3
    assert [name for name in last.counts if name.startswith("jt808:wrong")] == []


def reports(state: Path, kind: type[Jt808Sent | Jt808Acked]) -> list[Any]:
    path = state / "truth.jsonl"
    return [r for r in read_truth(path) if isinstance(r, kind)] if path.exists() else []


def test_a_taken_port_ends_the_run_with_words(tmp_path: Path) -> None:
    path = a_scenario(tmp_path, "--vehicles", "0")
    with process("run", path, "--state", tmp_path / "one") as first:
        port = told(tmp_path / "one" / "ready.json")["ports"]["gw-i001-1"]
        fixed = scenario.with_ports(scenario.load(path), {"gw-i001-1": port})
        scenario.save(fixed, tmp_path / "fixed.yaml")
        run = [*MODULE, "run", str(tmp_path / "fixed.yaml"), "--state", str(tmp_path / "two")]
        second = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
        finish(first)
    assert second.returncode == 1
    assert "address already in use" in second.stderr.lower()


def test_the_faults_of_a_scenario_are_played(tmp_path: Path) -> None:
    path, state = a_scenario(tmp_path, "--vehicles", "0"), tmp_path / "state"
    wrong = Fault("m-0001", Kind.WRONG_TRANSACTION)
    plan = msgspec.structs.replace(scenario.load(path), faults=(wrong,))
    scenario.save(plan, path)
    with process("run", path, "--state", state) as child:
        port = told(state / "ready.json")["ports"]["gw-i001-1"]
        assert ask(port, 1)[:2] == b"\0\0"
        finish(child)


def test_a_reset_arrives_as_one_from_the_fast_event_loop_too(tmp_path: Path) -> None:
    path, state = a_scenario(tmp_path, "--vehicles", "0"), tmp_path / "state"
    plan = msgspec.structs.replace(scenario.load(path), faults=(Fault("m-0001", Kind.RESET),))
    scenario.save(plan, path)
    with process("run", path, "--state", state) as child:
        port = told(state / "ready.json")["ports"]["gw-i001-1"]
        with pytest.raises(ConnectionResetError):
            ask(port, 1)
        finish(child)


def test_history_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_scenario(tmp_path, "--vehicles", "1")
    out = tmp_path / "h.npz"
    asked = ["--scenario", str(path), "--months", "1", "--until", "2026-11-22", "--out", str(out)]
    assert main(["history", *asked]) == 0
    said = json.loads(capsys.readouterr().out)
    # Four electricity meters with three counters; four air conditioners and lights with one counter
    # and three points that change at quarter hours.
    series = 4 * 3 + 4 * (1 + 3)
    assert said["readings"] == series * 31 * 96
    assert said["positions"] > 5000
    assert out.stat().st_size > 1000


def test_a_bad_scenario_ends_with_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.yaml").write_text("code: x\n", encoding="utf-8")
    assert main(["run", str(tmp_path / "s.yaml"), "--state", str(tmp_path)]) == 1
    assert "missing required field" in capsys.readouterr().err


def test_modbus_load_counts_what_it_served(tmp_path: Path) -> None:
    ready, counts = tmp_path / "ready.json", tmp_path / "counts.json"
    with process(
        "modbus-load",
        "--ports",
        20,
        "--units",
        2,
        "--dead",
        0.1,
        "--ready",
        ready,
        "--counts",
        counts,
    ) as child:
        devices = told(ready)["devices"]
        assert [d["unit"] for d in devices[:3]] == [1, 2, 1]
        assert sum(d["dead"] for d in devices) == 4
        for device in devices[:5]:
            assert len(ask(device["port"], device["unit"])) == 13
        output = finish(child)
    assert json.loads(output.splitlines()[-1]) == {"received": 5, "replied": 5}
    assert json.loads(counts.read_text(encoding="utf-8"))["load-00004"] == [1, 1]


@pytest.mark.needs_mosquitto
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mqtt_load_says_what_the_broker_took(
    broker: Mosquitto, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    asked = ["--port", str(broker.port), "--rate", "500", "--seconds", "2", "--terminals", "30"]
    assert main(["mqtt-load", *asked, "--mqtt-version", version]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["sent"] == said["acked"] == 1000
    assert said["unacknowledged"] == []
    assert said["puback_p99_ms"] >= said["puback_p50_ms"] > 0.0
