from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.profile import load_profiles, to_info
from registry.document import InventoryError
from registry.inventory import Binding, Inventory
from registry.reading import parse_inventory, read_inventory
from tests.unit.registry.samples import Document, catalogue, device, document, dump, inventory

ROOT = Path(__file__).parents[3]


def errors_of(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        parse_inventory(text.encode(), "inv.yaml", catalogue())
    assert str(caught.value).splitlines() == [
        f"inv.yaml:{p.line}: {p.message}" for p in caught.value.problems
    ]
    return [f"{p.line}: {p.message}" for p in caught.value.problems]


def error_of(content: Document) -> str:
    found = errors_of(dump(content))
    assert len(found) == 1, found
    return found[0]


def test_the_example_is_valid_with_the_profiles_that_ship() -> None:
    profiles = load_profiles(ROOT / "collector/profiles")
    county = read_inventory(
        ROOT / "registry/examples/county.yaml", {c: to_info(p) for c, p in profiles.items()}
    )
    assert [d.code for d in county.devices] == [
        *("m-0001", "m-0017", "m-0002", "g-0001", "ac-0305", "l-0305")
    ]
    assert county.devices[2].interval_s == 300
    assert county.devices[0].interval_s == 60
    assert county.buses[0].gap_ms == 30
    assert county.vehicles[1].sensitive


def test_dates_are_local_midnights_and_come_out_in_utc() -> None:
    content = document()
    content["terminals"][0] |= {"since": "2026-01-01", "until": "2026-03-01 08:30"}
    (terminal,) = inventory(content).terminals
    assert terminal.bindings == (
        Binding(
            "v-1",
            datetime(2025, 12, 31, 16, tzinfo=UTC),
            datetime(2026, 3, 1, 0, 30, tzinfo=UTC),
        ),
    )


def test_an_offset_in_a_date_wins_over_the_zone() -> None:
    content = document()
    content["time_zone"] = "Europe/Berlin"
    content["terminals"][0]["since"] = "2026-01-01T00:00:00+03:00"
    assert inventory(content).terminals[0].bindings[0].since == datetime(
        2025, 12, 31, 21, tzinfo=UTC
    )


def test_defaults_apply_where_an_entry_says_nothing() -> None:
    content = document()
    content["defaults"] = {"interval_s": 900, "timeout_ms": 250, "gap_ms": 40}
    content["devices"][1] |= {"interval_s": 10}
    found = inventory(content)
    assert [(d.interval_s, d.timeout_ms) for d in found.devices] == [(900, 250), (10, 250)]
    assert (found.buses[0].gap_ms, found.buses[0].port) == (40, 502)


def test_texts_are_taken_as_written() -> None:
    text = dump(document()).replace("code: m-1\n", "code: 0017\n  serial_no: 0010e3\n")
    assert (inventory_of(text).devices[0].code, inventory_of(text).devices[0].serial_no) == (
        "0017",
        "0010e3",
    )


def inventory_of(text: str) -> Inventory:
    return parse_inventory(text.encode(), "inv.yaml", catalogue())


def test_every_error_comes_in_one_run_with_its_line() -> None:
    text = """\
time_zone: Asia/Shanghei
defaults: {interval_s: 0}
institutions:
  - {code: i-1, name: 财政局}
  - {code: i-1, name: 教育局}
buildings:
  - {code: b-1, nam: 办公楼, institution: i-2}
rooms: []
places:
  - {code: p-1, name: 总进线, measures: electricty}
buses:
  - {code: gw-1, transport: modbus-tcp, host: 192.0.2.1}
devices:
  - code: m-1
    name: 总表
    profile: metre
    bus: gw1
    unit: 256
    place: p-1
    since: 2026-13-01
vehicles: []
"""
    assert errors_of(text) == [
        (
            "1: inventory: terminals is missing, which would close every terminal of the database: "
            "write terminals: [] when there really are none"
        ),
        "1: inventory: time_zone Asia/Shanghei is not known: write one like Asia/Shanghai",
        "2: defaults: interval_s is 0: it must be between 1 and 86400",
        "5: institution i-1: this code stands in line 4 already: codes are unique",
        (
            "7: building b-1: institution i-2: there is no institution with this code "
            "(did you mean i-1?)"
        ),
        "7: building b-1: nam is not a key that is known here (did you mean name?)",
        "7: building b-1: name is missing: add it",
        (
            "10: place p-1: measures electricty is not known (did you mean electricity?): "
            "use one of electricity, water, gas, heat, cooling, oil, coal"
        ),
        "10: place p-1: room is missing: say where it is",
        "16: device m-1: there is no profile metre (did you mean meter?): see collector/profiles",
        "17: device m-1: bus gw1: there is no bus with this code (did you mean gw-1?)",
        "18: device m-1: unit is 256: it must be between 0 and 255",
        "20: device m-1: since is 2026-13-01: write a date, 2026-03-01 or 2026-03-01 08:30",
    ]


def test_a_key_twice_is_an_error_and_names_both_lines() -> None:
    text = dump(document()).replace("  unit: 1\n", "  unit: 1\n  unit: 77\n")
    line = text.splitlines().index("  unit: 77") + 1
    assert errors_of(text) == [
        f"{line}: device m-1: unit stands here twice (first in line {line - 1}): keep one"
    ]


def test_a_section_twice_is_an_error() -> None:
    assert "terminals stands here twice" in errors_of(dump(document()) + "terminals: []\n")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: the inventory is empty or no mapping: see docs/inventory.md"),
        ("- a\n", "1: the inventory is empty or no mapping: see docs/inventory.md"),
        ("a: [1\nb: 2\n", "2: this is not YAML: while parsing a flow sequence, did not find"),
        ("a: 1\n--- \nb: 2\n", "2: this is not YAML: expected a single document"),
        ("a: \x07", "1: this is not YAML: "),
        ("- " * 50_000, "1: nested too deep"),
        ("[" * 50_000, "1: nested too deep"),
    ],
)
def test_what_is_no_inventory_at_all(text: str, message: str) -> None:
    (found,) = errors_of(text)
    assert found.startswith(message)


