"""The meters themselves, from a file into the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row, scalar_row

from metering.facts import marks
from metering.facts.file_model import MetersFile, MeterSpec
from metering.facts.meters import Meter, known
from metering.facts.refusal import nearest
from metering.facts.span import ALWAYS, Span
from metering.facts.sync import ENERGY, UNITS, unit_for
from registry.audit import Act, record
from registry.refusal import refuse

_PLACE: Final[LiteralString] = "SELECT id, name, measures FROM place WHERE code = %s"
# What hangs at the place now, or hung there last, decides.
_COUNTER: Final[LiteralString] = """
    SELECT p.unit FROM device_place b
    JOIN point p ON p.device_id = b.device_id AND p.class = 'counter'
    WHERE b.place_id = %(place)s AND NOT isempty(b.valid)
        AND p.name = coalesce(%(register)s, p.name)
    ORDER BY lower(b.valid) DESC NULLS LAST, p.id LIMIT 1
"""
_INSERT: Final[LiteralString] = """
    INSERT INTO meter (code, name, energy, unit, direction, item, place_id, register, formula)
    VALUES (%(code)s, %(name)s, %(energy)s, %(unit)s, %(direction)s, %(item)s, %(place_id)s,
            %(register)s, %(formula)s)
    RETURNING id
"""
_UPDATE: Final[LiteralString] = """
    UPDATE meter SET name = %(name)s, energy = %(energy)s, unit = %(unit)s,
        direction = %(direction)s, item = %(item)s, formula = %(formula)s,
        valid = tstzrange(lower(valid), NULL)
    WHERE id = %(id)s
"""
_CLOSE: Final[LiteralString] = """
    UPDATE meter m SET valid = tstzrange(lower(valid), greatest(lower(valid), %(at)s))
    WHERE upper_inf(m.valid) AND m.code <> ALL(%(named)s)
        AND NOT EXISTS (SELECT FROM place p WHERE p.id = m.place_id AND p.code = m.code)
    RETURNING m.id, m.code
"""
_CHANGEABLE: Final = ("name", "direction", "item", "formula")


def write_meter(
    conn: psycopg.Connection[Any], act: Act, stated: MetersFile, spec: MeterSpec
) -> list[str]:
    """Create a meter, or change what may change about it.

    Returns:
        What changed, in Chinese.

    Raises:
        RefusedError: it cannot be so, or would change what it means.
    """
    where = stated.where(spec.line("code"))
    meter = known(conn, spec.code)
    if meter is not None:
        return _change(conn, act, stated, spec, meter)
    if spec.place is None and spec.formula is None:
        with conn.cursor(row_factory=scalar_row) as cursor:
            codes = cursor.execute("SELECT code FROM meter").fetchall()
        words = (
            f"没有编码为 {spec.code} 的计量点，或该处从未装过有累计量的表"
            f"{nearest(spec.code, codes)}；另一个累计量请写 place，虚拟表请写 formula"
        )
        return refuse(where, words)
    values = _new(conn, stated, spec)
    with conn.cursor(row_factory=scalar_row) as cursor:
        meter_id: int | None = cursor.execute(_INSERT, values).fetchone()
    assert meter_id is not None  # noqa: S101 - RETURNING
    record(conn, act, "meter.create", spec.code, values)
    marks.meter(conn, meter_id, ALWAYS, "meter created")
    return [f"新增计量表 {spec.code}"]


def close_others(conn: psycopg.Connection[Any], act: Act, named: Collection[str]) -> list[str]:
    """Close further and virtual meters that a file no longer names.

    Returns:
        What changed, in Chinese.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_CLOSE, {"at": act.at, "named": list(named)}).fetchall()
    for row in rows:
        record(conn, act, "meter.close", row["code"])
        marks.meter(conn, row["id"], Span(act.at), "meter closed")
    return [f"停用计量表 {row['code']}" for row in rows]


