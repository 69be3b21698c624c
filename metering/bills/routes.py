"""For whom institutions and utility accounts count, as the reporting relations say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.division import Ways
from metering.tree import facts
from metering.tree.account_mains import standing
from metering.tree.holders import Holder, Reporters, sole
from metering.tree.relations import reporters
from metering.tree.timeline import EVER, NEVER, Span, Timeline, on

_INSTITUTIONS: Final[LiteralString] = "SELECT id, code FROM institution"
_BOUND: Final[LiteralString] = """
    SELECT a.id, a.code, b.meter_id, m.place_id, lower(b.valid), upper(b.valid)
    FROM utility_account_meter b
    JOIN utility_account a ON a.id = b.account_id
    JOIN meter m ON m.id = b.meter_id
    WHERE b.withdrawn_at IS NULL AND m.direction = 'in'
    ORDER BY a.code, b.meter_id, lower(b.valid) NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class _Meter:
    """A meter of an account.

    Attributes:
        id: of the meter.
        bound: on which days it is the account's.
        inside: on which days it stands behind another of the account, and counts through that.
        particular: for whom it counts by a relation of its own, its room's, or its building's.
    """

    id: int
    bound: tuple[date, date]
    inside: Sequence[Span[Any]]
    particular: Timeline[Holder]

    def counts(self, day: date) -> bool:
        """Whether it tells of a day itself."""
        return self.bound[0] <= day < self.bound[1] and not any(
            span.begin <= day < span.end for span in self.inside
        )


@dataclass(frozen=True, slots=True)
class Routes:
    """For whom what counts.

    Attributes:
        codes: id of an institution → its code.
        ids: the other way round.
        institutions: code → for whom its figures count; absent: for itself.
        accounts: code → its meters, where one of them goes another way than its institution.
        particular: whether a meter, room or building has a relation of its own.
    """

    codes: Mapping[int, str]
    ids: Mapping[str, int]
    institutions: Mapping[str, Timeline[Holder]]
    accounts: Mapping[str, tuple[_Meter, ...]]
    particular: bool

    def of(self, institution: str, account: str | None, day: date) -> Holder:
        """Return for whom an institution's energy counts on a day.

        An account follows its meters when all of them, but for those behind another of the same
        account, go the same way by a relation of their own, their rooms' or their buildings'; else
        it follows its institution.
        """
        way = None if account is None else self.of_meters(account, day)
        if way is not None:
            return way
        line = self.institutions.get(institution)
        return (line and on(line, day)) or sole(self.ids[institution])

    def of_meters(self, account: str, day: date) -> Holder | None:
        """Return for whom an account counts on a day if not as its institution."""
        if account not in self.accounts:
            return None
        ways = {way for _, way in self._ways(account, day)}
        return ways.pop() if len(ways) == 1 else None

    def several(self, institution: str, account: str, day: date) -> Ways:
        """Return for whom an account's meters count on a day where that is several; else nothing.

        A meter behind another of the same account counts through that one.
        """
        found: dict[Holder, set[int]] = defaultdict(set)
        own = self.of(institution, None, day) if account in self.accounts else ()
        for meter, way in self._ways(account, day) if account in self.accounts else ():
            found[way or own].add(meter)
        ways = tuple((holder, frozenset(found[holder])) for holder in sorted(found))
        return ways if len(ways) > 1 else ()

    def steady(self, institution: str, first: date, end: date) -> Holder | None:
        """Return for whom all of an institution counts on every one of some days, if one way."""
        if self.accounts:
            return None
        line = self.institutions.get(institution)
        if line is None:
            return sole(self.ids[institution])
        return next((s.value for s in line if s.begin <= first and end <= s.end), None)

    def _ways(self, account: str, day: date) -> Iterator[tuple[int, Holder | None]]:
        for meter in self.accounts[account]:
            if meter.counts(day):
                yield meter.id, on(meter.particular, day)


def routes(conn: psycopg.Connection[Any], zone: ZoneInfo) -> Routes:
    """Read for whom institutions and accounts count.

    Args:
        conn: in any state.
        zone: in whose days meters hang where they do.
    """
    codes: dict[int, str] = dict(conn.execute(_INSTITUTIONS).fetchall())
    ids = {code: id_ for id_, code in codes.items()}
    institutions = {codes[id_]: line for id_, line in reporters(conn).items()}
    known = facts.relations(conn)
    if all(kind == "institution" for kind, _ in known):
        return Routes(codes, ids, institutions, {}, particular=False)
    followed = Reporters(known, facts.places(conn))
    accounts = _accounts(conn, followed, zone)
    return Routes(codes, ids, institutions, accounts, particular=True)


def _accounts(
    conn: psycopg.Connection[Any], followed: Reporters, zone: ZoneInfo
) -> dict[str, tuple[_Meter, ...]]:
    rooms, inside = facts.rooms(conn, zone), standing(conn, zone).inside
    found: dict[str, list[_Meter]] = defaultdict(list)
    for id_, account, meter, place, since, until in conn.execute(_BOUND):
        line = followed.particular(meter, rooms.get(place, ()))
        bound = since or EVER, until or NEVER
        found[account].append(_Meter(meter, bound, inside.get((id_, meter), ()), line))
    return {
        code: tuple(meters)
        for code, meters in found.items()
        if any(meter.particular for meter in meters)
    }
