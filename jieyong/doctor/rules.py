"""Checks of rules: whether workers keep up, where they cannot look, and which rules fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, LiteralString

import psycopg

from jieyong.doctor.finding import Finding, ok, problem, warning
from jieyong.doctor.queues import AGAIN_AND_AGAIN, Failing, Workers, failures, waiting
from rules.subjects.terminals.alike import Alike, off_alike
from rules.work.backlog import backlog, failing
from rules.work.files import followed
from rules.work.health import Standing, standing
from rules.work.learning import NotLearned, not_learned
from storage import migrate
from storage.connection import connect
from storage.settings import DatabaseSettings

_WHO: Final = Workers("rules", "rules", "jieyong rules work", "rules.workers", "rules_failure")
_LOADED: Final[LiteralString] = "SELECT FROM rule LIMIT 1"


def check_rules(
    url: str,
    settings: DatabaseSettings,
    now: Callable[[], datetime],
    watched: Sequence[Path] = (),
) -> Iterator[Finding]:
    """Look at what the workers of rules have to do and cannot do; changes nothing.

    Says little where no rule was ever loaded, and nothing where the database does not answer or
    lacks migrations: that is found elsewhere.

    Args:
        url: libpq URL or conninfo.
        settings: timeouts.
        now: the clock, aware.
        watched: files and directories that the settings have the workers follow.
    """
    try:
        conn = connect(url, settings, "doctor")
    except psycopg.OperationalError:
        return
    with conn:
        if not migrate.up_to_date(conn):
            return
        yield from _files(conn, watched)
        if conn.execute(_LOADED).fetchone() is None:
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
        yield from (_failing(one) for one in standing(conn, at) if one.in_force and one.owed)
        yield from (_not_learned(one) for one in not_learned(conn))
        if (alike := off_alike(conn, at)) is not None:
            yield _our_clock(alike)


def _files(conn: psycopg.Connection, watched: Sequence[Path]) -> Iterator[Finding]:
    known = followed(conn)
    for one in known:
        where = f"rule file {one.path}"
        if one.error is None:
            yield ok(f"rule set {one.set_code} is in force", where)
        else:
            advice = "correct it; what was loaded before goes on"
            yield problem(one.error, where, advice)
    for path in watched:
        if not any(Path(one.path).is_relative_to(path.resolve()) for one in known):
            what = "is to be followed, and no worker has read it"
            yield warning(what, f"rules.watch {path}", "start `jieyong rules work`")


def _failing(one: Standing) -> Finding:
    what = f"could not look at {one.owed} subjects: {(one.error or '').partition(chr(10))[0]}"
    advice = "correct the rule and load it again; the other rules go on meanwhile"
    return problem(what, f"rule {one.code}", advice)


def _not_learned(one: NotLearned) -> Finding:
    since = f"{one.since:%Y-%m-%d %H:%M} UTC"
    what = f"not learned again since {since}: {one.error.partition(chr(10))[0]}"
    advice = "doubts rest on what was learned before; it is tried again: see the log of the workers"
    return problem(what, f"what is usual of {one.sort} subjects", advice)


def _our_clock(one: Alike) -> Finding:
    how = "ahead of" if one.seconds > 0 else "behind"
    what = (
        f"{one.terminals} of {one.reported} terminals that reported within a day are about"
        f" {abs(one.seconds):.0f} s {how} it"
    )
    advice = "look at the clock of the collector before the doubts about terminals"
    return problem(what, "clock of this server", advice)
