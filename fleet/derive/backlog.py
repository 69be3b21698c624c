"""What waits for the workers that compute trips."""

from __future__ import annotations

from datetime import datetime

import psycopg

from fleet.derive.due import CONSUMER, QUEUE
from storage.backlog import Backlog
from storage.backlog import backlog as of_queues


def backlog(conn: psycopg.Connection, now: datetime) -> Backlog:
    """Return what waits for the workers; see :func:`storage.backlog.backlog`."""
    return of_queues(conn, {"vehicle": QUEUE}, CONSUMER, "position", now)
