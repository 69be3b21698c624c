"""What a published sheet says: plain, exact, and kept as it was."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

_PAID: Final = ("fuel", "charging", "maintenance", "insurance", "road", "rest", "cost")
ADDED: Final = ("km", "litres", "kwh", *_PAID)
"""Figures that may be summed over vehicles."""
RATIOS: Final = ("per_100_km", "kwh_per_100_km", "yuan_per_km")
AGAINST: Final = ("budget", "spent", "share")
FIGURES: Final = (*ADDED, *RATIOS, *AGAINST)

Figures = Mapping[str, Decimal | None]
"""Name of a figure → its value as it is shown; None: not known."""


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a figure is not known, or what it lacks; ``figure``: of :data:`FIGURES`, or ``plate``."""

    figure: str
    text: str


class Vehicle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line. Nothing of trips, drivers, destinations or orders has a place in it.

    Attributes:
        code: of the vehicle; it stands on no paper, and tells which line is whose later on.
        plate, group, use: as they are shown.
        source: where the kilometres come from; empty: they are not known.
        figures: all of :data:`FIGURES`.
        notes: on them.
    """

    code: str
    plate: str
    group: str
    use: str
    source: str
    figures: dict[str, Decimal | None]
    notes: tuple[Note, ...]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One institution's month.

    Attributes:
        institution: its code.
        name: its name.
        month: 2026-03.
        vehicles: the lines.
        others: the sum of those whose plate is not published; None: not added.
        totals: the last line.
        budget: of the institution for the year; None: none is entered.
        version: of this shape.
    """

    institution: str
    name: str
    month: str
    vehicles: tuple[Vehicle, ...]
    others: dict[str, Decimal | None] | None
    totals: dict[str, Decimal | None]
    budget: Decimal | None
    version: int = 1


def packed(content: Content) -> str:
    """Return it as the text that is kept: decimals as texts, so that they stay exact."""
    return msgspec.json.encode(content).decode()


def unpacked(text: str | bytes) -> Content:
    """Read what was kept.

    Raises:
        msgspec.ValidationError: it is of another shape.
    """
    return msgspec.json.decode(text, type=Content)
