"""Publishing a month: made from the books, frozen, corrected by a further revision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fleet.ledger import load
from fleet.ledger.account import Account, accounts
from fleet.ledger.events import Mileage
from fleet.ledger.mileage import in_turn
from fleet.ledger.mileage_doubts import all_doubts
from fleet.ledger.sensitive import sensitive_codes
from fleet.ledger.settings import SheetSettings
from fleet.ledger.store import lock
from fleet.ledger.window import Window, months
from fleet.ledger.words import Words
from fleet.publish import store
from fleet.publish.differences import Difference, differences
from fleet.publish.figures import Made, Posted, content
from fleet.publish.store import Publication
from registry.audit import Act
from registry.refusal import refuse


@dataclass(frozen=True, slots=True)
class Draft:
    """A sheet as the books have it now, and what it stands on.

    Attributes:
        made: the sheet.
        basis: vehicle → ids of the records behind its figures; ``hidden``: unlisted vehicles.
        standing: what is published; None: nothing.
        changed: what differs from that.
    """

    made: Made
    basis: dict[str, Any]
    standing: Publication | None
    changed: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What sheets are made from.

    Attributes:
        zone: the site's.
        words: what codes are called.
        rule: settings.
    """

    zone: ZoneInfo
    words: Words
    rule: SheetSettings


def draft(
    conn: psycopg.Connection[Any], institution: str, month: date, today: date, books: Books
) -> Draft:
    """Return the sheet of a month as the books have it, beside what is published.

    Args:
        conn: in any state.
        institution: its code.
        month: its first day.
        today: whose plate may not be published then is not.
        books: what the sheet is made from.

    Raises:
        RefusedError: there is no such institution.
    """
    window = months(month, 1)
    kilometres = in_turn(conn, window, books.zone, institutions=[institution])
    found = _accounts(conn, institution, window, books, kilometres)
    budgets = load.budgets(conn, month.year)
    until_now = Window(date(month.year, 1, 1), window.end, "")
    rule = books.rule
    posted = Posted(
        institution=institution,
        name=_name(conn, institution),
        first=window.first,
        month=found,
        so_far={
            one.consumer.code: one.cost
            for one in _accounts(conn, institution, until_now, books)
            if one.priced
        },
        budgets={code: fen for (whose, code), fen in budgets.items() if code and whose},
        budget=budgets.get((institution, None)),
        doubts=all_doubts(conn, found, books.zone, rule.mileage_percent, rule.mileage_km),
        hidden=sensitive_codes(conn, window.first, today),
        changes=load.changes(conn, institution, window.end),
    )
    before = store.standing(conn, institution, month)
    made = content(posted, books.words, rule.sensitive_at_least if rule.sensitive_in_sum else None)
    hidden = sorted(one.consumer.code for one in found if one.consumer.code in posted.hidden)
    listed = [one.code for one in made.content.vehicles]
    same = before is None or before.basis["hidden"] == hidden
    if _told_of_others(conn, institution, month, hidden):
        made = _without_others(posted, books)
    basis = {
        "hidden": hidden,
        "vehicles": {
            one.consumer.code: [[event.kind, event.number] for event in one.events]
            for one in found
            if one.consumer.code in listed
        },
    }
    changed = differences(before.content, made.content, hidden, same_others=same) if before else []
    return Draft(made, basis, before, tuple(changed))


def publish(  # noqa: PLR0913 - whose month, by whom, and whether it corrects
    conn: psycopg.Connection[Any],
    act: Act,
    institution: str,
    month: date,
    books: Books,
    *,
    correcting: str = "",
) -> tuple[Draft, int]:
    """Freeze a month as the books have it; return it with its revision.

    Args:
        conn: in autocommit.
        act: who and when.
        institution: its code.
        month: its first day.
        books: what the sheet is made from.
        correcting: why what stands is corrected; empty: nothing stands yet.

    Raises:
        RefusedError: the month is not over, there is nothing to post, something stands already, or
            there is nothing to correct.
    """
    today = act.at.astimezone(books.zone).date()
    if months(month, 1).end > today:
        refuse(institution, f"{month:%Y-%m} 尚未结束，月末之后再公示")
    with conn.transaction():
        lock(conn)
        found = draft(conn, institution, month, today, books)
        refuse_nothing(found, institution, month)
        _check(found, institution, month, correcting)
        revision = store.freeze(conn, act, month, found.made.content, found.basis, correcting)
    return found, revision


def refuse_nothing(found: Draft, institution: str, month: date) -> None:
    """Refuse a sheet without any vehicle, posted or not.

    Raises:
        RefusedError: the books know none of the institution in that month.
    """
    if not found.made.content.vehicles and not found.made.withheld:
        refuse(institution, f"{month:%Y-%m} 没有建账的车辆，请核对月份，或先导入“车辆”表")


def _check(found: Draft, institution: str, month: date, correcting: str) -> None:
    before = found.standing
    if before is None and correcting:
        refuse(institution, f"{month:%Y-%m} 没有公示过，不用 --correct")
    if before is not None and not correcting:
        how = f"与账面有 {len(found.changed)} 处不同；更正请加 --correct 和 --reason"
        refuse(
            institution,
            f"{month:%Y-%m} 已由 {before.published_by} 公示（第 {before.revision} 版），"
            + (how if found.changed else "与账面一致，不需要再公示"),
        )
    if before is not None and not found.changed:
        refuse(institution, f"{month:%Y-%m} 的公示与账面一致，没有需要更正的")


def _name(conn: psycopg.Connection[Any], institution: str) -> str:
    row = conn.execute("SELECT name FROM institution WHERE code = %s", [institution]).fetchone()
    return refuse(institution, "机构不存在，请核对编码") if row is None else str(row[0])


def _accounts(
    conn: psycopg.Connection[Any],
    institution: str,
    window: Window,
    books: Books,
    mileage: Mileage | None = None,
) -> list[Account]:
    return accounts(
        *(conn, window, books.zone, books.words), institutions=[institution], mileage=mileage
    )


def _told_of_others(
    conn: psycopg.Connection[Any], institution: str, month: date, hidden: list[str]
) -> bool:
    """Tell whether the sum of other unlisted vehicles was ever posted, withdrawn or not."""
    return any(
        one.basis["hidden"] != hidden and one.content.others is not None
        for one in store.publications(conn, month, [institution])
    )


def _without_others(posted: Posted, books: Books) -> Made:
    """Leave the sum of unlisted vehicles out: beside what was published it would tell too much."""
    made = content(posted, books.words, None)
    return replace(made, left_out=made.withheld > 0 and books.rule.sensitive_in_sum)
