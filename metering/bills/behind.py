"""Who is charged for what passes on behind the meters of accounts: whoever has the bills."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, LiteralString

import psycopg

from metering.bills.divisions import Division
from metering.bills.load import Whose
from metering.bills.month import AccountMonth, Figure
from metering.bills.routes import Routes
from metering.bills.share import spans_of
from metering.tree.holders import Holder
from metering.tree.origin import Payer
from metering.tree.timeline import EVER, NEVER

_MAINS: Final[LiteralString] = """
    SELECT a.code, b.meter_id, lower(b.valid), upper(b.valid)
    FROM utility_account_meter b JOIN utility_account a ON a.id = b.account_id
    WHERE b.withdrawn_at IS NULL
        AND EXISTS (SELECT FROM meter_main l WHERE l.main_id = b.meter_id)
    ORDER BY a.code, b.meter_id, 3 NULLS FIRST
"""
Mains = Sequence[tuple[int, date, date]]
"""(id of a meter, first day on which it is the account's, the day after the last)."""


def main_meters(conn: psycopg.Connection[Any]) -> Mapping[str, Mains]:
    """Return by code the meters of accounts that others stand behind.

    Args:
        conn: in any state.
    """
    found: dict[str, list[tuple[int, date, date]]] = defaultdict(list)
    for account, meter, since, until in conn.execute(_MAINS):
        found[account].append((meter, since or EVER, until or NEVER))
    return found


def payers(
    mains: Mapping[str, Mains],
    routes: Routes,
    own: Mapping[Whose, Figure],
    divisions: Mapping[Whose, Division],
) -> Iterator[Payer]:
    """Yield for whom the bills of such meters count, day by day.

    Args:
        mains: see :func:`main_meters`.
        routes: for whom institutions count.
        own: figures of one month, with all accounts.
        divisions: of the institutions that do not go one way all month long.
    """
    for whose, known in own.items() if mains else ():
        for account in known.facts.accounts:
            for main in mains.get(account.code, ()):
                yield from _of_meter(main, account, routes, known, divisions.get(whose))


def _of_meter(
    main: tuple[int, date, date],
    account: AccountMonth,
    routes: Routes,
    known: Figure,
    division: Division | None,
) -> Iterator[Payer]:
    meter, first, end = main
    institution, month = known.facts.institution, known.facts.month

    def holder_on(day: date) -> Holder:
        if division is None:  # all month long the same one
            return routes.of(institution, None, month)
        return division.payer(account.code, meter, day)

    days = (day for day in account.days if first <= day < end)
    for holder, group in itertools.groupby(days, holder_on):
        for since, until in spans_of(list(group)):  # it may have been another's in between
            yield Payer(meter, since, until, holder)
