"""Which drafts are to be made: of periods that are over, by what is there and not by a timer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from reporting.draft import sources
from reporting.draft.period import Period
from reporting.forms.model import Cadence

_BEGUN: Final[LiteralString] = "SELECT cadence, min(first) FROM report GROUP BY cadence"
# Of what is older than that nobody begins to report here.
_KNOWN: Final[LiteralString] = """
SELECT date_trunc('month', least(
    (SELECT min(lower(period)) FROM bill WHERE withdrawn_at IS NULL),
    (SELECT min(bought_on) FROM purchase WHERE withdrawn_at IS NULL),
    (SELECT min(month) FROM consumption_month),
    (SELECT min(month) FROM earlier_month WHERE withdrawn_at IS NULL)
))::date
"""
_COMPILED: Final[LiteralString] = """
SELECT DISTINCT institution.code
FROM report
JOIN report_revision ON report_id = report.id
JOIN institution ON institution.id = institution_id
WHERE cadence = %s AND first = %s
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A period that is over, and the codes of those who have no draft of it."""

    period: Period
    institutions: tuple[str, ...]


def due(conn: psycopg.Connection[Any], today: date, zone: ZoneInfo) -> Iterator[Due]:
    """Yield what is to be compiled, the shortest periods first, then in the order of time.

    Of each cadence all periods are looked at from the first one that anybody has a report of; where
    nobody has any, those that lie in the last year and begin in a month of which anything is known.

    Args:
        conn: in any state.
        today: local day.
        zone: the site's.
    """
    begun = {Cadence(cadence): first for cadence, first in conn.execute(_BEGUN).fetchall()}
    row = conn.execute(_KNOWN).fetchone()
    known = row[0] if row is not None else None
    for cadence in Cadence:
        for period in _over(cadence, begun.get(cadence) or _from(cadence, known, today), today):
            done = {code for (code,) in conn.execute(_COMPILED, [cadence.value, period.first])}
            codes = sources.reporters(conn, period, zone)
            lacking = tuple(code for code in codes if code not in done)
            if lacking:
                yield Due(period, lacking)


def _from(cadence: Cadence, known: date | None, today: date) -> date | None:
    """Return the begin of the first period of the last year that begins with what is known."""
    last = last_over(cadence, today)
    first = Period(cadence, last.first.replace(year=last.first.year - 1)).end
    while known is not None and first < known:
        first = Period(cadence, first).end
    return None if known is None else min(first, last.end)


def _over(cadence: Cadence, first: date | None, today: date) -> Iterator[Period]:
    """Yield the periods that are over, from the first one on; without one, none."""
    period = None if first is None else Period(cadence, first)
    while period is not None and period.end <= today:
        yield period
        period = Period(cadence, period.end)


def last_over(cadence: Cadence, today: date) -> Period:
    """Return the last period that is over on a day."""
    length = cadence.months
    whole = (today.year * 12 + today.month - 1) // length * length - length
    return Period(cadence, date(whole // 12, whole % 12 + 1, 1))
