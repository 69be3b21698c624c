"""Checks of the state directory and of the spools in it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from collector.settings import SpoolSettings
from jieyong.doctor.finding import Finding, ok, problem, warning

OLD_S: Final = 60.0
"""A spool whose oldest row waits longer is worth a word."""

_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs"})
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


def check_directory(directory: Path, settings: SpoolSettings) -> Iterator[Finding]:
    """Look whether a collector could keep its spool here.

    Args:
        directory: the state directory; made when absent, as a collector would.
        settings: how much room the spool wants.
    """
    where = f"state directory {directory}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write_and_sync(directory)
    except OSError as error:
        what = f"cannot be written and synced: {error.strerror or error}"
        yield problem(what, where, "give it to the user that runs jieyong, or set state_dir")
        return
    yield ok("can be written, and synced to the disk", where)
    yield from _room(directory, where, settings)
    yield from _kind(directory, where)


def _write_and_sync(directory: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=directory, prefix=".doctor-") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _room(directory: Path, where: str, settings: SpoolSettings) -> Iterator[Finding]:
    free = shutil.disk_usage(directory).free
    if free < settings.min_free_bytes:
        what = f"{_size(free)} free, below spool.min_free_bytes: rows are refused"
        yield problem(what, where, "make room, or move state_dir to another disk")
    elif free - settings.min_free_bytes < settings.max_bytes:
        what = f"{_size(free)} free: the disk is full before the spool is at spool.max_bytes"
        yield warning(what, where, "make room, or lower spool.max_bytes to what the disk bears")
    else:
        yield ok(f"{_size(free)} free, the spool may grow to {_size(settings.max_bytes)}", where)


def _kind(directory: Path, where: str) -> Iterator[Finding]:
    kind = filesystem(directory)
    if kind in _NETWORK:
        what = f"lies on a network file system ({kind}), where SQLite's log does not work safely"
        yield problem(what, where, "set state_dir to a local disk")
    elif kind in _MEMORY:
        what = f"lies in memory ({kind}): a restart of the machine empties the spool"
        yield warning(what, where, "set state_dir to a disk")


def filesystem(path: Path) -> str | None:
    """Return the kind of file system a path lies on; None where the system does not tell."""
    mounts = Path("/proc/self/mountinfo")
    if not mounts.exists():
        return None
    found, longest = None, -1
    target = str(path.resolve())
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields, _, rest = line.partition(" - ")
        mount = fields.split()[4].replace("\\040", " ")
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= longest:
            found, longest = rest.split()[0], len(mount)
    return found


def check_spool(path: Path, settings: SpoolSettings, now_us: int) -> Iterator[Finding]:
    """Look at a spool without disturbing the collector that holds it.

    Args:
        path: its file; no finding when there is none.
        settings: its bounds.
        now_us: Unix microseconds.
    """
    if not path.exists():
        return
    where = f"spool {path}"
    try:
        rows, size, oldest_us, refused = _content(path)
    except sqlite3.Error as error:
        advice = "a collector moves a damaged spool aside when it starts, and deletes nothing"
        yield problem(f"cannot be read: {error}", where, advice)
        return
    age_s = 0.0 if oldest_us is None else (now_us - oldest_us) / 1e6
    what = f"{rows} rows wait ({_size(size)}), the oldest for {age_s:.0f} s"
    if size > settings.max_bytes / 2:
        advice = "bring the database back, or raise spool.max_bytes before rows are refused"
        yield problem(f"{what}: more than half of spool.max_bytes", where, advice)
    elif age_s > OLD_S:
        advice = "a running collector delivers them once the database answers; start it if it "
        advice += "does not run"
        yield warning(what, where, advice)
    else:
        yield ok(what, where)
    if refused:
        query = "SELECT id, kind, reason, length(body) FROM aside"
        yield warning(
            f"{refused} rows were refused by the database, and by its quarantine",
            where,
            f'they are kept in the file; look at them with `sqlite3 {path} "{query}"`',
        )
    aside = sorted(path.parent.glob(f"{path.name}.damaged-*"))
    if aside:
        names = ", ".join(str(file) for file in aside if not file.name.endswith(("-wal", "-shm")))
        advice = "save what can be saved with `sqlite3 FILE .recover`, check the disk, remove it"
        yield warning("a damaged spool was moved aside", names, advice)


def _content(path: Path) -> tuple[int, int, int | None, int]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as conn:
        query = "SELECT coalesce(sum(rows), 0), coalesce(sum(length(body)), 0), min(received_us) "
        rows, size, oldest_us = conn.execute(query + "FROM batch").fetchone()
        (refused,) = conn.execute("SELECT count(*) FROM aside").fetchone()
    return rows, size, oldest_us, refused


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
