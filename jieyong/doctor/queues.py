"""What the doctor says of what waits to be computed, whoever computes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

import psycopg

from jieyong.doctor.finding import Finding, ok, problem, warning
from storage.backlog import Backlog

LATE: Final = timedelta(minutes=10)
"""Consumption is shown by quarter hours, trips while people wait: what waits longer is missed."""

AGAIN_AND_AGAIN: Final = 3
"""One failure may be a restart of the database; a third one will not go away by itself."""

SHOWN: Final = 5

_WORKERS: Final[LiteralString] = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %s
"""


@dataclass(frozen=True, slots=True)
class Workers:
    """Who works a queue off.

    Attributes:
        where: what findings are about.
        name: of their connections, behind ``jieyong``.
        command: that runs them.
        setting: how many there are.
        failures: table of what cannot be computed.
    """

    where: str
    name: str
    command: str
    setting: str
    failures: str


@dataclass(frozen=True, slots=True)
class Failing:
    """Somebody who could not be computed.

    Attributes:
        who: in words.
        failures: how often, in a row.
        first_at: when first.
        retry_at: when it is tried again.
        error: what happened the last time.
        again: the command that has it tried again, when it is set aside; None: it is not.
    """

    who: str
    failures: int
    first_at: datetime
    retry_at: datetime
    error: str
    again: str | None


def waiting(
    conn: psycopg.Connection, found: Backlog, now: datetime, who: Workers
) -> Iterator[Finding]:
    """Say whether workers keep up."""
    rows, age = sum(found.rows.values()), timedelta(seconds=found.age_s(now))
    if found.oldest_at is None:
        yield ok("nothing waits to be computed", who.where)
        return
    what = f"{rows} due rows; the oldest change waits {_length(age)} to be computed"
    row = conn.execute(_WORKERS, [f"jieyong {who.name}"]).fetchone()
    workers = 0 if row is None else row[0]
    if age < LATE:
        yield ok(what, who.where)
    elif workers:
        advice = f"look at the log of `{who.command}`; raise {who.setting} if it is at work"
        yield warning(f"{what}; workers connected: {workers}", who.where, advice)
    else:
        what += ", and no worker is connected"
        yield problem(what, who.where, f"start `{who.command}`, and keep it running")


def failures(found: Sequence[Failing], who: Workers) -> Iterator[Finding]:
    """Say what fails again and again, the worst first."""
    for one in found[:SHOWN]:
        what = f"could not be computed {one.failures} times since {_time(one.first_at)}: "
        yield problem(what + one.error.strip().partition("\n")[0], one.who, _advice(one))
    if len(found) > SHOWN:
        names = listed([one.who for one in found[SHOWN:]])
        what = f"{len(found) - SHOWN} more could not be computed: {names}"
        yield problem(what, who.where, f"see the table {who.failures}, or the log of the workers")


def _advice(one: Failing) -> str:
    if one.again is None:
        return f"correct what the message names; it is tried again at {_time(one.retry_at)}"
    advice = "`journalctl -k` says what the kernel killed, and why; give the workers more memory, "
    return f"{advice}then `{one.again}`. Nothing of it is computed until then"


def listed(names: Sequence[str]) -> str:
    """Name the first few."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _length(age: timedelta) -> str:
    seconds = age.total_seconds()
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M UTC}"
