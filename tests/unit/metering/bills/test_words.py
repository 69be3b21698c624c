from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from metering.bills.words import words
from metering.factors.kinds import load_kinds
from registry.sheet import in_brackets, plain

WORDS = words()


@pytest.mark.parametrize("kind", WORDS.headings)
def test_a_heading_means_one_field(kind: str) -> None:
    headings = [plain(word) for several in WORDS.headings[kind].values() for word in several]
    assert [word for word, number in Counter(headings).items() if number > 1] == []
    assert set(WORDS.columns(kind).values()) == set(WORDS.headings[kind])


def test_every_word_means_one_thing() -> None:
    energies = [w for c, e in WORDS.energies.items() for w in {c, e.name, *e.also}]
    statuses = [word for several in WORDS.statuses.values() for word in several]
    consumers = [word for one in WORDS.consumers.values() for word in one.words]
    sheets = [word for several in WORDS.sheets.values() for word in several]
    for several in (energies, statuses, consumers, sheets):
        assert max(Counter(several).values()) == 1


def test_energies_are_those_of_the_factors_with_their_names_and_units() -> None:
    known = {code: (kind.name, kind.unit) for code, kind in load_kinds().items()}
    assert {code: (e.name, e.unit) for code, e in WORDS.energies.items()} == known


def test_a_unit_is_one_of_itself_and_every_factor_keeps_millionths() -> None:
    for code, energy in WORDS.energies.items():
        assert WORDS.factor(code, energy.unit) == 1
        for word in WORDS.units_of(code):
            factor = WORDS.factor(code, word)
            assert factor is not None
            assert factor > 0


@pytest.mark.parametrize(
    ("energy", "word", "factor"),
    [
        ("electricity", "度", "1"),
        ("electricity", "mwh", "1000"),
        ("electricity", " 万千瓦时 ", "10000"),
        ("water", "吨", "1"),
        ("coal", "吨", "1"),
        ("coal", "千克", "0.001"),
        ("heat", "kJ", "0.000001"),
    ],
)
def test_units_of_bills(energy: str, word: str, factor: str) -> None:
    assert WORDS.factor(energy, word) == Decimal(factor)


@pytest.mark.parametrize(("energy", "word"), [("gas", "吨"), ("electricity", "m3"), ("coal", "")])
def test_a_unit_of_something_else_is_none(energy: str, word: str) -> None:
    assert WORDS.factor(energy, word) is None


def test_headings_are_compared_without_blanks_brackets_and_case() -> None:
    assert plain(" 总电量\n(千瓦时) ") == "总电量"
    assert plain("金额（元）") == plain("金 额[元]") == "金额"
    assert in_brackets("总电量（ 千瓦时 ）") == "千瓦时"
    assert in_brackets("总电量") == ""


def test_a_file_of_another_shape_names_the_key(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("energies: {electricity: {name: 电}}\n", encoding="utf-8")
    with pytest.raises(msgspec.ValidationError, match=r"unit.*energies"):
        words(path)
