"""Meters of utility accounts that may be counted twice, and top meters that no account has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.tree import scope
from metering.tree.account_mains import standing
from metering.tree.levels import Problem
from metering.tree.virtual import virtual_meters

# Top meters as they stand now, of institutions whose accounts of that energy all have meters: then
# one that no account has is either forgotten there, or a supply whose account was never entered.
_LEFT_OUT: Final[LiteralString] = """
    WITH held AS (
        SELECT o.institution_id, a.energy, bool_and(EXISTS (
            SELECT FROM utility_account_meter b
            WHERE b.account_id = a.id AND b.withdrawn_at IS NULL AND upper_inf(b.valid)
        )) AS counted
        FROM utility_account a JOIN utility_account_institution o ON o.account_id = a.id
        WHERE o.withdrawn_at IS NULL AND upper_inf(o.valid)
        GROUP BY o.institution_id, a.energy
    )
    SELECT m.id, m.code, i.code
    FROM tree_scope s
    JOIN meter m ON m.id = s.meter_id
    JOIN held h ON (h.institution_id, h.energy) = (s.holder_id, m.energy) AND h.counted
    JOIN institution i ON i.id = s.holder_id
    WHERE s.level = 'institution' AND s.sign = 1 AND s.role = 'in' AND s.until = 'infinity'
        AND NOT EXISTS (
            SELECT FROM tree_scope t
            WHERE t.meter_id = s.meter_id AND t.level = s.level AND t.sign = -1
                AND t.until = 'infinity'
        ) AND NOT EXISTS (
            SELECT FROM utility_account_meter b
            WHERE b.meter_id = m.id AND b.withdrawn_at IS NULL AND upper_inf(b.valid)
        )
    ORDER BY i.code, m.code
"""
_VIRTUAL: Final[LiteralString] = """
    SELECT m.id FROM utility_account_meter b JOIN meter m ON m.id = b.meter_id
    WHERE b.withdrawn_at IS NULL AND m.formula IS NOT NULL
"""
_DOUBT: Final = (
    "说不清计量表 {1} 的用量有多少已在户号 {0} 的其他表里，该户号这些日子的计量按不全处理。"
    "若它挂在虚拟总表之下，请把组成总表的表都绑定到同一户号（jieyong bill bind），或改挂实表；"
    "若该户号既有虚拟表又有组成它的表，请解除其一（jieyong bill release）"
)
_FORGOTTEN: Final = (
    "{1} 的户号都绑定了计量表，总表 {0} 却不属于任何户号：它的用量不计入上报。若是另一路供电，"
    "请登记它的户号和账单；若已在某户号之内，请绑定：jieyong bill bind 户号 {0} --since 日期"
)


def account_problems(conn: psycopg.Connection[Any], zone: ZoneInfo) -> list[Problem]:
    """Return which meters the accounts may count twice, or leave out: by what is wrong, then code.

    Args:
        conn: may write: the attribution of meters is brought up to date first.
        zone: the site's.
    """
    scope.ensure(conn, zone)
    return [*_doubts(conn, zone), *_left_out(conn)]


def _doubts(conn: psycopg.Connection[Any], zone: ZoneInfo) -> Iterator[Problem]:
    doubts = standing(conn, zone).doubts
    codes = dict(conn.execute("SELECT id, code FROM meter").fetchall()) if doubts else {}
    accounts = dict(conn.execute("SELECT id, code FROM utility_account").fetchall())
    for account, meter in sorted(doubts):
        text = _DOUBT.format(accounts[account], codes[meter])
        yield Problem("account", codes[meter], text, meter)


def _left_out(conn: psycopg.Connection[Any]) -> Iterator[Problem]:
    bound = [meter for (meter,) in conn.execute(_VIRTUAL)]
    contents = virtual_meters(conn).contents() if bound else {}
    known = {source for meter in bound for source in contents.get(meter, ())}
    for meter, code, institution in conn.execute(_LEFT_OUT):
        if meter not in known:
            yield Problem("no_account", code, _FORGOTTEN.format(code, institution), meter)
