from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from metering.facts.file_apply import compare
from metering.facts.file_model import QUARTERS, MetersFile
from metering.facts.file_reading import parse_meters, read_meters
from metering.facts.ratio import RatioFact
from metering.facts.span import Span
from registry.document import InventoryError

EXAMPLE = Path(__file__).parents[4] / "metering" / "examples" / "county-meters.yaml"


def parsed(text: str) -> MetersFile:
    return parse_meters(text.encode(), "m.yaml")


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(InventoryError) as caught:
        parsed(text)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_the_example_is_read() -> None:
    stated = read_meters(EXAMPLE)
    assert [m.code for m in stated.meters] == [
        *("czj-1-main", "czj-1-305-ac", "czj-1-305-light", "czj-1-main-export", "czj-1-rest")
    ]
    main = stated.meters[0]
    assert main.ratios is not None
    assert [(fact.ct, fact.pt) for fact, _ in main.ratios] == [
        (Decimal(80), Decimal(1)),
        (Decimal(60), Decimal(1)),
    ]
    assert main.ratios[0][0].span.since == datetime(2025, 2, 28, 16, tzinfo=UTC)
    assert stated.registers[0][0].capacity == Decimal(1000000)
    (profile,) = stated.profiles
    assert len(profile.weights) == QUARTERS
    assert profile.weights[:4] == (2, 2, 2, 2)
    assert profile.weights[9 * 4] == 12
    assert profile.weights[5 * 96 + 9 * 4] == 3


def test_what_the_file_does_not_speak_of_is_not_the_same_as_none() -> None:
    silent, none = parsed("meters:\n- {code: a}\n- {code: b, ratios: [], mains: []}").meters
    assert (silent.ratios, silent.mains, silent.profiles) == (None, None, None)
    assert (none.ratios, none.mains, none.profiles) == ((), (), None)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("code: a b", "no spaces"),
        ("code: 'a{b'", "none of / + # @ { }"),
        ("code: a, direction: sideways", "direction sideways is not known"),
        ("code: a, energy: steam", "energy steam is not known"),
        ("code: a, energy: water, unit: kWh", "water is not counted in kWh: write m3"),
        ("code: a, unit: kWh", "unit without energy"),
        ("code: a, item: light", "no sub-item code"),
        ("code: a, register: r", "register without place"),
        ("code: a, ratio: {ct: 0}", "write a ratio above 0"),
        ("code: a, ratio: {ct: 400/7}", "write a ratio above 0"),
        ("code: a, ratio: {ct: -80}", "write a ratio above 0"),
        ("code: a, ratio: {pt: 100}", "ct is missing"),
        ("code: a, ratio: 80", "ratio must be a mapping"),
        ("code: a, ratio: {ct: 80, since: soon}", "since is soon: write a date"),
        ("code: a, ratio: {ct: 80, since: 2026-02-01, until: 2026-01-01}", "until is not after"),
        ("code: a, ratio: {ct: 80, st: 1}", "st is not a key that is known here"),
        ("code: a, ratio: {ct: 8}, ratios: []", "both stand here"),
        ("code: a, mains: [{main: b}]", "since is missing"),
        ("code: a, load_profile: office", "write code@version"),
        ("code: a, formula: '{b} +', energy: electricity", "公式的结尾"),
        ("code: a, formula: '{b}'", "energy is missing"),
        ("code: a, formula: '{b}', energy: gas, place: p", "place beside formula"),
        ("code: a, registr: r", "registr is not a key that is known here (did you mean register?)"),
    ],
)
def test_what_is_wrong_with_a_meter_is_told_with_its_line(entry: str, words: str) -> None:
    ((line, message),) = problems(f"time_zone: Asia/Shanghai\nmeters:\n- {{{entry}}}\n")
    assert line == 3
    assert words in message


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("device: d, register: r", "resolution is missing"),
        ("device: d, register: r, resolution: 0", "write a number above 0"),
        ("device: d, register: r, resolution: 0.0000001", "write a number above 0"),
        ("device: d, register: r, resolution: 1, capacity: -5", "capacity is -5"),
        ("device: d, resolution: 1", "register is missing"),
        ("register: r, resolution: 1", "device is missing"),
        ("device: d, register: r, resolution: 1, reversible: perhaps", "write true or false"),
    ],
)
def test_what_is_wrong_with_a_register_is_told_with_its_line(entry: str, words: str) -> None:
    ((line, message),) = problems(f"registers:\n- {{{entry}}}\n")
    assert line == 2
    assert words in message


def test_a_load_profile_has_24_hours_for_each_day() -> None:
    day = " ".join(["1"] * 24)
    head = "load_profiles:\n- code: office\n  version: 1\n  source: s\n  hours:\n"
    assert problems(f"{head}    workdays: {day}\n") == [
        (6, "hours: saturday, sunday: no hours are given; add them")
    ]
    ((line, message),) = problems(f"{head}    workdays: {day} 1\n    weekend: {day}\n")
    assert line == 6
    assert "24 whole numbers" in message
    assert problems(f"{head}    workdays: {day}\n    weekend: {'0 ' * 24}\n")
    stated = parsed(f"{head}    workdays: {day}\n    weekend: {day}\n    friday: {'9 ' * 24}\n")
    assert stated.profiles[0].weights == (1,) * 384 + (9,) * 96 + (1,) * 192


def test_codes_are_unique() -> None:
    ((line, message),) = problems("meters:\n- {code: a}\n- {code: a}\n")
    assert (line, message) == (3, "meter a stands in line 2 already: codes are unique")


@pytest.mark.parametrize("raw", [b"", b"- 1", b"meters: {", "meters: 表".encode("gbk")])
def test_what_is_no_such_file_is_refused(raw: bytes) -> None:
    with pytest.raises(InventoryError):
        parse_meters(raw, "m.yaml")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="name a file that exists"):
        read_meters(tmp_path / "none.yaml")


def test_facts_are_compared_by_what_they_say() -> None:
    def fact(ct: str, day: int) -> RatioFact:
        span = Span(datetime(2026, 1, day, tzinfo=UTC))
        return RatioFact("a", Decimal(ct), Decimal(1), span)

    held = [(1, fact("80", 1)), (2, fact("60", 2)), (3, fact("60", 3))]
    gone, new = compare(held, [(fact("60.0", 2), 7), (fact("80", 4), 8)])
    assert gone == [1, 3]
    assert new == [(fact("80", 4), 8)]


def test_the_documentation_has_every_key() -> None:
    page = (EXAMPLE.parents[2] / "docs" / "meters.md").read_text(encoding="utf-8")
    day = " ".join(["1"] * 24)
    unknown = f"""
zzzzzz: 1
meters: [{{code: a, zzzzzz: 1, ratio: {{ct: 1, zzzzzz: 1}}}}]
registers: [{{device: d, register: r, resolution: 1, zzzzzz: 1}}]
load_profiles:
  - {{code: a, version: 1, source: s, zzzzzz: 1, hours: {{workdays: {day}, weekend: {day}}}}}
"""
    told = [message for _, message in problems(unknown) if "known are" in message]
    assert len(told) == 5
    keys = {key for message in told for key in message.partition("known are ")[2].split(", ")}
    assert len(keys) > 25
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


def test_a_fact_of_a_year_that_nobody_can_mean_is_refused() -> None:
    ((line, message),) = problems("meters:\n- {code: a, ratios: [{ct: 80, since: 1926-03-01}]}")
    assert line == 2
    assert message.endswith("since is of 1926: write a year from 2000 to 2100")
