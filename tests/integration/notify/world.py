"""An installation with a webhook, and a clock that tests move."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from notify.current import CurrentRoutes
from notify.outbox import put
from notify.settings import NotifySettings
from notify.worker import Site, Worker
from storage.due_worker import Outcome
from tests.integration.notify.receivers import WebReceiver
from tests.unit.notify.samples import NOON, ZONE, note

ROUTES = """
channels:
  - {code: hook, kind: webhook, address_file: hook.url, per_minute: 600}
routes:
  - {code: energy, channels: [hook]}
  - {code: night, channels: [hook], quiet: "22:00-07:30", group_minutes: 10}
"""


def write_routes(folder: Path, receiver: WebReceiver, text: str = ROUTES) -> Path:
    (folder / "hook.url").write_text(receiver.url(), encoding="utf-8")
    path = folder / "notify.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@dataclass
class Clock:
    """The time of a test."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **length: float) -> None:
        self.at += timedelta(**length)


@dataclass
class World:
    """One worker, its clock, and what it is told."""

    conn: psycopg.Connection[Any]
    routes: Path
    clock: Clock = field(default_factory=Clock)
    settings: NotifySettings = field(default_factory=lambda: NotifySettings(tries=4))

    def worker(self, conn: psycopg.Connection[Any] | None = None) -> Worker:
        site = Site(self.settings, ZONE, self.clock)
        return Worker(conn or self.conn, CurrentRoutes(self.routes), site)

    def put(self, *keys: str, route: str = "energy") -> None:
        for key in keys:
            put(self.conn, note(key, route=route), self.clock())

    def work(self) -> Outcome:
        """Send until nothing more is to be sent now."""
        worker, total = self.worker(), Outcome()
        while (outcome := worker.step()) != Outcome():
            total += outcome
        return total

    def states(self) -> list[tuple[str, str, int]]:
        query = "SELECT key, state, tries FROM note_message ORDER BY id"
        return self.conn.execute(query).fetchall()
