"""What drafts are compiled from, read for many institutions at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.reported import Reported
from metering.bills.reporting import reported
from metering.bills.routes import Routes, routes
from metering.derive.times import next_month
from metering.factors import institution_facts
from metering.factors.dated import Span
from reporting.draft.compiling import Sources
from reporting.draft.period import Period

_STANDS: Final[LiteralString] = """
SELECT code FROM institution
WHERE valid && tstzrange(%(first)s::timestamp AT TIME ZONE %(zone)s,
                         %(end)s::timestamp AT TIME ZONE %(zone)s)
ORDER BY code
"""
_ENTERED: Final[LiteralString] = """
SELECT institution.code, report_entry.line, report_entry.value
FROM report_entry
JOIN report ON report.id = report_id
JOIN institution ON institution.id = institution_id
WHERE withdrawn_at IS NULL AND cadence = %(cadence)s AND first = %(first)s
  AND institution.code = ANY(%(institutions)s)
"""


def reporters(conn: psycopg.Connection[Any], period: Period, zone: ZoneInfo) -> list[str]:
    """Return the codes of those who report a period themselves.

    They stand in it, and their own energy counts for them, be it in part, in one of its months.

    Args:
        conn: in any state.
        period: of which.
        zone: the site's.
    """
    ways = routes(conn, zone)
    values = {"first": period.first, "end": period.end, "zone": zone.key}
    stand = [code for (code,) in conn.execute(_STANDS, values)]
    return [code for code in stand if _elsewhere(ways, code, period) < {*period.months()}]


def _elsewhere(ways: Routes, institution: str, period: Period) -> frozenset[date]:
    """Return the months in which an institution's own energy counts for others alone."""
    own = ways.ids.get(institution)
    return frozenset(
        month
        for month in period.months()
        for ends in [(month, next_month(month) - timedelta(days=1))]
        if own not in {one for day in ends for one, _ in ways.of(institution, None, day)}
    )


def read(
    conn: psycopg.Connection[Any], period: Period, institutions: Sequence[str], zone: ZoneInfo
) -> Mapping[str, Sources]:
    """Return what is known of institutions for a month or a quarter.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        period: of which.
        institutions: codes.
        zone: the site's.
    """
    figures: dict[str, dict[tuple[str, date], Reported]] = defaultdict(dict)
    for one in reported(conn, (period.first, period.end), zone.key, institutions):
        if one.institution is not None:
            figures[one.institution][one.energy, one.month] = one
    facts: dict[str, dict[str, Sequence[Span]]] = defaultdict(dict)
    for (institution, code), spans in institution_facts.read(conn, institutions).items():
        facts[institution][code] = spans
    entered: dict[str, dict[str, Decimal]] = defaultdict(dict)
    values = {
        "cadence": period.cadence.value,
        "first": period.first,
        "institutions": list(institutions),
    }
    for institution, line, value in conn.execute(_ENTERED, values):
        entered[institution][line] = value
    ways = routes(conn, zone)
    return {
        code: Sources(figures[code], facts[code], entered[code], _elsewhere(ways, code, period))
        for code in institutions
    }
