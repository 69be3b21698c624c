"""What is said of a device's register: what it resolves, where it rolls over, how fast it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row, scalar_row

from metering.facts import marks
from metering.facts.meters import counting
from metering.facts.refusal import nearest, refuse_other, shown, writing
from metering.facts.resolution import Ratio, not_whole, ratios, unit_factor, whole
from metering.facts.span import ALWAYS, Span, of_range, to_range
from registry.audit import Act, record
from registry.refusal import Fault, raise_if_any, refuse

_MOST_TICKS: Final = 2**53
_INSERT: Final[LiteralString] = """
    INSERT INTO device_register (device_id, register, resolution, capacity, max_per_hour,
                                 reversible, valid, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE device_register r SET withdrawn_by = %s, withdrawn_at = %s
    FROM device d WHERE d.id = r.device_id AND r.id = %s AND r.withdrawn_at IS NULL
    RETURNING r.device_id, d.code AS device, r.register, r.resolution, r.capacity,
              r.max_per_hour, r.reversible, r.valid
"""
_STANDING: Final[LiteralString] = """
    SELECT r.id, d.code AS device, r.register, r.resolution, r.capacity, r.max_per_hour,
           r.reversible, r.valid
    FROM device_register r JOIN device d ON d.id = r.device_id
    WHERE r.device_id = %s AND r.withdrawn_at IS NULL
    ORDER BY r.register, lower(r.valid) NULLS FIRST
"""
_COUNTERS: Final[LiteralString] = """
    SELECT name FROM point WHERE device_id = %s AND class = 'counter' ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class RegisterFact:
    """What somebody says of a register.

    Attributes:
        device: code of the device.
        register: name of its counter's point.
        resolution: unit of the point a tick.
        capacity: where it rolls over, in the unit of the point; None: never.
        max_per_hour: most it can gain in an hour, before CT and PT; None: the kind's default.
        reversible: it may run backwards (net metering).
        span: while it is so.
    """

    device: str
    register: str
    resolution: Decimal
    capacity: Decimal | None = None
    max_per_hour: Decimal | None = None
    reversible: bool = False
    span: Span = ALWAYS


def device_id(conn: psycopg.Connection[Any], code: str, where: str) -> int:
    """Return the id of a device.

    Raises:
        RefusedError: there is none with this code.
    """
    with conn.cursor(row_factory=scalar_row) as cursor:
        found: int | None = cursor.execute(
            "SELECT id FROM device WHERE code = %s", [code]
        ).fetchone()
        codes = [] if found else cursor.execute("SELECT code FROM device").fetchall()
    words = f"没有编码为 {code} 的设备{nearest(code, codes)}；设备先要写进设备清单并导入"
    return found or refuse(where, words)


def standing_registers(
    conn: psycopg.Connection[Any], of_device: int
) -> list[tuple[int, RegisterFact]]:
    """Return what is said of a device's registers and was not withdrawn, with ids."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_STANDING, [of_device]).fetchall()
    return [(row.pop("id"), _fact(row)) for row in rows]


def enter_register(
    conn: psycopg.Connection[Any], act: Act, fact: RegisterFact, where: str = "表底参数"
) -> int:
    """Enter what a register is like.

    Returns:
        Its id.

    Raises:
        RefusedError: device or register are unknown, a figure is impossible, a ratio makes no whole
            millionths with it, or it overlaps what is known.
    """
    device = device_id(conn, fact.device, where)
    raise_if_any(_shape(fact, where))
    with writing(conn, where):
        raise_if_any(_against(conn, device, fact, where))
        row = conn.execute(
            _INSERT,
            [
                *(device, fact.register, fact.resolution, fact.capacity, fact.max_per_hour),
                *(fact.reversible, to_range(fact.span), act.principal, act.at),
            ],
        ).fetchone()
        assert row is not None  # noqa: S101 - RETURNING
        record(conn, act, "register.enter", fact.device, {"id": row[0], **_detail(fact)})
        marks.register(conn, device, fact.register, fact.span, f"register {row[0]} entered")
    return int(row[0])


def withdraw_register(conn: psycopg.Connection[Any], act: Act, fact_id: int) -> RegisterFact:
    """Withdraw what was said of a register: it stays, and counts no more.

    Raises:
        RefusedError: there is nothing with this id, or it was withdrawn already.
    """
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_WITHDRAW, [act.principal, act.at, fact_id]).fetchone()
        if row is None:
            refuse(f"表底参数 #{fact_id}", "没有这条记录，或已经撤销")
        device = row.pop("device_id")
        fact = _fact(row)
        record(conn, act, "register.withdraw", fact.device, {"id": fact_id, **_detail(fact)})
        marks.register(conn, device, fact.register, fact.span, f"register {fact_id} withdrawn")
    return fact


def correct_register(
    conn: psycopg.Connection[Any],
    act: Act,
    fact_id: int,
    fact: RegisterFact,
    where: str = "表底参数",
) -> int:
    """Withdraw what was said of a register and enter another in its place; both are kept.

    Raises:
        RefusedError: either is refused; then nothing changed.
    """
    with conn.transaction():
        was = withdraw_register(conn, act, fact_id)
        refuse_other(f"表底参数 #{fact_id}", was.device, fact.device)
        refuse_other(f"表底参数 #{fact_id}", was.register, fact.register)
        return enter_register(conn, act, fact, where)


def _shape(fact: RegisterFact, where: str) -> Iterator[Fault]:
    for name, value in (
        ("最小刻度 resolution", fact.resolution),
        ("满度 capacity", fact.capacity),
        ("每小时最大增量 max_per_hour", fact.max_per_hour),
    ):
        if value is None:
            continue
        if not value.is_finite() or value <= 0:
            yield Fault(where, f"{name} 是 {value}：必须大于 0")
        elif value != round(value, 6):
            yield Fault(where, f"{name} 是 {value}：最多 6 位小数")
    if fact.resolution.is_finite() and fact.resolution > 0:
        yield from _ticks(fact, where)
    if fact.span.first >= fact.span.end:
        yield Fault(where, "结束时间不晚于开始时间，请改正其中之一")


def _ticks(fact: RegisterFact, where: str) -> Iterator[Fault]:
    """Yield what is wrong with the capacity, counted in ticks."""
    if fact.resolution >= 10**6:
        yield Fault(where, f"最小刻度 resolution 是 {fact.resolution}：必须小于 1000000")
    if fact.capacity is None or not fact.capacity.is_finite():
        return
    ticks = fact.capacity / fact.resolution
    if ticks != ticks.to_integral_value():
        yield Fault(where, f"满度 {fact.capacity} 不是最小刻度 {fact.resolution} 的整数倍")
    elif ticks > _MOST_TICKS:
        yield Fault(where, f"满度 {fact.capacity} 太大：超过 2^53 个刻度")


def _against(
    conn: psycopg.Connection[Any], device: int, fact: RegisterFact, where: str
) -> Iterator[Fault]:
    with conn.cursor(row_factory=scalar_row) as cursor:
        names = cursor.execute(_COUNTERS, [device]).fetchall()
    if fact.register not in names:
        listed = "、".join(names) or "（没有）"
        near = nearest(fact.register, names)
        yield Fault(where, f"{fact.device} 没有累计量 {fact.register}{near}；它的累计量：{listed}")
    for other_id, other in standing_registers(conn, device):
        if other.register == fact.register and other.span.meets(fact.span):
            since, until = shown(other.span.since), shown(other.span.until)
            what = f"与已登记的 #{other_id}（{since} 至 {until}）时间重叠；请先更正或撤销那一条"
            yield Fault(where, what)
    for meter_id, held_span in counting(conn, device, fact.register, fact.span):
        common = held_span.common(fact.span)
        row = conn.execute("SELECT unit FROM meter WHERE id = %s", [meter_id]).fetchone()
        unit = row[0] if row else ""
        tick = fact.resolution * unit_factor(conn, device, fact.register, unit)
        held = ratios(conn, meter_id, common) if common else []
        for ratio in held or [Ratio(fact.span, Decimal(1), Decimal(1))]:
            if not whole(tick, ratio.ct, ratio.pt):
                yield not_whole(where, tick, ratio.ct, ratio.pt)


def _fact(row: dict[str, Any]) -> RegisterFact:
    valid = row.pop("valid")
    return RegisterFact(**row, span=of_range(valid) or ALWAYS)


def _detail(fact: RegisterFact) -> dict[str, object]:
    return {
        "register": fact.register,
        "resolution": f"{fact.resolution.normalize():f}",
        "capacity": None if fact.capacity is None else f"{fact.capacity.normalize():f}",
        "max_per_hour": None if fact.max_per_hour is None else f"{fact.max_per_hour.normalize():f}",
        "reversible": fact.reversible,
        "since": fact.span.since.isoformat() if fact.span.since else None,
        "until": fact.span.until.isoformat() if fact.span.until else None,
    }