def test_gbk_is_named_as_what_it_is_not() -> None:
    with pytest.raises(InventoryError, match=r"inv:2: this is not UTF-8: save the file as UTF-8"):
        parse_inventory("a: 1\nname: 财政局".encode("gbk"), "inv", catalogue())


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        InventoryError, match=r"none\.yaml:1: the inventory cannot be read: No such"
    ):
        read_inventory(tmp_path / "none.yaml", catalogue())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "one"}, "unit is one: write a whole number in decimal"),
        ({"unit": 1.5}, "unit is 1.5: write a whole number in decimal"),
        ({"unit": -1}, "unit is -1: it must be between 0 and 255"),
        ({"unit": None}, "unit has no value: give one, or leave the key out"),
        ({"unit": [1]}, "unit must be a single value, not a list or a mapping"),
        ({"interval_s": 0}, "interval_s is 0: it must be between 1 and 86400"),
        ({"timeout_ms": -5}, "timeout_ms is -5: it must be between 1 and 60000"),
        ({"name": ""}, "name is empty or holds control characters: write plain text"),
        ({"name": "a\x01"}, "name is empty or holds control characters: write plain text"),
        ({"profile": "meter@2"}, "profile meter is here in version 1, not 2: write meter, or "),
        ({"since": "2026-01-01", "until": "2026-01-01"}, "until is not after since: correct one"),
        ({"until": "2026-01-01"}, "until without since: add since"),
        ({"since": "yesterday"}, "since is yesterday: write a date, 2026-03-01 or"),
        ({"since": "0001-01-01"}, "since is 0001-01-01: write a date, 2026-03-01 or"),
        ({"since": "20260101"}, "since is 20260101: write a date, 2026-03-01 or"),
        ({"places": []}, "place and places both stand here: keep one of them"),
        ({"interval": 5}, "interval is not a key that is known here (did you mean interval_s?)"),
        ({"place": "p-9"}, "place p-9: there is no place with this code (did you mean p-"),
    ],
)
def test_a_device_with_one_error(change: Document, message: str) -> None:
    content = document()
    content["devices"][0] |= change
    assert f"device m-1: {message}" in error_of(content)


@pytest.mark.parametrize("code", ["a b", "a/b", "+", "x" * 65, "a@1"])
def test_a_code_that_would_not_survive_a_topic_or_a_label(code: str) -> None:
    content = document()
    content["terminals"][0]["code"] = code
    assert "a code has at most 64 characters, no spaces and none of / + # @" in error_of(content)


def test_an_entry_that_is_no_mapping() -> None:
    content = document()
    content["terminals"].append("t-2")
    assert "terminal: an entry must be a mapping" in error_of(content)


def test_a_section_that_is_no_list() -> None:
    content = document()
    content["terminals"] = {"code": "t-1"}
    assert "terminals must be a list of entries; write terminals: []" in error_of(content)


@pytest.mark.parametrize("area", ["-1", "1.234", "many"])
def test_floor_area_is_a_plain_number(area: str) -> None:
    content = document()
    content["buildings"][0]["floor_area_m2"] = area
    assert "write a number with at most two decimals" in error_of(content)


def test_floor_area_is_kept_exactly() -> None:
    content = document()
    content["buildings"][0]["floor_area_m2"] = 8600.1
    assert inventory(content).buildings[0].floor_area_m2 == Decimal("8600.1")


@pytest.mark.parametrize(("word", "value"), [("true", True), ("No", False), ("yes", True)])
def test_booleans(word: str, value: bool) -> None:
    text = dump(document()).replace("energy: petrol", f"energy: petrol\n  sensitive: {word}")
    assert inventory_of(text).vehicles[0].sensitive is value


def test_a_boolean_that_is_none() -> None:
    content = document()
    content["vehicles"][0]["sensitive"] = "perhaps"
    assert "sensitive is perhaps: write true or false" in error_of(content)


def test_many_wrong_references_stay_quick_and_are_all_told() -> None:
    content = document()
    content["devices"] = [device(f"m-{n}", n % 250, place=f"q-{n}") for n in range(3000)]
    content["buses"] = [
        {"code": f"gw-{n}", "transport": "modbus-tcp", "host": f"h{n}"} for n in range(12)
    ]
    for n, each in enumerate(content["devices"]):
        each["bus"] = f"gw-{n // 250}"
    found = errors_of(dump(content))
    assert len(found) == 3000


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    with pytest.raises(InventoryError):
        parse_inventory(raw, "fuzz", catalogue())


@given(st.data())
def test_a_damaged_inventory_is_an_error_or_an_inventory_never_a_crash(data: st.DataObject) -> None:
    raw = bytearray(dump(document()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        parse_inventory(bytes(raw), "fuzz", catalogue())
    except InventoryError as error:
        assert error.problems  # noqa: PT017
