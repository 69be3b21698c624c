"""Sending what is due: any number of workers, killed at any moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from notify import outbox
from notify.clock import after_quiet
from notify.current import CurrentRoutes
from notify.model import Channel, Message, Route, Severity
from notify.plan import plan
from notify.send.deliver import deliver
from notify.send.outcome import NotSentError
from notify.settings import NotifySettings
from storage.due_worker import Outcome

_DIED: Final = "workers died of it, or were killed, in every attempt"
_FORGET_EVERY: Final = timedelta(minutes=10)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Site:
    """What a worker is told of the installation.

    Attributes:
        settings: of notes.
        zone: of quiet hours and digests.
        now: the clock, aware.
    """

    settings: NotifySettings
    zone: ZoneInfo
    now: Callable[[], datetime]


class Worker:
    """Turns notes into messages and sends them, on one autocommit connection of its own.

    A message is made and committed, an attempt is noted and committed, then it is sent, then that
    is noted. Whoever is killed in between leaves a message that is due: it leaves again, as it is
    and with its key.

    Args:
        conn: the connection.
        routes: who is told.
        site: the rest.

    Attributes:
        notes: that receivers have confirmed.
    """

    def __init__(self, conn: psycopg.Connection, routes: CurrentRoutes, site: Site) -> None:
        self.notes = 0
        self._conn = conn
        self._routes = routes
        self._site = site
        self._turns: deque[str] = deque()
        self._forget_at: datetime | None = None

    def step(self) -> Outcome:
        """Send one message by the next channel that has one to send.

        Raises:
            psycopg.OperationalError: the database is away: nothing is lost, call again.
        """
        now, routes = self._site.now(), self._routes.get()
        outbox.distribute(self._conn, routes, self._site.zone, now)
        self._forget(now)
        busy = outbox.busy(self._conn, now)
        for code in self._round(list(routes.channels)):
            if code not in busy:
                continue
            with outbox.alone(self._conn, code) as mine:
                outcome = self._turn(routes.channels[code], routes.routes) if mine else Outcome()
            if outcome != Outcome():
                return outcome
        return Outcome()

    def _round(self, codes: list[str]) -> list[str]:
        """Return the channels, each time beginning with another: a slow one holds up nobody."""
        if sorted(self._turns) != sorted(codes):
            self._turns = deque(codes)
        self._turns.rotate(-1)
        return list(self._turns)

    def _forget(self, now: datetime) -> None:
        if self._forget_at is None or now >= self._forget_at:
            outbox.forget_attempts(self._conn, now)
            self._forget_at = now + _FORGET_EVERY

    def _turn(self, channel: Channel, routes: Mapping[str, Route]) -> Outcome:
        conn, now = self._conn, self._site.now()
        found = plan(
            channel,
            routes,
            outbox.waiting(conn, channel.code, routes),
            outbox.unsent(conn, channel.code, routes),
            outbox.tried(conn, channel.code, now),
            now,
            self._site.zone,
        )
        for one, until in found.held:
            outbox.hold(conn, channel.code, one, until)
        if not found.send:
            return Outcome()
        first = found.send[0]
        made = first if isinstance(first, Message) else outbox.make(conn, channel.code, first, now)
        return self._attempt(channel, made, routes[made.route])

    def _attempt(self, channel: Channel, message: Message, route: Route) -> Outcome:
        conn, site = self._conn, self._site
        if message.tries >= site.settings.tries:
            return self._aside(channel, message, None)
        outbox.begin_try(conn, channel.code, message, site.now())
        notes = outbox.contained(conn, message)
        try:
            deliver(channel, notes, self._routes.beside, site.now(), site.settings.timeout_s)
        except NotSentError as error:
            return self._failed(channel, message, route, str(error))
        outbox.sent(conn, message, site.now())
        self.notes += len(notes)
        return Outcome(done=1)

    def _failed(self, channel: Channel, message: Message, route: Route, why: str) -> Outcome:
        tries = message.tries + 1
        told = {"channel": channel.code, "key": message.key, "tries": tries, "why": why}
        if tries >= self._site.settings.tries:
            return self._aside(channel, message, why)
        pause = pause_after(tries, self._site.settings)
        again = self._site.now() + pause
        if message.severity is not Severity.URGENT:
            again = after_quiet(route.quiet, again, self._site.zone)
        outbox.failed(self._conn, message, why, again)
        log.warning("notify_not_sent", **told, again=again.isoformat(timespec="seconds"))
        return Outcome(failed=1)

    def _aside(self, channel: Channel, message: Message, why: str | None) -> Outcome:
        outbox.set_aside(self._conn, message, why or _DIED, self._site.now())
        advice = "mend the channel, then `jieyong notify retry`"
        told = {"channel": channel.code, "key": message.key, "why": why or _DIED}
        log.error("notify_set_aside", **told, advice=advice)
        return Outcome(failed=1)


def pause_after(tries: int, settings: NotifySettings) -> timedelta:
    """Return how long to wait behind a failed attempt, the ``tries``-th."""
    # The exponent is bounded: a hundredth attempt would not fit a float otherwise.
    seconds = settings.pause_s * 2.0 ** min(tries - 1, 30)
    return timedelta(seconds=min(seconds, settings.pause_most_s))
