"""Quotas: entered, corrected, withdrawn; never edited."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from metering.factors.kinds import load_kinds
from metering.plan.progress import Kind, Per
from registry.audit import Act, record
from registry.refusal import RefusedError
from registry.years import refuse_wrong_year

KIND_NAMES: Final = {Kind.CONSTRAINT: "约束值", Kind.BASELINE: "基准值", Kind.GUIDE: "引导值"}
PER_NAMES: Final = {Per.TOTAL: "总量", Per.M2: "单位建筑面积", Per.HEAD: "人均"}
_DIGITS: Final = Decimal("0.000001")
_MOST: Final = 10**13
"""Millionths of it still fit 64 bits."""

_INSERT: Final[LiteralString] = """
    INSERT INTO quota (institution_id, energy, year, kind, per, value, unit, source, issued,
                       entered_by, entered_at)
    SELECT id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM institution WHERE code = %s
    ON CONFLICT (institution_id, energy, year, kind, per) WHERE withdrawn_at IS NULL DO NOTHING
    RETURNING id
"""
_LIST: Final[LiteralString] = """
    SELECT q.id, i.code AS institution, q.energy, q.year, q.kind, q.per, q.value, q.unit, q.source,
           q.issued, q.entered_by, q.entered_at
    FROM quota q JOIN institution i ON i.id = q.institution_id
    WHERE i.code = %s AND q.year = %s AND q.withdrawn_at IS NULL
    ORDER BY q.energy, q.kind, q.per
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE quota SET withdrawn_by = %s, withdrawn_at = %s
    WHERE id = %s AND withdrawn_at IS NULL
    RETURNING (SELECT code FROM institution WHERE id = institution_id)
"""
_WHOSE: Final[LiteralString] = """
    SELECT i.code, q.energy, q.year FROM quota q JOIN institution i ON i.id = q.institution_id
    WHERE q.id = %s
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """A local value for an institution, an energy and a year.

    Attributes:
        institution: code.
        energy: code of the kind of energy.
        year: calendar year.
        kind: 约束值, 基准值 or 引导值.
        per: for the whole institution, per m² or per head.
        value: in `unit`, per what `per` says; more than 0.
        unit: of the energy, for example kWh.
        source: the document that sets it.
        issued: date of that document.
    """

    institution: str
    energy: str
    year: int
    kind: Kind
    per: Per
    value: Decimal
    unit: str
    source: str
    issued: date


@dataclass(frozen=True, slots=True)
class EnteredQuota:
    """A quota in force, with who entered it and when."""

    id: int
    institution: str
    energy: str
    year: int
    kind: Kind
    per: Per
    value: Decimal
    unit: str
    source: str
    issued: date
    entered_by: str
    entered_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "per", Per(self.per))

    @property
    def quota(self) -> Quota:
        """What was entered."""
        return Quota(**{name: getattr(self, name) for name in Quota.__slots__})


def enter_quota(conn: psycopg.Connection[Any], act: Act, quota: Quota) -> int:
    """Enter a quota; the same one again changes nothing.

    Returns:
        Its number.

    Raises:
        RefusedError: the institution is unknown, the value is not above 0, or another value is in
            force.
    """
    _check(quota)
    with conn.transaction():
        row = conn.execute(_INSERT, _row(act, quota)).fetchone()
        if row is None:
            return _standing(conn, quota)
        detail = {name: str(value) for name, value in asdict(quota).items()}
        record(conn, act, "quota.enter", quota.institution, {"id": row[0], **detail})
        return int(row[0])


def correct_quota(conn: psycopg.Connection[Any], act: Act, number: int, quota: Quota) -> int:
    """Withdraw a quota and enter another one, both or neither.

    Raises:
        RefusedError: as the two say.
    """
    with conn.transaction():
        _refuse_other(conn, number, quota)
        withdraw_quota(conn, act, number)
        return enter_quota(conn, act, quota)


def _refuse_other(conn: psycopg.Connection[Any], number: int, quota: Quota) -> None:
    """Refuse to put a quota in the place of another institution's, energy's or year's."""
    row = conn.execute(_WHOSE, [number]).fetchone()
    stated = (quota.institution, quota.energy, quota.year)
    if row is not None and row != stated:
        was, said = ("、".join(map(str, one)) for one in (row, stated))
        raise RefusedError(
            f"编号 {number} 是 {was} 年的定额，不是 {said} 年的：请核对编号；"
            "录错对象的请先撤销，再另行录入。"
        )


def withdraw_quota(conn: psycopg.Connection[Any], act: Act, number: int) -> None:
    """Take a quota out of force; it stays on record.

    Raises:
        RefusedError: there is none of this number in force.
    """
    with conn.transaction():
        row = conn.execute(_WITHDRAW, [act.principal, act.at, number]).fetchone()
        if row is None:
            raise RefusedError(f"没有编号为 {number} 的有效定额：它不存在，或已撤销。")
        record(conn, act, "quota.withdraw", row[0], {"id": number})


def quotas_of(
    conn: psycopg.Connection[Any], institution: str, year: int
) -> tuple[EnteredQuota, ...]:
    """The quotas in force of an institution and a year."""
    with conn.cursor(row_factory=class_row(EnteredQuota)) as cursor:
        return tuple(cursor.execute(_LIST, [institution, year]).fetchall())


def _check(quota: Quota) -> None:
    kinds = load_kinds()
    if quota.energy not in kinds:
        raise RefusedError(f"没有名为 {quota.energy} 的能源，可填：{'、'.join(kinds)}。")
    try:
        kinds[quota.energy].in_unit(quota.value, quota.unit)
    except ValueError as error:
        raise RefusedError(f"定额的单位有误：{error}") from error
    if not quota.value.is_finite() or quota.value <= 0:
        raise RefusedError(f"定额值 {quota.value} 必须大于 0。")
    if quota.value >= _MOST:
        raise RefusedError(f"定额值 {quota.value} 太大，应小于 {_MOST:,}，请核对单位。")
    if quota.value != quota.value.quantize(_DIGITS):
        raise RefusedError(f"定额值 {quota.value} 的小数超过 6 位，请先取舍。")
    refuse_wrong_year(quota.year)
    if not quota.source.strip():
        raise RefusedError("请写明定额的依据：文件名称和文号。")


def _row(act: Act, quota: Quota) -> list[object]:
    facts = [quota.energy, quota.year, quota.kind, quota.per, quota.value, quota.unit]
    return [*facts, quota.source, quota.issued, act.principal, act.at, quota.institution]


def _standing(conn: psycopg.Connection[Any], quota: Quota) -> int:
    """The number of the same quota in force, or the refusal."""
    for other in quotas_of(conn, quota.institution, quota.year):
        if other.quota == quota:
            return other.id
        if (other.energy, other.kind, other.per) == (quota.energy, quota.kind, quota.per):
            what = f"{quota.year} 年{KIND_NAMES[quota.kind]}（{PER_NAMES[quota.per]}）"
            raise RefusedError(
                f"{quota.institution} 的{what}已有 {other.value.normalize():f} {other.unit}"
                f"（编号 {other.id}，{other.entered_by} 录入）：请更正或先撤销它。"
            )
    raise RefusedError(f"没有编码为 {quota.institution} 的机构：请核对编码。")
