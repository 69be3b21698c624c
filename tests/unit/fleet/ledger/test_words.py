from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fleet.ledger.over_age import limits
from fleet.ledger.words import PATH, Papers, read_mapping, words
from registry.refusal import RefusedError
from registry.sheet import plain

WORDS = words()
PROVIDERS = sorted((PATH.parent / "providers").glob("*.yaml"))


@pytest.mark.parametrize("kind", WORDS.headings)
def test_no_heading_means_two_fields(kind: str) -> None:
    said = Counter(plain(word) for names in WORDS.headings[kind].values() for word in names)
    assert [word for word, number in said.items() if number > 1] == []


def test_no_word_means_two_things() -> None:
    for options in (
        {code: one.words for code, one in WORDS.consumers.items()},
        {code: one.words for code, one in WORDS.energies.items()},
        {code: one.words for code, one in WORDS.transactions.items()},
        {code: one.words for code, one in WORDS.products.items()},
        {"yes": WORDS.yes, "no": WORDS.no},
        WORDS.parties,
        WORDS.sheets,
        *WORDS.choices.values(),
    ):
        said = Counter(word.casefold() for names in options.values() for word in names)
        assert [word for word, number in said.items() if number > 1] == []


def test_what_the_words_name_is_there() -> None:
    assert set(WORDS.default_transaction.values()) <= set(WORDS.transactions)
    assert set(WORDS.default_transaction) <= {n for names in WORDS.sheets.values() for n in names}
    assert {one.kind for one in WORDS.products.values()} - {None} <= set(WORDS.transactions)
    assert set(WORDS.sheets) == set(WORDS.headings)


@pytest.mark.parametrize(
    ("consumer", "product", "code"),
    [
        ("vehicle", "petrol", 1501),
        ("motorcycle", "petrol", 1501),
        ("vessel", "diesel", 1602),
        ("generator", "diesel", 1602),
        ("boiler", "petrol", 1502),
    ],
)
def test_consumer_and_fuel_give_the_code_of_the_statistics(
    consumer: str, product: str, code: int
) -> None:
    fuel = WORDS.products[product].statistics
    assert fuel is not None
    assert fuel * 10 + WORDS.consumers[consumer].statistics == code


def test_adblue_and_gas_are_no_oil() -> None:
    assert WORDS.products["adblue"].statistics is None
    assert WORDS.products["cng"].statistics is None
    assert WORDS.products["cng"].unit == "dm3"


@pytest.mark.parametrize("path", PROVIDERS, ids=lambda path: path.stem)
def test_every_mapping_that_is_shipped_can_be_read(path: Path) -> None:
    papers = Papers(WORDS, read_mapping(path, WORDS))
    assert papers.provider
    assert papers.may("filling")


def test_a_providers_words_come_before_ours_and_ours_remain() -> None:
    papers = Papers(WORDS, read_mapping(PROVIDERS[0], WORDS))
    assert papers.transaction("扣款") == "filling"
    assert papers.transaction("圈存") == "transfer"
    assert papers.product("汽油92") == "petrol"
    assert papers.columns("spending")["交易额"] == "amount"
    assert papers.columns("spending")["金额"] == "amount"
    assert not papers.may("maintenance")


def test_a_mapping_that_names_what_we_do_not_know_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("provider: ''\nkinds: [petrol]\nheadings: {sum: [额]}\n", encoding="utf-8")
    with pytest.raises(RefusedError) as refused:
        read_mapping(path, WORDS)
    assert [str(fault).split("：", 1)[1].split("，")[0] for fault in refused.value.faults] == [
        "kinds：不认识 petrol",
        "headings：不认识 sum",
        "provider：没有填写",
    ]


def test_the_limits_are_dated_and_sourced() -> None:
    known = limits()
    assert [rule.years for rule in known.over_age] == [8]
    assert all(rule.source for rule in known.over_age)
    assert all(rule.source for rule in known.standards)
