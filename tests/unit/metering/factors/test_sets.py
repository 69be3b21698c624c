from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from metering.factors.files import DATA, Confidence, DataFileError
from metering.factors.library import Library, load_library
from metering.factors.sets import Measure, load_set
from tests.unit.metering.factors.samples import library, written

SET = """\
code: test-coal
version: 1
name: 试验
measure: standard-coal
jurisdiction: "50"
from: 2020-01-01
source: a test
confidence: high
factors:
  - {code: electricity, value: 0.1, per: kWh}
"""


def problems(directory: Path, text: str) -> str:
    one = library()
    with pytest.raises(DataFileError) as refused:
        load_set(written(directory, text, "set.yaml"), one.kinds, one.parents)
    return str(refused.value)


def value(day: date, place: str, energy: str = "electricity") -> tuple[Decimal, str] | None:
    factor = library().factor(Measure.CO2, energy, day, place)
    return None if factor is None else (factor.per_unit, factor.set_name)


@pytest.mark.parametrize(
    ("energy", "per_unit"),
    [
        ("electricity", "0.1229"),
        ("gas", "1.33"),
        ("coal", "714.3"),
        ("petrol", "1.074122"),
        ("diesel", "1.238535"),
        ("lpg", "1714.3"),
        ("heat", "34.12"),
        ("other", "1000"),
    ],
)
def test_a_unit_in_standard_coal(energy: str, per_unit: str) -> None:
    factor = library().factor(Measure.STANDARD_COAL, energy, date(2026, 10, 1), "CN")
    assert factor is not None
    assert factor.per_unit == Decimal(per_unit)
    assert factor.set_name == "cn-coal@1"
    assert factor.provenance.source


def test_water_is_neither_coal_nor_co2() -> None:
    assert not library().kinds["water"].counts
    assert library().factor(Measure.STANDARD_COAL, "water", date(2026, 1, 1), "CN") is None


@pytest.mark.parametrize(
    ("day", "place", "expected"),
    [
        (date(2009, 12, 31), "CN", None),
        (date(2020, 12, 31), "CN", ("0.6101", "cn-co2-grid-2015@1")),
        (date(2021, 1, 1), "CN", ("0.5568", "cn-co2-grid-2021@1")),
        (date(2022, 12, 31), "50", ("0.5366", "cn-co2-grid-2022@1")),
        (date(2023, 1, 1), "CN", ("0.5306", "cn-co2-grid-2023@1")),
        (date(2026, 10, 1), "50", ("0.2472", "cn-southwest-co2-grid-2023@1")),
        (date(2026, 10, 1), "31", ("0.55", "cn-east-co2-grid-2023@1")),
        (date(2026, 10, 1), "44", ("0.4042", "cn-south-co2-grid-2023@1")),
    ],
)
def test_the_grid_factor_is_chosen_by_day_and_region(
    day: date, place: str, expected: tuple[str, str] | None
) -> None:
    found = value(day, place)
    assert found == (None if expected is None else (Decimal(expected[0]), expected[1]))


def test_burnt_petrol_goes_by_litres() -> None:
    assert value(date(2026, 1, 1), "31", "petrol") == (Decimal("2.135323"), "cn-co2-fuels@1")


def test_a_citys_own_set_wins_at_home_and_a_newer_version_replaces_the_older(
    tmp_path: Path,
) -> None:
    first = written(tmp_path, SET, "first.yaml")
    second = written(
        tmp_path, SET.replace("version: 1", "version: 2").replace("0.1,", "0.2,"), "second.yaml"
    )
    own = load_library(more=[second, first])

    def coal(place: str, day: date, energy: str = "electricity") -> str:
        factor = own.factor(Measure.STANDARD_COAL, energy, day, place)
        assert factor is not None
        return factor.set_name

    assert coal("50", date(2020, 1, 1)) == "test-coal@2"
    assert coal("50", date(2019, 12, 31)) == "cn-coal@1"
    assert coal("50", date(2020, 1, 1), "gas") == "cn-coal@1"
    assert coal("51", date(2020, 1, 1)) == "cn-coal@1"
    assert own.named("test-coal@1").factors["electricity"].value == Decimal("0.1")


def test_what_a_correction_leaves_out_holds_no_more(tmp_path: Path) -> None:
    gas = "  - {code: gas, value: 9, per: m3}\n"
    wrong = written(tmp_path, SET + gas, "wrong.yaml")
    right = written(tmp_path, SET.replace("version: 1", "version: 2"), "right.yaml")
    own = load_library(more=[wrong, right])
    factor = own.factor(Measure.STANDARD_COAL, "gas", date(2020, 1, 1), "50")
    assert factor is not None
    assert factor.set_name == "cn-coal@1"


