"""A simulated city in a real database: its inventory, its tags, and its readings as they came."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import yaml

from collector.profile import catalogue
from registry.audit import Act
from registry.importing import apply
from registry.reading import parse_inventory
from registry.tag_entry import Said, Subject, enter
from simulators.city.model import Series
from simulators.city.model import Subject as Lived
from storage.records import Batch, Kind, pack_reading
from storage.writer import BulkWriter
from tests.integration.rules.world import PROFILES, Conn

Row = tuple[int, str, str, int, float]
"""When it came, device, point, of when (µs UTC), value."""
_UNKNOWN_FLAG = 1
_POINTS = (
    "SELECT d.code, p.name, p.id, d.profile_id FROM device d JOIN point p ON p.device_id = d.id"
)
_PROFILES = {"ac": "reference-ac-unit", "lamp": "reference-lighting-circuit"}


def build(conn: Conn, lived: Sequence[Lived]) -> None:
    """Bring in what hangs where since when, and approved overtime."""
    text = yaml.safe_dump(_inventory(lived), allow_unicode=True)
    profiles = catalogue(PROFILES)
    inventory = parse_inventory(text.encode(), "city.yaml", profiles)
    now = _at(min(one.series[0].since_s for one in lived))
    apply(conn, inventory, profiles, now=now, by="tests")
    for one in lived:
        row = conn.execute("SELECT id, name FROM place WHERE code = %s", [one.code]).fetchone()
        assert row is not None
        for tag in one.tags:
            if tag.since_s is not None and tag.until_s is not None:
                said = Said(tag.word, _at(tag.since_s), _at(tag.until_s), "加班审批单")
                enter(conn, Act("tests", now), Subject("place", row[0], one.code, row[1]), said)


def bring(conninfo: str, conn: Conn, lived: Sequence[Lived], parts: int) -> Iterator[int]:
    """Write readings as they came, in disorder; yield behind each part how many it had."""
    names = (
        "SELECT d.code, p.name, p.id, d.profile_id FROM device d JOIN point p ON p.device_id = d.id"
    )
    points = {(code, name): (point, of) for code, name, point, of in conn.execute(names)}
    rows = sorted(_rows(lived))
    rng = random.Random(7)
    bounds = np.linspace(0, len(rows), parts + 1).astype(int).tolist()
    portions = [rows[a:b] for a, b in pairwise(bounds)]
    # What came in one portion came in any order; and a portion may come before an earlier one.
    for number in range(0, parts - 1, 3):
        portions[number], portions[number + 1] = portions[number + 1], portions[number]
    writer = BulkWriter(conninfo)
    try:
        for portion in portions:
            rng.shuffle(portion)
            packed = b"".join(_packed(row, *points[row[1], row[2]]) for row in portion)
            writer.write([Batch(Kind.READING, len(portion), packed)])
            yield len(portion)
    finally:
        writer.close()


def _packed(row: Row, point: int, profile: int) -> bytes:
    received, _, _, ts, value = row
    known = not np.isnan(value)
    return pack_reading(
        point, ts, value if known else None, 0 if known else _UNKNOWN_FLAG, profile, ts, received
    )


def _rows(lived: Sequence[Lived]) -> Iterator[Row]:
    for one in lived:
        for series in one.series:
            device = _device(one, series)
            columns = (series.received, series.ts, series.value)
            for received, ts, value in zip(*(c.tolist() for c in columns), strict=True):
                yield received, device, series.point, ts, value


def _device(one: Lived, series: Series) -> str:
    return f"{one.code}-{series.since_s}"


def _inventory(lived: Sequence[Lived]) -> dict[str, Any]:
    rooms = sorted({one.code.rpartition("-")[0] for one in lived})
    always = {
        one.code.rpartition("-")[0]: [tag.word for tag in one.tags if tag.since_s is None]
        for one in lived
        if one.code.endswith("-ac")
    }
    return {
        "institutions": [{"code": "i", "name": "局"}],
        "buildings": [{"code": "b", "name": "楼", "institution": "i", "floor_area_m2": 900}],
        "rooms": [
            {"code": room, "name": room, "building": "b", "purpose": "办公", "tags": always[room]}
            for room in rooms
        ],
        "places": [_place(one, always) for one in lived],
        "buses": [{"code": "u", "transport": "modbus-tcp", "host": "h", "port": 502}],
        "devices": [
            {"unit": unit, **device}
            for unit, device in enumerate((d for one in lived for d in _devices(one)), 1)
        ],
        "vehicles": [],
        "terminals": [],
    }


def _place(one: Lived, of_room: dict[str, list[str]]) -> dict[str, Any]:
    room = one.code.rpartition("-")[0]
    own = [t.word for t in one.tags if t.since_s is None and t.word not in of_room[room]]
    return {
        "code": one.code, "name": one.code, "measures": "electricity", "room": room, "tags": own
    }  # fmt: skip


def _devices(one: Lived) -> Iterator[dict[str, Any]]:
    begin = min(series.since_s for series in one.series)
    spans = sorted({(series.since_s, series.until_s) for series in one.series})
    for since, until in spans:
        bound: dict[str, Any] = {"place": one.code}
        if len(spans) > 1:
            bound["since"] = _at(since).isoformat()
        if since == begin and len(spans) > 1:
            bound["until"] = _at(until).isoformat()
        yield {
            "code": f"{one.code}-{since}",
            "name": one.code,
            "profile": _PROFILES[one.code.rpartition("-")[2]],
            "bus": "u",
            "interval_s": 60,
            "serial_no": f"{one.code}-{since}",
            **bound,
        }


def _at(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
