from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from pathlib import Path

import pytest

from collector import marked_yaml
from collector.profile import (
    ProfileError,
    catalogue,
    load_profile,
    load_profiles,
    parse_profile,
    to_info,
)
from collector.profile_model import Order, Profile, Table, Type

PROFILES = Path(__file__).parents[3] / "collector" / "profiles"

GOOD = """\
code: meter
version: 1
brand: B
model: M
measures: electricity
source: a test
forbidden:
  - {table: holding, first: 0x0100, last: 0x010F}
points:
  - {name: energy, label: 电能, unit: kWh, class: counter,
     table: holding, address: 0, type: u32, scale: 0.01}
  - {name: relay, label: 开关, class: state, table: coil, address: 7, type: bit}
"""


def errors_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, "x.yaml")
    return caught.value.errors


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_profile_loads(path: Path) -> None:
    profile = load_profile(path)
    assert profile.code == path.stem
    assert profile.points


def test_the_profiles_needed_now_are_there() -> None:
    profiles = load_profiles(PROFILES)
    assert len(profiles["acrel-dtsd1352"].points) == 20
    assert {p.order for p in profiles["tuf-2000m"].points} == {Order.CDAB}
    tables = {p.table for p in profiles["reference-lighting-circuit"].points}
    assert tables == {Table.COIL, Table.DISCRETE, Table.INPUT}
    room = next(p for p in profiles["reference-ac-unit"].points if p.name == "room_temperature")
    assert [int(s) for s in room.sentinels] == [0x7FFF]


def test_a_scale_is_the_decimal_that_was_written() -> None:
    point = parse_profile(GOOD, "x.yaml").points[0]
    assert Fraction(point.scale) == Fraction(1, 100)


def test_hexadecimal_addresses_and_defaults() -> None:
    profile = parse_profile(GOOD, "x.yaml")
    assert profile.forbidden[0].first == 256
    assert profile.points[1].type is Type.BIT
    assert (profile.max_registers, profile.max_bits) == (125, 2000)


def test_the_registry_gets_text_digest_and_points() -> None:
    info = to_info(parse_profile(GOOD, "x.yaml"))
    assert (info.code, info.version, info.body) == ("meter", 1, GOOD)
    assert info.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert [(p.name, p.unit, p.class_) for p in info.points] == [
        ("energy", "kWh", "counter"),
        ("relay", "", "state"),
    ]


def test_the_catalogue_holds_every_profile() -> None:
    assert set(catalogue(PROFILES)) == {path.stem for path in PROFILES.glob("*.yaml")}


def test_every_fault_is_reported_with_its_line() -> None:
    text = GOOD.replace("brand: B", "band: B").replace("type: u32", "type: u31")
    errors = errors_of(text)
    assert "x.yaml:1: brand: missing: add it" in errors
    assert "x.yaml:3: band: unknown key: remove it or correct its name" in errors
    assert any(e.startswith("x.yaml:11: points[0].type: ") and "u31" in e for e in errors)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("address: 0,", "address: 65535,", "behind the last address"),
        ("address: 0,", "address: 65536,", "less than 65536"),
        ("address: 0,", "address: 0x0100,", "forbidden range 0x0100..0x010f"),
        ("address: 0,", "address: 0x00FF,", "forbidden range 0x0100..0x010f"),
        ("address: 0,", 'address: "0",', "valid integer"),
        ("type: bit", "type: u16", "its type must be bit"),
        ("type: bit", "type: bit, bit: 3", "remove `bit`"),
        ("type: u32", "type: bit", "needs type bit and `bit`"),
        ("type: u32", "type: u16, bit: 1", "needs type bit and `bit`"),
        ("type: u32", "type: u16, order: CDAB", "swaps words"),
        ("scale: 0.01", "scale: 0", "greater than 0"),
        ("scale: 0.01", "scale: .nan", "cannot read"),
        ("scale: 0.01", "sentinels: [0x1FFFFFFFF]", "does not fit u32"),
        ("scale: 0.01", "sentinels: [-1]", "does not fit u32"),
        ("unit: kWh, ", "", "needs a unit"),
        ("unit: kWh,", "unit: kWh, states: {0: 关},", "only a point of class state"),
        ("name: relay", "name: energy", "2 points are named energy"),
        ("version: 1", "version: 0", "greater than or equal to 1"),
        ("version: 1", "version: 1\nmax_registers: 126", "less than or equal to 125"),
        ("version: 1", "version: 1\nmax_registers: 1", "takes 2 registers"),
        ("version: 1", "version: 1\nversion: 2", "given twice"),
        ("version: 1", "version: 1\ntext: x", "x.yaml:3: text: unknown key"),
        ("first: 0x0100", "first: 0x0200", "before first"),
        ("code: meter", "code: [", "not YAML"),
        ("code: meter", "code: meter\n[1, 2]: x", "a key must be"),
    ],
)
def test_what_a_profile_must_not_say(old: str, new: str, what: str) -> None:
    assert old in GOOD
    errors = errors_of(GOOD.replace(old, new, 1))
    assert any(what in error for error in errors), errors
    assert all(error.startswith("x.yaml:") for error in errors)


def test_text_that_is_no_mapping_is_refused() -> None:
    assert errors_of("[]")
    assert errors_of("")


def test_a_signed_sentinel_may_look_as_it_does_in_the_register() -> None:
    text = GOOD.replace("type: u32, scale: 0.01", "type: s16, sentinels: [0x8000, -1, 0x7FFF]")
    point = parse_profile(text, "x.yaml").points[0]
    assert [int(s) for s in point.sentinels] == [0x8000, -1, 0x7FFF]


def test_a_directory_reports_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("version: 1", "version: x"))
    (tmp_path / "b.yaml").write_text(GOOD)
    with pytest.raises(ProfileError) as caught:
        load_profiles(tmp_path)
    assert any("a.yaml:2: version" in error for error in caught.value.errors)
    assert any("name the file meter.yaml" in error for error in caught.value.errors)


def test_a_directory_without_profiles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no profile found"):
        load_profiles(tmp_path)


def test_a_profile_does_not_change() -> None:
    profile = parse_profile(GOOD, "x.yaml")
    assert isinstance(profile, Profile)
    with pytest.raises(ValueError, match="frozen"):
        profile.version = 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 50_000, "1: nested too deep"),
        ("- " * 50_000, "1: nested too deep"),
        ("{a: " * 3_000 + "1" + "}" * 3_000, "1: nested too deep"),
        ("a: &x\n  b: *x\n", "2: *x: write it out"),
        ("a: &x [1]\nb: &y [*x, *x]\nc: [*y, *y]\n", "2: *x: write it out"),
    ],
)
def test_no_text_ends_the_process_or_never_ends(text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(f"meter.yaml:{message}")):
        parse_profile(text, "meter.yaml")


def test_a_document_names_the_nearest_line_it_knows() -> None:
    document = marked_yaml.parse("a:\n  - b: 1\n  - c: 2\n")
    assert document.line(("a", 1, "c")) == 3
    assert document.line(("a", 1, "missing", 4)) == 3
    assert document.line(("elsewhere",)) == 1
