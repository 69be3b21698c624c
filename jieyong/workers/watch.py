"""How workers stand: what waits, looked up again and again, and what they have done."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import psycopg
import structlog
from prometheus_client.metrics_core import Metric

from jieyong.database import database_url
from jieyong.health import Health, Heartbeat, Probe, Verdict
from jieyong.http import HttpServer
from jieyong.metrics import make_registry
from jieyong.metrics.workers import Nouns, worker_metrics
from jieyong.settings import Settings
from jieyong.workers.tally import Done, Tally, summed
from storage.backlog import Backlog
from storage.connection import connect

LATE_S: Final = 600.0
"""Consumption is shown by quarter hours, and trips while people wait: later work is missed."""

SILENT_S: Final = 90.0
"""The database has been silent when the last look is older: longer than a statement may take."""

_EVERY_S: Final = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Beside:
    """What a room tells besides its backlog.

    Attributes:
        metrics: of it alone.
        wrong: what does not work, in words; none: all is well.
    """

    metrics: tuple[Metric, ...] = ()
    wrong: tuple[str, ...] = ()


def nothing(_conn: psycopg.Connection, _now: datetime) -> Beside:
    """Tell nothing."""
    return Beside()


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose workers are watched.

    Attributes:
        nouns: what they compute.
        backlog: looks up what waits for them.
        port: where health and metrics are answered; 0 takes any.
        beside: looks up what there is to tell besides.
    """

    nouns: Nouns
    backlog: Callable[[psycopg.Connection, datetime], Backlog]
    port: int
    beside: Callable[[psycopg.Connection, datetime], Beside] = nothing


@dataclass(frozen=True, slots=True)
class Look:
    """What a look into the database found.

    Attributes:
        at: when.
        backlog: what waited; None: the database did not tell.
        why: what it said instead.
        beside: what there is to tell besides.
    """

    at: datetime
    backlog: Backlog | None
    why: str = ""
    beside: Beside = Beside()


class BacklogWatch:
    """Looks up what waits for the workers, from a thread with a connection of its own.

    Attributes:
        last: the newest look; None before the first.
    """

    def __init__(
        self,
        watched: Watched,
        connect: Callable[[], psycopg.Connection],
        now: Callable[[], datetime],
    ) -> None:
        """Make a watch.

        Args:
            watched: what waits for whom.
            connect: opens an autocommit connection.
            now: the clock, aware.
        """
        self.last: Look | None = None
        self._watched = watched
        self._connect = connect
        self._now = now
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backlog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """End; a look that the database holds up is left behind after ``within_s``."""
        self._stopping.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._connect() as conn:
                    self._keep_looking(conn)
            except psycopg.Error as error:
                why = str(error).strip()
                if self.last is None or self.last.backlog is not None:
                    event = f"{self._watched.nouns.room}_backlog_unknown"
                    log.warning(event, why=why, advice="it is tried again")
                self.last = Look(self._now(), None, why)
                self._stopping.wait(_EVERY_S)

    def _keep_looking(self, conn: psycopg.Connection) -> None:
        while not self._stopping.is_set():
            now = self._now()
            waiting = self._watched.backlog(conn, now)
            self.last = Look(now, waiting, beside=self._watched.beside(conn, now))
            self._stopping.wait(_EVERY_S)


@contextlib.contextmanager
def answering(
    settings: Settings, watched: Watched, tallies: Sequence[Tally], heart: Heartbeat
) -> Iterator[None]:
    """Answer for the health and with the metrics of the workers as long as the context is open.

    Args:
        settings: of everything.
        watched: whose workers.
        tallies: of the workers.
        heart: of the loop that watches over them.

    Raises:
        OSError: the address is taken; the message names it.
        SettingsError: no database is set.
    """
    conninfo = database_url(settings)
    name = f"{watched.nouns.room} watch"
    watch = BacklogWatch(
        watched,
        lambda: connect(conninfo, settings.database, name),
        lambda: datetime.now(UTC),
    )

    def look() -> Look | None:
        return watch.last

    def done() -> Done:
        return summed(tallies)

    ready = {
        "database": database_answers(look, lambda: datetime.now(UTC)),
        "workers": workers_connected(done),
        "progress": progress(look, done, datetime.now(UTC)),
    }
    if watched.beside is not nothing:
        ready[watched.nouns.room] = all_well(look)
    health = Health(live={"loop": heart.probe}, ready=ready)
    metrics = make_registry(
        lambda: worker_metrics(watched.nouns, done(), _waiting(look()), datetime.now(UTC)),
        lambda: _beside(look()).metrics,
    )
    with HttpServer(health, metrics, settings.http.host, watched.port):
        watch.start()
        try:
            yield
        finally:
            watch.stop()


def database_answers(look: Callable[[], Look | None], now: Callable[[], datetime]) -> Probe:
    """Tell whether the database could be asked just now what waits."""

    def probe() -> Verdict:
        last = look()
        if last is None:
            return Verdict(ok=False, reason="not reached yet")
        if last.backlog is None:
            return Verdict(ok=False, reason=f"away ({last.why}); what is due stays due")
        silent_s = (now() - last.at).total_seconds()
        if silent_s > SILENT_S:
            return Verdict(ok=False, reason=f"no answer for {silent_s:.0f} s; is it overloaded?")
        return Verdict(ok=True, reason=f"answered {silent_s:.0f} s ago")

    return probe


def workers_connected(done: Callable[[], Done]) -> Probe:
    """Tell whether every worker has its connection to the database."""

    def probe() -> Verdict:
        now = done()
        return Verdict(
            ok=now.connected == now.workers,
            reason=f"{now.connected} of {now.workers} are connected to the database",
        )

    return probe


def progress(look: Callable[[], Look | None], done: Callable[[], Done], started: datetime) -> Probe:
    """Tell whether what waits gets computed: a long backlog is in order while it is worked at.

    Args:
        look: the newest look at what waits.
        done: what the workers have done.
        started: when they were started.
    """

    def probe() -> Verdict:
        last = look()
        if last is None or last.backlog is None:
            return Verdict(ok=True, reason="not known what waits")
        waits_s = last.backlog.age_s(last.at)
        reason = f"the oldest change waits {waits_s:.0f} s{_aside(last.backlog)}"
        if waits_s <= LATE_S:
            return Verdict(ok=True, reason=reason)
        stored = done().last_success_us
        since = started if stored is None else datetime.fromtimestamp(stored / 1e6, UTC)
        quiet_s = (last.at - since).total_seconds()
        if quiet_s <= LATE_S:
            return Verdict(ok=True, reason=f"{reason}; it is worked at")
        reason += f", and nothing was computed for {quiet_s:.0f} s; see the log"
        return Verdict(ok=False, reason=reason)

    return probe


def all_well(look: Callable[[], Look | None]) -> Probe:
    """Tell what else does not work, of what only the room itself knows."""

    def probe() -> Verdict:
        wrong = _beside(look()).wrong
        return Verdict(ok=not wrong, reason="; ".join(wrong) or "nothing else is wrong")

    return probe


def _beside(look: Look | None) -> Beside:
    return Beside() if look is None else look.beside


def _aside(found: Backlog) -> str:
    if not found.set_aside:
        return ""
    return f"; {found.set_aside} are set aside, `jieyong doctor` says why"


def _waiting(look: Look | None) -> Backlog | None:
    return None if look is None else look.backlog
