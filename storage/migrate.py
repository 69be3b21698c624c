"""Forward-only migrations in dbmate's file format.

``migrations/NNNN_words.sql`` begins with ``-- migrate:up`` or, when its one statement cannot run in
a transaction, ``-- migrate:up transaction:false``; such a statement must bear being run twice. What
follows ``-- migrate:down`` is never run. See docs/decisions/0001-own-migration-runner.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import structlog

DIRECTORY: Final = Path(__file__).parent / "migrations"
LOCK_KEY: Final = 0x6A69_6579_6F6E_6701  # "jieyong" and a number: one key for one purpose
LOCK_POLL_S: Final = 0.1

_NAME = re.compile(r"(?P<version>\d{4})_(?P<words>[a-z0-9_]+)\.sql")
_UP = re.compile(r"-- migrate:up(?P<options>.*)")
_DOWN = re.compile(r"^-- migrate:down", re.MULTILINE)
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    version    int         PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""

_log = structlog.get_logger()


class MigrationError(RuntimeError):
    """The schema cannot be brought up to date; the message names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file.

    Attributes:
        version: the number its name begins with.
        name: name of the file.
        sha256: digest of the text, line ends normalised.
        sql: what to run.
        first_line: line of the file on which ``sql`` begins.
        transaction: False: run outside a transaction.
    """

    version: int
    name: str
    sha256: str
    sql: str
    first_line: int
    transaction: bool


def read(directory: Path = DIRECTORY) -> tuple[Migration, ...]:
    """Read all migrations of a directory, in order.

    Raises:
        MigrationError: a name or a header is wrong, or two files share a number.
    """
    found = sorted((_parse(path) for path in directory.glob("*.sql")), key=lambda m: m.version)
    for one, other in itertools.pairwise(found):
        if one.version == other.version:
            raise MigrationError(
                f"{one.name} and {other.name} share the number {one.version:04d}: renumber one"
            )
    return tuple(found)


def up_to_date(conn: psycopg.Connection) -> bool:
    """Whether nothing is to be applied, and nothing stands in the way."""
    try:
        return not pending(conn, read())
    except MigrationError:
        return False


def pending(conn: psycopg.Connection, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """What is still to be applied; changes nothing.

    Raises:
        MigrationError: an applied file has changed or is gone, or a new one comes too late.
    """
    row = conn.execute("SELECT to_regclass('schema_migration') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return tuple(migrations)
    applied = conn.execute("SELECT version, name, sha256 FROM schema_migration ORDER BY 1")
    known = {m.version: m for m in migrations}
    newest = 0
    for version, name, sha256 in applied:
        _check_applied(known.get(version), name, sha256)
        newest = version
        known.pop(version)
    for migration in known.values():
        if migration.version < newest:
            raise MigrationError(
                f"{migration.name} was added below {newest:04d}, which is applied already: "
                "give it the next free number"
            )
    return tuple(known.values())


def migrate(
    conninfo: str, directory: Path = DIRECTORY, *, lock_wait_s: float = 300.0
) -> tuple[str, ...]:
    """Bring the schema up to date; safe to call from several programs at once.

    Each file is applied in a transaction of its own together with its mark: after a failure
    everything before the failing file stands, and a second run continues there.

    Args:
        conninfo: libpq URL or conninfo.
        directory: where the files are.
        lock_wait_s: how long to wait for another runner to finish.

    Returns:
        Names of the files applied by this call.

    Raises:
        MigrationError: see :func:`read` and :func:`pending`; or a file failed; or the lock stayed
            taken.
        psycopg.OperationalError: the database is away.
    """
    migrations = read(directory)
    with psycopg.connect(conninfo, autocommit=True, application_name="jieyong migrate") as conn:
        conn.execute("SET client_min_messages = warning")
        with _only_runner(conn, lock_wait_s):
            conn.execute(_TABLE)
            todo = pending(conn, migrations)
            for migration in todo:
                _apply(conn, migration)
                _log.info("migration applied", file=migration.name)
    return tuple(migration.name for migration in todo)


def _parse(path: Path) -> Migration:
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise MigrationError(f"{path}: name it NNNN_words.sql, in lower case")
    text = path.read_text(encoding="utf-8")
    header, _, rest = text.partition("\n")
    up = _UP.fullmatch(header)
    if up is None:
        raise MigrationError(f"{path}:1: the first line must be `-- migrate:up`")
    options = up["options"].split()
    if options not in ([], ["transaction:false"], ["transaction:true"]):
        raise MigrationError(f"{path}:1: unknown option {up['options'].strip()!r}")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Migration(
        version=int(named["version"]),
        name=path.name,
        sha256=digest,
        sql=_DOWN.split(rest, maxsplit=1)[0],
        first_line=2,
        transaction=options != ["transaction:false"],
    )


def _check_applied(migration: Migration | None, name: str, sha256: str) -> None:
    if migration is None:
        raise MigrationError(
            f"the database has {name} applied, which this code does not know: it was migrated by a "
            "newer version; run that version, or restore a backup made before it"
        )
    if migration.sha256 != sha256:
        raise MigrationError(
            f"{migration.name} was changed after it had been applied: restore the file as it was "
            "and put the change into a new file"
        )


@contextlib.contextmanager
def _only_runner(conn: psycopg.Connection, wait_s: float) -> Iterator[None]:
    # Polled, because a session blocked in pg_advisory_lock holds a snapshot, and the runner's
    # CREATE INDEX CONCURRENTLY would wait for that session: a deadlock.
    deadline = time.monotonic() + wait_s
    while not _try_lock(conn):
        if time.monotonic() > deadline:
            raise MigrationError(
                f"another program has been migrating this database for {wait_s:.0f} s: see "
                "pg_stat_activity (application_name 'jieyong migrate') for what it is waiting for"
            )
        time.sleep(LOCK_POLL_S)
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


def _try_lock(conn: psycopg.Connection) -> bool:
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
    return row is not None and bool(row[0])


def _apply(conn: psycopg.Connection, migration: Migration) -> None:
    block = conn.transaction() if migration.transaction else contextlib.nullcontext()
    try:
        with block:
            # Without parameters the whole file goes as one simple query.
            conn.execute(migration.sql.encode())
            conn.execute(
                "INSERT INTO schema_migration (version, name, sha256) VALUES (%s, %s, %s)",
                [migration.version, migration.name, migration.sha256],
            )
    except psycopg.Error as error:
        if conn.broken:
            raise
        raise MigrationError(f"{_where(migration, error)}: {error}") from error


def _where(migration: Migration, error: psycopg.Error) -> str:
    position = error.diag.statement_position
    if position is None:
        return migration.name
    before = migration.sql[: int(position) - 1]
    return f"{migration.name}:{migration.first_line + before.count(chr(10))}"
