from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from metering.factors.files import DATA, Confidence, DataFileError
from metering.factors.kinds import load_fact_kinds, load_items, load_kinds
from tests.unit.metering.factors.samples import written

HEAD = "source: here\nconfidence: high\n"


def test_every_kind_of_the_issue_is_there_with_its_statistics_code() -> None:
    kinds = load_kinds()
    codes = {k.code: (k.unit, k.quantity_code, k.cost_code) for k in kinds.values()}
    assert codes == {
        "electricity": ("kWh", "110", "111"),
        "water": ("m3", "120", "121"),
        "coal": ("t", "130", "131"),
        "gas": ("m3", "140", "141"),
        "petrol": ("L", "150", "151"),
        "diesel": ("L", "160", "161"),
        "heat": ("GJ", "170", "171"),
        "other": ("tce", "180", "181"),
        "lpg": ("t", "104", "1041"),
        "cooling": ("GJ", None, None),
    }
    assert [k.code for k in kinds.values() if not k.counts] == ["water"]


def test_other_units_convert_exactly_and_unknown_ones_are_refused() -> None:
    kinds = load_kinds()
    assert kinds["electricity"].in_unit(Decimal("1.5"), "万kWh") == 15000
    assert kinds["coal"].in_unit(Decimal(2500), "kg") == Decimal("2.5")
    assert kinds["cooling"].in_unit(Decimal(1000), "kWh") == Decimal("3.6")
    assert kinds["water"].in_unit(Decimal(3), "m3") == 3
    with pytest.raises(ValueError, match="汽油没有单位 kg"):
        kinds["petrol"].in_unit(Decimal(1), "kg")


def test_sub_items_stand_below_the_four_of_the_guideline() -> None:
    items = load_items()
    tops = [item.code for item in items.values() if item.parent is None]
    assert tops == ["01A00", "01B00", "01C00", "01D00"]
    for item in items.values():
        assert len(item.code) == 5
        assert item.parent in (None, item.code[:3] + "00")
    assert items["01A00"].name == "照明插座用电"
    assert items["01C10"].provenance.confidence == Confidence.MEDIUM


def test_facts_have_names_units_and_codes() -> None:
    facts = load_fact_kinds()
    assert (facts["floor-area"].name, facts["floor-area"].statistics) == ("建筑面积", "101")
    assert (facts["energy-users"].unit, facts["energy-users"].statistics) == ("人", "102")
    assert facts["establishment"].statistics == "1021"
    assert facts["vehicles"].whole


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("kinds:\n  - {code: a, name: 甲, unit: kWH}\n", "4: kind a: unit kWH is not known"),
        (
            """kinds:
  - {code: a, name: 甲, unit: t, statistics: {quantity: "110"}}
  - {code: b, name: 乙, unit: t, statistics: {quantity: "110"}}
""",
            "5: 110 stands here again (first in line 4): keep one",
        ),
        (
            "kinds:\n  - {code: a, name: 甲, unit: t, also: [{unit: kg, of: 0}]}\n",
            "4: unit: of is 0: it must be above 0",
        ),
        (
            "kinds: [{code: a, name: 甲, unit: t, also: [{unit: L, of: 1}, {unit: L, of: 1}]}]\n",
            "unit L stands here twice",
        ),
        ("kinds:\n  - {code: a, name: 甲, unit: t, count: true}\n", "count is not a key that is"),
        ("", "kinds is missing: add it"),
    ],
)
def test_a_wrong_file_of_kinds_is_refused_with_the_line(
    tmp_path: Path, body: str, problem: str
) -> None:
    with pytest.raises(DataFileError) as refused:
        load_kinds(written(tmp_path, HEAD + body, "kinds.yaml"))
    assert problem in str(refused.value)
    assert str(refused.value).startswith("kinds.yaml:")


def test_a_sub_item_without_its_parent_above_is_refused(tmp_path: Path) -> None:
    body = "items:\n  - {code: 01A10, name: 照明, parent: 01A00}\n  - {code: 01A00, name: 甲}\n"
    with pytest.raises(DataFileError, match=r"items.yaml:4: .*there is no item above it"):
        load_items(written(tmp_path, HEAD + body, "items.yaml"))


def test_facts_and_items_may_not_stand_twice(tmp_path: Path) -> None:
    one = "  - {code: a, name: 甲, unit: 人}\n"
    with pytest.raises(DataFileError, match=r"facts.yaml:5: a stands here again"):
        load_fact_kinds(written(tmp_path, f"{HEAD}facts:\n{one}{one}", "facts.yaml"))
    one = "  - {code: a, name: 甲}\n"
    with pytest.raises(DataFileError, match=r"items.yaml:5: .*twice"):
        load_items(written(tmp_path, f"{HEAD}items:\n{one}{one}", "items.yaml"))


@pytest.mark.parametrize(
    ("name", "load"),
    [("kinds", load_kinds), ("items", load_items), ("institution_facts", load_fact_kinds)],
)
def test_no_file_goes_without_a_source(
    tmp_path: Path, name: str, load: Callable[[Path], object]
) -> None:
    text = (DATA / f"{name}.yaml").read_text(encoding="utf-8")
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("source:"))
    with pytest.raises(DataFileError, match="source is missing"):
        load(written(tmp_path, bare))
