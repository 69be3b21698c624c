"""A small inventory to vary, and the profiles it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from registry.catalogue import Catalogue, PointInfo, ProfileInfo
from registry.inventory import Inventory
from registry.reading import parse_inventory

Document = dict[str, Any]


def profile(
    code: str, version: int = 1, sha256: str = "", points: Mapping[str, str] | None = None
) -> ProfileInfo:
    """A profile whose points are given as name → unit."""
    units = {"energy": "kWh", "power": "kW"} if points is None else points
    infos = (
        PointInfo(n, f"{n} label", u, "counter" if u == "kWh" else "gauge")
        for n, u in units.items()
    )
    return ProfileInfo(code, version, sha256 or f"{code}-{version}", "code: …", tuple(infos))


def catalogue(*profiles: ProfileInfo) -> Catalogue:
    found = profiles or (profile("meter"), profile("water", points={"volume": "m³"}))
    return {p.code: p for p in found}


def document() -> Document:
    """Two meters, a vehicle and its terminal."""
    return {
        "institutions": [{"code": "i-1", "name": "财政局"}],
        "buildings": [{"code": "b-1", "name": "办公楼", "institution": "i-1"}],
        "rooms": [
            {"code": "r-1", "name": "配电室", "building": "b-1"},
            {"code": "r-2", "name": "机房", "building": "b-1"},
        ],
        "places": [
            {"code": "p-1", "name": "总进线", "measures": "electricity", "room": "r-1"},
            {"code": "p-2", "name": "机房进线", "measures": "electricity", "room": "r-2"},
        ],
        "buses": [{"code": "gw-1", "transport": "modbus-tcp", "host": "192.0.2.1"}],
        "devices": [device("m-1", 1, place="p-1"), device("m-2", 2, place="p-2")],
        "vehicles": [
            {"code": "v-1", "plate": "川A·D1234", "institution": "i-1", "energy": "petrol"},
            {"code": "v-2", "plate": "川A·D1235", "institution": "i-1", "energy": "electric"},
        ],
        "terminals": [{"code": "t-1", "vehicle": "v-1", "since": "2026-01-01"}],
    }


def device(code: str, unit: int, **more: object) -> Document:
    return {
        "code": code,
        "name": f"表{code}",
        "profile": "meter",
        "bus": "gw-1",
        "unit": unit,
        **more,
    }


def dump(content: Document) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def inventory(content: Document, known: Catalogue | None = None) -> Inventory:
    return parse_inventory(dump(content).encode(), "inventory.yaml", known or catalogue())
