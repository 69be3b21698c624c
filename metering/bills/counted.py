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
from metering.tree.origin import lines_by_origin
from metering.tree.totals import Figure

_INSTITUTIONS: Final[LiteralString] = """
    SELECT id, code FROM institution WHERE %(only)s::text[] IS NULL OR code = ANY(%(only)s)
"""
# Whoever they are: what passes on stands with both.
_HOLDERS: Final[LiteralString] = """
    SELECT DISTINCT o.institution_id, a.energy
    FROM utility_account_institution o JOIN utility_account a ON a.id = o.account_id
    WHERE o.withdrawn_at IS NULL AND o.valid && daterange(%s, %s)
"""


def counted_by_tree(
    conn: psycopg.Connection[Any],
    wanted: Scope,
    held: Mapping[Whose, Sequence[Held]],
    words: Words,
    tick: Callable[[], None],
) -> dict[Whose, dict[date, Metered]]:
    """Return what was counted at institutions, each meter once, whoever reports it.

    What an account tells of is left out: its meters, wherever they hang, and the top meters where
    somebody with an account is.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        wanted: whole months, and whose.
        held: accounts; a month in which there is one is left out.
        words: units; what is counted in another unit than figures have is left out.
        tick: told of each month.
    """
    only = None if wanted.institutions is None else list(wanted.institutions)
    codes: dict[int, str] = dict(conn.execute(_INSTITUTIONS, {"only": only}).fetchall())
    found: dict[Whose, dict[date, Metered]] = {}
    for month in each_month(wanted.first, wanted.end):
        for (origin, energy), (figure, meters) in _counted(conn, month, wanted.zone, words).items():
            whose = (codes.get(origin, ""), energy)
            if origin in codes and not _is_held(held.get(whose, ()), month):
                metered = Metered(figure.micro, figure.estimated, figure.complete, meters)
                found.setdefault(whose, {})[month] = metered
        tick()
    return found


def _counted(
    conn: psycopg.Connection[Any], month: date, zone: str, words: Words
) -> dict[tuple[int, str], tuple[Figure, tuple[int, ...]]]:
    """Return by institution and energy what was counted there, and the meters."""
    holders = conn.execute(_HOLDERS, [month, next_month(month)]).fetchall()
    found: dict[tuple[int, str], tuple[Figure, tuple[int, ...]]] = {}
    for line in lines_by_origin(conn, month, ZoneInfo(zone), holders):
        known = words.energies.get(line.energy)
        if known is not None and known.unit == line.unit:
            key = (line.origin, line.energy)
            figure, meters = found.get(key, (Figure(), ()))
            together = tuple(sorted({*meters, *line.meters}))
            found[key] = (figure.plus(line.figure), together)
    return found


def _is_held(held: Sequence[Held], month: date) -> bool:
    return any(one.first < next_month(month) and one.end > month for one in held)
