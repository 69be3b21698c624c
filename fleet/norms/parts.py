"""The same part replaced again, long before it is usually worn. Pure; the lives are data."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import yaml

from fleet.joining.rules import DAY_US

PATH: Final = Path(__file__).parent / "data" / "parts.yaml"
_SAME_REPAIR_DAYS: Final = 3
"""What is billed so soon again is one repair, in parts."""
_DAILY_HM: Final = 1_500
"""Where no dashboard is written down a vehicle may have driven 150 km a day: few drive more."""
_ITEMS: Final = re.compile(r"[、，,；;。+/\s]+")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part, what papers call it, and how long it usually lasts."""

    part: str
    words: list[str]
    days: int
    km: int
    several: bool = False


class Parts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it; see the comments of the file."""

    source: str
    positions: list[str]
    handled: list[str]
    replaced: list[str]
    free: list[str]
    parts: list[Part]

    def names(self, text: str, part: Part) -> bool:
        """Tell whether a line says that a part was replaced."""
        return any(self._replaces(item, part) for item in _ITEMS.split(text))

    def _replaces(self, item: str, part: Part) -> bool:
        named = any(word in item for word in part.words)
        handled = any(word in item for word in self.handled)
        return named and (not handled or any(word in item for word in self.replaced))


@dataclass(frozen=True, slots=True)
class Mended:
    """A line of maintenance: number, when (µs UTC), what it says, the dashboard (None: unknown).

    Attributes:
        fen: what it cost; None: not stated.
    """

    number: int
    at_us: int
    text: str
    odometer_hm: int | None
    fen: int | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """A part that was replaced again.

    Attributes:
        number, at_us: of the later line.
        before: the line before it.
        part: which.
        early_pct: how much of its usual life was left; None: of several, nobody knows which.
    """

    number: int
    at_us: int
    before: Mended
    part: Part
    early_pct: float | None


@functools.cache
def parts(path: Path = PATH) -> Parts:
    """Read the parts and their lives; once.

    Raises:
        msgspec.ValidationError: the file is not of its shape; the message names the key.
    """
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Parts)


def again(lines: Sequence[Mended], known: Parts) -> Iterator[Again]:
    """Yield what was replaced again before its time.

    Args:
        lines: of one vehicle, ascending.
        known: the parts.
    """
    for part in known.parts:
        its = [one for one in lines if known.names(one.text, part)]
        for number, one in enumerate(its):
            if one.fen == 0 or any(word in one.text for word in known.free):
                continue
            found = _before(one, its[:number], part, known)
            if found is not None:
                yield found


def _before(one: Mended, earlier: Sequence[Mended], part: Part, known: Parts) -> Again | None:
    where = _positions(one, known)
    for before in reversed(earlier):
        if one.at_us - before.at_us < _SAME_REPAIR_DAYS * DAY_US:
            continue
        there = _positions(before, known)
        # 前 and 左前 may be one; 前 and 后 are not.
        if part.several and where and there and not (where <= there or there <= where):
            continue
        left = _left_pct(before, one, part)
        if left <= 0:
            return None
        told = not part.several or bool(where and there)
        return Again(one.number, one.at_us, before, part, left if told else None)
    return None


def _positions(one: Mended, known: Parts) -> frozenset[str]:
    return frozenset(word for word in known.positions if word in one.text)


def _left_pct(before: Mended, one: Mended, part: Part) -> float:
    """Return how much of a life was left, by days or kilometres: whichever says less."""
    worn = (one.at_us - before.at_us) / (part.days * DAY_US)
    hm = _DAILY_HM * (one.at_us - before.at_us) // DAY_US
    if before.odometer_hm is not None and one.odometer_hm is not None:
        hm = one.odometer_hm - before.odometer_hm
    worn = max(worn, hm / (part.km * 10))
    return (1 - worn) * 100
