"""The demo's account of terminals of JT/T 808: what they sent against what the database has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from collector.jt808 import card, location
from collector.jt808.rows import Fault, card_row, position_row, refused_row
from jieyong.demo import account
from jieyong.demo.verify import Verdict
from simulators.jt808 import messages
from simulators.jt808.header import Version
from simulators.jt808.report import Fuel, compose
from simulators.mqtt.payload import Fix
from simulators.truth import Jt808Acked, Jt808Sent, TruthLog
from storage.records import Batch, Kind
from storage.writer import BulkWriter

CODE = "13900000001"
BEGAN = datetime(2026, 11, 29, 4, tzinfo=UTC)
BEGAN_US = int(BEGAN.timestamp()) * 1_000_000
DRIVER = messages.Driver("王强", "510100198000000001", "51010000000001", "市交通运输局", "20301231")


def at_us(seq: int) -> int:
    return BEGAN_US + seq * 10_000_000


def body(seq: int) -> bytes:
    fix = Fix(at_us(seq), 30.6, 104.0 + seq / 1000, 36.0, 90.0, 500.0, 100.0, 9, acc=True)
    return compose(seq, fix, "ok", Fuel.ABSENT).body


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    """Positions 1 to 3, each with the serial 7 of its message, a card, and a refused position."""
    with psycopg.connect(database, autocommit=True) as conn:
        row = conn.execute(
            "INSERT INTO terminal (code) VALUES (%s) RETURNING id", [CODE]
        ).fetchone()
        assert row is not None
        told = [
            position_row(row[0], location.parse(body(n)), 7, at_us(n) + 1, blind=False)
            for n in (1, 2, 3)
        ]
        inserted = messages.driver(Version.V2019, DRIVER, at_us(4) // 1_000_000)
        cards = [card_row(row[0], card.parse(inserted), inserted, at_us(4) + 1)]
        refused = [refused_row(CODE, Fault.TIME, "month 99", body(5), at_us(5))]
        with closing(BulkWriter(database)) as writer:
            kinds = {Kind.POSITION: told, Kind.DRIVER_CARD: cards, Kind.QUARANTINE: refused}
            writer.write([Batch(kind, len(rows), b"".join(rows)) for kind, rows in kinds.items()])
        yield conn


@pytest.fixture
def truth(tmp_path: Path) -> account.Truth:
    """What the terminal sent, all answered with 0 but the last, which was not kept."""
    log = TruthLog(tmp_path / "truth.jsonl")
    kinds = ["ok", "ok", "duplicate", "driver_card", "malformed", "ok"]
    for seq, kind in enumerate(kinds, 1):
        message = 0x0702 if kind == "driver_card" else 0x0200
        log.write(Jt808Sent(CODE, seq, at_us(seq), kind, at_us(seq), message, 7))
        log.write(Jt808Acked(CODE, seq, at_us(seq) + 2, result=0 if seq < 6 else 1))
    log.close()
    return account.read_run([tmp_path / "truth.jsonl"], BEGAN)


def test_everything_that_was_answered_is_there_once(
    conn: psycopg.Connection, truth: account.Truth
) -> None:
    assert account.compare(conn, truth, BEGAN) == Verdict(expected=5)
    assert truth.quarantined == 1


def test_what_is_gone_is_lost_and_what_nobody_sent_is_invented(
    conn: psycopg.Connection, truth: account.Truth
) -> None:
    conn.execute("DELETE FROM position WHERE lon > 104.0025")
    conn.execute("DELETE FROM driver_card")
    assert account.compare(conn, truth, BEGAN).lost_at == (at_us(3), at_us(4))
    nothing = account.Truth((), {}, frozenset())
    assert account.compare(conn, nothing, BEGAN).invented == 2
