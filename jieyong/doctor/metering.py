"""Checks of metering: whether workers keep up, and what they have nothing to compute from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from jieyong.doctor.finding import Finding, warning
from jieyong.doctor.queues import AGAIN_AND_AGAIN, Failing, Workers, failures, listed, waiting
from metering.derive import backlog as backlogs
from metering.derive.backlog import backlog, failing
from metering.derive.due import DueKind
from storage import migrate
from storage.connection import connect
from storage.settings import DatabaseSettings

_WHERE: Final = "metering"
_WHO: Final = Workers(
    _WHERE, "metering", "jieyong meter work", "metering.workers", "metering_failure"
)

_UNMETERED: Final[LiteralString] = """
SELECT place.code FROM place
WHERE place.valid @> %(now)s
  AND NOT EXISTS (SELECT FROM meter WHERE meter.place_id = place.id)
  AND EXISTS (
    SELECT FROM device_place AS held
    JOIN point ON point.device_id = held.device_id AND point.class = 'counter'
    WHERE held.place_id = place.id AND held.valid @> %(now)s
  )
ORDER BY place.code
"""
# The LIMIT keeps it to an index descent for each counter: a join would read every raw row.
_SILENT: Final[LiteralString] = """
SELECT meter.code FROM meter
WHERE meter.formula IS NULL AND meter.valid @> %(now)s
  AND NOT EXISTS (
    SELECT FROM device_place AS held
    CROSS JOIN LATERAL (
        SELECT own.id, own.name FROM point AS own
        WHERE own.device_id = held.device_id AND own.class = 'counter'
          AND own.name = coalesce(meter.register, own.name)
        ORDER BY own.id LIMIT 1
    ) AS point
    CROSS JOIN LATERAL (
        (SELECT 1 FROM reading WHERE reading.point_id = point.id LIMIT 1)
        UNION ALL
        (SELECT 1 FROM counter_entry AS entry WHERE entry.device_id = held.device_id
            AND entry.register = point.name AND entry.withdrawn_at IS NULL LIMIT 1)
    ) AS any_reading
    WHERE held.place_id = meter.place_id
  )
ORDER BY meter.code
"""


def check_metering(
    url: str, settings: DatabaseSettings, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """Look at what metering has to do and cannot do; changes nothing.

    Says nothing where the database does not answer or lacks migrations: that is found elsewhere.

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
        if not migrate.up_to_date(conn):
            return
        yield from waiting(conn, backlog(conn, now()), now(), _WHO)
        found = [_failing(one) for one in failing(conn, AGAIN_AND_AGAIN)]
        yield from failures(found, _WHO)
        yield from _meters(conn, now())


def _failing(one: backlogs.Failing) -> Failing:
    which = one.name if one.kind is DueKind.METER else "--all"
    return Failing(
        f"{one.kind} {one.name}",
        one.failures,
        one.first_at,
        one.retry_at,
        one.error,
        f"jieyong meter recompute {which}" if one.set_aside else None,
    )


def _meters(conn: psycopg.Connection, now: datetime) -> Iterator[Finding]:
    unmetered = _codes(conn, _UNMETERED, now)
    if unmetered:
        what = f"{_count(unmetered, 'place')} with a counter but without a meter: "
        advice = "run `jieyong inventory apply`, which makes them: nothing is computed there"
        yield warning(what + listed(unmetered), _WHERE, advice)
    silent = _codes(conn, _SILENT, now)
    if silent:
        what = f"{_count(silent, 'meter')} without any reading ever: {listed(silent)}"
        advice = (
            "see `jieyong meter show CODE`: does a device hang there, does it answer, has it a "
        )
        advice += "counter of that name? Readings of people: `jieyong meter read`"
        yield warning(what, _WHERE, advice)


def _codes(conn: psycopg.Connection, query: LiteralString, now: datetime) -> list[str]:
    return [code for (code,) in conn.execute(query, {"now": now})]


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}"
