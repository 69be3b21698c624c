"""A month's totals of those who report, told apart by the institution where the energy was used."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.tree import scope
from metering.tree.account_mains import Standing
from metering.tree.attribution import Role
from metering.tree.holders import Holder, parts_of
from metering.tree.levels import Level
from metering.tree.origin_scopes import SCOPES
from metering.tree.shares import largest_remainder
from metering.tree.totals import COUNTED_OF_SCOPES, Figure, bounds, share_as
from metering.tree.virtual import virtual_meters
from storage import arrays

_ROWS: Final[LiteralString] = """
SELECT meter_id, since::text, sign, origin_id, energy, unit, role, in_bills, with_account,
       holder_id, parts, micro, estimated, partial
FROM counted ORDER BY meter_id, since, sign, holder_id
"""
_VIRTUAL_MAINS: Final[LiteralString] = """
    SELECT DISTINCT l.main_id
    FROM utility_account_meter b
    JOIN meter_main l USING (meter_id) JOIN meter v ON v.id = l.main_id
    WHERE b.withdrawn_at IS NULL AND v.formula IS NOT NULL
"""

_Key = tuple[int, int, str, str, bool, bool, bool]
"""The fields of a :class:`Line` before its figure."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a holder's meters at an institution counted in a month.

    What is generated stands apart from the rest: bills do not tell of it.

    Attributes:
        holder: id of who reports it; ``holders.OUTSIDE`` for what is excluded.
        origin: id of the institution where it was used; where an account gives it away, of whose
            account it is.
        energy: its kind.
        unit: of the figure.
        generated: it is what was generated there.
        in_bills: a bill of the institution would contain it: it counts where papers do not tell.
            The rest passes from one holder to another, or was generated.
        with_account: it is of days on which the institution has an account of this energy; what
            would be in its bills is left out then.
        figure: what was counted.
        meters: ids of the meters.
    """

    holder: int
    origin: int
    energy: str
    unit: str
    generated: bool
    in_bills: bool
    with_account: bool
    figure: Figure
    meters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Payer:
    """For whom the bills of an account's meter count from ``since`` up to, not with, ``until``."""

    meter: int
    since: date
    until: date
    holder: Holder


def lines_by_origin(
    conn: psycopg.Connection[Any],
    month: date,
    zone: ZoneInfo,
    behind: Standing,
    payers: Iterable[Payer] = (),
) -> list[Line]:
    """Return what top meters counted for holders, and what passed between holders.

    A meter of a utility account is not added while it is one: its account tells. Where it stands
    behind a main that no account tells of, it is taken off from what the main counted.

    Args:
        conn: may write: the attribution is brought up to date first.
        month: its first day.
        zone: the site's.
        behind: from :func:`account_mains.standing`; of all months the same.
        payers: from whom to take off what passes on behind meters of accounts; what passes on
            behind others of them is left out.
    """
    scope.ensure(conn, zone)
    values = {
        **bounds(month, zone, Level.INSTITUTION),
        **_payers(payers),
        **behind.days_inside(),
        **_sources(conn),
    }
    sums: dict[_Key, tuple[Figure, list[int]]] = {}
    # Planned for its month: a plan for any month does not know how little is left to be counted.
    rows = conn.execute(SCOPES + COUNTED_OF_SCOPES + _ROWS, values, prepare=False)
    for key, figure, meter in _figures(rows):
        before, seen = sums.get(key, (Figure(), []))
        sums[key] = before.plus(figure), [*seen, meter]
    return [
        Line(*key, figure, tuple(sorted(set(seen)))) for key, (figure, seen) in sorted(sums.items())
    ]


def _sources(conn: psycopg.Connection[Any]) -> dict[str, object]:
    """Return the meters that virtual mains of accounts' meters add."""
    mains = [main for (main,) in conn.execute(_VIRTUAL_MAINS)]
    contents = virtual_meters(conn).contents() if mains else {}
    added = [
        (main, source)
        for main in mains
        for source, factor in contents.get(main, {}).items()
        if factor > 0 and source not in contents
    ]
    return {
        "virtuals": arrays.ids(main for main, _ in added),
        "sources": arrays.ids(source for _, source in added),
    }


def _payers(payers: Iterable[Payer]) -> dict[str, object]:
    rows = [(payer, *share) for payer in payers for share in parts_of(payer.holder)]
    return {
        "payers": arrays.ids(payer.meter for payer, _, _ in rows),
        "sinces": [payer.since for payer, _, _ in rows],
        "untils": [payer.until for payer, _, _ in rows],
        "holders": [holder for _, holder, _ in rows],
        "shares": [parts for _, _, parts in rows],
    }


def _figures(
    rows: Iterable[Sequence[Any]],
) -> Iterator[tuple[_Key, Figure, int]]:
    """Give what a meter counted to its holders; the shares add up to it exactly."""
    for head, group in itertools.groupby(rows, itemgetter(slice(9))):
        meter, _, _, origin, energy, unit, role, in_bills, with_account = head
        holders = list(group)
        micro, estimated, partial = holders[0][11:]
        parts = [row[10] for row in holders]
        micros = largest_remainder(micro or 0, parts)
        doubts = largest_remainder(abs(estimated or 0), parts)
        state = Figure(meters=1, unknown=int(micro is None), partial=int(bool(partial)))
        for row, share, doubt in zip(holders, micros, doubts, strict=True):
            generated = role == Role.GENERATED
            key = (row[9], origin, energy, unit, generated, in_bills, with_account)
            yield key, share_as(role, share, doubt).plus(state), meter
