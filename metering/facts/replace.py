"""A meter replaced: last value, first value, and who hangs there, in one act."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import tuple_row

from metering.facts import entry
from metering.facts.acts import (
    Rebinding,
    begin,
    orphans,
    overlaps,
    rebind,
    refuse_other_act,
    undo,
)
from metering.facts.entry_check import Entry, Kind, Where, check
from metering.facts.meters import Meter, find, known, unknown_meter
from metering.facts.refusal import shown, writing
from metering.facts.register import device_id
from metering.facts.span import Span, of_range, to_range
from registry.audit import Act, record
from registry.importing import lock
from registry.refusal import Fault, raise_if_any, refuse

_BOUND: Final[LiteralString] = """
    SELECT b.device_id, d.code, b.place_id, p.code, b.valid
    FROM device_place b JOIN device d ON d.id = b.device_id JOIN place p ON p.id = b.place_id
    WHERE (b.place_id = %s OR b.device_id = %s) AND NOT isempty(b.valid)
    ORDER BY lower(b.valid) NULLS FIRST
"""
# Step 0 takes the old device down, step 1 puts the new one up.
_STATED: Final[LiteralString] = """
    SELECT a.id, b.step FROM fact_act a JOIN fact_act_binding b ON b.act_id = a.id
    WHERE a.kind = 'replace' AND a.withdrawn_at IS NULL AND b.binding = 'device_place'
        AND b.target_id = %(place)s
        AND ((b.step = 0 AND b.subject_id = %(old)s AND b.after = %(old_held)s)
            OR (b.step = 1 AND b.subject_id = %(new)s AND b.after = %(new_held)s))
"""


_NAMES: Final[dict[Kind, str]] = {"final": "旧表止数", "initial": "新表底数"}


@dataclass(frozen=True, slots=True)
class Values:
    """What the registers of both devices showed.

    Attributes:
        meter: code of the meter that counts the register.
        final: of the old device when it was taken down; None: nobody read it.
        initial: of the new device when it was put up; None: nobody read it.
    """

    meter: str
    final: Decimal | None
    initial: Decimal | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """A device took another one's place.

    Attributes:
        meter: code of a meter of the place.
        device: code of the new device.
        removed_at: when the old one was taken down, aware.
        installed_at: when the new one was put up, aware; not earlier.
        values: of each meter of the place that somebody read.
    """

    meter: str
    device: str
    removed_at: datetime
    installed_at: datetime
    values: tuple[Values, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Bound:
    device_id: int
    device: str
    place_id: int
    place: str
    span: Span


def replace(
    conn: psycopg.Connection[Any], act: Act, stated: Replacement, where: str = "换表"
) -> int:
    """Enter a replacement, as one act.

    The new device must be in the inventory. Where the inventory bound it already, only the times
    are put right.

    Returns:
        Id of the act.

    Raises:
        RefusedError: codes are unknown, times contradict each other or what is known, or a value
            cannot be true; nothing was changed.
    """
    meter = find(conn, stated.meter, where)
    place_id = meter.place_id
    if place_id is None:
        refuse(where, f"{meter.code} 是虚拟表，没有可更换的表计")
    new_id = device_id(conn, stated.device, where)
    raise_if_any([*_times(stated, act.at, where), *_foreign(conn, meter, stated.values, where)])
    with writing(conn, where):
        lock(conn)
        changes = _plan(conn, stated, place_id, new_id, where)
        act_id = begin(conn, act, "replace", meter.place or meter.code)
        rebind(conn, act_id, changes)
        raise_if_any(overlaps(conn, place_id, where))
        raise_if_any(orphans(conn, [c.subject_id for c in changes], where))
        record(conn, act, "replace.enter", meter.place or meter.code, _detail(act_id, stated))
        raise_if_any(_read(conn, act, stated, act_id, where))
    return act_id


def correct_replacement(
    conn: psycopg.Connection[Any], act: Act, act_id: int, stated: Replacement, where: str = "换表"
) -> int:
    """Withdraw a replacement and enter another in its place; both are kept.

    Raises:
        RefusedError: either is refused; then nothing changed.
    """
    meter = find(conn, stated.meter, where)
    with writing(conn, where):
        refuse_other_act(conn, act_id, "replace", meter.place or meter.code)
        devices = undo(conn, act, act_id)
        corrected = replace(conn, act, stated, where)
        raise_if_any(orphans(conn, devices, where))
        return corrected


def _times(stated: Replacement, now: datetime, where: str) -> Iterator[Fault]:
    if stated.installed_at < stated.removed_at:
        off, on = shown(stated.removed_at), shown(stated.installed_at)
        yield Fault(where, f"新表 {on} 装上早于旧表 {off} 拆下；请改正其中之一")
    if max(stated.installed_at, stated.removed_at) > now:
        yield Fault(where, "换表时间还没有到：请在换表之后按实际时间登记")


def _foreign(
    conn: psycopg.Connection[Any], meter: Meter, values: Sequence[Values], where: str
) -> Iterator[Fault]:
    """Yield the values of meters that do not hang there, and meters named twice."""
    codes = [v.meter for v in values]
    for code in dict.fromkeys(codes):
        other = known(conn, code)
        if other is None:
            yield Fault(where, unknown_meter(conn, code))
        elif other.place_id != meter.place_id:
            yield Fault(where, f"{code} 不在计量点 {meter.place}；请只填写同一计量点的表")
        elif codes.count(code) > 1:
            yield Fault(where, f"{code} 的读数写了不止一次；请只留一次")


def _plan(
    conn: psycopg.Connection[Any], stated: Replacement, place_id: int, new_id: int, where: str
) -> tuple[Rebinding, Rebinding]:
    """Find what the bindings were and shall be; refuse what contradicts them."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_BOUND, [place_id, new_id]).fetchall()
    bound = [
        _Bound(device_id, device, place, code, span)
        for device_id, device, place, code, valid in rows
        if (span := of_range(valid)) is not None
    ]
    here = [b for b in bound if b.place_id == place_id]
    old = _old(here, stated, new_id, where)
    new = _new(here, stated, new_id, old)
    _contradicted(conn, old, new, new_id, where)
    following = [b.span.since for b in here if b is not new and b.span.since]
    until = new.span.until if new else None
    later = [s for s in following if s >= stated.installed_at]
    if new is None and later:
        until = min(later)
    if until is not None and until <= stated.installed_at:
        words = (
            f"{shown(stated.installed_at)} 时 {stated.device} 已经拆下或被换下（{shown(until)}）"
        )
        refuse(where, f"{words}；请改正时间")
    after = Span(stated.installed_at, until)
    for b in bound:
        if b.device_id == new_id and b is not new and b.span.meets(after):
            since, end = shown(b.span.since), shown(b.span.until)
            refuse(where, f"{stated.device} 在 {since} 至 {end} 装在 {b.place}；请核对新表编码")
    return (
        Rebinding(
            "device_place",
            old.device_id,
            place_id,
            old.span,
            Span(old.span.since, stated.removed_at),
        ),
        Rebinding("device_place", new_id, place_id, new.span if new else None, after),
    )


