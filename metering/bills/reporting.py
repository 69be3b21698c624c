"""What institutions report, month by month: bills, purchases and meters of all who count for them.

An institution's own figure (:mod:`metering.bills.figures`) is what its own accounts say. The
reporting relations say for whom it counts (:mod:`metering.bills.routes`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.figure import figure
from metering.bills.figures import facts_of
from metering.bills.load import Loaded, Scope, Whose, load
from metering.bills.month import Figure, Metered, MonthFacts, Source
from metering.bills.reported import Part, Reported, routed, shared
from metering.bills.routes import Routes, routes
from metering.bills.share import each_month, next_month
from metering.bills.words import Words, words
from metering.tree.holders import NOBODY, OUTSIDE, Holder
from metering.tree.origin import Line, lines_by_origin

Key = tuple[int, str, date]
"""(id of who reports, energy, month)."""
_Counted = dict[Whose, list[tuple[int, Figure]]]
_ALL: Final = Fraction(1)
# What counts an account is known by its account, wherever it hangs.
_BOUND: Final[LiteralString] = """
    SELECT DISTINCT meter_id FROM utility_account_meter
    WHERE withdrawn_at IS NULL AND valid && daterange(%s, %s)
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
    first, end = months
    if first.day != 1 or end.day != 1 or end <= first:
        raise ValueError(f"{first} to {end} are no whole months: give first days of months")
    ways = routes(conn, ZoneInfo(zone))
    scope = Scope(first, end, _members(ways, institutions), zone)
    loaded = load(conn, scope, words())
    parts: dict[Key, list[Part]] = defaultdict(list)
    for month in each_month(first, end):
        for energy, target, part in _of_month(conn, loaded, ways, month, zone):
            parts[target, energy, month].append(part)
    return list(_listed(parts, ways, months, institutions))


def _members(ways: Routes, institutions: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return whose figures may count for some institutions; None: anybody's."""
    if institutions is None or ways.particular:
        return None
    wanted = {ways.ids[code] for code in institutions if code in ways.ids}
    others = (
        code
        for code, line in ways.institutions.items()
        if any(target in wanted for span in line for target, _ in span.value)
    )
    return tuple({*institutions, *others})


def _of_month(
    conn: psycopg.Connection[Any], loaded: Loaded, ways: Routes, month: date, zone: str
) -> Iterator[tuple[str, int, Part]]:
    own = {one: facts_of(loaded, one, month) for one in _known(loaded)}
    told = [one for one, facts in own.items() if facts.accounts or facts.purchases]
    without = [(ways.ids[code], energy) for code, energy in told]
    bound = [meter for (meter,) in conn.execute(_BOUND, [month, next_month(month)])]
    lines = lines_by_origin(conn, month, ZoneInfo(zone), without, bound)
    counted = _counted(lines, ways, month, words())
    metered = _metered(counted, own, told)
    for whose, facts in own.items():
        # Who has bought some time does not know that nothing was bought until it says so; who has
        # no account any more has nothing to say.
        silent = facts.is_empty and whose not in loaded.purchases
        if whose not in metered and not silent:
            yield from _by_relation(loaded, ways, facts)
    for whose in (*metered, *told):
        for target, found in counted.get(whose, ()):
            yield from ((whose[1], to, part) for to, part in shared(found, ((target, _ALL),)))


def _by_relation(
    loaded: Loaded, ways: Routes, facts: MonthFacts
) -> Iterator[tuple[str, int, Part]]:
    found = figure(facts)
    whose = (facts.institution, facts.energy)
    steady = ways.steady(facts.institution, facts.month, next_month(facts.month))
    if steady is not None:
        split: Iterable[tuple[Holder, Figure]] = [(steady, found)]
    else:
        route = partial(ways.of, facts.institution)
        split = routed(found, route, partial(facts_of, loaded, whose, facts.month))
    for holder, piece in split:
        yield from ((facts.energy, target, part) for target, part in shared(piece, holder))


def _known(loaded: Loaded) -> set[Whose]:
    return {*loaded.held, *loaded.purchases, *loaded.entered}


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
        found[whose].append((line.holder, figure(MonthFacts(*whose, month, meters=meters))))
    return found


def _metered(
    counted: _Counted, own: Mapping[Whose, MonthFacts], told: Sequence[Whose]
) -> list[Whose]:
    """Return of whom the meters alone tell: earlier records stand where they do not know all."""
    return [
        whose
        for whose in counted.keys() - set(told)
        if whose not in own
        or figure(own[whose]).source is not Source.ENTERED
        or all(found.source is Source.METERED for _, found in counted[whose])
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
