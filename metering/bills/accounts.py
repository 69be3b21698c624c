"""Utility accounts in the database: whose they are, and which meters count them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors
from psycopg.rows import class_row

from metering.bills.account import Account, find_account
from metering.bills.checks import account_faults
from metering.bills.lookup import id_of, inserted
from metering.bills.model import NewAccount
from metering.bills.words import words
from registry.audit import Act, record
from registry.refusal import RefusedError
from registry.years import refuse_wrong_year

_ADD: Final[LiteralString] = """
    INSERT INTO utility_account (code, number, name, supplier, energy, unit, reading_day, prepaid)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_ASSIGN: Final[LiteralString] = """
    INSERT INTO utility_account_institution
        (account_id, institution_id, valid, import_id, entered_by, entered_at)
    VALUES (%s, %s, daterange(%s, %s), %s, %s, %s)
"""
_BIND: Final[LiteralString] = """
    INSERT INTO utility_account_meter
        (account_id, meter_id, valid, import_id, entered_by, entered_at)
    VALUES (%s, %s, daterange(%s, %s), %s, %s, %s)
"""
_CUT_ASSIGNMENTS: Final[LiteralString] = """
    UPDATE utility_account_institution SET withdrawn_by = %s, withdrawn_at = %s
    WHERE account_id = %s AND withdrawn_at IS NULL AND valid && daterange(%s, NULL)
    RETURNING institution_id, lower(valid), import_id
"""
_CUT_METER: Final[LiteralString] = """
    UPDATE utility_account_meter SET withdrawn_by = %s, withdrawn_at = %s
    WHERE account_id = %s AND meter_id = %s AND withdrawn_at IS NULL
        AND valid && daterange(%s, NULL)
    RETURNING lower(valid), import_id
"""
_OWNED: Final[LiteralString] = """
    SELECT 1 FROM utility_account_institution
    WHERE account_id = %s AND withdrawn_at IS NULL AND valid @> %s::date
"""
_BOUND: Final[LiteralString] = """
    SELECT m.code FROM utility_account_meter b JOIN meter m ON m.id = b.meter_id
    WHERE b.account_id = %s AND b.withdrawn_at IS NULL
"""
_HAS: Final[LiteralString] = """
    SELECT a.code
    FROM utility_account_meter b
    JOIN meter m ON m.id = b.meter_id
    JOIN utility_account a ON a.id = b.account_id
    WHERE m.code = %s AND b.withdrawn_at IS NULL AND b.valid && daterange(%s, NULL)
    ORDER BY b.valid LIMIT 1
"""
_BINDINGS: Final[LiteralString] = """
    SELECT m.code AS meter, lower(b.valid) AS since, upper(b.valid) AS until
    FROM utility_account_meter b
    JOIN meter m ON m.id = b.meter_id
    JOIN utility_account a ON a.id = b.account_id
    WHERE a.code = %s AND b.withdrawn_at IS NULL ORDER BY m.code, b.valid
"""
_CHANGE: Final[LiteralString] = """
    UPDATE utility_account SET reading_day = %s, name = %s, prepaid = %s WHERE id = %s
"""
_CHANGEABLE: Final = ("reading_day", "name", "prepaid")
_TAKEN: Final = (
    "计量表 {meter} 自 {since} 起已属于户号 {account}，一块表同时只能属于一个户号；"
    "若已改接，先解除：jieyong bill release {account} {meter} --until {since}"
)


@dataclass(frozen=True, slots=True)
class BoundMeter:
    """A meter counts an account from a day on, until (not with) another; None: open."""

    meter: str
    since: date | None
    until: date | None


def bound_meters(conn: psycopg.Connection[Any], code: str) -> list[BoundMeter]:
    """Return the meters of an account, by code and day.

    Args:
        conn: in any state.
        code: of the account.
    """
    with conn.cursor(row_factory=class_row(BoundMeter)) as cursor:
        return cursor.execute(_BINDINGS, [code]).fetchall()