def test_an_unknown_place_or_set_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"jurisdiction 99 is not known: add it"):
        library().factor(Measure.CO2, "gas", date(2026, 1, 1), "99")
    with pytest.raises(KeyError, match="there is no factor set cn-coal@9"):
        library().named("cn-coal@9")


def test_two_files_that_claim_the_same_are_refused(tmp_path: Path) -> None:
    one = written(tmp_path, SET, "one.yaml")
    other = written(tmp_path, SET.replace("test-coal", "rival"), "rival.yaml")
    with pytest.raises(DataFileError, match=r"rival.yaml:1: electricity begins on 2020-01-01"):
        load_library(more=[one, other])
    with pytest.raises(DataFileError, match=r"one.yaml:1: test-coal@1 is there already"):
        load_library(more=[one, one])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("0.1,", "-0.1,", "set.yaml:10: factor electricity: value is -0.1: write a number"),
        ("0.1,", "O.1,", "set.yaml:10: factor electricity: value is O.1: write a number"),
        ("value: 0.1", "value: 0", "set.yaml:10: factor electricity: value is 0"),
        ("value: 0.1, ", "", "set.yaml:10: factor electricity: value is missing"),
        ("per: kWh", "per: kg", "set.yaml:10: factor electricity: per kg is not known"),
        ("electricity", "elektricity", "there is no kind of energy with this code (did you mean"),
        ("per: kWh", "per: kWh, density: 0.7", "density has no meaning for a factor per kWh"),
        ("code: electricity", "code: petrol", "set.yaml:10: factor petrol: per kWh is not known"),
        ("electricity, value: 0.1, per: kWh", "petrol, value: 1, per: kg", "density is missing"),
        ('"50"', '"99"', "set.yaml:5: factor set test-coal: jurisdiction 99"),
        ("2020-01-01", "2020-01-02", "set.yaml:6: factor set test-coal: from is 2020-01-02: it"),
        ("2020-01-01", "2020-13-01", "set.yaml:6: factor set test-coal: from is 2020-13-01"),
        ("2020-01-01", "20200101", "set.yaml:6: factor set test-coal: from is 20200101: write"),
        ("measure: standard-coal", "measure: coal", "set.yaml:4: factor set test-coal: measure"),
        ("confidence: high", "confidence: sure", "set.yaml:8: factor set test-coal: confidence"),
        ("source: a test\n", "", "source is missing: add it"),
        ("code: test-coal", "code: Test coal", "set.yaml:1: factor set Test coal: code is"),
        ("version: 1", "version: 0", "set.yaml:2: factor set test-coal: version is 0"),
        (
            "per: kWh}",
            "per: kWh}\n  - {code: electricity, value: 2, per: kWh}",
            "set.yaml:11: factor electricity: electricity stands here twice",
        ),
    ],
)
def test_a_wrong_set_is_refused_with_the_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert problem in problems(tmp_path, SET.replace(old, new, 1))


def test_all_problems_of_a_file_come_at_once(tmp_path: Path) -> None:
    text = problems(tmp_path, SET.replace('"50"', '"99"').replace("0.1", "x"))
    assert [line.split(":")[1] for line in text.splitlines()] == ["5", "10"]


def test_bytes_that_are_no_utf8_and_no_yaml_are_named(tmp_path: Path) -> None:
    one = library()
    path = tmp_path / "set.yaml"
    path.write_bytes("name: 试".encode("gbk"))
    with pytest.raises(DataFileError, match=r"set.yaml:1: byte 6 is no UTF-8"):
        load_set(path, one.kinds, one.parents)
    assert "this is not YAML" in problems(tmp_path, "a: [\n")


def test_a_jurisdiction_below_one_that_does_not_stand_above_is_refused(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    path = tmp_path / "data" / "jurisdictions.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("parent: CN-EAST}", 'parent: "31"}', 1), encoding="utf-8")
    with pytest.raises(DataFileError, match="there is no jurisdiction above it"):
        load_library(tmp_path / "data")
    path.write_text(text + '  - {code: "31", name: 又}\n', encoding="utf-8")
    with pytest.raises(DataFileError, match="code 31 stands here twice"):
        load_library(tmp_path / "data")


def test_every_shipped_figure_says_where_it_comes_from_and_how_sure_it_is() -> None:
    shipped: Library = library()
    assert len(shipped.sets) == 13
    for one in shipped.sets:
        for factor in one.factors.values():
            assert factor.provenance.source
            assert factor.provenance.confidence in set(Confidence)
            assert factor.per_unit > 0
