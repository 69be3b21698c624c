"""Make a database ready for this version: what every program does before it uses one."""

from __future__ import annotations

import psycopg

from storage import migrate
from storage.engine import Engine, apply_features, enable_timescale, probe
from storage.settings import DatabaseSettings


def prepare(conninfo: str, settings: DatabaseSettings) -> Engine:
    """Migrate the schema and apply what the engine offers; safe to run again and concurrently.

    Args:
        conninfo: libpq URL or conninfo; ``settings.url`` is not looked at.
        settings: which features are wanted.

    Returns:
        What the database is now.

    Raises:
        EngineTooOldError: before anything was changed.
        MigrationError: the schema cannot be brought up to date.
        psycopg.OperationalError: the database is away.
    """
    with psycopg.connect(conninfo, autocommit=True, application_name="jieyong prepare") as conn:
        probe(conn)
        enable_timescale(conn, settings)
    migrate.migrate(conninfo)
    # A session of its own: one older than the extension would not have its library.
    with psycopg.connect(conninfo, autocommit=True, application_name="jieyong prepare") as conn:
        engine = probe(conn)
        apply_features(conn, engine, settings)
    return engine
