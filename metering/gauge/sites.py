"""Which sites have an outdoor temperature, which sensors measure it, and points by their names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from metering.facts.refusal import nearest
from metering.facts.span import Span
from registry.refusal import refuse

_SITES: Final[LiteralString] = """
SELECT site FROM outdoor_day UNION SELECT site FROM outdoor_temperature
UNION SELECT site FROM outdoor_sensor WHERE withdrawn_at IS NULL ORDER BY site
"""
_SENSORS: Final[LiteralString] = """
SELECT o.id, d.code || '/' || p.name, lower(o.valid), upper(o.valid), o.entered_by, o.entered_at
FROM outdoor_sensor o JOIN point p ON p.id = o.point_id JOIN device d ON d.id = p.device_id
WHERE o.site = %s AND o.withdrawn_at IS NULL ORDER BY o.valid, o.id
"""
_POINT: Final[LiteralString] = """
SELECT p.id FROM point p JOIN device d ON d.id = p.device_id
WHERE d.code || '/' || p.name = %s
"""
_POINTS: Final[LiteralString] = """
SELECT d.code || '/' || p.name FROM point p JOIN device d ON d.id = p.device_id
WHERE p.class = 'gauge' AND p.unit = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A point that measures a site's temperature for a time.

    Attributes:
        id: of the assignment, to withdraw it by.
        point: the device's code and the point's name, as ``device/point``.
        span: when.
        entered_by: who said so.
        entered_at: when that was said.
    """

    id: int
    point: str
    span: Span
    entered_by: str
    entered_at: datetime


def sites(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the names of all sites of which a temperature was entered or is measured."""
    return [site for (site,) in conn.execute(_SITES)]


def require_site(conn: psycopg.Connection[Any], site: str) -> None:
    """Look whether a site is known.

    Raises:
        RefusedError: nothing was ever entered of it; it names the others.
    """
    known = sites(conn)
    if site not in known:
        there = f"现有站点：{'、'.join(known)}" if known else "目前没有任何站点，请先录入气温"
        refuse(f"站点“{site}”", f"没有它的气温{nearest(site, known)}；{there}")


def sensors(conn: psycopg.Connection[Any], site: str) -> list[Sensor]:
    """Return the sensors of a site that were not withdrawn, by their time."""
    return [
        Sensor(number, point, Span(since, until), by, at)
        for number, point, since, until, by, at in conn.execute(_SENSORS, [site])
    ]


def find_point(conn: psycopg.Connection[Any], name: str, units: tuple[str, ...]) -> int:
    """Return the id of a point by its name.

    Args:
        conn: of any kind.
        name: ``device/point``.
        units: of the points that are offered when there is none of this name.

    Raises:
        RefusedError: there is none.
    """
    row = conn.execute(_POINT, [name]).fetchone()
    if row is None:
        options = [point for (point,) in conn.execute(_POINTS, [list(units)])]
        what = f"没有这个测点{nearest(name, options)}；请写成 设备编码/测点名"
        refuse(f"测点“{name}”", what)
    return int(row[0])