def add_account(
    conn: psycopg.Connection[Any], act: Act, account: NewAccount, import_id: int | None = None
) -> int:
    """Enter an account, whose it is, and its meters, in one transaction.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when.
        account: what is entered.
        import_id: the import that brings it.

    Returns:
        Its id.

    Raises:
        RefusedError: it is wrong, is there already, or a meter belongs to another account.
    """
    found = [f"户号 {account.number}：{f.message}" for f in account_faults(account, words())]
    if found:
        raise RefusedError(*found)
    unit = words().energies[account.energy].unit
    with conn.transaction():
        account_id = _insert(conn, account, unit)
        _own(conn, act, account_id, account, import_id)
        _count(conn, act, account_id, account, import_id)
        detail = {"number": account.number, "institution": account.institution}
        record(conn, act, "account.add", account.code, detail)
    return account_id


def extend_account(
    conn: psycopg.Connection[Any],
    act: Act,
    account: Account,
    said: NewAccount,
    import_id: int | None = None,
) -> None:
    """Give an account that stands the institution and the meters it lacks, from a day on.

    Raises:
        RefusedError: an institution or meter is not known, or the meter is another account's.
    """
    with conn.transaction():
        owned = conn.execute(_OWNED, [account.id, said.since]).fetchone()
        if owned is None:
            _own(conn, act, account.id, said, import_id)
        bound = {code for (code,) in conn.execute(_BOUND, [account.id])}
        _count(conn, act, account.id, replace(said, meters=_without(said.meters, bound)), import_id)
        detail = {"institution": said.institution, "meters": list(said.meters)}
        record(conn, act, "account.extend", account.code, detail)


def _without(meters: tuple[str, ...], bound: set[str]) -> tuple[str, ...]:
    return tuple(meter for meter in meters if meter not in bound)


def _own(
    conn: psycopg.Connection[Any],
    act: Act,
    account_id: int,
    said: NewAccount,
    import_id: int | None,
) -> None:
    institution = id_of(conn, "institution", said.institution, "机构")
    row = [account_id, institution, said.since, None, import_id, act.principal, act.at]
    taken = f"户号 {said.code} 自 {said.since} 起已有归属机构，变更请用 jieyong bill assign 命令"
    _write(conn, _ASSIGN, row, taken)


def _count(
    conn: psycopg.Connection[Any],
    act: Act,
    account_id: int,
    said: NewAccount,
    import_id: int | None,
) -> None:
    for meter in said.meters:
        meter_id = _meter(conn, meter, said.code, said.energy)
        row = [account_id, meter_id, said.since, None, import_id, act.principal, act.at]
        _write(conn, _BIND, row, _taken(conn, meter, said.since))


def _taken(conn: psycopg.Connection[Any], meter: str, since: date) -> str:
    """Say whose a meter is already, if it cannot be bound."""
    row = conn.execute(_HAS, [meter, since]).fetchone()
    account = "某户号" if row is None else row[0]
    return _TAKEN.format(meter=meter, since=since, account=account)


def change_account(
    conn: psycopg.Connection[Any], act: Act, word: str, said: Mapping[str, Any]
) -> None:
    """Correct what is known of an account itself; the old values go into the audit log.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when.
        word: code or number.
        said: any of ``reading_day``, ``name``, ``prepaid``; None: as it was.

    Raises:
        RefusedError: the account is not known, or nothing is said.
    """
    with conn.transaction():
        account = find_account(conn, word)
        new = {key: said[key] for key in _CHANGEABLE if said.get(key) is not None}
        if not new:
            raise RefusedError(f"户号 {account.code}：没有写明要更正什么")
        changed = replace(account, **new)
        row = [changed.reading_day, changed.name, changed.prepaid, account.id]
        conn.execute(_CHANGE, row)
        old = {key: getattr(account, key) for key in new}
        record(conn, act, "account.change", account.code, {"old": old, "new": new})


