"""docs/factors.md names every key the readers know, its examples are read, its sources are all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metering.factors.files import DATA, DataFileError
from metering.factors.sets import load_set
from metering.factors.tariff_file import load_tariff
from tests.unit.metering.factors.samples import library, written

PAGE = (Path(__file__).parents[4] / "docs/factors.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SET, TARIFF = ([text for word, text in EXAMPLES if word == kind] for kind in ("set", "tariff"))


def documented(heading: str) -> set[str]:
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def known(message: str) -> set[str]:
    (line,) = [one for one in message.splitlines() if "qqqqqqq is not a key" in one]
    return set(line.split("; known are ")[1].split(", "))


def test_the_examples_are_read(tmp_path: Path) -> None:
    (text,) = SET
    one = load_set(written(tmp_path, text), library().kinds, library().parents)
    assert one.full_name == "city-coal@1"
    (text,) = TARIFF
    assert load_tariff(written(tmp_path, text), library()).basic is not None


def test_every_key_of_a_set_is_documented(tmp_path: Path) -> None:
    path = written(tmp_path, SET[0] + "qqqqqqq: 1\n")
    with pytest.raises(DataFileError) as refused:
        load_set(path, library().kinds, library().parents)
    assert known(str(refused.value)) == documented("Factor sets")


def test_every_key_of_a_tariff_is_documented(tmp_path: Path) -> None:
    head = TARIFF[0].partition("kind: time-of-use")[0]
    found: set[str] = set()
    for text in (
        TARIFF[0],
        f"{head}kind: flat\nprice: 1\n",
        f"{head}kind: tiered\nspan: year\ntiers: [{{price: 1}}]\n",
    ):
        with pytest.raises(DataFileError) as refused:
            load_tariff(written(tmp_path, text + "qqqqqqq: 1\n"), library())
        found |= known(str(refused.value))
    assert found == documented("Tariffs")


def test_every_file_is_named_and_every_source_listed() -> None:
    sources = set(re.findall(r"\bS\d+\b", PAGE.split("\n## Sources\n")[1]))
    for path in DATA.rglob("*.yaml"):
        name = path.name if path.parent == DATA else f"{path.parent.name}/*.yaml"
        assert f"`{name}`" in PAGE
        assert set(re.findall(r"\bS\d+\b", path.read_text(encoding="utf-8"))) <= sources, path.name
