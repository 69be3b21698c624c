"""The source against a scripted peer: exceptions, refusals, stopping, counting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from collector.modbus.source import ModbusSource, SourceError
from collector.settings import ModbusSettings
from registry.snapshot import DeviceEntry
from storage.records import Batch, ReadingFlag
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
TWO_BLOCKS = profile_of(register("a", 10), register("b", 500))


async def test_readings_carry_slot_observation_and_hand_over_in_that_order() -> None:
    sink = Sink()
    async with (
        serving() as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink),
    ):
        await until(lambda: len(sink.rows) >= 6)
    for row in sink.rows:
        assert row.ts % 200_000 == 0
        assert row.ts <= row.observed <= row.received
        assert row.flags in {0, ReadingFlag.LATE_SLOT}
    keys = [(row.point, row.ts) for row in sink.rows]
    assert len(set(keys)) == len(keys)


async def test_refused_rows_are_counted_to_the_row_and_polling_goes_on() -> None:
    sink = Sink(refuse="bound")
    async with (
        serving() as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        stats = source.devices["d1"]
        await until(lambda: stats.polls_ok >= 3)
        await until(lambda: stats.refused_rows["bound"] >= 6)
        sink.refuse = ""
        await until(lambda: len(sink.rows) >= 4)
    assert stats.refused_rows == {"bound": sink.refused}
    assert stats.rows == len(sink.rows)
    assert stats.rows + sink.refused == 2 * stats.polls_ok


async def test_a_spool_that_stalls_bounds_what_waits_and_counts_the_rest() -> None:
    wide = profile_of(*(register(f"p{a}", a) for a in range(125)))
    sink = Sink(pause_s=1.5)
    settings = FAST.model_copy(update={"max_pending_rows": 1000})
    async with serving() as peer:
        entry = device(1, wide, interval_s=0.02)
        async with polling([bus(peer.port, entry)], wide, sink, settings=settings) as source:
            stats = source.devices["d1"]
            await until(lambda: stats.refused_rows["backlog"] >= 500)
            sink.pause_s = 0
    assert stats.rows == len(sink.rows)
    assert stats.rows + stats.refused_rows["backlog"] == 125 * stats.polls_ok


async def test_a_broken_spool_ends_the_source_loudly() -> None:
    async def broken(_: Sequence[Batch]) -> None:
        raise RuntimeError("the spool is gone")

    async with serving() as peer:
        source = ModbusSource([bus(peer.port, device(1, ONE))], {"test": ONE}, broken, FAST)
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(20):
                await source.run(asyncio.Event())
        assert caught.group_contains(RuntimeError, match="the spool is gone")
        await until(lambda: peer.open_now == 0)


async def test_stopping_finishes_the_poll_under_way_and_flushes_it() -> None:
    async def script(ask: Ask) -> bytes:
        stop.set()
        await asyncio.sleep(0.1)
        return ask.reply()

    stop = asyncio.Event()
    sink = Sink()
    settings = ModbusSettings(flush_ms=10_000)
    async with serving(script) as peer:
        entry = bus(peer.port, device(1, TWO_BLOCKS))
        source = ModbusSource([entry], {"test": TWO_BLOCKS}, sink, settings)
        async with asyncio.timeout(30):
            await source.run(stop)
        await until(lambda: peer.open_now == 0)
    assert source.devices["d1"].polls_ok == 1
    assert sorted(row.point for row in sink.rows) == [1010, 1500]


async def test_a_source_without_buses_runs_until_it_is_stopped() -> None:
    stop = asyncio.Event()
    source = ModbusSource([], {}, Sink(), FAST)
    running = asyncio.create_task(source.run(stop))
    await asyncio.sleep(0.05)
    assert not running.done()
    stop.set()
    async with asyncio.timeout(20):
        await running


async def test_the_clock_of_a_machine_that_slept_costs_slots_that_are_counted() -> None:
    jumped_us = 0

    def clock() -> int:
        return int(asyncio.get_running_loop().time() * 1e6) + 1_790_000_000_000_000 + jumped_us

    sink = Sink()
    stop = asyncio.Event()
    async with serving() as peer:
        entry = bus(peer.port, device(1, ONE, interval_s=0.5))
        source = ModbusSource([entry], {"test": ONE}, sink, FAST, clock=clock)
        running = asyncio.create_task(source.run(stop))
        await until(lambda: len(sink.rows) >= 2)
        jumped_us = 3_600_000_000
        await until(lambda: source.devices["d1"].missed["clock"] >= 7_000)
        before = len(sink.rows)
        await until(lambda: len(sink.rows) >= before + 4)
        stop.set()
        await running
    slots = sorted(set(sink.slots(1010)))
    assert slots == sink.slots(1010)
    stats = source.devices["d1"]
    assert (slots[-1] - slots[0]) // 500_000 + 1 == len(slots) + stats.missed.total()


def test_faults_of_the_inventory_are_reported_together() -> None:
    twins = [device(1, ONE), DeviceEntry(2, "twin", 1, 10, 500, "test", 7, {"a": 1})]
    strange = DeviceEntry(3, "strange", 3, 10, 500, "no-such", 7, {"a": 1})
    empty = DeviceEntry(4, "empty", 4, 10, 500, "test", 7, {"zzz": 1})
    with pytest.raises(SourceError) as caught:
        ModbusSource([bus(502, *twins, strange, empty)], {"test": ONE}, Sink(), FAST)
    assert caught.value.errors == (
        "bus bus: unit 1 is both d1 and twin",
        "device strange: no profile 'no-such'; add its YAML file",
        "device empty: the registry has none of its profile's points",
    )


async def test_a_point_the_registry_does_not_know_is_not_read() -> None:
    sink = Sink()
    async with serving() as peer:
        entry = DeviceEntry(1, "d1", 1, 1, 500, "test", 7, {"b": 1500})
        async with polling([bus(peer.port, entry)], TWO_BLOCKS, sink) as source:
            await until(lambda: source.devices["d1"].polls_ok >= 1)
    assert {ask.first for ask in peer.asks} == {500}
    assert_values_belong(sink.rows)


async def test_latency_is_measured() -> None:
    async def script(ask: Ask) -> bytes:
        await asyncio.sleep(0.03)
        return ask.reply()

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 2)
    latency = source.devices["d1"].latency
    assert latency.count == source.devices["d1"].polls_ok == sum(latency.buckets)
    assert latency.sum_s >= 0.029 * latency.count


async def test_every_device_of_a_large_bus_gets_its_turn() -> None:
    sink = Sink()
    peer = Peer()
    await peer.start()
    devices = [device(n, ONE, interval_s=1) for n in range(1, 101)]
    async with polling([bus(peer.port, *devices)], ONE, sink) as source:
        await until(lambda: all(stats.polls_ok >= 2 for stats in source.devices.values()))
    await peer.stop()
    assert peer.overlapped == 0
    assert_values_belong(sink.rows)
