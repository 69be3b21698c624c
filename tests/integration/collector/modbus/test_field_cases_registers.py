"""What goes wrong in the field with registers and replies: cases 11 to 18 of the list."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from collector.profile_model import Range, Table, Type
from registry.snapshot import DeviceEntry
from storage.records import ReadingFlag
from tests.integration.collector.modbus.peer import (
    Ask,
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
