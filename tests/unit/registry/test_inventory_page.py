"""docs/inventory.md names every key the reader knows, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry.document import InventoryError
from registry.inventory import ENERGIES, FUELS, TRANSPORTS
from tests.unit.registry.samples import document, inventory

PAGE = (Path(__file__).parents[3] / "docs/inventory.md").read_text(encoding="utf-8")
SECTIONS = tuple(document())


def documented(heading: str) -> set[str]:
    section = PAGE.split(f"\n### {heading}\n", 1)[1].split("\n### ", 1)[0]
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def known(content: dict[str, object]) -> set[str]:
    """What the reader says it knows when it meets a key that resembles nothing."""
    with pytest.raises(InventoryError, match="qqqqqqq is not a key") as caught:
        inventory(content)
    (problem,) = caught.value.problems
    return set(problem.message.split("; known are ")[1].split(", "))


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_an_entry_is_documented(section: str) -> None:
    content = document()
    content[section][0]["qqqqqqq"] = 1
    # Entries without a binding ask for every way to write one.
    for key in ("place", "vehicle", "since"):
        if section in {"devices", "terminals"}:
            content[section][0].pop(key, None)
    assert known(content) == documented(section)


def test_every_key_at_the_top_is_documented() -> None:
    assert known(document() | {"qqqqqqq": 1}) == documented("At the top of the file")


def test_every_default_is_documented() -> None:
    assert known(document() | {"defaults": {"qqqqqqq": 1}}) == documented("defaults")


@pytest.mark.parametrize("word", [*ENERGIES, *FUELS, *TRANSPORTS])
def test_every_word_is_documented(word: str) -> None:
    assert word in PAGE
