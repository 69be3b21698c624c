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

from metering.bills.divisions import Division
from metering.bills.figure import figure
from metering.bills.figures import Papers, Tick, by_papers, facts_of, whole_months, with_meters
from metering.bills.load import Loaded, Whose, load
from metering.bills.month import Figure, Metered, MonthFacts, Source
from metering.bills.reported import Part, Reported, routed, shared
from metering.bills.routes import Routes, routes
from metering.bills.share import each_month
from metering.bills.words import Words, words
from metering.derive.times import next_month
from metering.tree import scope as tree_scope
from metering.tree.holders import NOBODY, OUTSIDE, Holder
from metering.tree.origin import Line, lines_by_origin

Key = tuple[int, str, date]
"""(id of who reports, energy, month)."""
_Counted = dict[Whose, list[tuple[int, Figure, bool]]]
"""(id of who reports it, what meters say, whether it was generated)."""
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
    for month in papers:
        for energy, target, part in _of_month(conn, loaded, ways, papers, (month, zone)):
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
    papers: Papers,
    of: tuple[date, str],
) -> Iterator[tuple[str, int, Part]]:
    month, zone = of
    own = papers[month]
    told = [one for one, known in own.items() if known.facts.accounts or known.facts.purchases]
    without = [(ways.ids[code], energy) for code, energy in told]
    lines = lines_by_origin(conn, month, ZoneInfo(zone), without)
    counted = _counted(lines, ways, month, words())
    metered = _metered(counted, own, told)
    for whose, known in own.items():
        # Who bought some in the year does not know that nothing was bought until it says so; who
        # has no account any more has nothing to say.
        silent = known.facts.is_empty and not loaded.buys(whose, month.year)
        if whose not in metered and not silent:
            yield from _by_relation(loaded, ways, known)
    for whose in (*metered, *told):
        # Earlier records are of all that was used: what was generated is in them.
        recorded = whose in own and own[whose].source is Source.ENTERED and whose not in metered
        for target, found, generated in counted.get(whose, ()):
            if not (generated and recorded):
                for to, part in shared(found, ((target, _ALL),)):
                    yield whose[1], to, replace(part, generated=generated)


def _by_relation(loaded: Loaded, ways: Routes, found: Figure) -> Iterator[tuple[str, int, Part]]:
    facts = found.facts
    whose = (facts.institution, facts.energy)
    steady = ways.steady(facts.institution, facts.month, next_month(facts.month))
    undivided: tuple[str, ...] = ()
    if steady is not None:
        split: Iterable[tuple[Holder, Figure]] = [(steady, found)]
    else:
        division = Division.of(loaded, ways, facts)
        undivided = division.undivided

        def restrict(holder: Holder) -> MonthFacts:
            return facts_of(loaded, whose, facts.month, partial(division.part, holder))

        split = routed(found, division.route, restrict)
    for holder, piece in split:
        for target, part in shared(piece, holder):
            here = tuple(code for code in part.accounts if code in undivided)
            yield facts.energy, target, replace(part, undivided=here) if here else part


def _counted(lines: Iterable[Line], ways: Routes, month: date, words: Words) -> _Counted:
    """Return what meters say, by where they stand; each figure with the id of who reports it."""
    found: _Counted = defaultdict(list)
    for line in lines:
        known = words.energies.get(line.energy)
        if line.holder == NOBODY or known is None or known.unit != line.unit:
            continue
        counted = line.figure
        meters = Metered(counted.micro, counted.estimated, counted.complete, line.meters)
        whose = (ways.codes[line.origin], line.energy)
        told = figure(MonthFacts(*whose, month, meters=meters))
        found[whose].append((line.holder, told, line.generated))
    return found


def _metered(counted: _Counted, own: Mapping[Whose, Figure], told: Sequence[Whose]) -> list[Whose]:
    """Return of whom the meters alone tell: earlier records stand where they do not know all."""
    return [
        whose
        for whose in counted.keys() - set(told)
        if whose not in own
        or own[whose].source is not Source.ENTERED
        or all(found.source is Source.METERED for _, found, _ in counted[whose])
    ]


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
