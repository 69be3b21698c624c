"""What devices and gateways answer, and what the poller makes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from collector.modbus.stats import State
from collector.profile_model import Table, Type
from tests.integration.collector.modbus.peer import (
    Ask,
    HangUp,
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


async def test_a_device_lost_behind_its_gateway_in_the_middle_of_a_poll_is_left_alone() -> None:
    """A gateway takes its own timeout for each such answer: ten blocks must not cost ten."""

    async def script(ask: Ask) -> bytes:
        return ask.reply() if ask.first == 0 else ask.refuse(11)

    many = profile_of(*(register(f"r{n}", 20 * n) for n in range(10)), max_hole=0)
    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, many))], many, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_partial >= 1)
    stats = source.devices["d1"]
    polls = stats.polls_partial + stats.polls_failed.total()
    assert len(peer.asks) <= 3 * polls


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
