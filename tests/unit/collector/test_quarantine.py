from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from collector.quarantine import quarantine_row
from storage.records import split


def parts(row: bytes) -> list[bytes]:
    (count,) = struct.unpack_from(">h", row)
    at, found = 2, []
    for _ in range(count):
        (size,) = struct.unpack_from(">i", row, at)
        found.append(row[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def key(source: str, origin: str, payload: bytes) -> bytes:
    return parts(quarantine_row(source, origin, "why", payload, 0))[2]


def test_the_key_is_of_source_origin_and_payload_and_of_nothing_else() -> None:
    row = quarantine_row("mqtt", "a", "one reason", b"x", 1)
    again = quarantine_row("mqtt", "a", "another reason", b"x", 2)
    assert parts(row)[2] == parts(again)[2]
    assert len({key("mqtt", "a", b"bc"), key("mqtt", "ab", b"c"), key("mqtta", "", b"bc")}) == 3


@given(st.text(), st.text(), st.binary(max_size=50))
def test_any_text_becomes_text_that_postgresql_takes(
    origin: str, reason: str, payload: bytes
) -> None:
    row = quarantine_row("mqtt", origin, reason, payload, 0)
    assert list(split(row)) == [row]
    _, packed_origin, _, packed_reason, packed_payload, _ = parts(row)
    assert "\0" not in packed_origin.decode() + packed_reason.decode()
    assert packed_payload == payload


def test_lone_surrogates_are_replaced() -> None:
    assert parts(quarantine_row("s", "a\ud800b\0", "r", b"", 0))[1] == "a?b\ufffd".encode()
