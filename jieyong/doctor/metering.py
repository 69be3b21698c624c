"""Checks of metering: whether workers keep up, and what they have nothing to compute from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

import psycopg

from jieyong.doctor.finding import Finding, ok, problem, warning
from metering.derive.backlog import Failing, backlog, failing
from storage import migrate
from storage.connection import connect
from storage.migrate import MigrationError
from storage.settings import DatabaseSettings

LATE: Final = timedelta(minutes=10)
"""Consumption is shown by quarter hours: what waits longer is missed."""

AGAIN_AND_AGAIN: Final = 3
"""One failure may be a restart of the database; a third one will not go away by itself."""

_SHOWN: Final = 5
_WHERE: Final = "metering"

_WORKERS: Final[LiteralString] = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'jieyong metering'
"""
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
        if not _migrated(conn):
            return
        yield from _backlog(conn, now())
        yield from _failures(conn)
        yield from _meters(conn, now())


def _migrated(conn: psycopg.Connection) -> bool:
    try:
        return not migrate.pending(conn, migrate.read())
    except MigrationError:
        return False


def _backlog(conn: psycopg.Connection, now: datetime) -> Iterator[Finding]:
    found = backlog(conn, now)
    rows, age = sum(found.rows.values()), timedelta(seconds=found.age_s(now))
    if found.oldest_at is None:
        yield ok("nothing waits to be computed", _WHERE)
        return
    what = f"{rows} due rows; the oldest change waits {_length(age)} to be computed"
    row = conn.execute(_WORKERS).fetchone()
    workers = 0 if row is None else row[0]
    if age < LATE:
        yield ok(what, _WHERE)
    elif workers:
        advice = "look at the log of `jieyong meter work`; raise metering.workers if it is at work"
        yield warning(f"{what}; workers connected: {workers}", _WHERE, advice)
    else:
        what += ", and no worker is connected"
        yield problem(what, _WHERE, "start `jieyong meter work`, and keep it running")


def _failures(conn: psycopg.Connection) -> Iterator[Finding]:
    found = failing(conn, AGAIN_AND_AGAIN)
    for one in found[:_SHOWN]:
        what = f"could not be computed {one.failures} times since {_time(one.first_at)}: "
        advice = f"correct what the message names; it is tried again at {_time(one.retry_at)}"
        yield problem(what + _first_line(one), f"{one.kind} {one.name}", advice)
    if len(found) > _SHOWN:
        what = f"{len(found) - _SHOWN} more could not be computed: {_names(found[_SHOWN:])}"
        yield problem(what, _WHERE, "see the table metering_failure, or the log of the workers")


def _meters(conn: psycopg.Connection, now: datetime) -> Iterator[Finding]:
    unmetered = _codes(conn, _UNMETERED, now)
    if unmetered:
        what = f"{_count(unmetered, 'place')} with a counter but without a meter: "
        advice = "run `jieyong inventory apply`, which makes them: nothing is computed there"
        yield warning(what + _list(unmetered), _WHERE, advice)
    silent = _codes(conn, _SILENT, now)
    if silent:
        what = f"{_count(silent, 'meter')} without any reading ever: {_list(silent)}"
        advice = (
            "see `jieyong meter show CODE`: does a device hang there, does it answer, has it a "
        )
        advice += "counter of that name? Readings of people: `jieyong meter read`"
        yield warning(what, _WHERE, advice)


def _codes(conn: psycopg.Connection, query: LiteralString, now: datetime) -> list[str]:
    return [code for (code,) in conn.execute(query, {"now": now})]


def _first_line(one: Failing) -> str:
    return one.error.strip().partition("\n")[0]


def _names(found: Sequence[Failing]) -> str:
    return _list([f"{one.kind} {one.name}" for one in found])


def _list(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}"


def _length(age: timedelta) -> str:
    seconds = age.total_seconds()
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M UTC}"
