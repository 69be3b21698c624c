"""Notes of new doubts, for whoever the route of their rule names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from notify.model import Note, Severity
from notify.outbox import put
from rules.cases.listing import Listed, opened
from rules.kinds.catalogue import KINDS
from storage.times import midnight

FRESH: Final = timedelta(days=3)
"""What ended before that is news to nobody: rules may speak of the past, and data come late."""
FRESH_BY_MONTH: Final = timedelta(days=62)
"""The same of what is told of by the month: a statement lists the first day of the month before."""


def tell(
    conn: psycopg.Connection[Any],
    numbers: Sequence[int],
    zone: ZoneInfo,
    now: datetime,
    *,
    old_news: bool = False,
) -> int:
    """Put a note of each new doubt into the outbox, in the transaction that opens it.

    Args:
        conn: in that transaction.
        numbers: of the doubts.
        zone: of the site.
        now: aware.
        old_news: what is no news is told, too: somebody reports it.

    Returns:
        How many notes there are: of rules with a route, of doubts that are fresh.
    """
    told = 0
    for one, route in opened(conn, numbers):
        kind = KINDS.get(one.kind)
        fresh = FRESH_BY_MONTH if kind is not None and kind.by_month else FRESH
        if route is not None and (old_news or one.until >= now - fresh):
            told += put(conn, _note(one, route, zone), now)
    return told


def where(one: Listed) -> str:
    """Say where a doubt is."""
    parts = (one.institution_name, one.room, one.subject_name)
    return " ".join(dict.fromkeys(part for part in parts if part))


def addressed(one: Listed, route: str) -> str:
    """Return a route, with the institution that may have its own."""
    return route if one.institution is None else f"{route}@{one.institution}"


def _note(one: Listed, route: str, zone: ZoneInfo) -> Note:
    # Of a vehicle only the day: times tell of its track, and a note goes to anybody's telephone.
    since, form = one.since.astimezone(zone), "%Y-%m-%d %H:%M"
    if one.sort.by_day:
        since, form = midnight(since.date(), zone), "%Y-%m-%d"
    label = KINDS[one.kind].label if one.kind in KINDS else one.title
    return Note(
        key=f"doubt-{one.id}",
        route=addressed(one, route),
        severity=Severity(one.severity),
        subject=one.subject,
        title=f"疑点：{one.title}",
        body=f"{where(one)}\n自 {since:{form}} 起：{label}。\n"
        f"请核实并说明情况（疑点编号 {one.id}）。",
        happened_at=since,
    )