def _new(conn: psycopg.Connection[Any], stated: MetersFile, spec: MeterSpec) -> dict[str, object]:
    energy, unit, place_id, name = spec.energy, spec.unit, None, spec.name
    if spec.place is not None:
        place = _place(conn, stated, spec)
        energy = energy or ENERGY.get(place["measures"], "other")
        unit = unit or _unit(conn, stated, spec, (place["id"], energy))
        place_id, name = place["id"], name or place["name"]
    energy = energy or "other"
    return {
        "code": spec.code,
        "name": name or spec.code,
        "energy": energy,
        "unit": unit or UNITS[energy][0],
        "direction": spec.direction or "in",
        "item": spec.item,
        "place_id": place_id,
        "register": spec.register,
        "formula": spec.formula,
    }


def _place(conn: psycopg.Connection[Any], stated: MetersFile, spec: MeterSpec) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_PLACE, [spec.place]).fetchone()
    if found is not None:
        return found
    with conn.cursor(row_factory=scalar_row) as cursor:
        codes = cursor.execute("SELECT code FROM place").fetchall()
    near = nearest(spec.place or "", codes)
    where = stated.where(spec.line("place"))
    return refuse(where, f"没有编码为 {spec.place} 的计量点{near}；先写进设备清单并导入")


def _unit(
    conn: psycopg.Connection[Any],
    stated: MetersFile,
    spec: MeterSpec,
    of: tuple[int, str],
) -> str:
    """Return the unit of a further register; its devices decide."""
    place_id, energy = of
    with conn.cursor(row_factory=scalar_row) as cursor:
        values = {"place": place_id, "register": spec.register}
        counted: str | None = cursor.execute(_COUNTER, values).fetchone()
    if counted is None:
        where = stated.where(spec.line("register"))
        words = f"{spec.place} 处的表没有累计量 {spec.register or ''}；请核对设备配置文件"
        return refuse(where, words)
    where = stated.where(spec.line("energy"))
    words = f"累计量的单位 {counted} 不能计 {energy}；请改正 energy 或 register"
    return unit_for(energy, counted) or refuse(where, words)


def _change(
    conn: psycopg.Connection[Any],
    act: Act,
    stated: MetersFile,
    spec: MeterSpec,
    meter: Meter,
) -> list[str]:
    _same_meaning(stated, spec, meter)
    values: dict[str, Any] = {
        "id": meter.id,
        "name": spec.name or meter.name,
        "direction": spec.direction or meter.direction,
        "item": spec.item,
        "formula": spec.formula,
        "energy": spec.energy or meter.energy,
        "unit": spec.unit or meter.unit,
    }
    own = meter.place == meter.code
    differing = [k for k in (*_CHANGEABLE, "energy", "unit") if values[k] != getattr(meter, k)]
    # The meter of a closed place stays closed: the inventory says so.
    reopened = not meter.open and not own
    if not differing and not reopened:
        return []
    if own and not meter.open:
        where = stated.where(spec.line("code"))
        return refuse(where, f"计量点 {spec.code} 在设备清单中已经停用；请从本文件删去这一条")
    conn.execute(_UPDATE, values)
    detail = {key: [getattr(meter, key), values[key]] for key in differing}
    record(conn, act, "meter.change", spec.code, detail)
    if reopened or not {"formula", "energy", "unit"}.isdisjoint(differing):
        marks.meter(conn, meter.id, ALWAYS, "meter changed")
    return [f"修改计量表 {spec.code}：{'、'.join(differing) or '重新启用'}"]


def _same_meaning(stated: MetersFile, spec: MeterSpec, meter: Meter) -> None:
    """Refuse what would give published figures another meaning."""
    specific = meter.energy == "other"  # oil: which one, only the file can say
    held: dict[str, tuple[object, object]] = {
        "formula": (meter.formula is None, spec.formula is None),
        "place": (meter.place, spec.place or (meter.place if meter.place == meter.code else None)),
        "register": (meter.register, spec.register or (None if spec.place else meter.register)),
        "energy": (meter.energy, meter.energy if specific else spec.energy or meter.energy),
        "unit": (meter.unit, meter.unit if specific else spec.unit or meter.unit),
    }
    for key, (before, after) in held.items():
        if before != after:
            words = (
                f"计量表 {meter.code} 的 {key} 已确定，不能改，否则已公布的数字会改变含义；"
                "请用新的编码另建一块计量表"
            )
            refuse(stated.where(spec.line(key)), words)
