"""What a meter's basic charge is taken on: dated, entered, changed from a day on, withdrawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.factors.basic import Basis
from metering.factors.entering import days, electricity_meter, insert, refusing_overlap, withdraw
from registry.audit import Act, record
from registry.refusal import RefusedError

_INSERT: Final[LiteralString] = """
    INSERT INTO basic_charge_basis (meter_id, basis, size, valid, source, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_READ: Final[LiteralString] = """
    SELECT b.id, m.code, b.basis, b.size, lower(b.valid), upper(b.valid), b.source,
        b.entered_by, b.entered_at
    FROM basic_charge_basis b JOIN meter m ON m.id = b.meter_id
    WHERE m.code = %s AND b.withdrawn_at IS NULL AND b.valid && daterange(%s, %s)
    ORDER BY b.valid
"""
_HELD: Final[LiteralString] = """
    SELECT b.id FROM basic_charge_basis b JOIN meter m ON m.id = b.meter_id
    WHERE m.code = %s AND b.withdrawn_at IS NULL AND b.valid @> %s FOR UPDATE OF b
"""
_MOST: Final = Decimal(10) ** 9
_FINEST: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class BasisFact:
    """What the basic charge of a meter is taken on for a time.

    Attributes:
        meter: its code.
        basis: transformers, contract, or measured demand.
        size: kVA or kW, at most three decimals; None by measured demand.
        begin: first day.
        end: day after the last; None: until further notice.
        source: the contract or application it comes from.
    """

    meter: str
    basis: Basis
    size: Decimal | None
    begin: date
    end: date | None
    source: str


@dataclass(frozen=True, slots=True)
class EnteredBasis:
    """A fact that counts, with who entered it when; ``id`` is for :func:`withdraw_basis`."""

    id: int
    fact: BasisFact
    by: str
    at: datetime


def enter(conn: psycopg.Connection[Any], act: Act, fact: BasisFact) -> int:
    """Enter what a basic charge is taken on, with its audit line.

    Args:
        conn: any connection; it becomes part of an open transaction.
        act: who and when.
        fact: what the contract says.

    Returns:
        Its id.

    Raises:
        RefusedError: an unknown meter, one of another energy, a size or time that cannot be, or an
            overlap.
    """
    _check(fact)
    valid = days(fact.begin, fact.end)
    message = (
        f"{fact.meter} 在这段时间内已登记基本电费计费方式："
        "请先撤回原记录，或用 --change 自某日起变更"
    )
    with refusing_overlap(message), conn.transaction():
        meter = electricity_meter(conn, fact.meter)
        values = [meter, fact.basis, fact.size, valid, fact.source, act.principal, act.at]
        entry = insert(conn, _INSERT, values)
        record(conn, act, "tariff.basis", fact.meter, _detail(fact, entry))
    return entry


def change(conn: psycopg.Connection[Any], act: Act, fact: BasisFact) -> int:
    """Say that the basic charge is taken on something else from ``fact.begin`` on, as one act.

    What held on that day is withdrawn and entered again up to the day before; the new one lasts to
    ``fact.end``, or as long as the old one would have when that is None.

    Returns:
        The new entry's id.

    Raises:
        RefusedError: as :func:`enter`; or nothing held on that day.
    """
    _check(fact)
    with conn.transaction():
        held = conn.execute(_HELD, [fact.meter, fact.begin]).fetchone()
        if held is None:
            raise RefusedError(
                f"{fact.meter} 在 {fact.begin} 没有登记基本电费计费方式：请直接录入，不用 --change"
            )
        (old,) = [e.fact for e in read(conn, fact.meter, fact.begin, None) if e.id == held[0]]
        withdraw_basis(conn, act, held[0])
        if old.begin < fact.begin:
            enter(conn, act, replace(old, end=fact.begin))
        if fact.end is not None and (old.end is None or fact.end < old.end):
            enter(conn, act, replace(old, begin=fact.end))
        return enter(conn, act, replace(fact, end=fact.end or old.end))


def withdraw_basis(conn: psycopg.Connection[Any], act: Act, entry: int) -> None:
    """Withdraw an entry: it stays in the table, and counts no more.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    withdraw(conn, act, "basic_charge_basis", "tariff.basis.withdraw", entry)


def read(
    conn: psycopg.Connection[Any], meter: str, begin: date | None, end: date | None
) -> list[EnteredBasis]:
    """Return what counts in a time, in order; a bound that is None is open."""
    return [
        EnteredBasis(entry, BasisFact(of, Basis(basis), size, since, until, source), by, at)
        for entry, of, basis, size, since, until, source, by, at in conn.execute(
            _READ, [meter, begin, end]
        )
    ]


def _check(fact: BasisFact) -> None:
    size, name = fact.size, fact.basis.chinese
    if fact.basis is Basis.MEASURED:
        if size is not None:
            raise RefusedError(f"按{name}计费不需要填写数值：由计量得出")
    elif size is None:
        raise RefusedError(f"按{name}计费没有数值：请填写 {fact.basis.unit} 数")
    elif not size.is_finite() or not 0 < size < _MOST or size % _FINEST:
        raise RefusedError(f"{name}为 {size}：必须大于 0，最多三位小数（{fact.basis.unit}）")
    if not fact.source.strip():
        raise RefusedError("基本电费计费方式没有依据：请填写供用电合同或变更申请的名称")
    days(fact.begin, fact.end)


def _detail(fact: BasisFact, entry: int) -> dict[str, object]:
    return {
        "id": entry,
        "basis": fact.basis.value,
        "size": None if fact.size is None else str(fact.size),
        "begin": fact.begin.isoformat(),
        "end": None if fact.end is None else fact.end.isoformat(),
        "source": fact.source,
    }
