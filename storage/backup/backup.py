"""Backup and restore: one snapshot is dumped and summed; what came back is summed again.

A backup is two files: the dump (PostgreSQL's custom format), and beside it a manifest that says of
which moment it is, what it must come to, and the dump's own hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg import sql

from storage.backup import programs
from storage.backup.programs import BackupError
from storage.backup.sums import TableSum, sums, tables
from storage.engine import probe

FORM: Final = 1
_BLOCK: Final = 1 << 20
# What belongs to the database and not to its contents is in no dump.
_SETTINGS: Final[LiteralString] = """
SELECT coalesce((
    SELECT setconfig FROM pg_db_role_setting
    JOIN pg_database ON pg_database.oid = setdatabase
    WHERE datname = current_database() AND setrole = 0
), '{}')
"""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds.

    Attributes:
        form: of this file.
        taken_at: when, with its zone.
        engine: of the database, as ``storage.engine`` names it.
        server: PostgreSQL's version.
        settings: of the database, ``name=value``.
        dump_sha256: of the dump, hexadecimal.
        tables: counts and checksums.
    """

    form: int
    taken_at: datetime
    engine: str
    server: str
    settings: list[str]
    dump_sha256: str
    tables: tuple[TableSum, ...]


def manifest_of(file: Path) -> Path:
    """Return where the manifest of a dump lies."""
    return file.with_name(f"{file.name}.json")


def backup(
    conninfo: str,
    file: Path,
    now: datetime,
    places: Iterable[Path],
    tick: Callable[[], None] = lambda: None,
) -> Manifest:
    """Dump a database as it is at one moment; whoever writes meanwhile is not held up.

    Args:
        conninfo: of the database.
        file: of the dump; it must not be there yet. It appears when it is whole.
        now: aware.
        places: directories that may hold ``pg_dump``.
        tick: called behind each table.

    Raises:
        BackupError: there is such a file, there is no fitting program, or it failed.
        OSError: the files cannot be written.
    """
    for one in (file, manifest_of(file)):
        if one.exists():
            raise BackupError(f"{one} is there already: choose another name, or move it away")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(0o600)
    try:
        told = _dump(conninfo, part, now, places, tick)
        manifest_of(file).write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))
        part.rename(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return told


def _dump(
    conninfo: str, part: Path, now: datetime, places: Iterable[Path], tick: Callable[[], None]
) -> Manifest:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        engine = probe(conn)
        program = programs.find("pg_dump", conn.info.server_version // 10_000, places)
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # While the dump is written nothing is asked here.
        conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = conn.execute("SELECT pg_export_snapshot()").fetchone()
        snapshot = str(row[0]) if row is not None else ""
        settings = conn.execute(_SETTINGS).fetchone()
        found = sums(conn, tick)
        wanted = ["--format=custom", "--no-owner", "--no-privileges"]
        programs.run(program, [*wanted, f"--snapshot={snapshot}", f"--file={part}"], conninfo)
    return Manifest(
        FORM,
        now,
        engine.kind.value,
        engine.server_version,
        list(settings[0]) if settings is not None else [],
        _sha256(part),
        found,
    )


def read_manifest(file: Path) -> Manifest:
    """Read what a backup holds.

    Raises:
        BackupError: it is missing, of another form, or the dump is not the one it speaks of.
    """
    try:
        told = msgspec.json.decode(manifest_of(file).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError(
            f"{manifest_of(file)} cannot be read ({error}): it belongs to the dump"
        ) from error
    if told.form != FORM:
        raise BackupError(f"{manifest_of(file)} is of form {told.form}: this program reads {FORM}")
    if not file.is_file() or _sha256(file) != told.dump_sha256:
        raise BackupError(f"{file} is missing, or not what was written: use another copy of it")
    return told


def restore(
    conninfo: str,
    file: Path,
    places: Iterable[Path],
    tick: Callable[[], None] = lambda: None,
) -> Manifest:
    """Bring a backup into an empty database, and prove that it is what was there.

    Args:
        conninfo: of a database without a table of ours.
        file: of the dump.
        places: directories that may hold ``pg_restore``.
        tick: called behind each table that is summed.

    Raises:
        BackupError: the backup is damaged, the database is not empty, the engine is another, a
            program is missing or failed, or what came back is not what was there.
    """
    told = read_manifest(file)
    with psycopg.connect(conninfo, autocommit=True) as conn:
        there = tables(conn)
        if there:
            raise BackupError(
                f"the database has {len(there)} tables: restore into one that was just created"
            )
        server = conn.info.server_version // 10_000
        if server < int(told.server.partition(".")[0]):
            raise BackupError(
                f"the backup is of PostgreSQL {told.server}, the server of {server}: "
                "restore into one that is as new"
            )
        program = programs.find("pg_restore", server, places)
        try:
            _bring_back(conn, conninfo, file, program, timescale=told.engine != "plain")
        except BackupError as error:
            raise BackupError(f"{error}: drop this database and create it anew") from error
        _set(conn, told.settings)
        with conn.transaction():
            found = sums(conn, tick)
    _refuse_others(told.tables, found)
    return told


def _bring_back(
    conn: psycopg.Connection[Any], conninfo: str, file: Path, program: Path, *, timescale: bool
) -> None:
    if timescale:
        conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        conn.execute("SELECT timescaledb_pre_restore()")
    wanted = ["--exit-on-error", "--no-owner", "--no-privileges"]
    programs.run(program, [*wanted, str(file)], conninfo)
    if timescale:
        conn.execute("SELECT timescaledb_post_restore()")


def _set(conn: psycopg.Connection[Any], settings: Iterable[str]) -> None:
    name = sql.Identifier(conn.info.dbname)
    for one in settings:
        key, _, value = one.partition("=")
        statement = sql.SQL("ALTER DATABASE {} SET {} FROM CURRENT")
        with conn.transaction():
            conn.execute("SELECT set_config(%s, %s, true)", [key, value])
            conn.execute(statement.format(name, sql.Identifier(key)))


def _refuse_others(told: Iterable[TableSum], found: Iterable[TableSum]) -> None:
    before, after = ({one.name: one for one in some} for some in (told, found))
    wrong = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if wrong:
        raise BackupError(
            f"what came back is not what was there, in {', '.join(wrong)}: do not use this database"
        )


def _sha256(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
