"""What goes wrong in the field, case by case; the numbers are those of the project's case list.

Cases about pure logic are held in tests/unit/collector/modbus: 10 (stagger) in test_schedule.py, 15
(field borders, last address) in test_plan.py; 1, 2, 13 and 18 are held in both places.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from collector.modbus.source import ModbusSource, SourceError
from collector.modbus.stats import State
from collector.profile import load_profiles
from collector.settings import ModbusSettings
from registry.snapshot import BusEntry, DeviceEntry
from tests.integration.collector.modbus.peer import (
    FAST,
    Ask,
    Peer,
    Sink,
    assert_values_belong,
    bus,
    device,
    polling,
    profile_of,
    register,
    serving,
    until,
)

ONE = profile_of(register("a", 10), register("b", 11))
PROFILES = Path(__file__).parents[4] / "collector" / "profiles"


async def test_case_01_one_dead_slave_costs_its_neighbours_nothing() -> None:
    async def script(ask: Ask) -> bytes | None:
        return None if ask.unit == 1 else ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        devices = [device(n, ONE, interval_s=1, timeout_ms=100) for n in (1, 2, 3)]
        async with polling([bus(peer.port, *devices)], ONE, sink) as source:
            await until(lambda: source.devices["d1"].state is State.BACKOFF)
            await until(lambda: source.devices["d2"].polls_ok >= 4)
            await until(lambda: source.devices["d3"].polls_ok >= 4)
    assert source.devices["d1"].polls_failed["timeout"] >= 3
    assert source.devices["d1"].polls_ok == 0
    for n in (2, 3):
        stats = source.devices[f"d{n}"]
        assert not stats.polls_failed
        slots = sink.slots(n * 1000 + 10)
        in_window = (slots[-1] - slots[0]) // 1_000_000 + 1
        assert len(slots) == in_window - stats.missed["busy"]
    assert_values_belong(sink.rows)


async def test_case_01_one_dead_slave_does_not_blank_what_others_read_in_that_cycle() -> None:
    async def script(ask: Ask) -> bytes | None:
        return None if ask.unit == 2 else ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        devices = [device(n, ONE, timeout_ms=50) for n in (1, 2, 3)]
        async with polling([bus(peer.port, *devices)], ONE, sink) as source:
            await until(lambda: source.devices["d2"].polls_failed["timeout"] >= 2)
            await until(lambda: min(len(sink.of(1010)), len(sink.of(3010))) >= 5)
    assert sink.of(2010) == []


async def test_case_02_polling_resumes_unaided_after_an_outage() -> None:
    sink = Sink()
    async with (
        serving() as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        await until(lambda: len(sink.rows) >= 4)
        await peer.stop()
        stats = source.devices["d1"]
        await until(lambda: stats.state is State.DISCONNECTED)
        await until(lambda: stats.missed["refused"] >= 2)
        before = len(sink.rows)
        await peer.start()
        await until(lambda: len(sink.rows) >= before + 4)
        assert stats.state is State.ALIVE
    assert source.buses["bus"].connect_failures["refused"] >= 1
    assert_values_belong(sink.rows)


async def test_case_02_a_device_that_restarts_in_the_middle_of_a_poll_is_polled_again() -> None:
    async def script(ask: Ask) -> bytes:
        if ask.number == 3:
            peer.script = up_again
            raise ConnectionResetError
        return ask.reply()

    async def up_again(ask: Ask) -> bytes:
        return ask.reply()

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        await until(lambda: len(peer.asks) >= 8)
    assert peer.connections == 2
    assert not source.devices["d1"].polls_failed  # asked once more over the new connection
    assert_values_belong(sink.rows)


async def test_case_04_a_transaction_id_off_by_one_for_ever_ends_with_a_new_connection() -> None:
    async def script(ask: Ask) -> bytes:
        behind = ask.connection == 1 and ask.on_connection >= 2
        return ask.reply(tid=ask.tid - 1) if behind else ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        entry = device(1, ONE, timeout_ms=60)
        async with polling([bus(peer.port, entry)], ONE, sink) as source:
            await until(lambda: len(sink.rows) >= 12)
    assert peer.connections == 2
    assert source.devices["d1"].late_replies == 1
    assert source.devices["d1"].polls_failed == {"timeout": 1}
    assert_values_belong(sink.rows)


async def test_case_05_a_reply_that_comes_after_a_cancel_meets_no_other_request() -> None:
    release = asyncio.Event()

    async def script(ask: Ask) -> bytes:
        if ask.number == 0:
            await release.wait()
        return ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        source = ModbusSource([bus(peer.port, device(1, ONE))], {"test": ONE}, sink, FAST)
        running = asyncio.create_task(source.run(asyncio.Event()))
        await until(lambda: len(peer.asks) == 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        release.set()
        await until(lambda: peer.open_now == 0)  # the connection went with the request
        assert sink.rows == []
        other = profile_of(register("x", 500), register("y", 501))
        async with polling([bus(peer.port, device(1, other))], other, sink):
            await until(lambda: len(sink.rows) >= 4)
    assert_values_belong(sink.rows)


async def test_a_late_reply_is_not_taken_for_the_next_answer() -> None:
    """Case 3 over TCP: the answer to the first block comes while the second is asked."""

    async def script(ask: Ask) -> bytes | None:
        if ask.number % 5 == 0:
            await asyncio.sleep(0.08)
        return ask.reply()

    two = profile_of(register("a", 10), register("b", 500), max_hole=0)
    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, two, timeout_ms=40))], two, sink) as source,
    ):
        await until(lambda: source.devices["d1"].errors["timeout"] >= 4)
        await until(lambda: len(sink.rows) >= 10)
    assert_values_belong(sink.rows)


def test_case_06_two_buses_on_one_port_are_refused_at_load() -> None:
    buses = [bus(502, device(1, ONE), code="x"), bus(502, device(2, ONE), code="y")]
    with pytest.raises(SourceError, match=r"y: 127.0.0.1:502 is also bus x"):
        ModbusSource(buses, {"test": ONE}, Sink(), FAST)
    rtu = BusEntry("z", "modbus-rtu-over-tcp", "127.0.0.1", 502, 0, (device(1, ONE),))
    with pytest.raises(SourceError, match="only modbus-tcp is built"):
        ModbusSource([rtu], {"test": ONE}, Sink(), FAST)


async def test_case_07_units_behind_one_port_are_asked_one_after_the_other() -> None:
    async def script(ask: Ask) -> bytes:
        await asyncio.sleep(0.003)
        return ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        devices = [device(n, ONE, interval_s=0.3) for n in range(1, 21)]
        async with polling([bus(peer.port, *devices)], ONE, sink):
            await until(lambda: len(peer.asks) >= 60)
    assert peer.overlapped == 0
    assert peer.connections == 1
    assert {ask.unit for ask in peer.asks} == set(range(1, 21))
    assert_values_belong(sink.rows)


async def test_case_08_a_device_that_allows_one_connection_is_never_given_two() -> None:
    second_while_first_open = 0

    async def only_one() -> bool:
        nonlocal second_while_first_open
        await asyncio.sleep(0.02)  # the end of the old connection may still be on its way
        second_while_first_open += peer.open_now > 1
        return peer.open_now == 1

    async def script(ask: Ask) -> bytes | None:
        return None if ask.number % 3 == 0 else ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        peer.on_connect = only_one
        async with polling([bus(peer.port, device(1, ONE, timeout_ms=60))], ONE, sink):
            await until(lambda: peer.connections >= 4)
            await until(lambda: len(sink.rows) >= 8)
    assert second_while_first_open == 0
    assert_values_belong(sink.rows)


async def test_case_09_the_gap_between_requests_is_kept() -> None:
    loop = asyncio.get_running_loop()
    answered_at = 0.0
    gaps: list[float] = []

    async def script(ask: Ask) -> bytes:
        nonlocal answered_at
        if answered_at:
            gaps.append(loop.time() - answered_at)
        answered_at = loop.time()
        return ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        devices = [device(n, ONE) for n in (1, 2, 3)]
        async with polling([bus(peer.port, *devices, gap_ms=40)], ONE, sink):
            await until(lambda: len(gaps) >= 10)
    # Never less, however slow the machine; a millisecond for the grain of timers.
    assert min(gaps) >= 0.039


@pytest.mark.parametrize("units", [1, 10])
async def test_case_48_more_than_a_hundred_devices_by_block_reads(units: int) -> None:
    """120 meters of 20 points: three requests a poll, not twenty."""
    profiles = load_profiles(PROFILES)
    meter = profiles["acrel-dtsd1352"]
    sink = Sink()
    peers = [Peer() for _ in range(120 // units)]
    for peer in peers:
        await peer.start()
    buses = []
    for index, peer in enumerate(peers):
        devices = []
        for unit in range(1, units + 1):
            number = index * units + unit
            ids = {p.name: number * 1000 + i for i, p in enumerate(meter.points)}
            entry = DeviceEntry(number, f"m{number}", unit, 1, 500, meter.code, 7, ids)
            devices.append(entry)
        buses.append(bus(peer.port, *devices, code=f"b{index}"))
    async with polling(buses, profiles, sink, settings=ModbusSettings()) as source:
        await until(lambda: all(stats.polls_ok >= 2 for stats in source.devices.values()))
    for peer in peers:
        await peer.stop()
    polls = sum(stats.polls_ok for stats in source.devices.values())
    # Of each bus a poll may have been under way at the end.
    most = polls + len(peers)
    assert 3 * polls <= sum(len(peer.asks) for peer in peers) <= 3 * most
    assert 20 * polls <= len(sink.rows) <= 20 * most
    assert len({(row.point, row.ts) for row in sink.rows}) == len(sink.rows)
    assert not any(stats.errors for stats in source.devices.values())
