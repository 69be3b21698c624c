from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.mqtt.packets import body_of, pubacks, read_publish

# PUBLISH QoS 1, id 10, topic "a/b", payload "hi": written out from the specification, 3.3.1
V3 = bytearray(b"\x32\x09\x00\x03a/b\x00\x0ahi")
V5 = bytearray(b"\x32\x0a\x00\x03a/b\x00\x0a\x00hi")
# with a message expiry interval (0x02, four bytes)
V5_PROPERTIES = bytearray(b"\x32\x0f\x00\x03a/b\x00\x0a\x05\x02\x00\x00\x00\x3chi")
QOS_0 = bytearray(b"\x30\x07\x00\x03a/bhi")


@pytest.mark.parametrize(
    ("packet", "properties", "mid"),
    [(V3, False, 10), (V5, True, 10), (V5_PROPERTIES, True, 10), (QOS_0, False, 0)],
)
def test_a_publish_is_read(packet: bytearray, properties: bool, mid: int) -> None:
    body = body_of(packet, 0)
    assert body == (2, len(packet))
    assert body is not None
    assert read_publish(packet, packet[0], body, properties=properties) == ("a/b", b"hi", mid)


@pytest.mark.parametrize(
    ("length", "size"),
    [
        (b"\x00", 0),
        (b"\x7f", 127),
        (b"\x80\x01", 128),
        (b"\xff\x7f", 16_383),
        (b"\x80\x80\x01", 16_384),
        (b"\xff\xff\x7f", 2_097_151),
        (b"\x80\x80\x80\x01", 2_097_152),
    ],
)
def test_the_length_has_one_to_four_bytes(length: bytes, size: int) -> None:
    whole = bytearray(b"??" + b"\x30" + length + bytes(size))
    begin = 3 + len(length)
    assert body_of(whole, 2) == (begin, begin + size)
    if size:
        assert body_of(whole[:-1], 2) is None
    for cut in range(3, begin):
        assert body_of(whole[:cut], 2) is None


def test_a_length_of_five_bytes_is_malformed() -> None:
    with pytest.raises(ValueError, match="four bytes"):
        body_of(bytearray(b"\x30\xff\xff\xff\xff\x01"), 0)


@pytest.mark.parametrize(
    "packet",
    [
        b"\x20\x02\x00\x00",  # CONNACK
        b"\x34\x09\x00\x03a/b\x00\x0ahi",  # QoS 2
        b"\x36\x09\x00\x03a/b\x00\x0ahi",  # QoS 3 does not exist
        b"\x32\x09\x00\x03a/b\x00\x00hi",  # id 0 does not exist
        b"\x32\x09\x00\xf3a/b\x00\x0ahi",  # topic beyond the end
        b"\x32\x05\x00\x03a/b",  # no id
        b"\x32\x00",
    ],
)
def test_anything_else_is_left_to_paho(packet: bytes) -> None:
    data = bytearray(packet)
    body = body_of(data, 0)
    assert body is not None
    assert read_publish(data, data[0], body, properties=False) is None


@given(st.binary(min_size=2, max_size=60), st.booleans())
def test_no_bytes_make_it_raise(data: bytes, properties: bool) -> None:
    buffer = bytearray(b"\x32" + data)
    try:
        body = body_of(buffer, 0)
    except ValueError:
        return
    if body is not None:
        read_publish(buffer, buffer[0], body, properties=properties)


def test_pubacks_keep_their_order() -> None:
    assert pubacks([1, 65_535, 2]) == b"\x40\x02\x00\x01\x40\x02\xff\xff\x40\x02\x00\x02"
    assert pubacks([]) == b""
