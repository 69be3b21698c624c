"""The meters' file: what it says, checked and frozen. ``line`` lets a later refusal point at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from metering.facts.ratio import RatioFact
from metering.facts.register import RegisterFact
from registry.inventory import Binding

DIRECTIONS: Final = ("in", "out", "generated")
QUARTERS: Final = 672
"""Quarter hours of a week."""


@dataclass(frozen=True, slots=True)
class MeterSpec:
    """One meter of the file.

    Attributes:
        code: that of a place means the place's own meter, which is there by itself.
        name: None: that of the place, or the code.
        energy: None: what the place measures.
        unit: None: the usual one of the energy.
        direction: ``in``, ``out`` or ``generated``; None: ``in``, or as it is.
        item: sub-item code.
        place: code of the place of a further register; None: its own, or a virtual meter.
        register: name of the counter; None: the device's first one.
        formula: of a virtual meter.
        ratios: None: the file does not speak of them, and leaves them alone.
        mains: main meters before it; None: likewise.
        profiles: load profiles (``code@version``); None: likewise.
        lines: key → line; ``""`` the entry itself.
    """

    code: str
    name: str | None
    energy: str | None
    unit: str | None
    direction: str | None
    item: str | None
    place: str | None
    register: str | None
    formula: str | None
    ratios: tuple[tuple[RatioFact, int], ...] | None
    mains: tuple[Binding, ...] | None
    profiles: tuple[Binding, ...] | None
    lines: Mapping[str, int] = field(compare=False, repr=False)

    def line(self, key: str) -> int:
        """Return where a key stands, or the entry itself."""
        return self.lines.get(key, self.lines[""])


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """One version of a load profile: how the energy of a gap is spread over a week.

    Attributes:
        weights: of the quarters of a local week from Monday 00:00, each at least 1.
        source: where it is taken from.
    """

    code: str
    version: int
    weights: tuple[int, ...]
    source: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class MetersFile:
    """One file, whole and valid by itself.

    Attributes:
        source: the file as it was named.
        sha256: of its bytes.
        registers: what is said of devices' registers, with lines.
    """

    source: str
    sha256: str
    meters: tuple[MeterSpec, ...]
    registers: tuple[tuple[RegisterFact, int], ...]
    profiles: tuple[ProfileSpec, ...]

    def where(self, line: int) -> str:
        """Name a line, for a refusal."""
        return f"{self.source}:{line}"
