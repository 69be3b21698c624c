"""Bytes written by hand from the Modbus specifications."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.modbus import codec
from simulators.modbus.codec import Read, Request


def test_a_request_of_the_specification() -> None:
    # Application Protocol V1.1b3, 6.3: read registers 108..110, that is addresses 006B..006D.
    buffer = bytearray.fromhex("1501 0000 0006 FF 03 006B 0003")
    request = codec.take(buffer)
    assert request == Request(0x1501, 0xFF, bytes.fromhex("03006B0003"))
    assert not buffer
    assert codec.parse_read(request.pdu) == Read(3, 0x6B, 3)


def test_its_reply() -> None:
    pdu = codec.reply(Read(3, 0x6B, 3), bytes.fromhex("022B 0000 0064"))
    assert pdu == bytes.fromhex("03 06 022B 0000 0064")
    assert codec.frame(0x1501, 0xFF, pdu) == bytes.fromhex("1501 0000 0009 FF 03 06 022B 0000 0064")


def test_coils_of_the_specification() -> None:
    # 6.1: coils 27..20 are CD, 35..28 are 6B, 38..36 are 05.
    text = "11001101 01101011 00000101"
    bits = [bit == "1" for byte in text.split() for bit in reversed(byte)][:19]
    assert codec.pack_bits(bits) == bytes.fromhex("CD 6B 05")


def test_an_exception() -> None:
    assert codec.exception(3, codec.ILLEGAL_ADDRESS) == bytes.fromhex("83 02")


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [
        ("05 0000 FF00", codec.ILLEGAL_FUNCTION),  # a write
        ("10 0000 0001 02 0000", codec.ILLEGAL_FUNCTION),
        ("2B 0E 01 00", codec.ILLEGAL_FUNCTION),
        ("03 0000 0000", codec.ILLEGAL_VALUE),
        ("03 0000 007E", codec.ILLEGAL_VALUE),  # 126 registers
        ("01 0000 07D1", codec.ILLEGAL_VALUE),  # 2001 coils
        ("03 FFFF 0002", codec.ILLEGAL_ADDRESS),  # past the last register
        ("03 0000", codec.ILLEGAL_VALUE),  # too short
        ("03 FFFF 0001", Read(3, 0xFFFF, 1)),
        ("02 0000 07D0", Read(2, 0, 2000)),
    ],
)
def test_what_a_device_says_to_a_pdu(pdu: str, answer: Read | int) -> None:
    assert codec.parse_read(bytes.fromhex(pdu)) == answer


@pytest.mark.parametrize("header", ["0001 0001 0006 01", "0001 0000 0001 01", "0001 0000 00FF 01"])
def test_what_is_no_modbus_closes_the_connection(header: str) -> None:
    with pytest.raises(codec.FramingError):
        codec.take(bytearray.fromhex(header + "030000 0001"))


@given(stream=st.binary(max_size=600))
def test_any_bytes_are_requests_or_refused(stream: bytes) -> None:
    buffer = bytearray(stream)
    try:
        while (request := codec.take(buffer)) is not None:
            assert len(request.pdu) >= 1
    except codec.FramingError:
        pass
    assert len(buffer) <= len(stream)


@given(cuts=st.lists(st.integers(0, 36), max_size=5))
def test_requests_come_out_whole_however_the_stream_is_cut(cuts: list[int]) -> None:
    stream = bytes.fromhex("0001 0000 0006 01 03 0000 0002") * 3
    edges = [0, *sorted(cuts), len(stream)]
    buffer, found = bytearray(), 0
    for begin, end in itertools.pairwise(edges):
        buffer += stream[begin:end]
        while codec.take(buffer) is not None:
            found += 1
    assert found == 3
    assert not buffer
