"""Scenarios are read whole, and every mistake is told with its line."""

from __future__ import annotations

import pytest

from jieyong.evaluation.city.reading import known, read_plan
from registry.document import InventoryError
from simulators.city.plan import By

GOOD = """\
code: one
title: 一
first: 2026-09-01
days: 14
holidays: [2026-09-03]
makeup: [2026-09-06]
opens: 07:30
closes: 19:00
institutions: 1
rooms: 3
exempt: {ward: 1}
spells:
  - {from: 2026-09-02, to: 2026-09-04, degrees: -3.5}
cases:
  - {kind: aircon.cooling, by: degrees, sizes: [0.6, 2], each: 3}
harmless: {overtime: 1}
disturbances: {late: 2}
"""


@pytest.mark.parametrize("name", known())
def test_every_scenario_that_comes_with_the_program_can_be_read(name: str) -> None:
    assert read_plan(known()[name].read_text("utf-8"), name).code == name


def test_all_of_it_is_read() -> None:
    plan = read_plan(GOOD, "one.yaml")
    (want,), (spell,) = plan.wanted, plan.spells
    assert (want.kind, want.by, want.sizes, want.each) == (
        "aircon.cooling",
        By.DEGREES,
        (0.6, 2),
        3,
    )
    assert (spell.last - spell.first, spell.degrees) == (2, -3.5)
    assert (plan.opens, plan.closes) == (450, 1_140)
    assert (plan.works(plan.first + 2), plan.works(plan.first + 5)) == (False, True)
    assert (plan.exempt, plan.harmless, plan.disturbances) == (
        {"ward": 1},
        {"overtime": 1},
        {"late": 2},
    )


@pytest.mark.parametrize(
    ("good", "bad", "line", "said"),
    [
        ("first: 2026-09-01", "first: soon", 3, "write a date"),
        ("days: 14", "days: 1", 4, "between 2 and 366"),
        ("holidays: [2026-09-03]", "holidays: [tomorrow]", 5, "is no day"),
        ("closes: 19:00", "closes: 07:00", 8, "not behind opens"),
        ("closes: 19:00", "closes: 25:00", 8, "a time of the day"),
        ("exempt: {ward: 1}", "exempt: {wards: 1}", 11, "did you mean ward"),
        ("degrees: -3.5", "degrees: cold", 13, "is no number"),
        ("kind: aircon.cooling", "kind: aircon.colling", 15, "did you mean aircon.cooling"),
        ("by: degrees", "by: lux", 15, "not measured by lux"),
        ("kind: aircon.cooling", "kind: vehicle.plate_tail", 15, "use one of kilometres"),
        ("rooms: 3\n", "rooms: 3\nvehicles: many\n", 11, "many"),
        ("rooms: 3\n", "rooms: 3\nvehicle_uses: {tank: 1}\n", 11, "not a key that is known"),
        ("rooms: 3\n", "rooms: 3\nvehicle_harmless: {dutty: 1}\n", 11, "did you mean duty"),
        ("rooms: 3\n", "rooms: 3\nterminals: some\n", 11, "some"),
        ("rooms: 3\n", "rooms: 3\nterminal_troubles: {ofline: 1}\n", 11, "did you mean offline"),
        ("rooms: 3\n", "rooms: 3\nledger_harmless: {close: 1}\n", 11, "did you mean closed"),
        ("rooms: 3\n", "rooms: 3\nrespondent_harmless: {one: 1}\n", 11, "not a key that is known"),
        ("kind: aircon.cooling", "kind: terminal.clock", 15, "use one of ahead, behind"),
        ("sizes: [0.6, 2]", "sizes: [2, 0.6]", 15, "ascending"),
        ("harmless: {overtime: 1}", "harmless: {party: 1}", 16, "not a key that is known"),
        ("code: one\n", "code: one\ncolour: red\n", 2, "not a key that is known"),
    ],
)
def test_a_mistake_is_told_with_its_line(good: str, bad: str, line: int, said: str) -> None:
    assert good in GOOD
    with pytest.raises(InventoryError) as caught:
        read_plan(GOOD.replace(good, bad), "one.yaml")
    assert any(one.line == line and said in one.message for one in caught.value.problems), (
        caught.value
    )


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InventoryError) as caught:
        read_plan("code: x\n", "one.yaml")
    assert len(caught.value.problems) >= 7