def _old(here: Sequence[_Bound], stated: Replacement, new_id: int, where: str) -> _Bound:
    found = [b for b in here if b.device_id != new_id and b.span.first < stated.removed_at]
    if not found:
        words = f"{shown(stated.removed_at)} 之前 {stated.meter} 处没有别的表可以拆下"
        refuse(where, f"{words}；请核对时间和新表编码 {stated.device}")
    return found[-1]


def _new(here: Sequence[_Bound], stated: Replacement, new_id: int, old: _Bound) -> _Bound | None:
    """Return what the inventory says of the new device already."""
    found = [
        b
        for b in here
        if b.device_id == new_id
        and b.span.end > stated.installed_at
        and b.span.first >= old.span.first
    ]
    return found[0] if found else None


def _contradicted(
    conn: psycopg.Connection[Any], old: _Bound, new: _Bound | None, new_id: int, where: str
) -> None:
    values = {
        "place": old.place_id,
        "old": old.device_id,
        "old_held": to_range(old.span),
        "new": new_id,
        "new_held": to_range(new.span if new else None),
    }
    row = conn.execute(_STATED, values).fetchone()
    if row is not None:
        did = "拆下旧表" if row[1] == 0 else "装上新表"
        words = f"换表 #{row[0]} 已登记了同一次{did}，时间重叠；请更正或撤销那一次"
        refuse(where, words)


def _read(
    conn: psycopg.Connection[Any], act: Act, stated: Replacement, act_id: int, where: str
) -> list[Fault]:
    """Enter the values; what cannot be true is returned, and the caller undoes everything."""
    faults: list[Fault] = []
    for values in stated.values:
        readings: list[tuple[Kind, datetime, Decimal | None]] = [
            ("final", stated.removed_at, values.final),
            ("initial", stated.installed_at, values.initial),
        ]
        for kind, at, value in readings:
            if value is None:
                continue
            named = Where(*(f"{where}，{values.meter} {_NAMES[kind]}" for _ in range(3)))
            read = Entry(values.meter, at, value, kind, stated.note)
            checked = check(conn, read, act.at, named)
            faults += checked.faults
            if not checked.faults and checked.held is not None and checked.same is None:
                entry.insert(conn, act, read, checked.held, act_id)
    return faults


def _detail(act_id: int, stated: Replacement) -> dict[str, object]:
    return {
        "id": act_id,
        "device": stated.device,
        "removed_at": stated.removed_at.astimezone(UTC).isoformat(),
        "installed_at": stated.installed_at.astimezone(UTC).isoformat(),
        "note": stated.note,
    }
