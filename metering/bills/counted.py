"""What the meters of institutions counted: for those who have no utility account of an energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.load import Held, Scope, Whose
from metering.bills.month import Metered
from metering.bills.share import each_month
from metering.bills.words import Words
from metering.derive.times import next_month
from metering.tree import scope
from metering.tree.totals import month_totals

_METERS: Final[LiteralString] = """
    SELECT i.id, i.code, s.energy, array_agg(DISTINCT s.meter_id ORDER BY s.meter_id)
    FROM tree_scope s JOIN institution i ON i.id = s.holder_id
    WHERE s.level = 'institution' AND s.since < %(next)s AND s.until > %(month)s
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    GROUP BY i.id, i.code, s.energy
"""


def counted_by_tree(
    conn: psycopg.Connection[Any],
    wanted: Scope,
    held: Mapping[Whose, Sequence[Held]],
    words: Words,
    tick: Callable[[], None],
) -> dict[Whose, dict[date, Metered]]:
    """Return what was counted for institutions, each meter once; see ``docs/totals.md``.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        wanted: whole months, and whose.
        held: accounts; a month in which there is one is left out.
        words: units; what is counted in another unit than figures have is left out.
        tick: told of each month.
    """
    zone = ZoneInfo(wanted.zone)
    scope.ensure(conn, zone)
    found: dict[Whose, dict[date, Metered]] = {}
    for month in each_month(wanted.first, wanted.end):
        meters = {
            (holder, energy): (code, ids)
            for holder, code, energy, ids in conn.execute(_METERS, _named(wanted, month))
            if not _is_held(held.get((code, energy), ()), month)
        }
        for line in month_totals(conn, [month], zone) if meters else ():
            code, ids = meters.get((line.holder, line.energy), (None, ()))
            known = words.energies.get(line.energy)
            if code is None or known is None or known.unit != line.unit:
                continue
            counted = line.figure
            metered = Metered(counted.micro, counted.estimated, counted.complete, tuple(ids))
            found.setdefault((code, line.energy), {})[month] = metered
        tick()
    return found


def _named(wanted: Scope, month: date) -> dict[str, object]:
    only = None if wanted.institutions is None else list(wanted.institutions)
    return {"month": month, "next": next_month(month), "only": only}


def _is_held(held: Sequence[Held], month: date) -> bool:
    return any(one.first < next_month(month) and one.end > month for one in held)
