"""Compiling and auditing what institutions report of a period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from reporting.audit.checks import audited
from reporting.audit.model import Drafted, Rule
from reporting.draft import sources, store
from reporting.draft.cells import Cell
from reporting.draft.compiling import added, compiled
from reporting.draft.period import Period
from reporting.draft.store import Draft
from reporting.forms.model import Cadence, Edition
from reporting.forms.reading import edition_of

AT_ONCE: Final = 250
"""Institutions whose figures are held at once."""

Cells = Mapping[str, Cell]
"""By code of the line."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """How reports are made.

    Attributes:
        editions: of the forms, the oldest first.
        rules: of the audit.
        zone: the site's.
    """

    editions: tuple[Edition, ...]
    rules: tuple[Rule, ...]
    zone: ZoneInfo


def compile_reports(  # noqa: PLR0913, PLR0917 - of whom, when and how
    conn: psycopg.Connection[Any],
    period: Period,
    institutions: Sequence[str],
    statistics: Statistics,
    now: datetime,
    tick: Callable[[], None] = lambda: None,
) -> list[Draft]:
    """Compile and audit what institutions report, and keep it in place of the drafts there were.

    Args:
        conn: autocommit; what is done is committed portion by portion.
        period: of which.
        institutions: codes.
        statistics: forms and rules.
        now: aware: when it is compiled.
        tick: called for each institution that is done.

    Returns:
        The drafts; what is signed or about to be stands as it is, and is not among them.

    Raises:
        RefusedError: no edition of the forms is for so old a period.
    """
    found: list[Draft] = []
    for first in range(0, len(institutions), AT_ONCE):
        some = institutions[first : first + AT_ONCE]
        found += store.write(conn, drafts(conn, period, some, statistics, now))
        for _ in some:
            tick()
    return found


def drafts(
    conn: psycopg.Connection[Any],
    period: Period,
    institutions: Sequence[str],
    statistics: Statistics,
    now: datetime,
) -> list[Draft]:
    """Compile and audit what a portion of institutions reports; nothing is kept."""
    edition = edition_of(statistics.editions, period.last)
    quarters = _quarters(conn, period, institutions, statistics)
    cells = _cells(conn, period, institutions, statistics, quarters)
    before = _standing(conn, period.year_before(), institutions, statistics)
    return [
        Draft(code, period, edition.code, 1, now, told, audited(statistics.rules, one))
        for code in institutions
        for told in [_beside(cells[code], before[code])]
        for one in [Drafted(edition, period, told, before[code])]
    ]


def _beside(cells: Cells, before: Cells) -> Cells:
    """Return cells with what stood there a year before."""
    return {
        code: replace(cell, before=before[code].value if code in before else None)
        for code, cell in cells.items()
    }


def _quarters(
    conn: psycopg.Connection[Any],
    period: Period,
    institutions: Sequence[str],
    statistics: Statistics,
) -> Mapping[str, tuple[Cells, ...]]:
    """Return the quarters of a year as they stand; none of other periods."""
    if period.cadence is not Cadence.YEAR:
        return dict.fromkeys(institutions, ())
    each = [_standing(conn, one, institutions, statistics) for one in period.quarters()]
    return {code: tuple(one[code] for one in each) for code in institutions}


def _standing(
    conn: psycopg.Connection[Any],
    period: Period,
    institutions: Sequence[str],
    statistics: Statistics,
) -> Mapping[str, Cells]:
    """Return what stands of a period; where nothing does, what would be compiled now."""
    kept = {code: draft.cells for code, draft in store.read(conn, period, institutions).items()}
    others = [code for code in institutions if code not in kept]
    if others and statistics.editions[0].since <= period.last:
        quarters = _quarters(conn, period, others, statistics)
        kept |= _cells(conn, period, others, statistics, quarters)
    return {code: kept.get(code, {}) for code in institutions}


def _cells(
    conn: psycopg.Connection[Any],
    period: Period,
    institutions: Sequence[str],
    statistics: Statistics,
    quarters: Mapping[str, tuple[Cells, ...]],
) -> Mapping[str, Cells]:
    edition = edition_of(statistics.editions, period.last)
    if period.cadence is Cadence.YEAR:
        each = {code: added(edition, quarters[code]) for code in institutions}
    else:
        known = sources.read(conn, period, institutions, statistics.zone)
        each = {code: compiled(edition, period, known[code]) for code in institutions}
    return {code: {cell.code: cell for cell in cells} for code, cells in each.items()}
