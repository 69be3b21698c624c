"""The words that tags are: well known, or of a site's own."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from registry.document import Entry, Problems, compose

KINDS: Final = {
    "institution": "机构",
    "building": "建筑",
    "room": "房间",
    "place": "计量点",
    "vehicle": "车辆",
}
"""What may have tags → its name in Chinese."""
OWN: Final = "x-"
"""Words of a site's own begin so."""
FILE: Final = Path(__file__).parent / "data" / "tags.yaml"
WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Misuse(enum.Enum):
    """Why a tag may not stand at a thing."""

    FORM = enum.auto()
    """It is no word."""
    UNKNOWN = enum.auto()
    """It is neither well known nor of a site's own."""
    ELSEWHERE = enum.auto()
    """It stands at other kinds of things."""


@dataclass(frozen=True, slots=True)
class TagWord:
    """A well-known tag.

    Attributes:
        tag: as files and rules write it.
        name: in Chinese.
        of: at what it may stand; some of :data:`KINDS`.
        means: what rules make of it, in Chinese.
    """

    tag: str
    name: str
    of: tuple[str, ...]
    means: str


@cache
def known() -> Mapping[str, TagWord]:
    """Return the well-known tags in the order of their file."""
    return read(FILE.read_text(encoding="utf-8"), FILE.name)


def read(text: str, source: str) -> dict[str, TagWord]:
    """Read a file of well-known tags.

    Args:
        text: YAML.
        source: what to call it in messages.

    Raises:
        InventoryError: it is wrong; names every problem with its line.
    """
    problems = Problems(source)
    top = compose(text, "list of tags", problems)
    top.text("source")
    listed = top.entries("tags", "tag") if top.has("tags") else []
    words: dict[str, TagWord] = {}
    for entry in listed:
        word = _word(entry)
        if word.tag in words or word.tag.startswith(OWN) or not WORD.fullmatch(word.tag):
            entry.problem("tag", f"{word.tag} stands here already, or is no word for all sites")
        words[word.tag] = word
        entry.finish()
    top.finish()
    problems.raise_if_any()
    return words


def _word(entry: Entry) -> TagWord:
    kinds = entry.entries("of", "of", short="kind") if entry.has("of") else []
    word = TagWord(
        tag=entry.text("tag"),
        name=entry.text("name"),
        of=tuple(each.choice("kind", KINDS) for each in kinds),
        means=entry.text("means"),
    )
    for each in kinds:
        each.finish()
    return word


def misuse(tag: str, kind: str) -> Misuse | None:
    """Tell what is wrong with a tag at a thing of one of :data:`KINDS`; None: nothing."""
    if not WORD.fullmatch(tag) or tag == OWN:
        return Misuse.FORM
    if tag.startswith(OWN):
        return None
    word = known().get(tag)
    if word is None:
        return Misuse.UNKNOWN
    return None if kind in word.of else Misuse.ELSEWHERE


def name(tag: str) -> str:
    """Return a tag in Chinese; a word of a site's own as it is."""
    word = known().get(tag)
    return word.name if word else tag
