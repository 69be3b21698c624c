"""The profile files, read by the simulators' own eyes.

The collector has its own loader; a mistake shared by both could not be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import yaml

WORDS: Final = {"bit": 1, "u16": 1, "s16": 1, "bcd16": 1}
"""Registers (or bits) of the types that are not named after their 32 or 64 bits."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point: ``value = raw · scale``; ``words`` registers from ``address``, or one bit.

    A bit of a register table is number ``bit`` of its register, 0 the least significant.
    """

    name: str
    unit: str
    class_: str
    table: str
    address: int
    type: str
    order: str
    scale: Fraction
    sentinels: tuple[float, ...]
    words: int
    bit: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The map of one kind of device."""

    code: str
    max_registers: int
    max_hole: int
    forbidden: tuple[tuple[str, int, int], ...]
    points: tuple[Point, ...]


def load_profile(path: Path) -> Profile:
    """Read one profile.

    Raises:
        ValueError: a key the simulator needs is missing or odd; names the file.
    """
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Profile(
            code=body["code"],
            max_registers=body.get("max_registers", 125),
            max_hole=body.get("max_hole", 0),
            forbidden=tuple((r["table"], r["first"], r["last"]) for r in body.get("forbidden", ())),
            points=tuple(_point(entry) for entry in body["points"]),
        )
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: not a profile the simulators can serve: {error!r}") from error


def load_profiles(directory: Path) -> Mapping[str, Profile]:
    """Read every profile of a directory, by code."""
    return {p.code: p for p in map(load_profile, sorted(directory.glob("*.yaml")))}


def _point(entry: Mapping[str, Any]) -> Point:
    kind = entry["type"]
    words = WORDS.get(kind) or int(kind.lstrip("abcdfsu")) // 16
    return Point(
        name=entry["name"],
        unit=entry.get("unit", ""),
        class_=entry["class"],
        table=entry["table"],
        address=entry["address"],
        type=kind,
        order=entry.get("order", "ABCD"),
        scale=Fraction(str(entry.get("scale", 1))),
        sentinels=tuple(entry.get("sentinels", ())),
        words=words,
        bit=entry.get("bit"),
    )
