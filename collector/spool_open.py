"""Opening a spool's file: by one process only, checked, moved aside when damaged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from collector.spool_file import SpoolFile

log = structlog.get_logger()

SCHEMA_VERSION: Final = 1

# AUTOINCREMENT: without it SQLite hands out old ids again once the table is empty, and a delete
# "up to id" would then remove rows that nobody has drained.
_SCHEMA: Final = f"""
CREATE TABLE batch (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL,
    rows        INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    body        BLOB    NOT NULL
);
CREATE TABLE aside (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   TEXT NOT NULL,
    reason TEXT NOT NULL,
    body   BLOB NOT NULL
);
CREATE TABLE tally (
    kind TEXT    NOT NULL,
    fate TEXT    NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (kind, fate)
) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""

_DAMAGE: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


class SpoolBusyError(Exception):
    """Another process has this spool open."""


class SpoolVersionError(Exception):
    """The spool was written by a newer version of this program."""


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether SQLite says that the file itself is broken."""
    # Extended codes carry the primary one in their low byte.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def open_spool_file(path: Path) -> SpoolFile:
    """Open or create the file at ``path``.

    A damaged file is moved aside with an error in the log, and a fresh one begun.

    Raises:
        SpoolBusyError: another process holds it.
        SpoolVersionError: a newer version of this program wrote it.
        OSError: the directory or the lock cannot be made.
        sqlite3.Error: it cannot be opened for another reason (rights, a full disk).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(path)
    try:
        damaged = _move_aside_if_damaged(path)
        writer = _connect(path)
        _prepare(writer, path)
        return SpoolFile(writer, _connect(path), lock, damaged)
    except BaseException:
        os.close(lock)
        raise


def _lock(path: Path) -> int:
    handle = os.open(_beside(path, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise SpoolBusyError(
            f"{path}: in use by process {holder}. Each collector needs its own spool: stop that "
            "process, or give this one another state_dir"
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _move_aside_if_damaged(path: Path) -> Path | None:
    reason = _damage(path)
    if reason is None:
        return None
    aside = _unused(path)
    for suffix in ("", "-wal", "-shm"):
        part = _beside(path, suffix)
        if part.exists():
            part.rename(_beside(aside, suffix))
    log.error(
        "spool_damaged",
        path=str(path),
        reason=reason,
        moved_to=str(aside),
        advice="what waited in it is not delivered; nothing was deleted: try "
        f"`sqlite3 {aside} .recover` and check the disk",
    )
    return aside


def _unused(path: Path) -> Path:
    # The clock only names the file here.
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = _beside(path, f".damaged-{stamp}")
    number = 1
    while aside.exists() or _beside(aside, "-wal").exists():
        aside = _beside(path, f".damaged-{stamp}-{number}")
        number += 1
    return aside


def _damage(path: Path) -> str | None:
    """Return what is wrong with the file, or None."""
    if not path.exists():
        # SQLite would silently delete a log whose database is gone.
        return "its log is there, the file is not" if _beside(path, "-wal").exists() else None
    probe = sqlite3.connect(path, isolation_level=None)
    try:
        (verdict,) = probe.execute("PRAGMA quick_check(1)").fetchone()
        (version,) = probe.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return str(error)
        raise
    finally:
        probe.close()
    if verdict != "ok":
        return str(verdict)
    if version > SCHEMA_VERSION:
        raise SpoolVersionError(
            f"{path}: written by a newer version of jieyong (spool layout {version}, this one "
            f"knows {SCHEMA_VERSION}); start that version, or let it drain the spool first"
        )
    return None


def _connect(path: Path) -> sqlite3.Connection:
    # Shared between threads; the spool's own locks let one in at a time.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)


def _prepare(writer: sqlite3.Connection, path: Path) -> None:
    (version,) = writer.execute("PRAGMA user_version").fetchone()
    if version == 0:
        # Only possible before the first page is written; blobs like larger pages.
        writer.execute("PRAGMA page_size = 8192")
        writer.execute("PRAGMA auto_vacuum = INCREMENTAL")
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA synchronous = FULL")
    writer.execute("PRAGMA wal_autocheckpoint = 512")  # pages: 4 MiB
    writer.execute("PRAGMA journal_size_limit = 16777216")
    if version == 0:
        writer.executescript(f"BEGIN IMMEDIATE;\n{_SCHEMA}\nCOMMIT;")
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
