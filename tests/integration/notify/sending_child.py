"""A worker of its own process, to be killed: database, routes."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from notify.current import CurrentRoutes
from notify.settings import NotifySettings
from notify.worker import Site, Worker
from storage.due_worker import Outcome
from tests.unit.notify.samples import ZONE

if __name__ == "__main__":
    database, routes = sys.argv[1:]
    with psycopg.connect(database, autocommit=True) as conn:
        site = Site(NotifySettings(), ZONE, lambda: datetime.now(UTC))
        worker = Worker(conn, CurrentRoutes(Path(routes)), site)
        while True:
            if worker.step() == Outcome():
                time.sleep(0.02)
