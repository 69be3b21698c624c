"""Utility accounts as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from registry.refusal import RefusedError

_COLUMNS: Final[LiteralString] = (
    "a.id, a.code, a.number, a.name, a.supplier, a.energy, a.unit, a.reading_day, a.prepaid"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A utility account; see :class:`metering.bills.model.NewAccount`.

    Attributes:
        id: ours.
        unit: of its figures.
    """

    id: int
    code: str
    number: str
    name: str
    supplier: str
    energy: str
    unit: str
    reading_day: int | None
    prepaid: bool


def accounts(conn: psycopg.Connection[Any]) -> list[Account]:
    """Return all accounts by code."""
    with conn.cursor(row_factory=class_row(Account)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM utility_account a ORDER BY a.code"  # noqa: S608 - ours
        ).fetchall()


def find_account(conn: psycopg.Connection[Any], word: str) -> Account:
    """Return the account with a code, or else with a number.

    Raises:
        RefusedError: there is none, or several suppliers use the number.
    """
    with conn.cursor(row_factory=class_row(Account)) as cursor:
        found = cursor.execute(
            f"SELECT {_COLUMNS} FROM utility_account a"  # noqa: S608 - ours
            " WHERE a.code = %(word)s OR a.number = %(word)s ORDER BY (a.code = %(word)s) DESC",
            {"word": word},
        ).fetchall()
    return choose(word, found)


def choose(word: str, found: Sequence[Account]) -> Account:
    """Return the account that a word means: its code stands before its number.

    Raises:
        RefusedError: there is none, or several suppliers use the number.
    """
    by_code = [account for account in found if account.code == word]
    if by_code:
        return by_code[0]
    if not found:
        raise RefusedError(f"户号 {word} 没有登记，请先在“户号”表中登记，或核对号码")
    if len(found) > 1:
        codes = "、".join(account.code for account in found)
        raise RefusedError(f"户号 {word} 有多家供应单位使用，请改写编码：{codes}")
    return found[0]
