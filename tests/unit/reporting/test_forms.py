"""The forms of the statistics, as data."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from metering.factors.files import DataFileError
from metering.factors.kinds import load_fact_kinds, load_kinds
from registry.refusal import RefusedError
from reporting.forms.model import Cost, Entry, Fact, Quantity
from reporting.forms.reading import edition_named, edition_of, load_editions

EDITIONS = {one.code: one for one in load_editions()}
HEAD = """
edition: "x"
name: 试用版
since: 2026-01-01
source: 自拟
confidence: low
forms:
  - code: use
    title: 消费状况
    lines:
"""


def test_what_the_edition_of_2025_changed() -> None:
    old, new = ({line.code: line for line in EDITIONS[code].lines()} for code in ("2022", "2025"))
    assert set(old) - set(new) == {"009", "105", "190", "191", "192", "230"}
    assert set(new) <= set(old)
    assert {code for code in new if new[code] != old[code]} == {"360"}
    assert new["360"].name == "热力消费量（按热量收费）"


def test_a_period_is_reported_by_the_edition_in_force_when_it_ends() -> None:
    editions = load_editions()
    assert edition_of(editions, date(2025, 10, 31)).code == "2022"
    assert edition_of(editions, date(2025, 11, 30)).code == "2025"
    with pytest.raises(RefusedError, match="2022-12-31"):
        edition_of(editions, date(2022, 12, 31))


def test_an_edition_that_is_gone_is_named() -> None:
    assert edition_named(load_editions(), "2022").code == "2022"
    with pytest.raises(RefusedError, match=r"reporting/forms/data/2019\.yaml"):
        edition_named(load_editions(), "2019")


def test_codes_agree_with_those_of_energies_and_facts() -> None:
    lines = {line.code: line.basis for line in EDITIONS["2025"].lines()}
    for kind in load_kinds().values():
        if kind.quantity_code is not None and kind.cost_code is not None:
            assert lines[kind.quantity_code] == Quantity(kind.code)
            assert lines[kind.cost_code] == Cost(kind.code)
    for fact in load_fact_kinds().values():
        if fact.statistics is not None:
            assert lines[fact.statistics] == Fact(fact.code, fact.statistics in {"101", "102"})


def test_what_adds_up_over_a_year() -> None:
    lines = {line.code: line for line in EDITIONS["2025"].lines()}
    assert [lines[code].adds for code in ("110", "111", "240", "101", "210")] == [
        *([True] * 3),
        *([False] * 2),
    ]
    assert lines["210"].basis == Entry()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('{code: "1", name: 电, unit: 度, digits: 2, quantity: electrik}', "electricity"),
        ('{code: "1", name: 电, unit: 度, digits: 9, quantity: water}', "digits"),
        ('{code: "1", name: 电, unit: 度, digits: 2, quantity: water, cost: water}', "one thing"),
        ('{code: "1", name: 电, unit: 度, digits: 2, consumer: vehicle}', "only a quantity"),
        ('{code: "2", name: 电, unit: 度, digits: 2, part_of: "1"}', "part_of"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "x.yaml").write_text(f"{HEAD}      - {lines}\n", "utf-8")
    with pytest.raises(DataFileError, match=rf"x\.yaml:11: .*{said}"):
        load_editions(tmp_path)


def test_a_part_has_the_unit_of_its_whole(tmp_path: Path) -> None:
    whole = '      - {code: "1", name: 油, unit: 升, digits: 2}\n'
    part = '      - {code: "11", name: 其中, unit: 吨, digits: 2, part_of: "1"}\n'
    (tmp_path / "x.yaml").write_text(HEAD + whole + part, "utf-8")
    with pytest.raises(DataFileError, match=r"x\.yaml:12: .*differs from 1"):
        load_editions(tmp_path)


def test_a_whole_does_not_go_without_its_parts(tmp_path: Path) -> None:
    for path in Path(load_editions.__code__.co_filename).parent.glob("data/*.yaml"):
        text = path.read_text("utf-8").replace('without: ["009"', 'without: ["009", "103"')
        (tmp_path / path.name).write_text(text, "utf-8")
    with pytest.raises(DataFileError, match="its part 1031 stays"):
        load_editions(tmp_path)
