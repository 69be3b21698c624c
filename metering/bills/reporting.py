"""What institutions report, month by month: bills, purchases and meters of all who count for them.

An institution's own figure (:mod:`metering.bills.figures`) is what its own accounts say. The
reporting relations say for whom it counts (:mod:`metering.bills.routes`); what is generated beside
the bills is added, what is passed on is taken off, both by meters.
"""

from __future__ import annotations

import contextlib
import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.behind import Mains, main_meters, payers
from metering.bills.counted import fits, metered, without_account
from metering.bills.divisions import Division
from metering.bills.figure import figure
from metering.bills.figures import Tick, by_papers, facts_of, whole_months, with_meters
from metering.bills.load import Loaded, Whose, load
from metering.bills.month import Figure, MonthFacts
from metering.bills.reported import Part, Reported, routed, shared
from metering.bills.routes import Routes, routes
from metering.bills.share import each_month
from metering.bills.telling import told
from metering.bills.words import Words, words
from metering.derive.times import next_month
from metering.tree import scope as tree_scope
from metering.tree.account_mains import Standing, standing
from metering.tree.holders import NOBODY, OUTSIDE, Holder
from metering.tree.origin import Line, lines_by_origin
from metering.tree.totals import Figure as Counted

Key = tuple[int, str, date]
"""(id of who reports, energy, month)."""
_Counted = dict[Whose, list[Line]]
_ALL: Final = Fraction(1)
ROUNDS: Final = 3
"""How often each month is gone through: papers, what is reported, meters of who has no account."""
# Where the meters stand that count for some institutions, who shares them, and who holds the
# accounts that go with their meters: their own figures say whether a meter or a bill is the figure.
_ORIGINS: Final[LiteralString] = """
    SELECT DISTINCT i.code
    FROM tree_scope s
    JOIN meter m ON m.id = s.meter_id
    LEFT JOIN meter_main l ON l.meter_id = m.id
    JOIN meter stands ON stands.id IN (m.id, l.main_id)
    JOIN place_room p ON p.place_id = stands.place_id
    JOIN room r ON r.id = p.room_id
    JOIN building b ON b.id = r.building_id
    JOIN institution i ON i.id = b.institution_id
    WHERE s.level = 'institution' AND s.holder_id = ANY(%(holders)s)
    UNION
    SELECT DISTINCT i.code
    FROM tree_scope s
    JOIN tree_scope o ON o.meter_id = s.meter_id AND o.level = s.level AND o.divided
    JOIN institution i ON i.id = o.holder_id
    WHERE s.level = 'institution' AND s.holder_id = ANY(%(holders)s) AND s.divided
    UNION
    SELECT i.code
    FROM utility_account a
    JOIN utility_account_institution o ON o.account_id = a.id AND o.withdrawn_at IS NULL
    JOIN institution i ON i.id = o.institution_id
    WHERE a.code = ANY(%(accounts)s)
"""


def reported(
    conn: psycopg.Connection[Any],
    months: tuple[date, date],
    zone: str,
    institutions: Sequence[str] | None = None,
) -> list[Reported]:
    """Return what is reported of every month, institution, and energy there is something of.

    Every account, purchase, and meter counts once over all who report and what is excluded: the
    figures add up to the own ones exactly, as far as they are known. An institution that reports
    anything of an energy within the months has a figure of each of them.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        months: first day of the first month, first day of the month after the last.
        zone: of local days, for example ``Asia/Shanghai``.
        institutions: codes of those who report; None: all, and what is excluded.

    Returns:
        By institution (what is excluded comes last), energy (in the order of the words), month.
    """
    with _uncollected():
        return _both(conn, months, zone, institutions, own=False)[1]


def own_and_reported(
    conn: psycopg.Connection[Any],
    months: tuple[date, date],
    zone: str,
    institutions: Sequence[str] | None = None,
    tick: Tick = lambda: None,
) -> tuple[list[Figure], list[Reported]]:
    """Return what :func:`figures` and :func:`reported` return, each put together once.

    Args:
        conn: as for them.
        months: as for them.
        zone: as for them.
        institutions: as for them.
        tick: called :data:`ROUNDS` times for each month.
    """
    with _uncollected():
        return _both(conn, months, zone, institutions, tick)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Put the search for cycles off: figures have none, and it walks a city's again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _both(  # noqa: PLR0913 - what is asked for, and how
    conn: psycopg.Connection[Any],
    months: tuple[date, date],
    zone: str,
    institutions: Sequence[str] | None,
    tick: Tick = lambda: None,
    *,
    own: bool = True,
) -> tuple[list[Figure], list[Reported]]:
    asked = whole_months(months, zone, institutions)
    tree_scope.ensure(conn, ZoneInfo(zone))
    ways = routes(conn, ZoneInfo(zone))
    members = replace(asked, institutions=_members(conn, ways, institutions))
    loaded = load(conn, members, words(), apart=ways.accounts)
    papers = by_papers(loaded, months, tick)
    parts: dict[Key, list[Part]] = defaultdict(list)
    of = zone, standing(conn, ZoneInfo(zone)), main_meters(conn)
    for month in papers:
        for energy, target, part in _of_month(conn, loaded, ways, papers[month], (month, *of)):
            parts[target, energy, month].append(part)
        tick()
    figured = with_meters(conn, asked, loaded, papers, tick) if own else []
    return figured, list(_listed(parts, ways, months, institutions))


