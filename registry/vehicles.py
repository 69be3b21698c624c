"""Which vehicle people mean: by its code, or by its plate however they write it."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, LiteralString, Protocol, TypeVar

import psycopg
from psycopg.rows import class_row

from registry.refusal import refuse

SIGNS: Final = " \t\r\n·•・‧∙⋅.-_‐–—"
"""What plates are written with and without, once full-width signs are made narrow."""
_KNOWN: Final[LiteralString] = """
    SELECT id, code, plate, EXISTS (
        SELECT FROM vehicle_sensitivity s WHERE s.vehicle_id = v.id
    ) AS sensitive FROM vehicle v ORDER BY code
"""
_NEAR: Final = 3
"""So many are named when none is meant."""
_ALIKE: Final = 0.8
"""One wrong sign of seven, or the first one missing."""
_WITHOUT: Final = str.maketrans("", "", SIGNS)


class Named(Protocol):
    """A vehicle, of the inventory or of the ledger; without a plate: empty."""

    @property
    def code(self) -> str:
        """Its code."""
        ...

    @property
    def plate(self) -> str:
        """Its plate."""
        ...

    @property
    def sensitive(self) -> bool:
        """Whether its plate is told to nobody who does not know it."""
        ...


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle of the inventory, as commands need it; ``sensitive``: on any day."""

    id: int
    code: str
    plate: str
    sensitive: bool


_One = TypeVar("_One", bound=Named)


def plain(text: str) -> str:
    """Return a plate or a code as it is compared: narrow capitals without blanks and signs."""
    return unicodedata.normalize("NFKC", text).upper().translate(_WITHOUT)


def meant(
    said: str,
    known: Collection[_One],
    where: str = "车辆",
    advice: str = "请核对设备清单",
) -> _One:
    """Return the vehicle that somebody means: by its code as it is, else by code or plate.

    Args:
        said: a code or a plate, in any spelling.
        known: which vehicles there are.
        where: option or cell, for the refusal.
        advice: what to do when there is none.

    Raises:
        RefusedError: there is none, with those that are near; or there are several.
    """
    for one in known:
        if one.code == said:
            return one
    wanted = plain(said)
    found = [one for one in known if wanted and wanted in {plain(one.code), plain(one.plate)}]
    if not found:
        near = _near(wanted, known)
        like = f"；相近的有 {'、'.join(map(_shown, near))}" if near else ""
        refuse(where, f"没有编码或车牌为“{said}”的车辆；{advice}{like}")
    if len(found) > 1:
        refuse(where, f"“{said}”对应多辆车：{'、'.join(map(_shown, found))}；请写编码")
    return found[0]


def find_vehicle(conn: psycopg.Connection[Any], said: str, where: str = "车辆") -> Vehicle:
    """Return the vehicle of the inventory that somebody means.

    Raises:
        RefusedError: as for :func:`meant`.
    """
    with conn.cursor(row_factory=class_row(Vehicle)) as cursor:
        return meant(said, cursor.execute(_KNOWN).fetchall(), where)


def _near(wanted: str, known: Collection[_One]) -> list[_One]:
    by_word: dict[str, _One] = {}
    for one in known:
        by_word[plain(one.code)] = one
        if one.plate and not one.sensitive:
            by_word[plain(one.plate)] = one
    words = get_close_matches(wanted, by_word, _NEAR, _ALIKE)
    return list({by_word[word].code: by_word[word] for word in words}.values())


def _shown(one: Named) -> str:
    told = one.plate and one.plate != one.code and not one.sensitive
    return f"{one.code}（{one.plate}）" if told else one.code
