"""Which point measures the outdoor temperature of a site, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.types.range import Range

from metering.facts.refusal import writing
from registry.audit import Act, record
from registry.refusal import Fault, raise_if_any, refuse

UNITS: Final = ("°C", "℃")

_POINT: Final[LiteralString] = """
SELECT d.code || '/' || p.name, p.class, p.unit
FROM point p JOIN device d ON d.id = p.device_id WHERE p.id = %s
"""
_OVERLAP: Final[LiteralString] = """
SELECT d.code || '/' || p.name
FROM outdoor_sensor o JOIN point p ON p.id = o.point_id JOIN device d ON d.id = p.device_id
WHERE o.site = %s AND o.withdrawn_at IS NULL AND o.valid && %s
"""
_ADD: Final[LiteralString] = """
INSERT INTO outdoor_sensor (site, point_id, valid, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s) RETURNING id
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE outdoor_sensor SET withdrawn_by = %s, withdrawn_at = %s
WHERE id = %s AND withdrawn_at IS NULL RETURNING site, point_id
"""


def assign_sensor(
    conn: psycopg.Connection[Any], act: Act, site: str, point_id: int, valid: Range[datetime]
) -> int:
    """Say that a point measures a site's outdoor temperature for a time.

    Args:
        conn: inside an open transaction the assignment becomes part of it.
        act: who and when.
        site: name of the place that the temperature is of.
        point_id: a gauge in °C.
        valid: from its lower bound, included, to the upper; None is without bound.

    Returns:
        Id of the assignment.

    Raises:
        RefusedError: the point does not fit, the time is empty, or the site has a sensor then.
    """
    raise_if_any(_time_faults(site, valid))
    with writing(conn, site):
        point = _check_point(conn, point_id)
        taken = conn.execute(_OVERLAP, [site, valid]).fetchone()
        if taken is not None:
            refuse(site, f"这段时间已由 {taken[0]} 测量；请先撤销它，或改正时间")
        row = conn.execute(_ADD, [site, point_id, valid, act.principal, act.at]).fetchone()
        assert row is not None  # noqa: S101 - RETURNING
        detail = {"id": row[0], "point": point, "valid": [_text(valid.lower), _text(valid.upper)]}
        record(conn, act, "outdoor.sensor", site, detail)
    return int(row[0])


def withdraw_sensor(conn: psycopg.Connection[Any], act: Act, sensor_id: int) -> None:
    """Take an assignment back: it was never true.

    Raises:
        RefusedError: there is none, or it was withdrawn already.
    """
    where = f"气温传感器 #{sensor_id}"
    with writing(conn, where):
        row = conn.execute(_WITHDRAW, [act.principal, act.at, sensor_id]).fetchone()
        if row is None:
            refuse(where, "没有这条记录，或已经撤销；请重新查看后再操作")
        record(conn, act, "outdoor.sensor.withdraw", row[0], {"id": sensor_id, "point": row[1]})


def _time_faults(site: str, valid: Range[datetime]) -> Iterator[Fault]:
    if not site.strip():
        yield Fault("站点", "没有填写站点名称；请填写气温属于哪个站点")
    bounds = [bound for bound in (valid.lower, valid.upper) if bound is not None]
    if any(bound.tzinfo is None for bound in bounds):
        yield Fault(site, "时间没有时区，无法确定是哪一刻；请注明时区")
    elif valid.isempty or (len(bounds) == 2 and bounds[0] >= bounds[1]):
        yield Fault(site, "结束时间不晚于开始时间；请改正")


def _check_point(conn: psycopg.Connection[Any], point_id: int) -> str:
    row = conn.execute(_POINT, [point_id]).fetchone()
    if row is None:
        refuse(f"测点 #{point_id}", "没有这个测点；请核对编号")
    name, class_, unit = row
    if class_ != "gauge" or unit not in UNITS:
        refuse(str(name), f"不是以 ℃ 为单位的瞬时量（类别 {class_}，单位 {unit}）；请选气温测点")
    return str(name)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
