"""What the writer says when the database or the rows fail it; nothing is lost, nothing doubled."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jieyong.embedded.cluster import ACCOUNT
from storage.prepare import prepare
from storage.records import Batch, Kind
from storage.settings import DatabaseSettings
from storage.writer import BulkWriter, RowsRefused, StorageUnavailable
from tests.engines import StoppableServer
from tests.unit.storage.samples import (
    NOON_US,
    batch,
    position,
    positions,
    quarantined,
    reading,
    readings,
    refused,
)

HASTY = DatabaseSettings(statement_timeout_s=1, lock_timeout_s=1, connect_timeout_s=2)


def count(conninfo: str, table: str) -> int:
    with psycopg.connect(conninfo) as conn:
        row = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


# -- the database is away ---------------------------------------------------------------------


def test_case_30_an_outage_is_survived_by_the_same_writer(postgres_server: StoppableServer) -> None:
    with closing(BulkWriter(postgres_server.url, HASTY)) as writer:
        writer.write([readings(reading(1))])
        postgres_server.stop()
        for _ in range(2):
            with pytest.raises(StorageUnavailable):
                writer.write([readings(reading(2))])
        postgres_server.start()
        writer.write([readings(reading(2))])
        postgres_server.kill()
        with pytest.raises(StorageUnavailable):
            writer.write([readings(reading(3))])
        postgres_server.start()
        assert writer.write([readings(reading(3))]).inserted == {Kind.READING: 1}
    assert count(postgres_server.url, "reading") == 3
    assert count(postgres_server.url, "dirty_log") == 3


def test_a_server_that_stands_still_is_given_up(postgres_server: StoppableServer) -> None:
    with closing(BulkWriter(postgres_server.url, HASTY)) as writer:
        writer.write([readings(reading(1))])
        postgres_server.freeze()
        with pytest.raises(StorageUnavailable):
            writer.write([readings(reading(2))])
        postgres_server.thaw()
        writer.write([readings(reading(2))])
    assert count(postgres_server.url, "reading") == 2


@contextmanager
def line_cut_at_commit(conninfo: str) -> Iterator[str]:
    """A line to the server that is cut when the first COMMIT has gone over it."""
    target = conninfo_to_dict(conninfo)
    listener = socket.create_server(("127.0.0.1", 0))
    lines: list[socket.socket] = [listener]

    def forward(source: socket.socket, sink: socket.socket, cut: Callable[[bytes], bool]) -> None:
        while data := source.recv(65536):
            last = cut(data)
            if last:  # before it is passed on: the answer must not be quicker
                source.shutdown(socket.SHUT_RDWR)
            sink.sendall(data)
            if last:
                return
        source.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        client, _ = listener.accept()
        server = socket.create_connection((str(target["host"]), int(str(target["port"]))))
        lines.extend((client, server))
        # The server's answers after the cut go nowhere: it has committed, and nobody hears of it.
        back = threading.Thread(target=_quietly, args=(forward, server, client, lambda _: False))
        back.start()
        _quietly(forward, client, server, lambda data: b"COMMIT" in data)
        back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    yield make_conninfo(conninfo, port=listener.getsockname()[1], sslmode="disable")
    thread.join(30)
    for line in lines:
        line.close()


def _quietly(work: Callable[..., None], *args: object) -> None:
    try:
        work(*args)
    except OSError:
        return


def test_rows_whose_commit_was_never_heard_of_are_not_doubled(database: str) -> None:
    rows = [readings(reading(1), reading(2)), positions(position(1))]
    with (
        line_cut_at_commit(database) as fragile,
        closing(BulkWriter(fragile)) as writer,
        pytest.raises(StorageUnavailable),
    ):
        writer.write(rows)
    with closing(BulkWriter(database)) as writer:
        outcome = writer.write(rows)
    assert outcome.duplicates == {Kind.READING: 2, Kind.POSITION: 1}
    assert count(database, "reading") == 2
    assert count(database, "dirty_log") == 2


def test_without_a_schema_the_rows_are_kept_until_it_is_there(blank_database: str) -> None:
    with closing(BulkWriter(blank_database)) as writer:
        with pytest.raises(StorageUnavailable, match="42P01"):
            writer.write([readings(reading(1))])
        prepare(blank_database, DatabaseSettings())
        assert writer.write([readings(reading(1))]).inserted == {Kind.READING: 1}


@pytest.mark.parametrize(
    ("impatient", "said"),
    [
        pytest.param(DatabaseSettings(lock_timeout_s=1), "55P03", id="lock timeout"),
        pytest.param(DatabaseSettings(statement_timeout_s=1), "57014", id="statement timeout"),
    ],
)
def test_a_locked_table_is_waited_for_a_while_and_tried_again_later(
    database: str, impatient: DatabaseSettings, said: str
) -> None:
    with closing(BulkWriter(database, impatient)) as writer, psycopg.connect(database) as other:
        other.execute("LOCK TABLE dirty_log")
        with pytest.raises(StorageUnavailable, match=said):
            writer.write([readings(reading(1))])
        other.rollback()
        writer.write([readings(reading(1))])
    assert count(database, "reading") == 1


def test_a_read_only_database_keeps_the_rows_waiting(database: str) -> None:
    name = conninfo_to_dict(database)["dbname"]
    with (
        closing(BulkWriter(database)) as writer,
        psycopg.connect(database, autocommit=True) as conn,
    ):
        conn.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        with pytest.raises(StorageUnavailable, match="25006"):
            writer.write([readings(reading(1))])
        conn.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
        writer.write([readings(reading(1))])
    assert count(database, "reading") == 1


def test_a_wrong_password_or_port_is_the_database_being_away(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with (
        closing(BulkWriter(make_conninfo(database, port=port), HASTY)) as writer,
        pytest.raises(StorageUnavailable, match="refused"),
    ):
        writer.write([readings(reading(1))])


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB that the server may write to."""
    if os.geteuid() != 0:
        pytest.skip("a full disk needs root, to mount a tmpfs")
    where = Path("/var/lib/jieyong") / f"tiny-{os.getpid()}"
    where.mkdir(parents=True)
    try:
        options = f"size=12m,uid={ACCOUNT},mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", where], check=True)
        try:
            yield where
        finally:
            subprocess.run(["umount", "--lazy", where], check=True)
    finally:
        where.rmdir()


