from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.modbus import frame
from collector.modbus.frame import (
    Answer,
    Fault,
    Foreign,
    Incomplete,
    Refusal,
    build,
    check,
)
from collector.modbus.plan import Span
from collector.profile_model import MAX_BITS, MAX_REGISTERS, Table

REQUEST = build(17, Span(Table.HOLDING, 0x006B, 0x006E))
GOOD = bytes.fromhex("0001 0000 0009 11 03 06 022B 0000 0064")


def test_the_bytes_of_the_specification() -> None:
    """Modbus application protocol 6.3: read holding registers 108 to 110 of unit 17."""
    assert REQUEST.tail == bytes.fromhex("0000 0006 11 03 006B 0003")
    assert check(GOOD, 1, REQUEST) == Answer()


@pytest.mark.parametrize(
    ("table", "code"),
    [(Table.COIL, 1), (Table.DISCRETE, 2), (Table.HOLDING, 3), (Table.INPUT, 4)],
)
def test_each_table_has_its_function(table: Table, code: int) -> None:
    request = build(1, Span(table, 0, 9))
    assert request.function == code
    assert request.tail == bytes([0, 0, 0, 6, 1, code, 0, 0, 0, 9])
    assert request.size == 9 + (2 if table.holds_bits else 18)


@given(
    st.integers(0, 255),
    st.sampled_from(Table),
    st.integers(0, 65_535),
    st.integers(1, MAX_BITS),
)
def test_no_function_code_but_the_four_reading_ones_can_leave(
    unit: int, table: Table, first: int, count: int
) -> None:
    span = Span(table, first, first + count)
    if span.end > 65_536 or (not table.holds_bits and count > MAX_REGISTERS):
        with pytest.raises(ValueError, match=r"65535|count"):
            build(unit, span)
        return
    request = build(unit, span)
    assert request.tail[5] in {1, 2, 3, 4}
    assert len(request.tail) == 10
    assert request.tail[4] == unit


def test_only_reading_requests_are_known() -> None:
    assert sorted(pdu.function_code for pdu in frame.PDUS.values()) == [1, 2, 3, 4]


@pytest.mark.parametrize("count", [0, 126])
def test_a_count_no_reply_can_carry_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="count"):
        build(1, Span(Table.HOLDING, 0, count))


@pytest.mark.parametrize("size", range(len(GOOD)))
def test_a_frame_in_pieces_is_waited_for(size: int) -> None:
    assert check(GOOD[:size], 1, REQUEST) == Incomplete()


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("0002 0000 0009 11 03 06 022B 0000 0064", Foreign(17, 15)),
        ("0000 0000 0009 11 03 06 022B 0000 0064", Foreign(17, 15)),
        ("0001 0001 0009 11 03 06 022B 0000 0064", Fault.HEADER),
        ("0001 0000 0002 11 03", Fault.HEADER),
        ("0001 0000 00FF 11 03 06 022B 0000 0064", Fault.HEADER),
        ("0001 0000 0009 12 03 06 022B 0000 0064", Fault.UNIT),
        ("0001 0000 0009 11 04 06 022B 0000 0064", Fault.FUNCTION),
        ("0001 0000 0007 11 03 04 022B 0000", Fault.LENGTH),
        ("0001 0000 000B 11 03 08 022B 0000 0064 0001", Fault.LENGTH),
        ("0001 0000 0009 11 03 04 022B 0000 0064", Fault.LENGTH),
        ("0001 0000 0003 11 83 02", Refusal(2)),
        ("0001 0000 0004 11 83 02 00", Fault.LENGTH),
        ("0001 0000 0003 11 84 02", Fault.FUNCTION),
    ],
)
def test_what_is_not_the_answer(reply: str, verdict: frame.Verdict) -> None:
    assert check(bytes.fromhex(reply), 1, REQUEST) == verdict


def test_nothing_is_an_answer_when_nothing_was_asked() -> None:
    assert check(GOOD, None, None) == Foreign(17, 15)
    assert check(GOOD, 1, None) == Foreign(17, 15)


@given(st.binary(max_size=300), st.integers(0, 65_535))
def test_any_bytes_get_a_verdict_and_only_exact_ones_are_an_answer(
    data: bytes, transaction: int
) -> None:
    verdict = check(data, transaction, REQUEST)
    expected = transaction.to_bytes(2, "big") + REQUEST.head
    assert (verdict == Answer()) == (data.startswith(expected) and len(data) >= REQUEST.size)


@given(st.integers(0, len(GOOD) * 8 - 1))
def test_one_flipped_bit_before_the_registers_is_never_an_answer(bit: int) -> None:
    damaged = bytearray(GOOD)
    damaged[bit // 8] ^= 1 << bit % 8
    is_answer = check(bytes(damaged), 1, REQUEST) == Answer()
    assert is_answer == (bit // 8 >= frame.DATA_AT)