def _members(
    conn: psycopg.Connection[Any], ways: Routes, institutions: Sequence[str] | None
) -> tuple[str, ...] | None:
    """Return whose figures may count for some institutions; None: anybody's."""
    if institutions is None:
        return None
    wanted = {ways.ids[code] for code in institutions if code in ways.ids}
    others = (
        code
        for code, line in ways.institutions.items()
        if any(target in wanted for span in line for target, _ in span.value)
    )
    values = {"holders": sorted(wanted), "accounts": list(ways.accounts)}
    origins = (code for (code,) in conn.execute(_ORIGINS, values))
    return tuple({*institutions, *others, *origins})


def _of_month(
    conn: psycopg.Connection[Any],
    loaded: Loaded,
    ways: Routes,
    own: Mapping[Whose, Figure],
    of: tuple[date, str, Standing, Mapping[str, Mains]],
) -> Iterator[tuple[str, int, Part]]:
    month, zone, behind, mains = of
    divisions = {
        whose: Division.of(loaded, ways, known.facts)
        for whose, known in own.items()
        if ways.steady(whose[0], month, next_month(month)) is None
    }
    charged = payers(mains, ways, own, divisions)
    lines = lines_by_origin(conn, month, ZoneInfo(zone), behind, charged)
    beside = without_account(lines, words())
    counted = _counted(lines, ways, words())
    for whose in {**own, **counted}:
        meters = beside.get((ways.ids[whose[0]], whose[1]))
        buys = loaded.buys(whose, month.year)
        found = told(own.get(whose), meters, counted.get(whose, ()), buys=buys)
        if found.papers is not None:
            yield from _by_relation(loaded, ways, found.papers, divisions.get(whose))
        for target, generated, said in _metered(found.lines, whose, month):
            given = replace(said, fen=found.fen)
            for to, part in shared(given, ((target, _ALL),)):
                yield whose[1], to, replace(part, generated=generated)


def _by_relation(
    loaded: Loaded, ways: Routes, found: Figure, division: Division | None
) -> Iterator[tuple[str, int, Part]]:
    facts = found.facts
    whose = (facts.institution, facts.energy)
    undivided: tuple[str, ...] = ()
    if division is None:
        holder = ways.of(facts.institution, None, facts.month)
        split: Iterable[tuple[Holder, Figure]] = [(holder, found)]
    else:
        undivided = division.undivided

        def restrict(holder: Holder) -> MonthFacts:
            return facts_of(loaded, whose, facts.month, partial(division.part, holder))

        split = routed(found, division.route, restrict)
    for holder, piece in split:
        for target, part in shared(piece, holder):
            here = tuple(code for code in part.accounts if code in undivided)
            yield facts.energy, target, replace(part, undivided=here) if here else part


def _counted(lines: Iterable[Line], ways: Routes, words: Words) -> _Counted:
    """Return what meters say, by where it was used."""
    found: _Counted = defaultdict(list)
    for line in lines:
        if line.holder != NOBODY and fits(line, words):
            found[ways.codes[line.origin], line.energy].append(line)
    return found


def _metered(
    lines: Iterable[Line], whose: Whose, month: date
) -> Iterator[tuple[int, bool, Figure]]:
    """Yield who reports what meters counted, whether it was generated, and how much it was.

    What passes on beside a bill stands apart from what is counted where there is none.
    """
    sums: dict[tuple[int, bool, bool], tuple[Counted, tuple[int, ...]]] = {}
    for line in lines:
        key = (line.holder, line.generated, line.with_account)
        counted, meters = sums.get(key, (Counted(), ()))
        sums[key] = counted.plus(line.figure), (*meters, *line.meters)
    for (holder, generated, _), (counted, meters) in sums.items():
        facts = MonthFacts(*whose, month, meters=metered(counted, meters))
        yield holder, generated, figure(facts)


def _listed(
    parts: Mapping[Key, Sequence[Part]],
    ways: Routes,
    months: tuple[date, date],
    institutions: Sequence[str] | None,
) -> Iterator[Reported]:
    order = {energy: number for number, energy in enumerate(words().energies)}
    wanted = None if institutions is None else set(institutions)
    whose = {
        (target == OUTSIDE, ways.codes.get(target, ""), order[energy], target, energy)
        for target, energy, _ in parts
    }
    for outside, code, _, target, energy in sorted(whose):
        if wanted is not None and code not in wanted:
            continue
        for month in each_month(*months):
            given = sorted(
                parts.get((target, energy, month), ()), key=lambda part: part.institution
            )
            yield Reported(None if outside else code, energy, month, tuple(given))
