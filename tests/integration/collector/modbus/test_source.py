"""The source against a scripted peer: exceptions, refusals, stopping, counting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from collector.modbus.source import ModbusSource, SourceError
from collector.modbus.stats import State
from collector.profile_model import Table, Type
from collector.settings import ModbusSettings
from registry.snapshot import DeviceEntry
from storage.records import Batch, ReadingFlag
from tests.integration.collector.modbus.peer import (
    FAST,
    Ask,
    HangUp,
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


async def test_all_four_tables_are_read_with_their_functions() -> None:
    given = profile_of(
        register("coil", 3, table=Table.COIL, type=Type.BIT),
        register("discrete", 4, table=Table.DISCRETE, type=Type.BIT),
        register("holding", 5),
        register("input", 6, table=Table.INPUT),
    )
    sink = Sink()
    async with (
        serving() as peer,
        polling([bus(peer.port, device(1, given))], given, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 1)
    assert {(ask.function, ask.first) for ask in peer.asks} == {(1, 3), (2, 4), (3, 5), (4, 6)}
    values = {row.point: row.value for row in sink.rows}
    assert values == {1003: 1, 1004: 0, 1005: 5, 1006: 6}


@pytest.mark.parametrize("code", [1, 4, 7])
async def test_a_refused_block_leaves_the_others_of_its_device(code: int) -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(code) if ask.first == 10 else ask.reply()

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, TWO_BLOCKS))], TWO_BLOCKS, sink) as source,
    ):
        stats = source.devices["d1"]
        await until(lambda: stats.polls_partial >= 2)
    assert stats.errors[f"exception_{code}"] >= 2
    assert stats.state is State.ALIVE
    assert sink.of(1010) == []
    assert_values_belong(sink.of(1500))
    assert peer.connections == 1


@pytest.mark.parametrize("code", [5, 6])
async def test_a_busy_device_is_asked_again_in_the_same_slot(code: int) -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(code) if ask.number % 3 != 2 else ask.reply()

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        stats = source.devices["d1"]
        await until(lambda: stats.polls_ok >= 2)
    assert not stats.polls_failed
    assert stats.errors[f"exception_{code}"] == 2 * stats.polls_ok


async def test_a_device_that_stays_busy_is_left_until_its_next_slot() -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(6)

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        stats = source.devices["d1"]
        await until(lambda: stats.polls_failed["exception_6"] >= 2)
    assert len(peer.asks) == 3 * stats.polls_failed["exception_6"]
    assert stats.state is State.ALIVE  # it does answer
    assert sink.rows == []


@pytest.mark.parametrize("code", [10, 11])
async def test_a_gateway_speaking_for_a_silent_unit_counts_as_silence(code: int) -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(code) if ask.unit == 1 else ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        devices = [device(1, TWO_BLOCKS), device(2, TWO_BLOCKS)]
        async with polling([bus(peer.port, *devices)], TWO_BLOCKS, sink) as source:
            await until(lambda: source.devices["d1"].state is State.BACKOFF)
            await until(lambda: source.devices["d2"].polls_ok >= 3)
    assert peer.connections == 1  # the gateway is well: no reason to close
    failed = source.devices["d1"].polls_failed
    assert set(failed) == {f"exception_{code}"}
    assert sum(ask.unit == 1 for ask in peer.asks) == failed.total()  # one block, then left alone


async def test_a_mute_block_does_not_hide_the_others_for_ever() -> None:
    async def script(ask: Ask) -> bytes | None:
        return None if ask.first == 10 else ask.reply()

    sink = Sink()
    async with serving(script) as peer:
        entry = device(1, TWO_BLOCKS, timeout_ms=40)
        async with polling([bus(peer.port, entry)], TWO_BLOCKS, sink) as source:
            await until(lambda: len(sink.of(1500)) >= 4)
    assert source.devices["d1"].state is State.ALIVE
    assert source.devices["d1"].polls_partial >= 4
    assert_values_belong(sink.rows)


async def test_a_device_that_refuses_everything_learns_nothing_and_is_not_pestered(
    tmp_path: Path,
) -> None:
    starting_up = True

    async def script(ask: Ask) -> bytes:
        return ask.refuse(2) if starting_up else ask.reply()

    wide = profile_of(*(register(f"p{a}", a) for a in range(40)))
    state = tmp_path / "learned.json"
    sink = Sink()
    async with serving(script) as peer:
        entry = bus(peer.port, device(1, wide))
        async with polling([entry], wide, sink, state=state) as source:
            stats = source.devices["d1"]
            await until(lambda: stats.polls_failed["exception_2"] >= 2)
            assert len(peer.asks) <= 10 * (stats.polls_failed["exception_2"] + 1)
            starting_up = False
            await until(lambda: stats.polls_ok >= 1)
    assert not state.exists()
    assert {row.point for row in sink.rows} == set(range(1000, 1040))


async def test_what_was_learned_is_written_when_the_source_stops(tmp_path: Path) -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(2) if ask.touches(12) else ask.reply()

    holed = profile_of(register("a", 10), register("b", 14))
    state = tmp_path / "learned.json"
    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, holed))], holed, sink, state=state) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 1)
    (rows,) = json.loads(state.read_text()).values()
    assert [(row["device"], row["kind"], row["first"], row["end"]) for row in rows] == [
        ("d1", "hole", 11, 14)
    ]


async def test_bytes_nobody_asked_for_are_counted_and_dropped() -> None:
    async def script(ask: Ask) -> bytes:
        late, foreign = ask.reply(tid=ask.tid - 7), ask.reply(tid=ask.tid - 7, unit=99)
        return late + foreign + ask.reply() + late

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 3)
    assert source.devices["d1"].late_replies >= 6
    assert source.buses["bus"].foreign_replies >= 3
    assert peer.connections == 1
    assert_values_belong(sink.rows)


async def test_rubbish_on_an_idle_connection_closes_it() -> None:
    async def script(ask: Ask) -> bytes:
        return ask.reply() + b"\xde\xad\xbe\xef\xde\xad" if ask.number == 0 else ask.reply()

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 3)
    assert peer.connections == 2
    assert not source.devices["d1"].errors
    assert_values_belong(sink.rows)


async def test_a_reply_in_pieces_is_put_together() -> None:
    async def script(ask: Ask) -> bytes | None:
        reply = ask.reply()
        writer = next(iter(peer._writers))
        for at in range(len(reply)):
            writer.write(reply[at : at + 1])
            await asyncio.sleep(0.001)
        return None

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 2)
    assert_values_belong(sink.rows)


async def test_a_gateway_that_hangs_up_on_every_request_is_backed_off_from() -> None:
    async def script(_: Ask) -> bytes:
        raise HangUp

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE))], ONE, sink) as source,
    ):
        stats = source.devices["d1"]
        await until(lambda: stats.state is State.BACKOFF)
    assert set(stats.polls_failed) == {"lost"}


async def test_a_host_that_does_not_exist_is_counted_as_disconnected() -> None:
    sink = Sink()
    nowhere = bus(1, device(1, ONE))
    nowhere = type(nowhere)("bus", "modbus-tcp", "no-such-host.invalid", 502, 0, nowhere.devices)
    async with polling([nowhere], ONE, sink) as source:
        await until(lambda: source.devices["d1"].missed["disconnected"] >= 1)
        assert source.devices["d1"].state is State.DISCONNECTED
    assert source.buses["bus"].connect_failures["disconnected"] >= 1


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
