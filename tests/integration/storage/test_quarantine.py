from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from storage.quarantine import NotInQuarantineError, newest, payload
from storage.records import pack_quarantine
from storage.writer import BulkWriter
from tests.unit.storage.samples import NOON_US, quarantined

BYTES = b'{"lat": \x00\xff not JSON'


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with closing(BulkWriter(database)) as writer:
        writer.write(
            [
                quarantined(
                    *(
                        pack_quarantine(source, "t", digest(at), "bad", BYTES, NOON_US + at)
                        for at, source in enumerate(["mqtt", "modbus", "mqtt"])
                    )
                )
            ]
        )
    with psycopg.connect(database) as conn:
        yield conn


def digest(number: int) -> bytes:
    return hashlib.sha256(bytes([number])).digest()


def test_the_newest_come_first_without_their_bytes(conn: psycopg.Connection) -> None:
    found = newest(conn, most=2)
    assert [message.digest for message in found] == [digest(2).hex(), digest(1).hex()]
    assert (found[0].source, found[0].reason, found[0].size) == ("mqtt", "bad", len(BYTES))


def test_one_source_can_be_listed_alone(conn: psycopg.Connection) -> None:
    assert [message.source for message in newest(conn, source="modbus")] == ["modbus"]


def test_the_bytes_come_out_as_they_came_in(conn: psycopg.Connection) -> None:
    assert payload(conn, digest(1).hex()) == BYTES
    with pytest.raises(NotInQuarantineError, match="has the digest '00"):
        payload(conn, "00")
