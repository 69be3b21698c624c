"""Values in registers: types, orders, scales, sentinels, and which registers exist."""

from __future__ import annotations

from fractions import Fraction

import pytest

from simulators import plant
from simulators.modbus import words
from simulators.modbus.codec import Read
from simulators.modbus.image import lay_out, take_image
from simulators.modbus.profile import Profile, load_profile, load_profiles
from simulators.models import equipment
from tests.unit.simulators.meters import KWH, FixedModel, point, profile


@pytest.mark.parametrize(
    ("order", "wire"),
    [
        ("ABCD", "42F6E979"),
        ("CDAB", "E97942F6"),
        ("BADC", "F64279E9"),
        ("DCBA", "79E9F642"),
    ],
)
def test_a_float_in_all_four_orders(order: str, wire: str) -> None:
    # 123.456 is 42F6E979 in IEEE 754 single precision.
    assert words.encode(point("x", 0, "f32", order=order), 123.456) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("type_", "raw", "wire"),
    [
        ("u16", 65535, "FFFF"),
        ("s16", -2, "FFFE"),
        ("u32", 0x01020304, "01020304"),
        ("s32", -1, "FFFFFFFF"),
        ("u64", 0x0102030405060708, "0102030405060708"),
        ("s64", -2, "FFFFFFFFFFFFFFFE"),
        ("f64", 1.0, "3FF0000000000000"),
        ("bcd16", 1234, "1234"),
        ("bcd32", 12345678, "12345678"),
    ],
)
def test_every_type(type_: str, raw: float, wire: str) -> None:
    assert words.encode(point("x", 0, type_), raw) == bytes.fromhex(wire)


def test_four_words_swap_as_a_whole() -> None:
    wire = words.encode(point("x", 0, "u64", order="CDAB"), 0x0102030405060708)
    assert wire == bytes.fromhex("0708 0506 0304 0102")


def test_a_counter_is_cut_to_whole_ticks_and_rolls_over() -> None:
    p = point("e", 0, "u16", class_="counter", scale=Fraction(1, 100))
    assert words.raw_of_counter(p, 12_349_999, KWH) == 1234  # 12.349999 kWh
    assert words.raw_of_counter(p, 655_360_000, KWH) == 0
    assert words.decimal_of(p, 1234) == "12.34"


def test_a_gauge_is_rounded_and_held_inside_its_type() -> None:
    p = point("t", 0, "s16", scale=Fraction(1, 10))
    assert words.raw_of(p, 21.26) == 213
    assert words.raw_of(p, -21.26) == -213
    assert words.raw_of(p, 1e9) == 32767


def test_registers_in_small_gaps_exist_and_read_zero_beyond_they_do_not() -> None:
    layout = lay_out(profile(point("a", 10), point("b", 15, "u32"), point("c", 30), max_hole=4))
    assert layout.covers(Read(3, 10, 7))
    assert not layout.covers(Read(3, 9, 2))
    assert not layout.covers(Read(3, 10, 8))
    assert not layout.covers(Read(4, 10, 1)), "input registers are another table"
    assert [p.name for p in layout.inside(Read(3, 11, 6))] == ["b"]
    assert layout.inside(Read(3, 10, 6)) == [layout.profile.points[0]], "b is cut"


def test_a_forbidden_range_does_not_exist() -> None:
    made = profile(point("a", 10), point("b", 15))
    layout = lay_out(Profile("x", 125, 4, (("holding", 12, 13),), made.points))
    assert layout.covers(Read(3, 10, 2))
    assert not layout.covers(Read(3, 10, 3))


def test_bits_and_sentinels_inside_a_block() -> None:
    made = profile(
        point("run", 3, "bit", table="coil"),
        point("t", 0, "s16", scale=Fraction(1, 10), sentinels=(0x7FFF,)),
        point("e", 1, "u32", class_="counter", scale=Fraction(1, 100)),
    )
    model = FixedModel({"run": 1.0, "t": -3.2}, {"e": 7 * KWH})
    image = take_image(made, model, 0)
    assert image.data(Read(3, 0, 3)) == bytes.fromhex("FFE0 0000 02BC")
    assert image.data(Read(1, 3, 1)) == b"\x01"
    absent = take_image(made, model, 0, ("t", "e"))
    assert absent.data(Read(3, 0, 3)) == bytes.fromhex("7FFF 0000 02BC"), "e has no sentinel"
    assert absent.raw["t"] is None


def test_bits_of_one_register_stand_side_by_side() -> None:
    made = profile(
        point("low", 0, "bit", bit=0), point("no", 0, "bit", bit=3), point("high", 0, "bit", bit=15)
    )
    image = take_image(made, FixedModel({"low": 1.0, "no": 0.0, "high": 1.0}), 0)
    assert image.data(Read(3, 0, 1)) == bytes.fromhex("8001")


def test_the_models_know_every_point_of_every_profile() -> None:
    kinds = {
        "acrel-dtsd1352": "office",
        "tuf-2000m": "school-water",
        "reference-ac-unit": "air-conditioner",
        "reference-lighting-circuit": "lighting",
    }
    profiles = load_profiles(plant.PROFILES)
    assert kinds.keys() <= profiles.keys()
    for code, kind in kinds.items():
        model = equipment.build(kind, 1.0, 5, 7, 20_500)
        image = take_image(profiles[code], model, 20_600 * 86_400_000_000)
        assert set(image.raw) == {p.name for p in profiles[code].points}
        assert set(model.counters) == {
            p.name for p in profiles[code].points if p.class_ == "counter"
        }


def test_a_file_that_is_no_profile_is_named(tmp_path: object) -> None:
    path = plant.PROFILES / "missing.yaml"
    with pytest.raises(OSError, match=r"missing\.yaml"):
        load_profile(path)
