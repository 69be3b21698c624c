"""Whether a reading that somebody took off a meter can be true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, LiteralString, get_args

import psycopg
from psycopg.rows import tuple_row

from metering.facts.meters import Mounted, at_time, known, mounted, unknown_meter
from metering.facts.readings import Known, after, before
from metering.facts.refusal import shown
from registry.refusal import Fault
from registry.years import sensible, wrong_year

Kind = Literal["reading", "initial", "final", "reset"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
NAMES: Final[Mapping[Kind, str]] = {
    "reading": "抄表读数",
    "initial": "装表底数",
    "final": "拆表止数",
    "reset": "清零后起数",
}
_MOST: Final = Decimal(10) ** 14

_SAME: Final[LiteralString] = """
    SELECT id, value, kind FROM counter_entry
    WHERE device_id = %s AND register = %s AND ts = %s AND withdrawn_at IS NULL ORDER BY id
"""
_CAPACITY: Final[LiteralString] = """
    SELECT capacity FROM device_register
    WHERE device_id = %s AND register = %s AND withdrawn_at IS NULL AND valid @> %s::timestamptz
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody read.

    Attributes:
        meter: code of the meter.
        at: when it was read, aware.
        value: what the register showed, before CT and PT.
        kind: ``final`` and ``initial`` bound a device's time at its place; ``reset``: the counter
            went on from this value.
    """

    meter: str
    at: datetime
    value: Decimal
    kind: Kind = "reading"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """Where the parts of an entry stand, for refusals: cells, options."""

    meter: str = "计量表"
    at: str = "时间"
    value: str = "读数"


@dataclass(frozen=True, slots=True)
class Checked:
    """What an entry comes to.

    Attributes:
        held: whose register was read; None after a fault.
        last: what was known before it.
        same: id of an entry that says the same already.
        faults: why it is refused; empty when it is not.
    """

    held: Mounted | None
    last: Known | None
    same: int | None
    faults: tuple[Fault, ...]


def check(conn: psycopg.Connection[Any], entry: Entry, now: datetime, where: Where) -> Checked:
    """Look at an entry beside everything that is known; write nothing.

    Args:
        conn: any connection.
        entry: what was read.
        now: nobody reads a meter later than that.
        where: how refusals name its parts.
    """
    faults = _shape(entry, now, where)
    meter = known(conn, entry.meter)
    if meter is None:
        return _faulty(*faults, Fault(where.meter, unknown_meter(conn, entry.meter)))
    if meter.formula is not None:
        words = f"{meter.code} 是虚拟表，由公式计算，不能抄表；请录入它引用的实体表"
        return _faulty(*faults, Fault(where.meter, words))
    history = mounted(conn, meter.id)
    held = at_time(history, entry.at, ending=entry.kind == "final")
    if held is None:
        return _faulty(*faults, _not_mounted(history, entry, where))
    if held.register is None:
        words = f"设备 {held.device} 没有累计量，不能抄表；请核对设备的配置文件"
        return _faulty(*faults, Fault(where.meter, words))
    if faults:
        return _faulty(*faults)
    return _beside(conn, entry, held, where)


def _faulty(*faults: Fault) -> Checked:
    return Checked(None, None, None, faults)


def _shape(entry: Entry, now: datetime, where: Where) -> list[Fault]:
    faults = []
    if entry.at > now:
        faults.append(Fault(where.at, f"{shown(entry.at)} 还没有到：请填写实际抄表时间"))
    elif not sensible(entry.at):
        faults.append(Fault(where.at, wrong_year(entry.at)))
    if not entry.value.is_finite() or not 0 <= entry.value < _MOST:
        faults.append(Fault(where.value, f"读数 {entry.value} 不可能：请填写表上显示的非负数"))
    elif entry.value != round(entry.value, 6):
        faults.append(Fault(where.value, f"读数 {entry.value} 超过 6 位小数：请照表上显示填写"))
    return faults


def _not_mounted(history: Sequence[Mounted], entry: Entry, where: Where) -> Fault:
    times = "；".join(
        f"{m.device}：{shown(m.span.since, entry.at)} 至 {shown(m.span.until, entry.at)}"
        for m in history
    )
    words = f"{shown(entry.at)} 时 {entry.meter} 处没有装表（{times or '从未装表'}）"
    return Fault(where.at, f"{words}；请改正时间，或先登记装表、换表")


def _beside(conn: psycopg.Connection[Any], entry: Entry, held: Mounted, where: Where) -> Checked:
    """Compare an entry of sound shape with what is known of its register."""
    identity = [held.device_id, held.register, entry.at]
    with conn.cursor(row_factory=tuple_row) as cursor:
        others = cursor.execute(_SAME, identity).fetchall()
        row = cursor.execute(_CAPACITY, [held.device_id, held.register, entry.at]).fetchone()
    capacity: Decimal | None = row[0] if row else None
    last = before(conn, held, entry.at)
    for number, value, kind in others:
        if kind == entry.kind and value == entry.value:
            return Checked(held, last, number, ())
    faults = []
    for number, value, kind in others:
        if value != entry.value and _of_one_moment(kind, entry.kind):
            words = f"{shown(entry.at)} 已录入{NAMES[kind]} {value.normalize():f}（#{number}）"
            faults.append(Fault(where.value, f"{words}，与 {entry.value} 不同；要改请先撤销那一条"))
    if capacity is not None and entry.value >= capacity:
        words = f"读数 {entry.value} 超出表的满度 {capacity.normalize():f}；请核对读数或满度"
        faults.append(Fault(where.value, words))
    faults += _bounding(conn, entry, held, last, where)
    if entry.kind == "final" and last is not None and _fell(entry.value, last.value, capacity):
        words = (
            f"拆表止数 {entry.value} 小于 {shown(last.at, entry.at)} 的读数 {last.value:f}；"
            "请核对。若那次读数有误，先补录一条核实过的抄表读数；若表已翻转，先登记满度"
        )
        faults.append(Fault(where.value, words))
    return Checked(held, last, None, tuple(faults))


def _of_one_moment(one: Kind, other: Kind) -> bool:
    """Tell whether two readings of one time must be equal.

    A counter is reset in no time, and between taking it down and putting it up elsewhere too.
    """
    return one == other or ("reset" not in {one, other} and {one, other} != {"final", "initial"})


def _bounding(
    conn: psycopg.Connection[Any],
    entry: Entry,
    held: Mounted,
    last: Known | None,
    where: Where,
) -> list[Fault]:
    """A first reading has nothing before it, a last one nothing behind it."""
    if entry.kind == "initial" and last is not None and last.at < entry.at:
        words = f"{held.device} 在 {shown(last.at, entry.at)} 已有读数 {last.value:f}"
        return [Fault(where.at, f"{words}，装表底数必须在所有读数之前；请改正时间")]
    following = after(conn, held, entry.at) if entry.kind == "final" else None
    if following is not None:
        words = f"{held.device} 在 {shown(following.at, entry.at)} 还有读数 {following.value:f}"
        return [Fault(where.at, f"{words}，拆表止数必须在所有读数之后；请改正时间或先登记换表")]
    return []


def _fell(value: Decimal, last: Decimal, capacity: Decimal | None) -> bool:
    """Tell whether a value is below the last one and no rollover explains it."""
    if value >= last:
        return False
    return capacity is None or capacity + value - last > capacity / 4
