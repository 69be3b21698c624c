"""Which engine stands behind the database, and what follows from it.

One SQL dialect, three engines: plain PostgreSQL, TimescaleDB's Apache edition (hypertables), and
its community edition (hypertables, compression, retention).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog

from storage.settings import DatabaseSettings

OLDEST_POSTGRES: Final = 15
OLDEST_TIMESCALE: Final = (2, 13)

_LOCK_KEY: Final = 0x6A69_6579_6F6E_6702

_log = structlog.get_logger()


class EngineKind(enum.StrEnum):
    """What the database can do beyond plain PostgreSQL."""

    PLAIN = "plain"
    TIMESCALE_APACHE = "timescale-apache"
    TIMESCALE_COMMUNITY = "timescale-community"


class EngineTooOldError(RuntimeError):
    """The server is older than what the schema needs."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What :func:`probe` found.

    Attributes:
        server_version: PostgreSQL's, for example ``17.6``.
        timescale_version: the extension's in this database, or None.
    """

    kind: EngineKind
    server_version: str
    timescale_version: str | None

    def __str__(self) -> str:
        timescale = f", TimescaleDB {self.timescale_version}" if self.is_timescale else ""
        return f"PostgreSQL {self.server_version}{timescale} ({self.kind})"

    @property
    def is_timescale(self) -> bool:
        """Whether raw tables are hypertables here."""
        return self.kind is not EngineKind.PLAIN


@dataclass(frozen=True, slots=True)
class Hypertable:
    """How TimescaleDB is to keep a raw table."""

    table: str
    time: str
    subject: str
    chunk_days: int


HYPERTABLES: Final = (
    Hypertable("reading", "ts", "point_id", 7),
    Hypertable("position", "fix_time", "terminal_id", 1),
)


def probe(conn: psycopg.Connection) -> Engine:
    """Say what this database is now; changes nothing.

    Raises:
        EngineTooOldError: the server cannot hold the schema.
    """
    version = supported_version(conn.info.server_version)
    query = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
    row = conn.execute(query).fetchone()
    if row is None:
        return Engine(EngineKind.PLAIN, version, None)
    row_license = conn.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    community = row_license is not None and row_license[0] == "timescale"
    kind = EngineKind.TIMESCALE_COMMUNITY if community else EngineKind.TIMESCALE_APACHE
    return Engine(kind, version, row[0])


def supported_version(number: int) -> str:
    """Write libpq's version number (150_018) as people do (15.18).

    Raises:
        EngineTooOldError: the server cannot hold the schema.
    """
    version = f"{number // 10_000}.{number % 10_000}"
    if number < OLDEST_POSTGRES * 10_000:
        raise EngineTooOldError(
            f"PostgreSQL {version} is too old: {OLDEST_POSTGRES} or newer is needed; upgrade the "
            "server, or unset the database's URL to use the embedded one"
        )
    return version


def enable_timescale(conn: psycopg.Connection, settings: DatabaseSettings) -> None:
    """Create the extension where the server offers it, has it preloaded, and settings want it."""
    if settings.timescale == "off" or not _offers_timescale(conn):
        return
    try:
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
            conn.execute("SET LOCAL client_min_messages = warning")
            conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.errors.InsufficientPrivilege:
        _log.warning(
            "TimescaleDB is on the server, but this role may not enable it: plain tables are used",
            advice="let a superuser run CREATE EXTENSION timescaledb in this database",
        )


def apply_features(conn: psycopg.Connection, engine: Engine, settings: DatabaseSettings) -> None:
    """Give the raw tables what the engine offers; run after migrations, any number of times.

    A table that holds rows already is converted with them.

    Args:
        conn: an autocommit connection.
        engine: what :func:`probe` said.
        settings: whether, and after how many days.
    """
    if not engine.is_timescale or settings.timescale == "off":
        return
    _check_timescale(engine)
    with conn.transaction():
        conn.execute("SET LOCAL client_min_messages = warning")
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
        for hypertable in HYPERTABLES:
            _make_hypertable(conn, hypertable)
        if engine.kind is EngineKind.TIMESCALE_COMMUNITY:
            for hypertable in HYPERTABLES:
                _compress(conn, hypertable, settings.compress_after_days)
            # Of earlier versions: it would drop what trips are still to be computed from.
            conn.execute("SELECT remove_retention_policy('position', if_exists => true)")


def decompress_freely(conn: psycopg.Connection, *, local: bool) -> None:
    """Lift the bound on rows that a transaction may unpack from compressed chunks, where it is.

    TimescaleDB has it from 2.14 on; to name it before may be an error.

    Args:
        conn: any connection.
        local: for this transaction only; else for the session.
    """
    conn.execute(
        "SELECT set_config(name, '0', %s) FROM pg_settings"
        " WHERE name = 'timescaledb.max_tuples_decompressed_per_dml_transaction'",
        [local],
    )


def _offers_timescale(conn: psycopg.Connection) -> bool:
    # The loader alone, which must be preloaded, defines this setting.
    query = """
        SELECT current_setting('timescaledb.disable_load', true) IS NOT NULL
           AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
    """
    row = conn.execute(query).fetchone()
    return row is not None and bool(row[0])


def _check_timescale(engine: Engine) -> None:
    version = tuple(int(part) for part in (engine.timescale_version or "").split(".")[:2])
    if version < OLDEST_TIMESCALE:
        raise EngineTooOldError(
            f"TimescaleDB {engine.timescale_version} is too old: 2.13 or newer is needed; upgrade "
            'it (ALTER EXTENSION timescaledb UPDATE), or set database.timescale = "off"'
        )


def _make_hypertable(conn: psycopg.Connection, hypertable: Hypertable) -> None:
    conn.execute(
        """
        SELECT create_hypertable(%s::regclass, by_range(%s, make_interval(days => %s)),
                                 create_default_indexes => false, migrate_data => true,
                                 if_not_exists => true)
        """,
        [hypertable.table, hypertable.time, hypertable.chunk_days],
    )


def _compress(conn: psycopg.Connection, hypertable: Hypertable, after_days: int) -> None:
    query = """
        SELECT compression_enabled FROM timescaledb_information.hypertables
        WHERE hypertable_schema = current_schema AND hypertable_name = %s
    """
    row = conn.execute(query, [hypertable.table]).fetchone()
    if row is not None and not row[0]:
        conn.execute(
            f"ALTER TABLE {hypertable.table} SET (timescaledb.compress,"
            f" timescaledb.compress_segmentby = '{hypertable.subject}',"
            f" timescaledb.compress_orderby = '{hypertable.time}')"
        )
    if _policy_days(conn, "policy_compression", hypertable.table) != after_days:
        conn.execute("SELECT remove_compression_policy(%s, if_exists => true)", [hypertable.table])
        conn.execute(
            "SELECT add_compression_policy(%s, make_interval(days => %s))",
            [hypertable.table, after_days],
        )


def _policy_days(conn: psycopg.Connection, policy: str, table: str) -> int | None:
    query = """
        SELECT extract(day FROM (coalesce(config ->> 'compress_after',
                                          config ->> 'drop_after'))::interval)::int
        FROM timescaledb_information.jobs
        WHERE proc_name = %s AND hypertable_schema = current_schema AND hypertable_name = %s
    """
    row = conn.execute(query, [policy, table]).fetchone()
    return None if row is None else row[0]
