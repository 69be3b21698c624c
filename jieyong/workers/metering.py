"""Who computes consumption, gauges and states: `jieyong meter work`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg

from jieyong.metrics.workers import METERING
from jieyong.settings import Settings
from jieyong.workers.crew import Crew, Orders, Step
from jieyong.workers.tally import Tally
from metering.derive import due
from metering.derive.backlog import backlog
from metering.derive.rollup import Window
from metering.derive.worker import Parts, Worker
from metering.gauge.settings import GaugeSettings
from metering.gauge.store import recompute_points
from metering.gauge.windows import PointSpan
from metering.tree.virtual import recompute_virtual
from storage.due import Claim
from storage.due_hand import Hand
from storage.due_worker import Outcome
from storage.times import at_us


def parts_of(settings: Settings) -> Parts:
    """Return what computes points and virtual meters."""
    zone, gauges = ZoneInfo(settings.time_zone), settings.gauges

    def points(conn: psycopg.Connection, claims: Sequence[Claim]) -> None:
        _points(conn, claims, gauges)

    def virtual(conn: psycopg.Connection, windows: Sequence[Window]) -> None:
        recompute_virtual(conn, windows, zone)

    return Parts(points, virtual)


def _orders(settings: Settings) -> Orders:
    return Orders(settings.metering.workers, settings.metering.look_s, settings.http.metering_port)


def _begin(conn: psycopg.Connection, hand: Hand, settings: Settings) -> Step:
    zone, parts = ZoneInfo(settings.time_zone), parts_of(settings)
    worker = Worker(conn, settings.metering, zone, parts, lambda: datetime.now(UTC), hand)

    def step(tally: Tally) -> Outcome:
        due.follow(conn)
        written = worker.quarters
        outcome = worker.step()
        tally.amount += worker.quarters - written
        return outcome

    return step


def _points(conn: psycopg.Connection, claims: Sequence[Claim], settings: GaugeSettings) -> None:
    spans = [
        PointSpan(one.subject, at_us(span.from_us), at_us(span.to_us))
        for one in claims
        for span in one.spans
    ]
    recompute_points(conn, spans, settings)


CREW = Crew(METERING, _orders, backlog, _begin)
