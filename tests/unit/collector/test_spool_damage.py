"""A spool's file that is broken, foreign, too new, or in use."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from collector.intake import Refused
from collector.spool_open import SpoolBusyError, SpoolVersionError
from tests.unit.collector.spools import batch, bodies, make, take_all


def test_a_damaged_file_is_moved_aside_and_a_fresh_one_begun(tmp_path: Path) -> None:
    spool = make(tmp_path)
    for _ in range(50):
        spool.put([batch(1, bytes(5_000))])
    spool.close()
    path = tmp_path / "spool.db"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)

    again = make(tmp_path)

    moved = again.stats().damaged
    assert moved is not None
    assert moved.read_bytes() == content, "nothing is deleted"
    again.put([batch(1, b"new")])
    assert bodies(take_all(again)) == [b"new"]
    again.close()


def test_damage_met_while_running_ends_accepting_and_is_told(tmp_path: Path) -> None:
    """What a broken file takes may never come out again: senders had better keep it."""
    spool = make(tmp_path, handoff_bytes=0)
    for _ in range(50):
        spool.put([batch(1, bytes(5_000))])
    assert spool.stats().broken is None
    path = tmp_path / "spool.db"
    sound = sqlite3.connect(path)
    sound.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sound.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (path.stat().st_size - 8192))

    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        take_all(spool)
    with pytest.raises(Refused, match="restart the collector") as refused:
        spool.put([batch(3)])

    assert refused.value.reason == "disk"
    stats = spool.stats()
    assert stats.broken == "database disk image is malformed"
    assert (stats.rows, stats.oldest_us, stats.refused) == (50, None, {"disk": 3})
    spool.close()


def test_a_foreign_file_in_its_place_is_moved_aside_and_never_overwritten(tmp_path: Path) -> None:
    contents = [b"one: not a database at all" * 40, b"two: not a database either" * 40]
    for content in contents:
        (tmp_path / "spool.db").write_bytes(content)
        make(tmp_path).close()

    moved = sorted(p for p in tmp_path.iterdir() if ".damaged-" in p.name)
    assert [p.read_bytes() for p in moved] == contents


def test_a_log_without_its_database_is_kept(tmp_path: Path) -> None:
    (tmp_path / "spool.db-wal").write_bytes(b"what was accepted last")

    spool = make(tmp_path)

    moved = spool.stats().damaged
    assert moved is not None
    assert moved.with_name(moved.name + "-wal").read_bytes() == b"what was accepted last"
    spool.close()


def test_a_spool_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    make(tmp_path).close()
    newer = sqlite3.connect(tmp_path / "spool.db")
    newer.execute("PRAGMA user_version = 99")
    newer.close()

    with pytest.raises(SpoolVersionError, match="start that version"):
        make(tmp_path)
    assert not [p for p in tmp_path.iterdir() if ".damaged-" in p.name]


_HOLDER = """
import sys, pathlib
from collector.settings import SpoolSettings
from collector.spool import Spool
spool = Spool(pathlib.Path(sys.argv[1]), SpoolSettings())
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_has_the_spool(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "spool.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(SpoolBusyError, match=f"in use by process {child.pid}"):
            make(tmp_path)
        child.kill()
    make(tmp_path).close()
