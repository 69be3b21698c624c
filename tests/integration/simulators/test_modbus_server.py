"""Every fault as a client sees it on a socket, and as the truth file tells it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulators.modbus.faults import Fault, Kind, Span, Traits
from simulators.modbus.server import Gateway, Port
from simulators.truth import TruthLog
from tests.integration.simulators.wires import device, reply, request, serving
from tests.processes import until


async def test_an_honest_device(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}) as bench:
        wire = await bench.connect()
        assert await wire.ask(1) == reply(1)
        assert await wire.ask(2) == reply(2)
        assert [r.number for r in bench.truth()] == [1, 2]
        assert bench.truth()[0].values == {"a": "7", "b": "8"}


async def test_pymodbus_reads_it(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}) as bench:
        client = AsyncModbusTcpClient("127.0.0.1", port=bench.gateway.port)
        await client.connect()
        answer = await client.read_holding_registers(0, count=2, device_id=5)
        refused = await client.read_holding_registers(1, count=2, device_id=5)
        client.close()
        assert answer.registers == [7, 8]
        assert refused.isError()
        assert refused.exception_code == 2


async def test_several_units_and_a_number_nobody_has(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device("five"), 6: device("six")}) as bench:
        wire = await bench.connect()
        await wire.send(request(1, "0000 0006 07 03 0000 0002"))  # nobody
        six = "0000 0007 06 03 04 0007 0008"
        assert await wire.ask(2, "0000 0006 06 03 0000 0002") == reply(2, six)
        assert await wire.ask(3) == reply(3)
        assert [r.device for r in bench.truth()] == ["six", "five"]


async def test_requests_in_one_segment_and_in_pieces(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}) as bench:
        wire = await bench.connect()
        await wire.send(request(1) + request(2)[:5])
        assert await wire.receive(13) == reply(1)
        await wire.send(request(2)[5:] + request(3))
        assert await wire.receive(26) == reply(2) + reply(3)


async def test_a_delayed_reply_holds_up_the_next(tmp_path: Path) -> None:
    slow = Fault("m", Kind.DELAY, seconds=0.2, requests=(1,))
    async with serving(tmp_path, {5: device(faults=(slow,))}) as bench:
        wire = await bench.connect()
        await wire.send(request(1) + request(2))
        assert await wire.receive(26) == reply(1) + reply(2)


async def test_a_late_reply_comes_after_the_next(tmp_path: Path) -> None:
    late = Fault("m", Kind.LATE, seconds=0.2, requests=(1,))
    async with serving(tmp_path, {5: device(faults=(late,))}) as bench:
        wire = await bench.connect()
        await wire.send(request(1) + request(2))
        assert await wire.receive(26) == reply(2) + reply(1)
        assert bench.outcomes() == ["ok", "late"], "in the order of sending"


async def test_a_dropped_request_is_never_answered(tmp_path: Path) -> None:
    drop = Fault("m", Kind.DROP, requests=(1,))
    async with serving(tmp_path, {5: device(faults=(drop,))}) as bench:
        wire = await bench.connect()
        await wire.send(request(1) + request(2))
        assert await wire.receive(13) == reply(2)
        assert bench.outcomes() == ["drop", "ok"]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (Kind.TRUNCATE, "0000 0007 05 03 04 00"),
        (Kind.OVERSIZE, "0000 002F 05 03 04 0007 0008" + "DEADBEEF" * 10),
        (Kind.WRONG_UNIT, "0000 0007 06 03 04 0007 0008"),
        (Kind.WRONG_PROTOCOL, "0001 0007 05 03 04 0007 0008"),
        (Kind.EXCEPTION, "0000 0003 05 83 06"),
    ],
)
async def test_spoilt_replies(tmp_path: Path, kind: Kind, sent: str) -> None:
    fault = Fault("m", kind, requests=(1,), code=6)
    async with serving(tmp_path, {5: device(faults=(fault,))}) as bench:
        wire = await bench.connect()
        await wire.send(request(1))
        expected = reply(1, sent)
        assert await wire.receive(len(expected)) == expected
        assert await wire.ask(2) == reply(2), "the next one is good again"


async def test_a_transaction_id_that_is_off_by_one(tmp_path: Path) -> None:
    fault = Fault("m", Kind.WRONG_TRANSACTION)
    async with serving(tmp_path, {5: device(faults=(fault,))}) as bench:
        wire = await bench.connect()
        assert await wire.ask(8) == reply(7)
        assert bench.outcomes() == ["wrong-transaction"]


async def test_a_reset_connection(tmp_path: Path) -> None:
    fault = Fault("m", Kind.RESET, requests=(1,))
    async with serving(tmp_path, {5: device(faults=(fault,))}) as bench:
        wire = await bench.connect()
        await wire.send(request(1))
        with pytest.raises(ConnectionResetError):
            await wire.ended()
        again = await bench.connect()
        assert await again.ask(2) == reply(2)


async def test_holes_limits_and_poison(tmp_path: Path) -> None:
    traits = Traits(max_registers=1, poison=(Span("holding", 0, 0),))
    async with serving(tmp_path, {5: device(traits=traits)}) as bench:
        wire = await bench.connect()
        await wire.send(request(1))
        assert await wire.receive(9) == reply(1, "0000 0003 05 83 03")
        one, good = "0000 0006 05 03 0000 0001", "0000 0005 05 03 02 0007"
        await wire.send(request(2, one) + request(3, one))
        assert await wire.receive(22) == reply(2, good) + reply(3, "0000 0005 05 03 02 FFF8")
        assert bench.outcomes() == ["exception-3", "ok", "corrupted"]


async def test_only_one_connection(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}, Port("gw", {}, one_connection=True)) as bench:
        first, second = await bench.connect(), await bench.connect()
        assert await second.ended() == b""
        assert await first.ask(1) == reply(1)
        first.close()
        await until(lambda: not bench.gateway.open, "the first connection is gone")
        third = await bench.connect()
        assert await third.ask(2) == reply(2)
        assert (bench.gateway.connections, bench.gateway.turned_away) == (3, 1)


async def test_a_request_within_the_gap_is_not_answered(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}, Port("gw", {}, min_gap_s=0.3)) as bench:
        wire = await bench.connect()
        assert await wire.ask(1) == reply(1)
        await wire.send(request(2))  # at once
        await until(lambda: len(bench.truth()) == 2, "the second request has arrived")
        await asyncio.sleep(0.3)
        assert await wire.ask(3) == reply(3)
        assert bench.outcomes() == ["ok", "gap", "ok"]


async def test_a_port_that_refuses_for_a_while_keeps_its_number(tmp_path: Path) -> None:
    closed = Fault("gw", Kind.REFUSE, from_s=1.0, to_s=3.0)
    async with serving(tmp_path, {5: device()}, Port("gw", {}, faults=(closed,))) as bench:
        port = bench.gateway.port
        wire = await bench.connect()
        assert await wire.ask(1) == reply(1)
        with pytest.raises(ConnectionResetError):
            await wire.ended()
        with pytest.raises(ConnectionRefusedError):
            await bench.connect()
        await until(lambda: bench.gateway.elapsed_s > 3.3, "the port is open again")
        again = await bench.connect()
        assert await again.ask(2) == reply(2)
        assert bench.gateway.port == port


async def test_garbage_closes_the_connection(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}) as bench:
        wire = await bench.connect()
        await wire.send(b"GET / HTTP/1.1\r\n\r\n")
        assert await wire.ended() == b""


async def test_the_truth_is_there_before_the_reply(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}) as bench:
        wire = await bench.connect()
        for n in range(1, 30):
            await wire.ask(n)
            assert len(bench.truth()) == n


async def test_a_reply_nobody_waits_for_is_told_as_gone(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}, Port("gw", {}, latency_s=0.3)) as bench:
        wire = await bench.connect()
        await wire.send(request(1))
        await until(lambda: bool(bench.gateway.open), "connected")
        await asyncio.sleep(0.1)
        wire.close()
        await until(lambda: bench.outcomes() == ["gone"], "the device has noticed")


async def test_stopping_tells_of_replies_on_their_way(tmp_path: Path) -> None:
    async with serving(tmp_path, {5: device()}, Port("gw", {}, latency_s=30.0)) as bench:
        unit = bench.gateway.spec.units[5]
        wire = await bench.connect()
        await wire.send(request(1))
        await until(lambda: unit.received == 1, "the request is there")
    assert bench.outcomes() == ["gone"]


async def test_hundreds_of_ports_in_one_process(tmp_path: Path) -> None:
    log = TruthLog(tmp_path / "truth.jsonl", "counters")
    gateways = [Gateway(Port(f"gw-{n}", {5: device(f"m-{n}")}), lambda: 1, log) for n in range(300)]
    for gateway in gateways:
        await gateway.start()
    try:
        for gateway in gateways[::50]:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(request(4))
            assert await reader.readexactly(13) == reply(4)
            writer.close()
    finally:
        await asyncio.gather(*(gateway.stop() for gateway in gateways))
        log.close()
