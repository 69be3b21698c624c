"""Checks of the database: reachable, new enough, migrated, safe, and of our time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from jieyong.doctor.finding import Finding, ok, problem, warning
from storage import migrate
from storage.connection import connect
from storage.engine import HYPERTABLES, EngineTooOldError, probe
from storage.migrate import MigrationError
from storage.settings import DatabaseSettings

CLOCK_WARNING: Final = timedelta(seconds=2)
CLOCK_PROBLEM: Final = timedelta(minutes=1)
"""Readings from further ahead than some minutes go to quarantine; long before, reports suffer."""

_UNSAFE: Final = {
    "fsync": "after a power failure the database may be damaged beyond repair",
    "full_page_writes": "after a power failure pages may be torn",
    "synchronous_commit": "after a crash of the server the last moments are lost, although the "
    "spool has let go of them",
}

_WITHHELD_WITHIN: Final = timedelta(minutes=10)


def check_database(
    url: str, settings: DatabaseSettings, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """Look at a database; changes nothing.

    Args:
        url: libpq URL or conninfo; its password is never shown.
        settings: timeouts, and what is wanted of the engine.
        now: the clock of this machine, with a zone.
    """
    where = place_of(url)
    try:
        conn = connect(url, settings, "doctor")
    except psycopg.Error as error:
        advice = "check that the server runs, that address, user and password are right, and that "
        advice += "pg_hba.conf lets this machine in"
        yield problem(f"does not answer: {str(error).strip()}", where, advice)
        return
    with conn:
        yield from _engine(conn, where, settings)
        yield from _migrations(conn, where)
        yield from _safety(conn, where)
        yield from _compiling(conn, where)
        yield from _clock(conn, where, now)
        yield from _trouble(conn, where, now)
        yield from _not_withheld(conn, where, now)


def place_of(url: str) -> str:
    """Return host, port and name of a database, and nothing secret."""
    try:
        parts: dict[str, Any] = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "database (its URL cannot be read)"
    host, port = parts.get("host", "localhost"), parts.get("port", "5432")
    return f"database {parts.get('dbname', '')} at {host}:{port}"


def _engine(conn: psycopg.Connection, where: str, settings: DatabaseSettings) -> Iterator[Finding]:
    try:
        engine = probe(conn)
    except EngineTooOldError as error:
        yield problem(str(error), where, "upgrade the server")
        return
    yield ok(str(engine), where)
    if engine.is_timescale and settings.timescale == "auto":
        yield from _hypertables(conn, where)


def _hypertables(conn: psycopg.Connection, where: str) -> Iterator[Finding]:
    query = "SELECT hypertable_name FROM timescaledb_information.hypertables"
    present = {row[0] for row in conn.execute(query)}
    missing = [table.table for table in HYPERTABLES if table.table not in present]
    if missing:
        what = f"no hypertable yet: {', '.join(missing)}"
        yield warning(what, where, "run `jieyong migrate`")


def _migrations(conn: psycopg.Connection, where: str) -> Iterator[Finding]:
    try:
        todo = migrate.pending(conn, migrate.read())
    except MigrationError as error:
        yield problem(f"the schema does not fit this program: {error}", where, "see the message")
        return
    if todo:
        names = ", ".join(migration.name for migration in todo)
        yield problem(f"the schema lacks {names}", where, "run `jieyong migrate`")
    else:
        yield ok("the schema is up to date", where)


def _safety(conn: psycopg.Connection, where: str) -> Iterator[Finding]:
    for name, consequence in _UNSAFE.items():
        row = conn.execute("SELECT current_setting(%s)", [name]).fetchone()
        if row is not None and row[0] == "off":
            advice = f"set {name} = on in postgresql.conf"
            yield warning(f"{name} is off: {consequence}", where, advice)


def _compiling(conn: psycopg.Connection, where: str) -> Iterator[Finding]:
    row = conn.execute("SELECT pg_jit_available(), current_database()").fetchone()
    if row is not None and row[0]:
        what = "jit is on: the server compiles our statements for longer than it runs them"
        advice = f'as its owner: ALTER DATABASE "{row[1]}" SET jit = off; then start all anew'
        yield warning(what, where, advice)


def _clock(conn: psycopg.Connection, where: str, now: Callable[[], datetime]) -> Iterator[Finding]:
    before = now()
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    after = now()
    theirs: datetime = row[0] if row is not None else before
    apart = max(before - theirs, theirs - after, timedelta(0))
    what = f"its clock and ours are {apart.total_seconds():.1f} s apart"
    advice = "let both machines take their time from the same NTP server"
    if apart >= CLOCK_PROBLEM:
        yield problem(what, where, advice)
    elif apart >= CLOCK_WARNING:
        yield warning(what, where, advice)
    else:
        yield ok("its clock agrees with ours", where)


def _trouble(
    conn: psycopg.Connection, where: str, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """Count what went aside within a day, when the tables are there."""
    row = conn.execute("SELECT to_regclass('quarantine') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return
    since = now() - timedelta(days=1)
    query = """
        SELECT source, reason, count(*) FROM quarantine WHERE received_at > %s
        GROUP BY source, reason ORDER BY count(*) DESC, reason LIMIT 3
    """
    for source, reason, rows in conn.execute(query, [since]):
        what = f"{rows} rows of {source} went to quarantine within a day: {reason}"
        yield warning(what, where, "look at it with `jieyong quarantine list` and `export`")


def _not_withheld(
    conn: psycopg.Connection, where: str, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """Name it when places of sensitive vehicles are still stored: no worker may be running."""
    row = conn.execute("SELECT to_regclass('withhold_due') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return
    query = "SELECT count(DISTINCT vehicle_id) FROM withhold_due WHERE added_at < %s"
    row = conn.execute(query, [now() - _WITHHELD_WITHIN]).fetchone()
    if row is not None and row[0]:
        what = f"places of {row[0]} sensitive vehicles may still be stored"
        yield problem(what, where, "`jieyong fleet work` takes them out: let it run")
