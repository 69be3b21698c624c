from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import plant, scenario
from simulators.county import Size, county, rough, rough_wire
from simulators.inventory import inventory_yaml
from simulators.jt808.header import Version
from simulators.modbus.profile import load_profiles
from simulators.scenario import ScenarioError

SINCE = date(2026, 8, 1)
SMALL = Size(institutions=3, meters=10, ac=4, lights=4, vehicles=2)


def test_the_county_of_the_demo() -> None:
    made = county(7, SINCE, Size())
    profiles = Counter(d.profile for d in made.devices)
    assert len(made.institutions) == 10
    assert profiles["acrel-dtsd1352"] + profiles["tuf-2000m"] == 60
    assert profiles["tuf-2000m"] >= 6
    assert profiles["reference-ac-unit"] == profiles["reference-lighting-circuit"] == 20
    assert len(made.vehicles) == 20
    assert made.institutions[1].name == "市财政局"


@given(
    seed=st.integers(0, 2**32),
    institutions=st.integers(1, 60),
    meters=st.integers(0, 200),
    others=st.integers(0, 120),
)
@settings(max_examples=25, deadline=None)
def test_every_county_is_consistent(seed: int, institutions: int, meters: int, others: int) -> None:
    made = county(seed, SINCE, Size(institutions, meters, others, others, others))
    for things in (made.institutions, made.rooms, made.places, made.devices, made.buses):
        codes = [thing.code for thing in things]
        assert len(set(codes)) == len(codes)
    assert len({i.name for i in made.institutions}) == institutions
    assert len({(d.bus, d.unit) for d in made.devices}) == len(made.devices)
    assert {p.room for p in made.places} <= {r.code for r in made.rooms}
    assert {d.place for d in made.devices} == {p.code for p in made.places}
    assert {d.bus for d in made.devices} == {b.code for b in made.buses}
    assert {v.institution for v in made.vehicles} <= {i.code for i in made.institutions}


def test_a_scenario_survives_its_file(tmp_path: Path) -> None:
    made = county(7, SINCE, SMALL)
    faults, messages = rough(made)
    made = msgspec.structs.replace(made, faults=faults, messages=messages)
    scenario.save(made, tmp_path / "s.yaml")
    assert scenario.load(tmp_path / "s.yaml") == made
    assert "市财政局" in (tmp_path / "s.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"devices": {"bus": "nowhere"}}, "there is no bus nowhere"),
        ({"devices": {"colour": "red"}}, "unknown field `colour`"),
        ({"devices": {"unit": "three"}}, "Expected `int`"),
        ({"devices": {"unit": 2}}, "unit gw-i001-1/2 stands there twice"),
        ({"vehicles": {"terminal": "t-013900000002"}}, "terminal t-013900000002"),
    ],
)
def test_a_bad_scenario_is_refused_with_its_reason(
    tmp_path: Path, change: dict[str, dict[str, object]], told: str
) -> None:
    path = tmp_path / "s.yaml"
    scenario.save(county(7, SINCE, SMALL), path)
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    for part, entry in change.items():
        body[part][0] |= entry
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    with pytest.raises(ScenarioError, match=told):
        scenario.load(path)


def test_some_vehicles_speak_jt808(tmp_path: Path) -> None:
    made = county(7, SINCE, Size(3, 5, 2, 2, vehicles=6, jt808=4))
    assert [v.jt808 for v in made.vehicles] == [*Version, Version.V2011, None, None]
    assert made.vehicles[0].terminal == "13900000001"
    assert [t.code for t in plant.terminals(made, {}, made.since_us)] == [
        v.terminal for v in made.vehicles[4:]
    ]
    wired = msgspec.structs.replace(made, wire=rough_wire())
    scenario.save(wired, tmp_path / "s.yaml")
    assert scenario.load(tmp_path / "s.yaml") == wired


def test_a_jt808_terminal_needs_a_phone(tmp_path: Path) -> None:
    made = county(7, SINCE, SMALL)
    odd = msgspec.structs.replace(made.vehicles[0], jt808=Version.V2013)
    path = tmp_path / "s.yaml"
    scenario.save(msgspec.structs.replace(made, vehicles=(odd,)), path)
    with pytest.raises(ScenarioError, match="its code is its phone"):
        scenario.load(path)


def test_a_fault_must_name_something(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    made = county(7, SINCE, SMALL)
    faults, _ = rough(made)
    strange = msgspec.structs.replace(faults[0], target="m-9999")
    scenario.save(msgspec.structs.replace(made, faults=(strange,)), path)
    with pytest.raises(ScenarioError, match="m-9999"):
        scenario.load(path)


def test_midnight_is_local() -> None:
    assert county(7, SINCE, SMALL).since_us == 1_785_513_600_000_000  # 2026-07-31T16:00:00Z


def test_a_profile_nobody_knows_is_refused() -> None:
    made = county(7, SINCE, SMALL)
    with pytest.raises(ScenarioError, match="no profile acrel-dtsd1352: take one of"):
        plant.ports(made, {})


def test_a_model_that_does_not_fit_its_profile_is_refused() -> None:
    made = county(7, SINCE, SMALL)
    wrong = msgspec.structs.replace(made.devices[0], model="lighting")
    with pytest.raises(ScenarioError, match="has no point"):
        plant.ports(
            msgspec.structs.replace(made, devices=(wrong, *made.devices[1:])),
            load_profiles(plant.PROFILES),
        )


def test_an_inventory_needs_real_ports() -> None:
    with pytest.raises(ValueError, match="gw-i001-1"):
        inventory_yaml(county(7, SINCE, SMALL))
