"""What people say of a fence, from whatever it comes: a sheet, GeoJSON, the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from fleet.fence.datum import Datum
from fleet.fence.geometry import geometry
from fleet.fence.shape import ShapeError
from fleet.ledger.lines import Line, Said, choice
from fleet.ledger.words import meant, words
from registry.sheet import Row, Sheet, plain

MARGIN_M: Final = 50
"""What receivers scatter between houses, with some room."""
MOST_MARGIN_M: Final = 1_000
MOST_DWELL_MIN: Final = 1_440
PLACES: Final = ("parking", "station", "garage")
"""Kinds of designated places that a fence may be."""

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "code": ("围栏编码", "编码", "code"),
    "name": ("名称", "围栏名称", "name"),
    "purpose": ("定点类别", "类别", "用途", "purpose"),
    "institution": ("机构编码", "单位编码", "institution"),
    "datum": ("坐标系", "datum"),
    "lon": ("经度", "圆心经度", "lon"),
    "lat": ("纬度", "圆心纬度", "lat"),
    "radius": ("半径", "半径米", "radius_m"),
    "margin": ("边界余量", "余量", "margin_m"),
    "dwell": ("停留", "最短停留", "dwell_min"),
    "since": ("起始日期", "since"),
    "last": ("截止日期", "last"),
    "note": ("备注", "说明", "note"),
}
"""Field → what sheets and properties call it; the last one is English."""

DATUMS: Final[Mapping[str, tuple[str, ...]]] = {
    Datum.WGS84: ("WGS84", "WGS-84", "CGCS2000", "国家2000", "天地图", "GPS", "北斗"),
    Datum.GCJ02: ("GCJ02", "GCJ-02", "火星坐标", "高德", "腾讯"),
    Datum.BD09: ("BD09", "BD-09", "百度"),
}
_OPTIONS: Final = {"last": "until", "from_at": "since", "to_at": "until", "geometry": "corners"}
"""Field → option of the command line, where they differ."""


@dataclass(frozen=True, slots=True)
class Feature(Row):
    """A row that is no row of a sheet: a mistake is named by where it stands in a text.

    Attributes:
        place: for example ``yards.geojson:12``; empty: the field alone says it.
    """

    place: str = ""

    @property
    def where(self) -> str:
        """Where it stands."""
        return self.place

    def cell(self, name: str) -> str:
        """Return where a field stands: the place and what the field is called."""
        if not self.place:
            return f"--{_OPTIONS.get(name, name.replace('_', '-'))}"
        called = HEADINGS.get(name, (name,))[-1]
        return f"{self.place} {called}"


def unsheeted(name: str) -> Sheet:
    """Return a sheet for rows that stand on none."""
    return Sheet("fences", name, {}, {}, (), 1, ())


def fields(given: Mapping[str, object]) -> dict[str, str | int | float | bool]:
    """Return what is said by field, from properties by any of their names."""
    known = {plain(one): field for field, names in HEADINGS.items() for one in names}
    return {
        known[plain(name)]: value
        for name, value in given.items()
        if plain(name) in known and isinstance(value, (str, int, float))
    }


def fence_line(row: Row, given: object = None) -> Line | None:
    """Return the line of a fence; None after a refusal.

    Args:
        row: what is said of it.
        given: its GeoJSON geometry; None: a circle by ``lon``, ``lat`` and ``radius``.
    """
    before = len(row.refusals.found)
    code, since, last = row.needed("code"), day(row, "since"), row.day("last")
    if since is not None and last is not None and last < since:
        row.refuse("last", f"{last} 早于起始日期 {since}，请核对")
    datum = meant(DATUMS, row.needed("datum"))
    if row.has("datum"):
        datum = choice(row, "datum", datum, [names[0] for names in DATUMS.values()])
    purpose = _purpose(row)
    margin, dwell = _within(row, "margin", MOST_MARGIN_M), _within(row, "dwell", MOST_DWELL_MIN)
    radius = row.whole("radius")
    if given is None:
        given = _middle(row)
        if radius is None and not row.has("radius"):
            row.needed("radius")
    if len(row.refusals.found) > before or since is None or datum is None:
        return None
    try:
        found = geometry(given, radius, Datum(datum))
    except ShapeError as error:
        row.refuse("lon" if "lon" in row.sheet.columns else "geometry", str(error))
        return None
    values: dict[str, Said] = {
        "code": code,
        "name": row.text("name") or code,
        "purpose": purpose or "",
        "institution": row.text("institution") or None,
        "kind": found.kind,
        "datum": datum,
        "original": found.original,
        "wgs84": found.wgs84,
        "radius_m": found.radius_m,
        "margin_m": MARGIN_M if margin is None else margin,
        "dwell_s": 60 * (dwell or 0),
        "since": since.isoformat(),
        "until": None if last is None else (last + timedelta(days=1)).isoformat(),
        "note": row.text("note"),
    }
    return Line(row, "fleet_fence", f"{code}|{since}", values)


def day(row: Row, name: str) -> date | None:
    """Return a day that must be there."""
    found = row.day(name)
    if found is None and not row.has(name):
        row.needed(name)
    return found


def _purpose(row: Row) -> str | None:
    if not row.has("purpose"):
        return ""
    options = {kind: (kind, *words().parties[kind]) for kind in PLACES}
    known = [words().parties[kind][0] for kind in PLACES]
    return choice(row, "purpose", meant(options, row.text("purpose")), known)


def _within(row: Row, name: str, most: int) -> int | None:
    number = row.whole(name)
    if number is not None and not 0 <= number <= most:
        row.refuse(name, f"“{row.text(name)}”不在 0 至 {most} 之间，请核对")
        return None
    return number


def _middle(row: Row) -> object:
    lon, lat = row.number_of("lon"), row.number_of("lat")
    for name, value in (("lon", lon), ("lat", lat)):
        if value is None and not row.has(name):
            row.needed(name)
    if lon is None or lat is None:
        return None
    return {"type": "Point", "coordinates": [float(lon), float(lat)]}