def assign(
    conn: psycopg.Connection[Any], act: Act, word: str, institution: str, since: date
) -> None:
    """Make an account another institution's from a day on; what was before stays.

    Raises:
        RefusedError: the account or the institution is not known, or nobody can mean the year.
    """
    refuse_wrong_year(since)
    with conn.transaction():
        account = find_account(conn, word)
        target = id_of(conn, "institution", institution, "机构")
        cut = conn.execute(_CUT_ASSIGNMENTS, [act.principal, act.at, account.id, since]).fetchall()
        taken = f"户号 {account.code} 的归属正被他人修改，请重试"
        stamp = [act.principal, act.at]
        for owner, lower, import_id in cut:
            if lower is None or lower < since:
                _write(conn, _ASSIGN, [account.id, owner, lower, since, import_id, *stamp], taken)
        _write(conn, _ASSIGN, [account.id, target, since, None, None, *stamp], taken)
        detail = {"institution": institution, "since": since.isoformat()}
        record(conn, act, "account.assign", account.code, detail)


def bind_meter(conn: psycopg.Connection[Any], act: Act, word: str, meter: str, since: date) -> None:
    """Let a meter count an account from a day on.

    Raises:
        RefusedError: account or meter is not known, they count different energies, or the meter
            belongs to an account then or later.
    """
    refuse_wrong_year(since)
    with conn.transaction():
        account = find_account(conn, word)
        meter_id = _meter(conn, meter, account.code, account.energy)
        _write(
            conn,
            _BIND,
            [account.id, meter_id, since, None, None, act.principal, act.at],
            _taken(conn, meter, since),
        )
        record(conn, act, "account.bind", account.code, {"meter": meter, "since": str(since)})


def release_meter(
    conn: psycopg.Connection[Any], act: Act, word: str, meter: str, until: date
) -> None:
    """Let a meter count an account no longer from a day on; from its first day on: never.

    Raises:
        RefusedError: account or meter is not known, the meter does not count it then, or nobody
            can mean the year.
    """
    refuse_wrong_year(until)
    with conn.transaction():
        account = find_account(conn, word)
        meter_id = id_of(conn, "meter", meter, "计量表")
        parameters = [act.principal, act.at, account.id, meter_id, until]
        cut = conn.execute(_CUT_METER, parameters).fetchall()
        if not cut:
            raise RefusedError(f"计量表 {meter} 在 {until} 之后不属于户号 {account.code}")
        for lower, import_id in cut:
            if lower is None or lower < until:
                row = [account.id, meter_id, lower, until, import_id, act.principal, act.at]
                _write(conn, _BIND, row, f"户号 {account.code} 正被他人修改，请重试")
        record(conn, act, "account.release", account.code, {"meter": meter, "until": str(until)})


def _insert(conn: psycopg.Connection[Any], account: NewAccount, unit: str) -> int:
    row = [
        *(account.code, account.number, account.name, account.supplier, account.energy, unit),
        *(account.reading_day, account.prepaid),
    ]
    try:
        with conn.transaction():
            return inserted(conn, _ADD, row)
    except errors.UniqueViolation as error:
        message = f"户号 {account.number}（编码 {account.code}）已经登记，不能再次登记"
        raise RefusedError(message) from error


def _write(
    conn: psycopg.Connection[Any], statement: LiteralString, row: list[object], taken: str
) -> None:
    try:
        with conn.transaction():
            conn.execute(statement, row)
    except errors.ExclusionViolation as error:
        raise RefusedError(taken) from error


def _meter(conn: psycopg.Connection[Any], code: str, account: str, energy: str) -> int:
    row = conn.execute("SELECT id, energy, unit FROM meter WHERE code = %s", [code]).fetchone()
    if row is None:
        raise RefusedError(f"户号 {account}：计量表 {code} 不存在，请核对编码")
    unit = words().energies[energy].unit
    if row[1] != energy or row[2] != unit:
        message = f"户号 {account}（{energy}，{unit}）与计量表 {code}（{row[1]}，{row[2]}）不一致"
        raise RefusedError(f"{message}，请核对")
    return int(row[0])
