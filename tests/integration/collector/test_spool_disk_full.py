"""A full disk: on a small tmpfs where we may mount one, else through SQLite's own page limit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.intake import Refused
from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Fate, Settlement
from storage.records import Batch, Kind

MIB = 1024 * 1024
BATCH = Batch(Kind.READING, 100, bytes(64 * 1024))
MANY = 10**9


@dataclass(frozen=True)
class Disk:
    """A place that is full after some MiB. ``relieve`` makes room."""

    directory: Path
    is_real: bool
    limit: Callable[[Spool], object]
    relieve: Callable[[Spool], object]


def can_mount() -> bool:
    """Ask by doing: root in a container often may not."""
    if os.geteuid() != 0:
        return False
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.fixture(params=["tmpfs" if can_mount() else "max_page_count"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "max_page_count":
        yield Disk(
            tmp_path,
            False,
            lambda spool: set_page_limit(spool, 4 * MIB // 8192),
            lambda spool: set_page_limit(spool, 2**30),
        )
        return
    directory = tmp_path / "small"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", directory], check=True)
    filler = directory / "filler"
    try:
        yield Disk(
            directory,
            True,
            lambda _: filler.write_bytes(bytes(48 * MIB)),
            lambda _: filler.unlink(),
        )
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def set_page_limit(spool: Spool, pages: int) -> None:
    spool._file._writer.execute(f"PRAGMA max_page_count = {pages}")


def open_without_guard(directory: Path) -> Spool:
    """The guard looks before it writes; others may take the space in between."""
    return Spool(directory / "spool.db", SpoolSettings(), free_bytes=lambda: MANY)


def fill(spool: Spool) -> int:
    """Put until refused; return how many batches were accepted."""
    for accepted in range(2000):
        (refused,) = spool.put_all([[BATCH]])
        if refused is not None:
            assert (refused.reason, refused.rows) == ("disk", 100)
            return accepted
    raise AssertionError("the disk never filled up")


def deliver_all(spool: Spool) -> int:
    delivered = 0
    while taken := spool.take(MANY, MIB):
        rows = sum(stored.batch.rows for stored in taken)
        size = sum(len(stored.batch.body) for stored in taken)
        spool.settle(Settlement(taken[-1].id, size, {Kind.READING: rows}))
        delivered += rows
    return delivered


def test_a_full_disk_refuses_by_the_row_and_keeps_what_was_accepted(disk: Disk) -> None:
    spool = open_without_guard(disk.directory)
    disk.limit(spool)
    accepted = fill(spool)
    assert accepted > 5
    for _ in range(3):
        with pytest.raises(Refused, match="make room"):
            spool.put([BATCH])
    spool.close()

    spool = open_without_guard(disk.directory)
    assert spool.stats().rows == accepted * 100
    assert all(stored.batch == BATCH for stored in spool.take(MANY, MANY))
    spool.close()


def test_it_recovers_by_itself_when_space_returns_and_counts_what_was_refused(disk: Disk) -> None:
    spool = open_without_guard(disk.directory)
    disk.limit(spool)
    accepted = fill(spool)
    disk.relieve(spool)

    spool.put([BATCH])

    assert deliver_all(spool) == (accepted + 1) * 100
    spool.close()
    spool = open_without_guard(disk.directory)
    assert spool.tally() == {
        (Kind.READING, Fate.ACCEPTED): (accepted + 1) * 100,
        (Kind.READING, Fate.DELIVERED): (accepted + 1) * 100,
        (Kind.READING, Fate.REFUSED): 100,
    }
    spool.close()


def test_deliveries_go_on_while_the_disk_is_full_and_are_written_down_later(disk: Disk) -> None:
    spool = open_without_guard(disk.directory)
    disk.limit(spool)
    accepted = fill(spool)

    assert deliver_all(spool) == accepted * 100
    spool.tidy()  # may find no room for the deletes
    disk.relieve(spool)
    spool.tidy()

    assert spool.stats().rows == 0
    spool.close()
    spool = open_without_guard(disk.directory)
    assert spool.take(MANY, MANY) == []
    spool.close()


def test_a_disk_that_only_the_spool_fills_is_freed_by_draining(disk: Disk) -> None:
    spool = Spool(disk.directory / "spool.db", SpoolSettings(min_free_bytes=32 * MIB))
    if not disk.is_real:  # a real one of 64 MiB is short of the guard's 32 MiB before it is full
        disk.limit(spool)
    before = fill(spool)
    assert deliver_all(spool) == before * 100
    spool.tidy()

    again = fill(spool)

    assert again >= before // 2
    assert deliver_all(spool) == again * 100
    spool.close()