def test_a_full_disk_keeps_the_rows_and_recovers_when_there_is_room(
    tiny_disk: Path, postgres_server: StoppableServer
) -> None:
    ballast = tiny_disk / "ballast"
    with psycopg.connect(postgres_server.url, autocommit=True) as conn:
        conn.execute(f"CREATE TABLESPACE tiny LOCATION '{tiny_disk}'".encode())
        conn.execute("ALTER TABLE reading SET TABLESPACE tiny")
    many = [readings(*(reading(point) for point in range(20_000)))]
    ballast.write_bytes(bytes(11 * 2**20))
    with closing(BulkWriter(postgres_server.url)) as writer:
        with pytest.raises(StorageUnavailable, match="53100"):
            writer.write(many)
        assert count(postgres_server.url, "reading") == 0
        ballast.unlink()
        assert writer.write(many).inserted == {Kind.READING: 20_000}


# -- the rows are at fault --------------------------------------------------------------------

GOOD = reading(1)
NO_POINT = b"\x00\x07\xff\xff\xff\xff" + GOOD[10:]
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(batch(Kind.READING, [GOOD, NO_POINT]), id="null where none may be"),
        pytest.param(batch(Kind.READING, [GOOD, GOOD[:-3]]), id="cut short"),
        pytest.param(batch(Kind.READING, [b"\x00\x06" + GOOD[2:-12]]), id="a field is missing"),
        pytest.param(batch(Kind.READING, [reading(1, NOON_US * 4)]), id="a time of the year 2195"),
        pytest.param(batch(Kind.READING, [position(1)]), id="another kind"),
        pytest.param(positions(position(1), position(2, extra=b"{")), id="not JSON"),
        pytest.param(positions(position(2, extra=b'"\\u0000"')), id="JSON that PostgreSQL lacks"),
        pytest.param(positions(position(2, extra=DEEP)), id="JSON nested too deep"),
        pytest.param(quarantined(refused(b"x").replace(b"mqtt", b"mq\xff\xfe")), id="not UTF-8"),
        pytest.param(quarantined(refused(b"x").replace(b"mqtt", b"mq\0t")), id="a zero byte"),
    ],
)
def test_rows_that_can_never_be_stored_are_refused_and_nothing_of_the_call_is_written(
    database: str, poison: Batch
) -> None:
    with closing(BulkWriter(database)) as writer:
        with pytest.raises(RowsRefused):
            writer.write([readings(reading(8), reading(9)), poison])
        assert count(database, "reading") == 0
        assert count(database, "dirty_log") == 0
        assert writer.write([readings(reading(8))]).inserted == {Kind.READING: 1}
        assert writer.connects == 1


def test_a_poisoned_row_is_refused_on_the_slow_path_as_well(database: str) -> None:
    with closing(BulkWriter(database)) as writer:
        writer.write([readings(reading(1))])
        with pytest.raises(RowsRefused):
            writer.write([readings(reading(1), NO_POINT)])
        with pytest.raises(RowsRefused):
            writer.write([readings(reading(1)), positions(position(1, extra=b"{"))])


# -- several at once --------------------------------------------------------------------------


def test_writers_with_the_same_rows_at_once_lose_and_double_nothing(database: str) -> None:
    parts = [
        [readings(*(reading(point, NOON_US + slot) for point in order)) for slot in range(10)]
        for order in (range(200), range(199, -1, -1), range(0, 200, 3), range(199, 0, -2))
    ]
    inserted: list[int] = []

    def deliver(batches: list[Batch]) -> None:
        with closing(BulkWriter(database)) as writer:
            for part in batches:
                while True:
                    try:
                        outcome = writer.write([part])
                    except StorageUnavailable:  # a deadlock's victim keeps its rows
                        continue
                    inserted.append(outcome.inserted[Kind.READING])
                    break

    writers = [threading.Thread(target=deliver, args=(batches,)) for batches in parts]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join(60)
    assert sum(inserted) == count(database, "reading") == 2_000
    assert count(database, "reading_conflict") == 0
