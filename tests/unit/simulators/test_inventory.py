"""What the simulators write down as an inventory is one the registry takes."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from collector.profile import load_profiles, to_info
from registry.reading import parse_inventory
from registry.tag_words import KINDS
from simulators import plant, scenario
from simulators.county import Size, county
from simulators.inventory import inventory_yaml


@pytest.mark.parametrize("size", [Size(), Size(3, 7, 2, 1, 4), Size(40, 160, 60, 60, 80, 30)])
def test_the_registry_takes_it_whole(size: Size) -> None:
    made = county(7, date(2026, 8, 1), size)
    ports = {bus.code: 20_000 + n for n, bus in enumerate(made.buses)}
    text = inventory_yaml(scenario.with_ports(made, ports))
    catalogue = {code: to_info(p) for code, p in load_profiles(plant.PROFILES).items()}
    read = parse_inventory(text.encode(), "county.yaml", catalogue)
    assert {d.code: (d.bus, d.unit, d.interval_s) for d in read.devices} == {
        d.code: (d.bus, d.unit, d.interval_s) for d in made.devices
    }
    assert {b.code: b.port for b in read.buses} == ports
    assert [t.code for t in read.terminals] == [v.terminal for v in made.vehicles]
    assert [v.plate for v in read.vehicles] == [v.plate for v in made.vehicles]


def test_tags_of_a_scenario_reach_the_registry() -> None:
    made = county(7, date(2026, 8, 1), Size(3, 7, 2, 1, 4))
    sections = ("institutions", "buildings", "rooms", "places", "vehicles")
    # A made-up county has none; a scenario that somebody writes may.
    assert not any(thing.tags for section in sections for thing in getattr(made, section))
    for section in sections:
        first, *others = getattr(made, section)
        tagged = msgspec.structs.replace(first, tags=("x-own",))
        made = msgspec.structs.replace(made, **{section: (tagged, *others)})
    made = scenario.with_ports(made, {bus.code: 20_000 + n for n, bus in enumerate(made.buses)})
    catalogue = {code: to_info(p) for code, p in load_profiles(plant.PROFILES).items()}
    read = parse_inventory(inventory_yaml(made).encode(), "county.yaml", catalogue)
    for kind in KINDS:
        first, *others = read.tagged(kind)
        assert [tag.target for tag in first.tags] == ["x-own"]
        assert not any(other.tags for other in others)
