"""Decoding and packing, held to an independent decoder and to `pack_reading`."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.modbus.decode import Layout
from collector.modbus.plan import Block, plan
from collector.modbus.rows import NULL_ROW, ROW, Codec, Reply, pack
from collector.modbus.stats import DeviceStats
from collector.profile_model import Order, Point, Profile, Table, Type
from storage.records import READING_BYTES, ReadingFlag, pack_reading, split
from tests.unit.collector.modbus.profiles import point, profile, random_profiles

TS, OBSERVED, RECEIVED = 1_790_000_000_000_000, 1_790_000_000_123_456, 1_790_000_000_200_001
FORMATS = {
    Type.U16: "H", Type.S16: "h", Type.U32: "I", Type.S32: "i",
    Type.U64: "Q", Type.S64: "q", Type.F32: "f", Type.F64: "d",
}  # fmt: skip


def frame_of(block: Block, data: bytes) -> bytes:
    function = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
    head = struct.pack(">HHHBBB", 1, 0, len(data) + 3, 1, function[block.span.table], len(data))
    return head + data


def size_of(block: Block) -> int:
    return -(-block.span.count // 8) if block.span.table.holds_bits else 2 * block.span.count


def as_number(p: Point, sentinel: Decimal) -> float:
    if p.type.is_float:
        return float(sentinel)
    wraps = p.type.lowest < 0 and sentinel >= 1 << (p.type.bits - 1)
    return int(sentinel) - (1 << p.type.bits if wraps else 0)


def reference(p: Point, data: bytes, first: int) -> tuple[float | None, int]:
    """Decode one point the slow and obvious way: (value, flags)."""
    offset = p.address - first
    if p.table.holds_bits:
        return float(data[offset // 8] >> offset % 8 & 1), 0
    words = [data[2 * i : 2 * i + 2] for i in range(offset, offset + p.size)]
    if p.order in {Order.BADC, Order.DCBA}:
        words = [word[::-1] for word in words]
    if p.order in {Order.CDAB, Order.DCBA}:
        words.reverse()
    raw = b"".join(words)
    if p.bit is not None:
        return float(int.from_bytes(raw, "big") >> p.bit & 1), 0
    (ticks,) = struct.unpack(">" + FORMATS[p.type], raw)
    if ticks in {as_number(p, sentinel) for sentinel in p.sentinels}:
        return None, ReadingFlag.SENTINEL
    if not math.isfinite(ticks):
        return None, ReadingFlag.NOT_FINITE
    try:
        return float(Fraction(ticks) * Fraction(p.scale)), 0
    except OverflowError:
        return None, ReadingFlag.NOT_FINITE


def rows_of(points: tuple[Point, ...], data: list[bytes], flags: int = 0) -> list[bytes]:
    (block,) = plan(profile(*points, max_hole=125), points)
    return packed(block, data, flags)


def packed(block: Block, data: list[bytes], flags: int = 0) -> list[bytes]:
    layout = Layout(block)
    codec = Codec(layout, list(range(len(layout.points))), 77, DeviceStats("d", "b"))
    replies = [Reply(codec, frame_of(block, d), TS, OBSERVED, flags) for d in data]
    return sorted(split(pack(replies, RECEIVED)))


def expected(block: Block, data: list[bytes], flags: int = 0) -> list[bytes]:
    rows = []
    for one in data:
        for number, p in enumerate(Layout(block).points):
            value, seen = reference(p, one, block.span.first)
            rows.append(pack_reading(number, TS, value, flags | seen, 77, OBSERVED, RECEIVED))
    return sorted(rows)


def value_of(row: bytes) -> float | None:
    return None if len(row) < READING_BYTES else float(struct.unpack_from(">d", row, 26)[0])


@given(random_profiles(), st.data())
def test_rows_equal_the_reference_byte_by_byte(given: Profile, data: st.DataObject) -> None:
    for block in plan(given, given.points):
        size = size_of(block)
        replies = data.draw(
            st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=3)
        )
        flags = data.draw(st.sampled_from([0, int(ReadingFlag.LATE_SLOT)]))
        assert packed(block, replies, flags) == expected(block, replies, flags)


def test_the_packed_rows_have_the_sizes_of_the_reference() -> None:
    assert ROW.itemsize == READING_BYTES
    assert NULL_ROW.itemsize == READING_BYTES - 8


def test_replies_of_many_devices_keep_their_own_ids_and_times() -> None:
    points = (point("a", 0), point("b", 1))
    (block,) = plan(profile(*points), points)
    other = Layout(block)
    shared = Layout(block)
    stats = DeviceStats("d", "b")
    frames = [frame_of(block, bytes([0, n, 0, n + 1])) for n in (1, 3, 5)]
    replies = [
        Reply(Codec(shared, [1, 2], 7, stats), frames[0], TS, TS + 1, 0),
        Reply(Codec(other, [3, 4], 8, stats), frames[1], TS, TS + 2, 0),
        Reply(Codec(shared, [5, 6], 9, stats), frames[2], TS + 9, TS + 3, 8),
    ]  # fmt: skip
    assert sorted(split(pack(replies, RECEIVED))) == sorted(
        [
            pack_reading(1, TS, 1.0, 0, 7, TS + 1, RECEIVED),
            pack_reading(2, TS, 2.0, 0, 7, TS + 1, RECEIVED),
            pack_reading(3, TS, 3.0, 0, 8, TS + 2, RECEIVED),
            pack_reading(4, TS, 4.0, 0, 8, TS + 2, RECEIVED),
            pack_reading(5, TS + 9, 5.0, 8, 9, TS + 3, RECEIVED),
            pack_reading(6, TS + 9, 6.0, 8, 9, TS + 3, RECEIVED),
        ]
    )


@pytest.mark.parametrize(
    ("order", "wire"),
    [
        (Order.ABCD, "12345678"),
        (Order.CDAB, "56781234"),
        (Order.BADC, "34127856"),
        (Order.DCBA, "78563412"),
    ],
)
def test_the_four_byte_orders(order: Order, wire: str) -> None:
    (row,) = rows_of((point("a", 0, Type.U32, order=order),), [bytes.fromhex(wire)])
    assert value_of(row) == 0x12345678


@pytest.mark.parametrize(
    ("order", "wire"),
    [
        (Order.ABCD, "0102030405060708"),
        (Order.CDAB, "0708050603040102"),
        (Order.BADC, "0201040306050807"),
        (Order.DCBA, "0807060504030201"),
    ],
)
def test_the_byte_orders_of_64_bits(order: Order, wire: str) -> None:
    (row,) = rows_of((point("a", 0, Type.U64, order=order),), [bytes.fromhex(wire)])
    assert value_of(row) == float(0x0102030405060708)


@pytest.mark.parametrize(
    ("kind", "sentinel", "wire"),
    [
        (Type.S16, 0x8000, "8000"),
        (Type.S16, -0x8000, "8000"),
        (Type.S16, 0x7FFF, "7FFF"),
        (Type.U16, 0xFFFF, "FFFF"),
        (Type.S32, 0x7FFFFFFF, "7FFFFFFF"),
        (Type.S32, 0x80000000, "80000000"),
        (Type.U32, 0xFFFFFFFF, "FFFFFFFF"),
        (Type.U64, 0xFFFFFFFFFFFFFFFF, "FFFFFFFFFFFFFFFF"),
        (Type.S64, 0x8000000000000000, "8000000000000000"),
        (Type.F32, Decimal("-9999.9"), struct.pack(">f", -9999.9).hex()),
    ],
)
def test_case_18_not_available_is_null_also_inside_a_block(
    kind: Type, sentinel: Decimal | int, wire: str
) -> None:
    before, behind = point("a", 0), point("z", 1 + kind.bits // 16)
    middle = point("m", 1, kind, sentinels=(Decimal(sentinel),), scale=Decimal("0.1"))
    rows = rows_of((before, middle, behind), [bytes.fromhex(f"0005{wire}0006")])
    assert sorted(value_of(row) or 0 for row in rows) == [0, 5, 6]
    (null,) = [row for row in rows if value_of(row) is None]
    assert struct.unpack_from(">h", null, 30) == (ReadingFlag.SENTINEL,)


@pytest.mark.parametrize("wire", ["7FC00000", "7F800001", "7F800000", "FF800000", "FFFFFFFF"])
def test_what_is_not_finite_is_null(wire: str) -> None:
    (row,) = rows_of((point("a", 0, Type.F32),), [bytes.fromhex(wire)])
    assert value_of(row) is None
    assert struct.unpack_from(">h", row, 30) == (ReadingFlag.NOT_FINITE,)


def test_a_float_that_leaves_the_range_when_scaled_is_null() -> None:
    data = struct.pack(">d", 1e308)
    (row,) = rows_of((point("a", 0, Type.F64, scale=Decimal(100)),), [data])
    assert value_of(row) is None


@given(
    st.sampled_from(["0.1", "0.01", "0.001", "0.3", "100", "0.02"]),
    st.integers(0, 2**32 - 1),
)
def test_the_ticks_come_back_exactly_from_the_value(scale: str, ticks: int) -> None:
    p = point("a", 0, Type.U32, scale=Decimal(scale))
    (row,) = rows_of((p,), [ticks.to_bytes(4, "big")])
    value = value_of(row)
    assert value is not None
    n, d = Decimal(scale).as_integer_ratio()
    assert value == float(Fraction(ticks * n, d))
    assert round(Fraction(value) * d / n) == ticks


def test_bits_of_one_register_are_told_apart() -> None:
    points = tuple(point(f"b{i:02}", 0, Type.BIT, bit=i) for i in range(16))
    rows = rows_of(points, [bytes.fromhex("8001")])
    assert [value_of(row) for row in rows] == [1.0] + [0.0] * 14 + [1.0]
