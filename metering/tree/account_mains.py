"""How the meters of utility accounts stand behind each other: what counts for which, once.

The rule of the tree, by accounts: a meter counts for its account, and is taken off from the account
of the next meter above it that has one. Where both are the same nothing remains: the other has
counted it. A supplier sells nothing twice, and so no two accounts' meters count the same. Every
figure that looks at meters of accounts asks here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.tree import facts
from metering.tree.attribution import Attribution
from metering.tree.levels import hung
from metering.tree.reach import resting_on
from metering.tree.timeline import (
    EVER,
    NEVER,
    Span,
    Timeline,
    always,
    filled,
    line_up,
    mapped,
    then,
)

_LINKED: Final[LiteralString] = """
    SELECT DISTINCT b.meter_id
    FROM utility_account_meter b JOIN meter m ON m.id = b.meter_id
    LEFT JOIN meter_main l ON l.meter_id = m.id
    WHERE b.withdrawn_at IS NULL AND (l.meter_id IS NOT NULL OR m.formula IS NOT NULL)
"""
_BOUND: Final[LiteralString] = """
    SELECT meter_id, account_id, lower(valid), upper(valid)
    FROM utility_account_meter WHERE withdrawn_at IS NULL AND meter_id = ANY(%s)
    ORDER BY meter_id, lower(valid) NULLS FIRST
"""
_NOBODY: Final = 0

Binding = tuple[int, int]
"""(id of an account, id of a meter)."""
_Next = frozenset[Binding]
"""The next meters with an account, above or itself: several where a virtual main adds them."""
_TOP: Final[Timeline[_Next]] = always(frozenset([(_NOBODY, _NOBODY)]))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a meter counts is taken off from an account on the days ``[first, end)``.

    Attributes:
        account_id: from which.
        meter_id: a meter of another account.
        at: the account's meter that it stands behind; None: a virtual main adds several.
    """

    account_id: int
    meter_id: int
    at: int | None
    first: date
    end: date


@dataclass(frozen=True, slots=True)
class Standing:
    """How the meters of accounts stand behind each other; what is absent stands behind none.

    Attributes:
        inside: on which days a meter counts through others of its own account.
        taken: what is taken off from accounts.
        doubts: (account, meter): on which days nobody can say how much of what the meter counts
            the account's meters count too.
    """

    inside: Mapping[Binding, Sequence[Span[Any]]] = field(default_factory=dict)
    taken: Sequence[Taken] = ()
    doubts: Mapping[Binding, Sequence[Span[Any]]] = field(default_factory=dict)

    def days_inside(self) -> dict[str, object]:
        """Return the days inside as parameters of statements: columns of one length."""
        rows = [(*key, span) for key, line in self.inside.items() for span in line]
        return {
            "inside_accounts": [account for account, _, _ in rows],
            "inside_meters": [meter for _, meter, _ in rows],
            "inside_sinces": [span.begin for _, _, span in rows],
            "inside_untils": [span.end for _, _, span in rows],
        }


def standing(conn: psycopg.Connection[Any], zone: ZoneInfo) -> Standing:
    """Read how the meters of accounts stand behind each other.

    On which days a meter hangs where is as everywhere in the tree: :func:`timeline.line_up`.

    Args:
        conn: in any state.
        zone: in whose days meters hang where they do.
    """
    linked = [meter for (meter,) in conn.execute(_LINKED)]
    if not linked:
        return Standing()
    concerned = resting_on(conn, linked)
    known = facts.hanging(conn, zone, concerned)
    spans: dict[int, list[Span[int]]] = defaultdict(list)
    for meter, account, since, until in conn.execute(_BOUND, [list(concerned)]):
        spans[meter].append(Span(since or EVER, until or NEVER, account))
    above = _Above(hung(known), {meter: line_up(those) for meter, those in spans.items()})
    inside: dict[Binding, list[Span[Any]]] = defaultdict(list)
    taken: list[Taken] = []
    doubts: dict[Binding, list[Span[Any]]] = defaultdict(list)
    for meter, span in above.each():
        own, others = span.value
        accounts = {account for account, _ in others}
        if accounts == {own}:
            inside[own, meter].append(span)
        elif known.meters[meter].direction != "in" or accounts == {_NOBODY}:
            continue
        elif len(accounts) == 1:
            (account,) = accounts
            at = next(iter(others))[1] if len(others) == 1 else None
            taken.append(Taken(account, meter, at, span.begin, span.end))
        else:
            for account in accounts - {_NOBODY}:
                doubts[account, meter].append(span)
    for binding, days in above.added():
        doubts[binding].append(days)
    return Standing(inside, taken, doubts)


@dataclass(frozen=True, slots=True)
class _Above:
    """Looks upwards from meters of accounts.

    Attributes:
        tree: how all hang.
        bound: of whose account each meter is.
    """

    tree: Attribution
    bound: Mapping[int, Timeline[int]]

    def each(self) -> Iterator[tuple[int, Span[tuple[int, _Next]]]]:
        """Yield meters of accounts, and days with their account and the next ones above."""
        for meter, line in self.bound.items():
            for span in then(line, partial(self._beside, meter)):
                yield meter, span

    def added(self) -> Iterator[tuple[Binding, Span[None]]]:
        """Yield meters of accounts that a virtual meter of an account adds: both count them."""
        for virtual, line in self.bound.items():
            for source in _sources(self.tree, virtual):
                both = then(line, partial(_while, self.bound.get(source, ())))
                for span in both:
                    yield (span.value, source), Span(span.begin, span.end, None)

    def _beside(self, meter: int, account: int) -> Timeline[tuple[int, _Next]]:
        return mapped(self._over(meter), lambda others: (account, others))

    def _over(self, meter: int) -> Timeline[_Next]:
        return then(self.tree.above(meter), self._from)

    def _from(self, meter: int | None) -> Timeline[_Next]:
        """Return the next meters with an account: a meter itself, or what stands above it."""
        if meter is None:
            return _TOP
        own = mapped(self.bound.get(meter, ()), lambda account: frozenset([(account, meter)]))
        return filled(own, then(self._parts(meter), partial(self._or_over, meter)))

    def _parts(self, meter: int) -> Timeline[_Next]:
        """Return what all sources of a virtual meter say of themselves; of another one nothing."""
        common: Timeline[_Next] = ()
        for source in self.tree.meters[meter].sources:
            line = then(self.tree.there(source), partial(_always, self._from(source)))
            both = then(common, partial(_union, line))
            common = filled(both, filled(common, line))
        return filled(common, _TOP)

    def _or_over(self, meter: int, found: _Next) -> Timeline[_Next]:
        return self._over(meter) if found == _TOP[0].value else always(found)


def _sources(tree: Attribution, meter: int) -> frozenset[int]:
    """Return all that a virtual meter adds, through others too."""
    named = tree.meters[meter].sources if meter in tree.meters else ()
    return frozenset(named).union(*(_sources(tree, one) for one in named))


def _always(line: Timeline[_Next], _: bool) -> Timeline[_Next]:
    return line


def _union(line: Timeline[_Next], one: _Next) -> Timeline[_Next]:
    return mapped(line, lambda other: one | other)


def _while(line: Timeline[int], account: int) -> Timeline[int]:
    return mapped(line, lambda _: account)
