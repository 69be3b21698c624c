"""Factor sets: a unit of energy in standard coal or CO₂, dated, versioned, with a source."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from metering.factors.files import (
    Provenance,
    code,
    first_of_month,
    listed,
    number,
    positive_number,
    provenance,
    reading,
    top,
)
from metering.factors.kinds import Kind
from metering.factors.rounding import product
from registry.document import Entry

KG: Final = "kg"
_MOST: Final = 999
_KG_PER_TONNE: Final = Decimal(1000)


class Measure(enum.StrEnum):
    """What a factor turns energy into; both in kilograms."""

    STANDARD_COAL = "standard-coal"
    CO2 = "co2"


@dataclass(frozen=True, slots=True)
class Factor:
    """One figure of a set.

    Attributes:
        energy: code of the kind.
        value: kilograms per ``per``.
        per: the kind's unit, or ``kg``.
        density: kg per litre, where ``per`` is ``kg`` and the kind is kept in litres.
        per_unit: kilograms per unit of the kind, exactly.
        set_name: the set it stands in, as ``cn-coal@1``.
        provenance: source and confidence.
    """

    energy: str
    value: Decimal
    per: str
    density: Decimal | None
    per_unit: Decimal
    set_name: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class FactorSet:
    """Factors of one measure that hold together.

    Attributes:
        code: stable.
        version: of the file; a correction is a new version.
        name: in Chinese.
        measure: coal or CO₂.
        jurisdiction: where it holds.
        since: first day it holds; until a later set of the same measure and jurisdiction has the
            energy.
        factors: by energy.
    """

    code: str
    version: int
    name: str
    measure: Measure
    jurisdiction: str
    since: date
    factors: Mapping[str, Factor]

    @property
    def full_name(self) -> str:
        """Code and version, as figures name it."""
        return f"{self.code}@{self.version}"


def load_set(path: Path, kinds: Mapping[str, Kind], jurisdictions: Mapping[str, str]) -> FactorSet:
    """Read one factor set.

    Args:
        path: the file.
        kinds: by code.
        jurisdictions: code → the code above it, ``""`` at the top.

    Raises:
        DataFileError: with every problem and its line.
        OSError: it cannot be read.
    """
    with reading(path.name) as problems:
        document = top(path, "factor set", problems)
        usual = provenance(document)
        name = code(document)
        version = document.integer("version", 1, _MOST)
        measure = document.choice("measure", [m.value for m in Measure])
        factors: dict[str, Factor] = {}
        for entry in listed(document, "factors", "factor"):
            factor = _factor(entry, kinds, usual, f"{name}@{version}")
            if factor.energy in factors:
                entry.problem("code", f"{factor.energy} stands here twice: keep one")
            factors[factor.energy] = factor
        title = document.text("name")
        jurisdiction = document.reference("jurisdiction", "jurisdiction", jurisdictions)
        since = first_of_month(document, "from")
        document.finish()
    # Here the file is sound: `reading` has raised otherwise.
    return FactorSet(name, version, title, Measure(measure), jurisdiction, since, factors)


def _factor(entry: Entry, kinds: Mapping[str, Kind], usual: Provenance, set_name: str) -> Factor:
    energy = entry.reference("code", "kind of energy", kinds)
    value, density = positive_number(entry, "value"), number(entry, "density")
    unit = kinds[energy].unit if energy in kinds else KG
    per = entry.choice("per", sorted({unit, KG} if unit in {"t", "L"} else {unit}))
    factor = Factor(
        energy=energy,
        value=value,
        per=per,
        density=density,
        per_unit=product(value, _weight(entry, unit, per, density)),
        set_name=set_name,
        provenance=provenance(entry, usual),
    )
    entry.finish()
    return factor


def _weight(entry: Entry, unit: str, per: str, density: Decimal | None) -> Decimal:
    """How many ``per`` a unit is."""
    needed = per == KG and unit == "L"
    if needed and not density:
        entry.problem("density", "density is missing: add the kg of a litre, as density: 0.73")
    elif density is not None and not needed:
        entry.problem("density", f"density has no meaning for a factor per {per}: remove it")
    if needed:
        return density or Decimal(1)
    return _KG_PER_TONNE if per == KG and unit == "t" else Decimal(1)
