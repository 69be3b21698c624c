"""Bytes written by hand from the MQTT 3.1.1 and 5.0 standards."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.mqtt import codec
from simulators.mqtt.codec import Client, Hello, Packet


@pytest.mark.parametrize(
    ("size", "wire"),
    [
        # The table of section 2.2.3 (3.1.1).
        (0, "00"),
        (127, "7F"),
        (128, "8001"),
        (16_383, "FF7F"),
        (16_384, "808001"),
        (2_097_151, "FFFF7F"),
        (2_097_152, "80808001"),
        (268_435_455, "FFFFFF7F"),
    ],
)
def test_remaining_length(size: int, wire: str) -> None:
    assert codec.remaining_length(size) == bytes.fromhex(wire)


def test_a_length_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="268435456"):
        codec.remaining_length(268_435_456)


def test_connect_311() -> None:
    packet = codec.connect(Client("ab", codec.V311, 60))
    # Fixed header, "MQTT", level 4, flags 0: the session stays, keep alive 60 s, client id.
    assert packet == bytes.fromhex("10 0E 0004 4D515454 04 00 003C 0002 6162")


def test_connect_311_with_login() -> None:
    packet = codec.connect(Client("ab", codec.V311, 60, "u", "pw"))
    assert packet == bytes.fromhex("10 15 0004 4D515454 04 C0 003C 0002 6162 0001 75 0002 7077")


def test_connect_5_keeps_its_session_an_hour() -> None:
    packet = codec.connect(Client("ab", codec.V5, 60))
    # Property 0x11, session expiry interval, 3600 s.
    assert packet == bytes.fromhex("10 14 0004 4D515454 05 00 003C 05 11 00000E10 0002 6162")


def test_publish() -> None:
    assert codec.publish("a/b", b"hi", 10, codec.V311) == bytes.fromhex(
        "32 09 0003 612F62 000A 6869"
    )
    assert codec.publish("a/b", b"hi", 10, codec.V5) == bytes.fromhex(
        "32 0A 0003 612F62 000A 00 6869"
    )


def test_a_repeated_publish_has_only_the_dup_flag_more() -> None:
    packet = codec.publish("a/b", b"hi", 10, codec.V311)
    assert codec.repeated(packet) == bytes.fromhex("3A 09 0003 612F62 000A 6869")


@pytest.mark.parametrize(
    ("body", "version", "hello"),
    [
        ("0000", codec.V311, Hello(False, 0, 65535)),
        ("0100", codec.V311, Hello(True, 0, 65535)),
        ("0005", codec.V311, Hello(False, 5, 65535)),  # not authorised
        ("000000", codec.V5, Hello(False, 0, 65535)),
        ("000003 210014", codec.V5, Hello(False, 0, 20)),
        # Topic alias maximum, assigned client id, user property, then receive maximum.
        ("010015 22000A 12000378797A 26000161000162 24012103E8", codec.V5, Hello(True, 0, 1000)),
        ("008700", codec.V5, Hello(False, 0x87, 65535)),
    ],
)
def test_connack(body: str, version: int, hello: Hello) -> None:
    assert codec.parse_connack(bytes.fromhex(body), version) == hello


@pytest.mark.parametrize("body", ["", "00", "0000", "000080", "000005 21"])
def test_a_short_connack_is_refused(body: str) -> None:
    with pytest.raises(codec.ProtocolError):
        codec.parse_connack(bytes.fromhex(body), codec.V5)


@pytest.mark.parametrize(
    ("body", "meant"), [("000A", (10, 0)), ("000A10", (10, 0x10)), ("000A8700", (10, 0x87))]
)
def test_puback(body: str, meant: tuple[int, int]) -> None:
    assert codec.parse_puback(bytes.fromhex(body)) == meant


@given(stream=st.binary(max_size=200), version=st.sampled_from([codec.V311, codec.V5]))
def test_any_bytes_are_packets_or_refused(stream: bytes, version: int) -> None:
    buffer = bytearray(stream)
    try:
        while buffer and (packet := codec.take(buffer)) is not None:
            assert packet.type == packet.type & 0x0F
            codec.parse_connack(packet.body, version)
            codec.parse_puback(packet.body)
    except codec.ProtocolError:
        pass
    assert len(buffer) <= len(stream)


@given(cuts=st.lists(st.integers(0, 12), max_size=4))
def test_packets_come_out_whole_however_the_stream_is_cut(cuts: list[int]) -> None:
    stream = bytes.fromhex("20020000 40020001 D000 4002FFFF")[:12]
    edges = [0, *sorted(cuts), len(stream)]
    buffer, found = bytearray(), []
    for begin, end in itertools.pairwise(edges):
        buffer += stream[begin:end]
        while (packet := codec.take(buffer)) is not None:
            found.append(packet)
    assert found == [Packet(2, b"\0\0"), Packet(4, b"\0\x01"), Packet(13, b"")]


def test_a_length_without_end_is_refused() -> None:
    with pytest.raises(codec.ProtocolError):
        codec.take(bytearray.fromhex("40FFFFFFFF01"))
