"""The message, the fork, and what is not published."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from collector.fanout.message import message
from collector.fanout.stats import FanoutStats
from collector.fanout.tee import forked
from collector.mqtt.message import StrictMessage
from collector.settings import SpoolSettings
from collector.spool import Spool
from storage.errors import StorageUnavailable
from storage.records import Batch, Position, PositionFlag, pack_position, unpack_position
from storage.writer import Outcome
from tests.unit.storage.samples import position, positions, quarantined, refused

FULL = Position(
    *(7, 1_764_388_800_250_000, -5, 30.5, -104.25, 42.5, 181.0, -3.5, 12345.6, 11, True),
    *(int(PositionFlag.NO_FIX), 9, 1_764_388_801_000_000, b'{"alarm":2}'),
)
BARE = Position(*(7, 0, 0, 1.0, 2.0, *(None,) * 6, 0, None, 0, None))


def test_a_position_is_the_message_that_others_send_to_us() -> None:
    assert json.loads(message(FULL)) == {
        "ts": "2025-11-29T04:00:00.250000Z",
        "lat": 30.5,
        "lon": -104.25,
        "speed": 42.5,
        "course": 181.0,
        "altitude": -3.5,
        "odometer": 12345.6,
        "satellites": 11,
        "acc": True,
        "fix": False,
        "seq": 9,
        "extra": {"alarm": 2},
    }
    assert msgspec.json.decode(message(FULL), type=StrictMessage).odometer == 12345.6
    assert json.loads(message(BARE)) == {"ts": "1970-01-01T00:00:00Z", "lat": 1.0, "lon": 2.0}


class Writer:
    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.rows = 0

    def __call__(self, batches: Sequence[Batch]) -> Outcome:
        if self.away:
            raise StorageUnavailable("away")
        self.rows += sum(batch.rows for batch in batches)
        return Outcome()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path / "fanout.db", SpoolSettings(max_bytes=64 * 1024))) as spool:
        yield spool


def test_what_is_packed_can_be_read_again() -> None:
    for one in (FULL, BARE):
        assert unpack_position(pack_position(one)) == one
    with pytest.raises(struct.error):
        unpack_position(quarantined_row())


def quarantined_row() -> bytes:
    return refused(b"digest")


def test_positions_wait_to_be_published_once_they_are_stored_and_nothing_else_does(
    spool: Spool,
) -> None:
    writer, stats = Writer(), FanoutStats()
    write = forked(writer, spool, stats, lambda: 0.0)
    write([positions(position(1), position(2)), quarantined(quarantined_row())])
    assert writer.rows == 3
    assert spool.stats().rows == 2
    writer.away = True
    with pytest.raises(StorageUnavailable):
        write([positions(position(3))])
    assert spool.stats().rows == 2, "it is stored first"


def test_what_finds_no_room_is_stored_all_the_same_and_counted(spool: Spool) -> None:
    writer, stats = Writer(), FanoutStats()
    write = forked(writer, spool, stats, lambda: 0.0)
    many = positions(*(position(n) for n in range(1000)))
    for _ in range(3):
        write([many])
    assert writer.rows == 3000
    assert spool.stats().rows + stats.dropped == 3000
    assert stats.dropped > 0
    spool.close()
    write([many])
    assert writer.rows == 4000, "whatever becomes of the spool"
