"""docs/profile.md names every key of a profile, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from collector.profile_model import Order, Point, Profile, Range, Table, Type

PAGE = (Path(__file__).parents[3] / "docs" / "profile.md").read_text(encoding="utf-8")


def documented(heading: str) -> dict[str, bool]:
    """Return key → whether it is needed."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`.+?) \| (yes|–) \|", section, re.MULTILINE)
    return {key: needed == "yes" for keys, needed in rows for key in re.findall(r"`(\w+)`", keys)}


def known(model: type[BaseModel]) -> dict[str, bool]:
    fields = {f.alias or name: f.is_required() for name, f in model.model_fields.items()}
    fields.pop("text", None)  # the loader sets it
    return fields


@pytest.mark.parametrize(("heading", "model"), [("Of the device", Profile), ("Of a point", Point)])
def test_every_key_is_documented(heading: str, model: type[BaseModel]) -> None:
    assert documented(heading) == known(model)


@pytest.mark.parametrize("word", [*Table, *Type, *Order, *Range.model_fields])
def test_every_word_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE
