"""What the meters of institutions counted on the days without a utility account of an energy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.load import Scope, Whose
from metering.bills.month import Metered
from metering.bills.share import each_month
from metering.bills.words import Words
from metering.tree.account_mains import standing
from metering.tree.origin import Line, lines_by_origin
from metering.tree.totals import Figure

_INSTITUTIONS: Final[LiteralString] = """
    SELECT id, code FROM institution WHERE %(only)s::text[] IS NULL OR code = ANY(%(only)s)
"""


def counted_by_tree(
    conn: psycopg.Connection[Any], wanted: Scope, words: Words, tick: Callable[[], None]
) -> dict[Whose, dict[date, Metered]]:
    """Return what was counted at institutions, each meter once, whoever reports it.

    What an account tells of is left out: its meters, wherever they hang, and the top meters where
    somebody with an account is, day by day.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        wanted: whole months, and whose.
        words: units; what is counted in another unit than figures have is left out.
        tick: told of each month.
    """
    only = None if wanted.institutions is None else list(wanted.institutions)
    codes: dict[int, str] = dict(conn.execute(_INSTITUTIONS, {"only": only}).fetchall())
    found: dict[Whose, dict[date, Metered]] = {}
    zone = ZoneInfo(wanted.zone)
    behind = standing(conn, zone)
    for month in each_month(wanted.first, wanted.end):
        lines = lines_by_origin(conn, month, zone, behind)
        for (origin, energy), metered in without_account(lines, words).items():
            if origin in codes:
                found.setdefault((codes[origin], energy), {})[month] = metered
        tick()
    return found


def without_account(lines: Iterable[Line], words: Words) -> dict[tuple[int, str], Metered]:
    """Return by (id of the institution, energy) what was counted on the days without an account."""
    found: dict[tuple[int, str], tuple[Figure, tuple[int, ...]]] = {}
    for line in lines:
        if not line.with_account and fits(line, words):
            key = (line.origin, line.energy)
            figure, meters = found.get(key, (Figure(), ()))
            found[key] = (figure.plus(line.figure), (*meters, *line.meters))
    return {key: metered(figure, meters) for key, (figure, meters) in found.items()}


def fits(line: Line, words: Words) -> bool:
    """Tell whether a line is in the unit that figures of its energy have."""
    known = words.energies.get(line.energy)
    return known is not None and known.unit == line.unit


def metered(figure: Figure, meters: Iterable[int]) -> Metered:
    """Return what the tree counted as figures see it; each meter once."""
    counted = tuple(sorted(set(meters)))
    return Metered(figure.micro, figure.estimated, figure.complete, counted)
