from __future__ import annotations

import pytest

from registry.document import InventoryError
from tests.unit.registry.samples import Document, catalogue, device, document, inventory


def errors_of(content: Document) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        inventory(content, catalogue())
    return [p.message for p in caught.value.problems]


def has_error(content: Document, words: str) -> bool:
    found = errors_of(content)
    assert len(found) == 1, found
    return words in found[0]


def test_case_06_one_port_with_two_transports_is_refused() -> None:
    content = document()
    content["buses"].append({"code": "gw-2", "transport": "rtu-over-tcp", "host": "192.0.2.1"})
    found = errors_of(content)
    assert len(found) == 2
    assert "transport rtu-over-tcp is not known: use one of modbus-tcp" in found[0]
    assert found[1].startswith("bus gw-2: bus gw-1 (line ")
    assert "has 192.0.2.1:502 already: as modbus-tcp; one port speaks one transport" in found[1]


def test_two_buses_on_one_port() -> None:
    content = document()
    content["buses"].append({"code": "gw-2", "transport": "modbus-tcp", "host": "192.0.2.1"})
    assert has_error(content, "has 192.0.2.1:502 already: put the devices of both on one bus")


def test_a_host_is_the_same_in_capitals() -> None:
    content = document()
    for n, host in enumerate(("GW.example", "gw.example"), start=2):
        content["buses"].append({"code": f"gw-{n}", "transport": "modbus-tcp", "host": host})
    assert has_error(content, "has gw.example:502 already")


def test_a_unit_twice_on_a_bus() -> None:
    content = document()
    content["devices"][1]["unit"] = 1
    assert has_error(content, "device m-2: unit 1 on bus gw-1 belongs to m-1 (line ")


def test_a_unit_may_pass_to_the_next_meter() -> None:
    content = document()
    content["devices"] = [
        device("m-1", 1, place="p-1", since="2025-01-01", until="2026-01-01"),
        device("m-9", 1, place="p-1", since="2026-01-01"),
    ]
    assert len(inventory(content).devices) == 2


def test_a_unit_of_a_meter_without_a_place_is_always_taken() -> None:
    content = document()
    content["devices"] = [
        device("m-1", 1),
        device("m-9", 1, place="p-1", since="2026-01-01"),
    ]
    assert has_error(content, "unit 1 on bus gw-1 belongs to m-1")


def test_a_serial_number_twice() -> None:
    content = document()
    for each in content["devices"]:
        each["serial_no"] = "A1"
    assert has_error(content, "serial_no A1 stands at m-1 (line ")


def test_a_serial_number_of_another_make_is_another_meter() -> None:
    content = document()
    for each, profile in zip(content["devices"], ("meter", "water"), strict=True):
        each |= {"serial_no": "A1", "profile": profile}
    assert len(inventory(content).devices) == 2


def test_a_plate_twice() -> None:
    content = document()
    content["vehicles"][1]["plate"] = content["vehicles"][0]["plate"]
    assert has_error(content, "vehicle v-2: plate 川A·D1234 stands at v-1")


def test_overlapping_bindings_of_one_device() -> None:
    content = document()
    content["devices"] = [
        device(
            "m-1",
            1,
            places=[
                {"place": "p-1", "since": "2026-01-01", "until": "2026-12-01"},
                {"place": "p-2", "since": "2026-02-01", "until": "2026-03-01"},
                {"place": "p-2", "since": "2026-05-01", "until": "2026-06-01"},
            ],
        )
    ]
    found = errors_of(content)
    assert len(found) == 2
    assert all("device m-1 is at p-1 (line " in each for each in found)


def test_touching_bindings_do_not_overlap() -> None:
    content = document()
    content["terminals"][0] = {
        "code": "t-1",
        "vehicles": [
            {"vehicle": "v-2", "since": "2026-02-01"},
            {"vehicle": "v-1", "since": "2026-01-01", "until": "2026-02-01"},
        ],
    }
    assert len(inventory(content).terminals[0].bindings) == 2


def test_several_bindings_each_need_a_date() -> None:
    content = document()
    content["terminals"][0] = {
        "code": "t-1",
        "vehicles": [{"vehicle": "v-1"}, {"vehicle": "v-2", "since": "2026-01-01"}],
    }
    assert any("since is missing: each of several needs its own" in e for e in errors_of(content))


def test_two_meters_at_one_place_at_once() -> None:
    content = document()
    content["devices"][1]["place"] = "p-1"
    assert has_error(content, "device m-2: m-1 (line ")


def test_two_terminals_in_one_vehicle_are_allowed() -> None:
    content = document()
    content["terminals"].append({"code": "t-2", "vehicle": "v-1"})
    assert len(inventory(content).terminals) == 2


def test_an_institution_above_itself() -> None:
    content = document()
    content["institutions"] = [
        {"code": "i-1", "name": "一", "parent": "i-3"},
        {"code": "i-2", "name": "二", "parent": "i-1"},
        {"code": "i-3", "name": "三", "parent": "i-2"},
        {"code": "i-4", "name": "四", "parent": "i-3"},
    ]
    found = errors_of(content)
    assert [e.split(" stands")[0] for e in found] == [f"institution i-{n}" for n in (1, 2, 3)]


def test_meters_that_people_read_need_neither_address_nor_unit() -> None:
    content = document()
    content["buses"].append({"code": "hand", "transport": "by-hand"})
    by_hand = {"name": "手抄表", "profile": "meter", "bus": "hand"}
    content["devices"] += [by_hand | {"code": "h-1"}, by_hand | {"code": "h-2"}]
    found = inventory(content)
    assert [(bus.host, bus.port) for bus in found.buses if bus.code == "hand"] == [("", 0)]


def test_a_bus_by_hand_with_an_address_and_a_polled_meter_without_unit() -> None:
    content = document()
    content["buses"].append({"code": "hand", "transport": "by-hand", "port": 502})
    del content["devices"][1]["unit"]
    found = errors_of(content)
    assert len(found) == 2
    assert "nobody is asked on a bus by-hand: leave port out" in found[0]
    assert "device m-2: unit is missing" in found[1]
