"""Checks of rules: whether workers keep up, and at which places they cannot look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from jieyong.doctor.finding import Finding
from jieyong.doctor.queues import AGAIN_AND_AGAIN, Failing, Workers, failures, waiting
from rules.work.backlog import backlog, failing
from storage import migrate
from storage.connection import connect
from storage.settings import DatabaseSettings

_WHO: Final = Workers("rules", "rules", "jieyong rules work", "rules.workers", "rules_failure")
_LOADED: Final[LiteralString] = "SELECT FROM rule LIMIT 1"


def check_rules(
    url: str, settings: DatabaseSettings, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """Look at what the workers of rules have to do and cannot do; changes nothing.

    Says nothing where no rule was ever loaded, and where the database does not answer or lacks
    migrations: that is found elsewhere.

    Args:
        url: libpq URL or conninfo.
        settings: timeouts.
        now: the clock, aware.
    """
    try:
        conn = connect(url, settings, "doctor")
    except psycopg.OperationalError:
        return
    with conn:
        if not migrate.up_to_date(conn) or conn.execute(_LOADED).fetchone() is None:
            return
        at = now()
        yield from waiting(conn, backlog(conn, at), at, _WHO)
        found = [
            Failing(
                one.subject,
                one.failures,
                one.first_at,
                one.retry_at,
                one.error,
                "jieyong rules recompute" if one.set_aside else None,
            )
            for one in failing(conn, AGAIN_AND_AGAIN)
        ]
        yield from failures(found, _WHO)
