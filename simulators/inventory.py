"""Writes the inventory that fits a scenario, in the registry's layout (docs/inventory.md)."""

from __future__ import annotations

from typing import Any

import yaml

from simulators.scenario import (
    Building,
    Device,
    Institution,
    Place,
    Room,
    Scenario,
    Vehicle,
)


def inventory_yaml(scenario: Scenario) -> str:
    """Return the inventory as YAML; buses must have their real ports (``scenario.with_ports``).

    Raises:
        ValueError: a bus still has port 0.
    """
    unbound = [bus.code for bus in scenario.buses if bus.port == 0]
    if unbound:
        raise ValueError(f"buses without a port: {', '.join(unbound)}: start the simulator first")
    return yaml.safe_dump(_document(scenario), allow_unicode=True, sort_keys=False, width=200)


def _document(scenario: Scenario) -> dict[str, Any]:
    since = scenario.since
    return {
        "time_zone": "Asia/Shanghai",
        "institutions": [
            {"code": i.code, "name": i.name} | ({"parent": i.parent} if i.parent else {}) | _tags(i)
            for i in scenario.institutions
        ],
        "buildings": [
            {
                "code": b.code,
                "name": b.name,
                "institution": b.institution,
                "floor_area_m2": b.floor_area_m2,
            }
            | _tags(b)
            for b in scenario.buildings
        ],
        "rooms": [
            {"code": r.code, "name": r.name, "building": r.building, "purpose": r.purpose}
            | _tags(r)
            for r in scenario.rooms
        ],
        "places": [
            {"code": p.code, "name": p.name, "measures": p.measures, "room": p.room} | _tags(p)
            for p in scenario.places
        ],
        "buses": [
            {
                "code": b.code,
                "transport": "modbus-tcp",
                "host": b.host,
                "port": b.port,
                "gap_ms": round(b.min_gap_ms),
            }
            for b in scenario.buses
        ],
        "devices": [_device(d, scenario) for d in scenario.devices],
        "vehicles": [
            {"code": v.code, "plate": v.plate, "institution": v.institution, "energy": v.energy}
            | _tags(v)
            for v in scenario.vehicles
        ],
        "terminals": [
            {"code": v.terminal, "vehicle": v.code, "since": since} for v in scenario.vehicles
        ],
    }


def _tags(thing: Institution | Building | Room | Place | Vehicle) -> dict[str, Any]:
    return {"tags": list(thing.tags)} if thing.tags else {}


def _device(device: Device, scenario: Scenario) -> dict[str, Any]:
    return {
        "code": device.code,
        "name": device.name,
        "profile": device.profile,
        "bus": device.bus,
        "unit": device.unit,
        "interval_s": device.interval_s,
        "serial_no": device.serial_no,
        "place": device.place,
        "since": scenario.since,
    }
