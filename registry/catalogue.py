"""What the registry must know of device profiles; the composition hands it over.

The profiles themselves live with the collector, which the registry may not import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PointInfo:
    """One measured quantity of a profile: ``class_`` is counter, gauge or state."""

    name: str
    label: str
    unit: str
    class_: str


@dataclass(frozen=True, slots=True)
class ProfileInfo:
    """One version of a profile, with the text it was read from."""

    code: str
    version: int
    sha256: str
    body: str
    points: tuple[PointInfo, ...]


Catalogue = Mapping[str, ProfileInfo]
"""Profile code → profile."""
