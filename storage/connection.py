"""Connections with bounds: nothing that talks to the database may wait for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import psycopg

from storage.settings import DatabaseSettings

_LOST_AFTER_S = 30


def connect(conninfo: str, settings: DatabaseSettings, purpose: str) -> psycopg.Connection:
    """Open an autocommit connection with the timeouts of the settings.

    Args:
        conninfo: libpq URL or conninfo; what it says of timeouts is overruled.
        settings: the timeouts.
        purpose: shown in ``pg_stat_activity``.

    Raises:
        psycopg.OperationalError: nobody answers, or not to us.
    """
    conn = psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=settings.connect_timeout_s,
        application_name=f"jieyong {purpose}",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=4,
        tcp_user_timeout=_LOST_AFTER_S * 1000,
    )
    try:
        # Not in the start-up packet: connection poolers refuse options there.
        with deadline(conn, settings.connect_timeout_s):
            conn.execute(
                "SELECT set_config('statement_timeout', %s, false),"
                " set_config('lock_timeout', %s, false)",
                [f"{settings.statement_timeout_s}s", f"{settings.lock_timeout_s}s"],
            )
    except BaseException:
        conn.close()
        raise
    return conn


@contextlib.contextmanager
def deadline(conn: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Cut the connection when the block takes longer: the block then fails as if it was lost.

    The server's own timeouts do not help when the server itself stands still.
    """
    line = socket.socket(fileno=socket.dup(conn.fileno()))
    timer = threading.Timer(seconds, _cut, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        line.close()


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
