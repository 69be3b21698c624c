"""Quantities of energy as standard coal or CO₂. Unknown stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from metering.factors.library import Library
from metering.factors.rounding import balanced, product, total
from metering.factors.sets import Factor, Measure

_KG_PER_TONNE_EXPONENT = -3


@dataclass(frozen=True, slots=True)
class Part:
    """What one kind of energy gives.

    Attributes:
        energy: code of the kind.
        quantity: in the kind's unit; None: unknown.
        kilograms: exact; None: unknown.
        factor: what it was multiplied with; None: there is none, or none was needed for a 0.
        why: why ``kilograms`` is unknown, in Chinese; else empty.
    """

    energy: str
    quantity: Decimal | None
    kilograms: Decimal | None
    factor: Factor | None
    why: str


@dataclass(frozen=True, slots=True)
class Total:
    """The sum over kinds of energy (and months, see :func:`joined`).

    Attributes:
        measure: coal or CO₂.
        parts: what it is made of.
    """

    measure: Measure
    parts: tuple[Part, ...]

    @property
    def kilograms(self) -> Decimal | None:
        """The exact sum; None when any part is unknown."""
        known = [p.kilograms for p in self.parts if p.kilograms is not None]
        return total(known) if len(known) == len(self.parts) else None

    @property
    def known_kilograms(self) -> Decimal:
        """The exact sum of what is known: at least so much, when :attr:`why` is not empty."""
        return total(p.kilograms for p in self.parts if p.kilograms is not None)

    @property
    def tonnes(self) -> Decimal | None:
        """The exact sum in tonnes; None when any part is unknown."""
        kilograms = self.kilograms
        return None if kilograms is None else _tonnes(kilograms)

    @property
    def why(self) -> str:
        """Why the sum is unknown, in Chinese; else empty."""
        return "；".join(dict.fromkeys(p.why for p in self.parts if p.why))

    @property
    def set_names(self) -> tuple[str, ...]:
        """The factor sets it rests on."""
        return tuple(sorted({p.factor.set_name for p in self.parts if p.factor is not None}))

    def by_energy(self) -> dict[str, Decimal | None]:
        """Return kilograms by energy; None where any part of it is unknown."""
        found: dict[str, Decimal | None] = {}
        for energy in dict.fromkeys(part.energy for part in self.parts):
            mine = tuple(part for part in self.parts if part.energy == energy)
            found[energy] = Total(self.measure, mine).kilograms
        return found


def convert(
    library: Library,
    measure: Measure,
    quantities: Mapping[str, Decimal | None],
    day: date,
    jurisdiction: str,
) -> Total:
    """Turn quantities of one month (or of a time without a change of factors) into a sum.

    Kinds that do not count, such as water, are left out.

    Args:
        library: kinds and factor sets.
        measure: coal or CO₂.
        quantities: energy → quantity in the kind's unit; None: unknown. An energy that is not named
            is not used there.
        day: the first day of that time; it chooses the factors.
        jurisdiction: where.

    Raises:
        KeyError: an energy is not known.
        ValueError: the jurisdiction is not known.
    """
    parts = [
        _part(
            library, measure, energy, quantity, library.factor(measure, energy, day, jurisdiction)
        )
        for energy, quantity in quantities.items()
        if library.kinds[energy].counts
    ]
    return Total(measure, tuple(parts))


def joined(totals: Iterable[Total]) -> Total:
    """Join the totals of several months.

    Raises:
        ValueError: there is none, or they are of several measures.
    """
    found = list(totals)
    measures = {one.measure for one in found}
    if len(measures) != 1:
        raise ValueError("give one or more totals of one measure")
    return Total(measures.pop(), tuple(part for one in found for part in one.parts))


def shown_tonnes(one: Total, places: int) -> dict[str, Decimal] | None:
    """Return tonnes by energy, rounded so that they add up to the rounded total; None: unknown."""
    kilograms = one.by_energy()
    known = {energy: kg for energy, kg in kilograms.items() if kg is not None}
    if len(known) < len(kilograms):
        return None
    tonnes = [_tonnes(kg) for kg in known.values()]
    return dict(zip(known, balanced(tonnes, places), strict=True))


def _tonnes(kilograms: Decimal) -> Decimal:
    return product(kilograms, Decimal(1).scaleb(_KG_PER_TONNE_EXPONENT))


def _part(
    library: Library,
    measure: Measure,
    energy: str,
    quantity: Decimal | None,
    factor: Factor | None,
) -> Part:
    name = library.kinds[energy].name
    if quantity is None:
        return Part(energy, None, None, factor, f"{name}用量未知")
    if quantity == 0:
        return Part(energy, quantity, Decimal(0), None, "")
    if factor is None:
        what = "折标准煤系数" if measure == Measure.STANDARD_COAL else "二氧化碳排放因子"
        return Part(energy, quantity, None, None, f"{name}没有适用的{what}")
    return Part(energy, quantity, product(quantity, factor.per_unit), factor, "")
