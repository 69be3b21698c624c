"""Fences, yards, sealed times and duty as they come in: from files, or one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from fleet.fence import geojson, rows
from fleet.fence.rows import Feature, fence_line, unsheeted
from fleet.ledger.draft import Draft, new_lines
from fleet.ledger.lines import Line
from fleet.ledger.sheets import read_rows
from fleet.ledger.store import lock, put, standing
from fleet.yards.rows import HEADINGS, Vehicles, duty_line, sealed_line, yard_line
from registry.audit import Act, record
from registry.refusal import refuse
from registry.sheet import Refusals, Row, Sheet, plain, with_headings, without_doubles
from registry.workbook import Rows

SHEETS: Final[Mapping[str, tuple[str, ...]]] = {
    "fences": ("围栏", "电子围栏"),
    "yards": ("定点停放", "停放"),
    "sealed": ("封存停驶", "封存"),
    "duty": ("值班",),
}
"""Kind of sheet → its names, the usual one first; fences before those who name them."""
_HEADINGS: Final = {"fences": rows.HEADINGS, **HEADINGS}
_NEEDED: Final = {
    "fences": ("code", "datum", "lon", "lat", "radius", "since"),
    "yards": ("fence", "since"),
    "sealed": ("since", "reason"),
    "duty": ("vehicle", "from_at", "to_at", "reason"),
}
_GEOJSON: Final = (".geojson", ".json")
_NOTHING: Final[Mapping[str, str]] = {}


def draw(
    conn: psycopg.Connection[Any], path: Path, zone: ZoneInfo, usual: Mapping[str, str] = _NOTHING
) -> Draft:
    """Read a file and say what importing it would do; nothing is changed.

    Args:
        conn: in any state.
        path: GeoJSON, a workbook, or a CSV file with one of its sheets.
        zone: the site's.
        usual: by field, what is said of GeoJSON's features that do not say it.

    Raises:
        RefusedError: with every mistake, and its line or cell.
    """
    refusals = Refusals()
    if path.suffix.lower() in _GEOJSON:
        lines, ignored = geojson.read_lines(path, refusals, usual), list[str]()
    else:
        sheets = _sheets(path, refusals)
        lines = list(_lines(sheets, _vehicles(conn), zone, refusals))
        ignored = [f"{one.name}：{'、'.join(one.ignored)}" for one in sheets if one.ignored]
    _refuse_unknown(conn, lines)
    new, unchanged = new_lines(conn, lines)
    refusals.raise_if_any()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Draft(path.name, sha256, "", tuple(new), unchanged, (), tuple(ignored))


def enter(  # noqa: PLR0913, PLR0917 - who enters what
    conn: psycopg.Connection[Any],
    act: Act,
    kind: str,
    said: Mapping[str, str],
    zone: ZoneInfo,
    geometry: object = None,
) -> int | None:
    """Enter one fence, yard, sealed time or duty; return its number, None: it stands already.

    Args:
        conn: in any state.
        act: who and when.
        kind: of :data:`SHEETS`.
        said: by field.
        zone: the site's.
        geometry: of a fence, in its datum; None: a circle.

    Raises:
        RefusedError: with everything that is wrong; nothing was entered.
    """
    refusals = Refusals()
    row = Feature(unsheeted(""), 1, {k: v for k, v in said.items() if v}, refusals)
    with conn.transaction():
        lock(conn)
        lines = [one for one in [_line(kind, row, _vehicles(conn), zone, geometry)] if one]
        _refuse_unknown(conn, lines)
        new, _ = new_lines(conn, lines)
        refusals.raise_if_any()
        if not new:
            return None
        put(conn, act, new, None)
        (line,) = new
        number = standing(conn, line.table, [line.key])[line.key].id
        record(conn, act, f"vehicle.{line.table}.enter", str(number), dict(line.values))
    return number


def _sheets(path: Path, refusals: Refusals) -> list[Sheet]:
    found = list[Sheet]()
    for name, its in read_rows(path).items():
        kind = next((k for k, names in SHEETS.items() if name.strip() in names), None)
        sheet = _guessed(name, its) if kind is None else _named(kind, name, its, refusals)
        if sheet is not None:
            found.append(without_doubles(sheet, its, _columns(sheet.kind), refusals))
    if not found and not refusals.found:
        known = "、".join(names[0] for names in SHEETS.values())
        refuse(path.name, f"没有找到可导入的工作表（{known}），请用模板填写")
    return sorted(found, key=lambda one: list(SHEETS).index(one.kind))


def _named(kind: str, name: str, its: Rows, refusals: Refusals) -> Sheet | None:
    sheet = with_headings(kind, name, its, _columns(kind))
    if sheet is None:
        refusals.add(name, "没有找到表头，请用模板填写")
        return None
    lacking = [_HEADINGS[kind][one][0] for one in _NEEDED[kind] if one not in sheet.columns]
    if lacking:
        refusals.add(f"{name}!{sheet.begin - 1}", f"缺少“{'”“'.join(lacking)}”列，请补上表头")
        return None
    return sheet


def _guessed(name: str, its: Rows) -> Sheet | None:
    for kind in SHEETS:
        sheet = with_headings(kind, name, its, _columns(kind))
        if sheet is not None and set(_NEEDED[kind]) <= set(sheet.columns):
            return sheet
    return None


def _columns(kind: str) -> dict[str, str]:
    return {plain(one): field for field, names in _HEADINGS[kind].items() for one in names}


def _lines(
    sheets: Sequence[Sheet], vehicles: Vehicles, zone: ZoneInfo, refusals: Refusals
) -> Iterator[Line]:
    for sheet in sheets:
        for row in sheet.lines(refusals):
            line = _line(sheet.kind, row, vehicles, zone, None)
            if line is not None:
                yield line


def _line(kind: str, row: Row, vehicles: Vehicles, zone: ZoneInfo, geometry: object) -> Line | None:
    match kind:
        case "fences":
            return fence_line(row, geometry)
        case "yards":
            return yard_line(row, vehicles)
        case "sealed":
            return sealed_line(row, vehicles)
        case "duty":
            return duty_line(row, vehicles, zone)
        case _:
            raise ValueError(f"{kind} is no kind of sheet")


def _vehicles(conn: psycopg.Connection[Any]) -> Vehicles:
    return Vehicles(dict(conn.execute("SELECT code, plate FROM vehicle").fetchall()))


def _refuse_unknown(conn: psycopg.Connection[Any], lines: Sequence[Line]) -> None:
    institutions = {code for (code,) in conn.execute("SELECT code FROM institution")}
    fences = {
        code for (code,) in conn.execute("SELECT code FROM fleet_fence WHERE withdrawn_at IS NULL")
    }
    fences |= {str(line.values["code"]) for line in lines if line.table == "fleet_fence"}
    for line in lines:
        institution, fence = line.values.get("institution"), line.values.get("fence")
        if institution is not None and institution not in institutions:
            line.row.refuse("institution", f"机构 {institution} 不存在，请核对编码")
        if fence is not None and fence not in fences:
            line.row.refuse("fence", f"没有编码为 {fence} 的围栏，请先录入围栏，或核对编码")
