"""Which meters of a utility account stand behind others of the same account, and on which days.

Those count through the others, not beside them. Every figure that looks at accounts asks here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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

# One alone stands behind no other.
_BOUND: Final[LiteralString] = """
    SELECT b.account_id, b.meter_id, lower(b.valid), upper(b.valid)
    FROM utility_account_meter b
    WHERE b.withdrawn_at IS NULL AND EXISTS (
        SELECT FROM utility_account_meter o
        WHERE o.account_id = b.account_id AND o.meter_id <> b.meter_id
            AND o.withdrawn_at IS NULL AND o.valid && b.valid
    ) AND EXISTS (
        SELECT FROM utility_account_meter o JOIN meter m ON m.id = o.meter_id
        LEFT JOIN meter_main l ON l.meter_id = o.meter_id
        WHERE o.account_id = b.account_id AND o.withdrawn_at IS NULL
            AND (l.meter_id IS NOT NULL OR m.formula IS NOT NULL)
    )
    ORDER BY b.account_id, b.meter_id, 3 NULLS FIRST
"""

Binding = tuple[int, int]
"""(id of an account, id of one of its meters)."""
_Part = bool | None
"""Whether something is measured by an account's meters; None: a part of it is."""
_NO: Final[Timeline[_Part]] = always(False)


@dataclass(frozen=True, slots=True)
class Inside:
    """Meters of accounts behind others of the same account.

    Attributes:
        days: on which they count through those.
        doubts: on which nobody can say how much of what they count is in the account's other
            meters: the account has a part only of their virtual main, or counts by a virtual meter
            and by one that it adds.
    """

    days: Mapping[Binding, Timeline[_Part]]
    doubts: Mapping[Binding, Timeline[_Part]]

    def on_days(self) -> dict[str, object]:
        """Return the days as parameters of statements: columns of one length."""
        rows = [(*key, span) for key, line in self.days.items() for span in line]
        return {
            "inside_accounts": [account for account, _, _ in rows],
            "inside_meters": [meter for _, meter, _ in rows],
            "inside_sinces": [span.begin for _, _, span in rows],
            "inside_untils": [span.end for _, _, span in rows],
        }


def inside_accounts(conn: psycopg.Connection[Any], zone: ZoneInfo) -> Inside:
    """Read which meters of accounts stand behind others of the same account.

    A main meter is one of the account, or a virtual one whose sources all are, or are behind such.
    On which days a meter hangs where is as everywhere in the tree: :func:`timeline.line_up`.

    Args:
        conn: in any state.
        zone: in whose days meters hang where they do.
    """
    bound: dict[int, dict[int, list[Span[_Part]]]] = defaultdict(lambda: defaultdict(list))
    for account, meter, since, until in conn.execute(_BOUND):
        bound[account][meter].append(Span(since or EVER, until or NEVER, value=True))
    if not bound:
        return Inside({}, {})
    meters = {meter for those in bound.values() for meter in those}
    tree = hung(facts.hanging(conn, zone, resting_on(conn, meters)))
    found = {
        (account, meter): line
        for account, those in bound.items()
        for meter, line in _behind(tree, {m: line_up(spans) for m, spans in those.items()})
    }
    return Inside(_where(found, value=True), _where(found, value=None))


def _where(
    lines: Mapping[Binding, Timeline[_Part]], value: _Part
) -> dict[Binding, Timeline[_Part]]:
    kept = {key: tuple(s for s in line if s.value is value) for key, line in lines.items()}
    return {key: line for key, line in kept.items() if line}


def _behind(
    tree: Attribution, bound: Mapping[int, Timeline[_Part]]
) -> Iterator[tuple[int, Timeline[_Part]]]:
    account = _Account(tree, bound)
    for meter, line in bound.items():
        found = _either([account.behind(meter), *account.added_by(meter)])
        yield meter, _while(line, found)


@dataclass(frozen=True, slots=True)
class _Account:
    """The meters of one account.

    Attributes:
        tree: how all hang.
        bound: on which days each is the account's.
    """

    tree: Attribution
    bound: Mapping[int, Timeline[_Part]]

    def behind(self, meter: int) -> Timeline[_Part]:
        """Say when what a meter counts is counted by mains of the account."""
        return then(self.tree.above(meter), self._main)

    def added_by(self, meter: int) -> Iterator[Timeline[_Part]]:
        """Yield when virtual meters of the account add one of its meters: both would count it."""
        for virtual, line in self.bound.items():
            if meter in _sources(self.tree, virtual):
                yield filled(mapped(line, _doubtful), _NO)

    def _main(self, main: int | None) -> Timeline[_Part]:
        return _NO if main is None else self._counted(main)

    def _counted(self, meter: int) -> Timeline[_Part]:
        """Say when what a meter counts is counted by meters of the account, itself included."""
        lines = [filled(self.bound.get(meter, ()), _NO), self.behind(meter)]
        if self.tree.meters[meter].sources:
            sources = self.tree.agreed(meter, self._counted, None)
            lines.append(filled(sources, _NO))
        return _either(lines)


def _sources(tree: Attribution, meter: int) -> frozenset[int]:
    """Return all that a virtual meter adds, through others too."""
    named = tree.meters[meter].sources if meter in tree.meters else ()
    return frozenset(named).union(*(_sources(tree, one) for one in named))


def _either(lines: Iterable[Timeline[_Part]]) -> Timeline[_Part]:
    found = _NO
    for line in lines:
        found = then(found, partial(_or, line))
    return found


def _or(line: Timeline[_Part], one: _Part) -> Timeline[_Part]:
    return mapped(line, lambda other: one or other or _least(one, other))


def _least(one: _Part, other: _Part) -> _Part:
    return None if None in {one, other} else False


def _while(line: Timeline[_Part], found: Timeline[_Part]) -> Timeline[_Part]:
    return then(line, lambda _: found)


def _doubtful(_: _Part) -> _Part:
    return None
