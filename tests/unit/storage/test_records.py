from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.records import COLUMNS, PG_EPOCH_US, READING_BYTES, Kind, pack_reading, split
from tests.unit.storage.samples import position, reading, refused

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64_US = st.integers(-(2**60), 2**60)
ROWS = st.lists(
    st.one_of(
        st.builds(reading, INT32, INT64_US, st.none() | st.floats()),
        st.builds(position, INT32, INT64_US, extra=st.none() | st.binary(max_size=30)),
        st.builds(refused, st.binary(max_size=16), st.binary(max_size=60)),
    ),
    max_size=8,
)


def test_a_reading_is_packed_as_the_copy_format_says() -> None:
    packed = pack_reading(7, PG_EPOCH_US + 1, 2.5, 4, 3, PG_EPOCH_US + 2, PG_EPOCH_US + 3)
    assert packed == bytes.fromhex(
        "0007"
        "00000004 00000007"
        "00000008 0000000000000001"
        "00000008 4004000000000000"
        "00000002 0004"
        "00000004 00000003"
        "00000008 0000000000000002"
        "00000008 0000000000000003"
    )
    assert len(packed) == READING_BYTES


def test_a_reading_without_value_has_a_null_of_no_bytes() -> None:
    packed = pack_reading(7, PG_EPOCH_US, None, 1, 3, PG_EPOCH_US, PG_EPOCH_US)
    assert packed[22:26] == b"\xff\xff\xff\xff"
    assert len(packed) == READING_BYTES - 8


def test_a_position_begins_with_its_terminal_and_its_time() -> None:
    packed = position(5, PG_EPOCH_US - 1, extra=b'{"a":1}')
    assert struct.unpack_from(">hiiiq", packed) == (len(COLUMNS[Kind.POSITION]), 4, 5, 8, -1)
    assert packed.endswith(b'\x01{"a":1}')


@given(INT32, INT64_US, st.floats(), st.integers(0, 2**15 - 1))
def test_a_packed_reading_holds_exactly_what_was_given(
    point: int, ts_us: int, value: float, flags: int
) -> None:
    packed = pack_reading(point, ts_us, value, flags, 1, ts_us + 1, ts_us + 2)
    _, _, p, _, ts, _, v, _, f, _, _, _, observed, _, received = struct.unpack(
        ">hiiiqidihiiiqiq", packed
    )
    assert (p, ts + PG_EPOCH_US, f) == (point, ts_us, flags)
    assert (observed + PG_EPOCH_US, received + PG_EPOCH_US) == (ts_us + 1, ts_us + 2)
    assert v == value or (math.isnan(v) and math.isnan(value))


@given(ROWS)
def test_split_gives_back_the_rows_that_were_joined(rows: list[bytes]) -> None:
    assert list(split(b"".join(rows))) == rows


@given(ROWS.filter(bool), st.data())
def test_split_says_when_rows_are_cut_short(rows: list[bytes], data: st.DataObject) -> None:
    body = b"".join(rows)
    ends = {sum(map(len, rows[:count])) for count in range(len(rows) + 1)}
    cut = data.draw(st.integers(1, len(body) - 1).filter(lambda at: at not in ends))
    with pytest.raises(ValueError, match="cut short"):
        list(split(body[:cut]))
