"""What goes wrong in the field, case by case; the numbers are those of the project's case list.

Cases about pure logic are held in tests/unit/collector/modbus: 10 (stagger) in test_schedule.py, 15
(field borders, last address) in test_plan.py; 1, 2, 13 and 18 are held in both places.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from collector.modbus.source import ModbusSource, SourceError
from collector.modbus.stats import State
from collector.profile import load_profiles
from collector.profile_model import Range, Table, Type
from collector.settings import ModbusSettings
from registry.snapshot import BusEntry, DeviceEntry
from storage.records import ReadingFlag
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


async def test_case_11_a_hole_is_split_learned_and_remembered(tmp_path: Path) -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(2) if ask.touches(12) else ask.reply()

    holed = profile_of(*(register(f"p{a}", a) for a in (10, 11, 14, 15, 30)))
    state = tmp_path / "learned.json"
    sink = Sink()
    async with serving(script) as peer:
        entry = bus(peer.port, device(1, holed))
        async with polling([entry], holed, sink, state=state) as source:
            await until(lambda: source.devices["d1"].polls_ok >= 3)
            assert source.devices["d1"].errors["exception_2"] == 1
        first_slot = min(row.ts for row in sink.rows)
        assert sorted(r.point for r in sink.rows if r.ts == first_slot) == [
            1010, 1011, 1014, 1015, 1030,
        ]  # fmt: skip
        peer.asks.clear()
        async with polling([entry], holed, sink, state=state) as source:
            await until(lambda: source.devices["d1"].polls_ok >= 2)
            assert not source.devices["d1"].errors
    assert not any(ask.touches(12) for ask in peer.asks)
    assert_values_belong(sink.rows)


async def test_case_11_one_refused_point_does_not_blind_the_others() -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(2) if ask.touches(13) else ask.reply()

    solid = profile_of(*(register(f"p{a}", a) for a in range(10, 20)))
    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, solid))], solid, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 2)
    first_slot = min(row.ts for row in sink.rows)
    read = sorted(row.point for row in sink.rows if row.ts == first_slot)
    assert read == [1010, 1011, 1012, *range(1014, 1020)]
    assert sum(ask.touches(13) for ask in peer.asks) <= 5  # only while it was learned
    assert_values_belong(sink.rows)


async def test_case_12_a_reserved_register_that_spoils_the_next_answer_is_never_touched() -> None:
    spoiled = False

    async def script(ask: Ask) -> bytes:
        nonlocal spoiled
        if spoiled:
            return ask.words([0xDEAD] * ask.count)
        spoiled = ask.touches(13)
        return ask.reply()

    banned = [Range(table=Table.HOLDING, first=13, last=13)]
    reserved = profile_of(*(register(f"p{a}", a) for a in (10, 12, 14, 16)), forbidden=banned)
    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, reserved))], reserved, sink),
    ):
        await until(lambda: len(sink.rows) >= 16)
    assert not spoiled
    assert_values_belong(sink.rows)


@pytest.mark.parametrize("code", [2, 3])
async def test_case_13_a_device_that_answers_fewer_registers_than_its_profile_says(
    code: int,
) -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(code) if ask.count > 20 else ask.reply()

    wide = profile_of(*(register(f"p{a}", a) for a in range(100)))
    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, wide))], wide, sink) as source,
    ):
        await until(lambda: source.devices["d1"].polls_ok >= 1)
        learned_at = len(peer.asks)
        await until(lambda: source.devices["d1"].polls_ok >= 3)
    assert all(ask.count <= 20 for ask in peer.asks[learned_at:])
    first_slot = min(row.ts for row in sink.rows)
    assert sum(row.ts == first_slot for row in sink.rows) == 100
    assert_values_belong(sink.rows)


def _cut(ask: Ask) -> bytes:
    return ask.reply()[:-2]


def _short_count(ask: Ask) -> bytes:
    return ask.words(range(ask.first, ask.end - 1))


def _long_count(ask: Ask) -> bytes:
    return ask.words(range(ask.first, ask.end + 1))


def _lying_count(ask: Ask) -> bytes:
    return ask.frame(bytes([ask.function, 2 * ask.count - 2]) + bytes(2 * ask.count))


def _oversized(ask: Ask) -> bytes:
    return struct.pack(">HHHBB", ask.tid, 0, 400, ask.unit, ask.function) + bytes(398)


def _other_unit(ask: Ask) -> bytes:
    return ask.reply(unit=ask.unit + 1)


def _other_function(ask: Ask) -> bytes:
    return ask.frame(bytes([4, 2 * ask.count]) + bytes(2 * ask.count))


def _other_protocol(ask: Ask) -> bytes:
    return ask.reply()[:2] + b"\x00\x01" + ask.reply()[4:]


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (_cut, "timeout"),
        (_short_count, "bad_length"),
        (_long_count, "bad_length"),
        (_lying_count, "bad_length"),
        (_oversized, "bad_header"),
        (_other_unit, "bad_unit"),
        (_other_function, "bad_function"),
        (_other_protocol, "bad_header"),
    ],
)
async def test_case_14_a_truncated_oversized_or_foreign_reply_is_never_an_answer(
    wrong: object, cause: str
) -> None:
    assert callable(wrong)

    async def script(ask: Ask) -> bytes:
        spoiled: bytes = wrong(ask) if ask.number % 2 == 0 else ask.reply()
        return spoiled

    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, ONE, timeout_ms=60))], ONE, sink) as source,
    ):
        await until(lambda: len(sink.rows) >= 4)
        await until(lambda: source.devices["d1"].errors[cause] >= 2)
    assert set(source.devices["d1"].errors) == {cause}
    assert peer.connections >= 2  # closed after each
    assert_values_belong(sink.rows)


async def test_case_15_a_large_device_is_read_in_whole_fields_up_to_the_last_address() -> None:
    points = [register(f"p{i}", 65_336 + 2 * i, type=Type.U32) for i in range(100)]
    wide = profile_of(*points)
    sink = Sink()
    async with serving() as peer:
        entry = DeviceEntry(1, "d1", 1, 1, 500, "test", 7, {p.name: p.address for p in points})
        async with polling([bus(peer.port, entry)], wide, sink):
            await until(lambda: len(sink.rows) >= 100)
    assert {(ask.first % 2, ask.count % 2) for ask in peer.asks} == {(0, 0)}
    assert max(ask.end for ask in peer.asks) == 65_536
    for row in sink.rows:
        assert row.value == row.point * 65_536 + row.point + 1


async def test_case_18_not_available_inside_a_block_is_null_and_flagged() -> None:
    async def script(ask: Ask) -> bytes:
        words = list(range(ask.first, ask.end))
        words[1] = 0x8000
        words[2:4] = [0x7FFF, 0xFFFF]
        words[4:6] = [0xFFFF, 0xFFFF]
        return ask.words(words)

    points = (
        register("before", 10),
        register("s16", 11, type=Type.S16, sentinels=[0x8000]),
        register("s32", 12, type=Type.S32, sentinels=[0x7FFFFFFF]),
        register("u32", 14, type=Type.U32, sentinels=[0xFFFFFFFF]),
        register("behind", 16),
    )
    given = profile_of(*points)
    sink = Sink()
    async with (
        serving(script) as peer,
        polling([bus(peer.port, device(1, given))], given, sink),
    ):
        await until(lambda: len(sink.rows) >= 10)
    for row in sink.of(1011, 1012, 1014):
        assert (row.value, row.flags & ReadingFlag.SENTINEL) == (None, ReadingFlag.SENTINEL)
    assert_values_belong(sink.of(1010, 1016))


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
    polls = sum(stats.polls_ok for stats in source.devices.values())
    assert sum(len(peer.asks) for peer in peers) == 3 * polls
    assert len(sink.rows) == 20 * polls
    assert len({(row.point, row.ts) for row in sink.rows}) == len(sink.rows)
    assert not any(stats.errors for stats in source.devices.values())
    for peer in peers:
        await peer.stop()
