"""Tests of rules as people write them."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from jieyong import cli
from registry.document import InventoryError
from rules.ruleset.reading import read_rule_set
from rules.ruleset.trial import read_trials

ZONE = ZoneInfo("Asia/Shanghai")
SETS = Path("rules/sets")
DEFAULT = read_rule_set((SETS / "default.yaml").read_text("utf-8"), "default.yaml", ZONE)
TEXT = (SETS / "default.test.yaml").read_text("utf-8")


def run(path: Path) -> tuple[int, str]:
    told = CliRunner().invoke(cli.app, ["rules", "test", str(path)])
    return told.exit_code, told.output


def problems(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        read_trials(text, "t.yaml", ZONE, DEFAULT)
    return str(caught.value).split("\n")


@pytest.mark.parametrize("path", sorted(SETS.glob("*.test.yaml")), ids=lambda path: path.name)
def test_the_tests_of_what_comes_along_hold(path: Path) -> None:
    code, said = run(path)
    assert code == 0, said
    assert "不符" not in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("until: 60m", "until: 61m", "应有 cooling-below-26：0m 至 61m"),
        ("until: 60m", "until: 61m", "多出 cooling-below-26：0m 至 60m"),
        ("tags: [ward]", "tags: [canteen]", "多出 cooling-below-26：0m 至 60m"),
    ],
)
def test_what_does_not_hold_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "t.yaml"
    absolute = f"rules: {(SETS / 'default.yaml').resolve()}"
    path.write_text(TEXT.replace("rules: default.yaml", absolute).replace(old, new), "utf-8")
    code, told = run(path)
    assert code == 1
    assert said in told
    assert "t.yaml:" in told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("run: 1@0m 1@55m", "run: 1@0m 1@x", "write values at minutes"),
        ("run: 1@0m 1@55m", "run: 1@55m 1@0m", "write values at minutes in their order"),
        ("制冷@0m", "制冰@0m", "write values at minutes"),
        ("from: 0m", "from: 0", "write minutes after the begin"),
        ("rule: cooling-below-26", "rule: cooling-below-62", "did you mean cooling-below-26?"),
        ("minutes: 300", "minutes: 0", "between 1 and"),
        ("set_point: 24@0m", "setpoint: 24@0m", "setpoint is not a key"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, said: str) -> None:
    found = problems(TEXT.replace(old, new, 1))
    assert any(said in line and line.startswith("t.yaml:") for line in found), found
