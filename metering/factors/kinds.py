"""Kinds of energy, sub-items, facts of an institution: names, units and codes from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from metering.factors.files import (
    DATA,
    Provenance,
    listed,
    positive_number,
    provenance,
    reading,
    top,
)
from metering.factors.rounding import product
from registry.document import Entry, Problems

UNITS: Final = ("kWh", "m3", "GJ", "t", "L", "tce")
"""What quantities are kept in."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of energy.

    Attributes:
        code: as in ``meter.energy``.
        name: in Chinese.
        unit: what its quantities are kept in; one of :data:`UNITS`.
        quantity_code: of the national statistics; None: it has no line of its own there.
        cost_code: the same, of its cost in yuan.
        counts: whether it counts into the comprehensive energy use (water does not).
        other_units: unit → how many of ``unit`` it is; for bills in other units.
        provenance: of the codes.
    """

    code: str
    name: str
    unit: str
    quantity_code: str | None
    cost_code: str | None
    counts: bool
    other_units: Mapping[str, Decimal]
    provenance: Provenance

    def in_unit(self, quantity: Decimal, unit: str) -> Decimal:
        """Turn a quantity into this kind's unit.

        Raises:
            ValueError: the unit is not known for this kind.
        """
        if unit == self.unit:
            return quantity
        if unit not in self.other_units:
            known = "、".join([self.unit, *self.other_units])
            raise ValueError(f"{self.name}没有单位 {unit}：可用 {known}")
        return product(quantity, self.other_units[unit])


@dataclass(frozen=True, slots=True)
class Item:
    """A sub-item of electricity, for example ``01A00`` lighting and sockets.

    Attributes:
        code: five characters.
        name: in Chinese.
        parent: the item it is part of; None at the top.
        provenance: of code and name.
    """

    code: str
    name: str
    parent: str | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class FactKind:
    """What can be known of an institution, for example its floor area.

    Attributes:
        code: as in ``institution_fact.code``.
        name: in Chinese.
        unit: in Chinese.
        statistics: code of the national statistics; None: it has no line of its own there.
        whole: only whole numbers make sense.
        provenance: of the statistics code.
    """

    code: str
    name: str
    unit: str
    statistics: str | None
    whole: bool
    provenance: Provenance


def load_kinds(path: Path = DATA / "kinds.yaml") -> dict[str, Kind]:
    """Read the kinds of energy, by code.

    Raises:
        DataFileError: with every problem and its line.
    """
    with reading(path.name) as problems:
        document = top(path, "file of energy kinds", problems)
        usual = provenance(document)
        kinds = [_kind(entry, usual) for entry in listed(document, "kinds", "kind")]
        document.finish()
        _refuse_twice(problems, [(k.code, line) for k, line in kinds])
        statistics = [
            (code, line)
            for kind, line in kinds
            for code in (kind.quantity_code, kind.cost_code)
            if code is not None
        ]
        _refuse_twice(problems, statistics)
    return {kind.code: kind for kind, _ in kinds}


def load_items(path: Path = DATA / "items.yaml") -> dict[str, Item]:
    """Read the sub-items, by code; a parent stands before its children.

    Raises:
        DataFileError: with every problem and its line.
    """
    found: dict[str, Item] = {}
    with reading(path.name) as problems:
        document = top(path, "file of sub-items", problems)
        usual = provenance(document)
        for entry in listed(document, "items", "item"):
            parent = None
            if entry.has("parent"):
                parent = entry.reference("parent", "item above it", found)
            item = Item(entry.text("code"), entry.text("name"), parent, provenance(entry, usual))
            entry.finish()
            if item.code in found:
                entry.problem("code", f"code {item.code} stands here twice: keep one")
            found[item.code] = item
        document.finish()
    return found


def load_fact_kinds(path: Path = DATA / "institution_facts.yaml") -> dict[str, FactKind]:
    """Read what can be known of an institution, by code.

    Raises:
        DataFileError: with every problem and its line.
    """
    with reading(path.name) as problems:
        document = top(path, "file of facts", problems)
        usual = provenance(document)
        found = [_fact_kind(entry, usual) for entry in listed(document, "facts", "fact")]
        document.finish()
        _refuse_twice(problems, [(fact.code, line) for fact, line in found])
    return {fact.code: fact for fact, _ in found}


def _kind(entry: Entry, usual: Provenance) -> tuple[Kind, int]:
    statistics = entry.section("statistics")
    codes: tuple[str | None, str | None] = (None, None)
    if statistics is not None:
        codes = (statistics.text("quantity"), statistics.optional_text("cost"))
        statistics.finish()
    kind = Kind(
        code=entry.text("code"),
        name=entry.text("name"),
        unit=entry.choice("unit", UNITS),
        quantity_code=codes[0],
        cost_code=codes[1],
        counts=entry.boolean("counts"),
        other_units=_other_units(entry),
        provenance=provenance(entry, usual),
    )
    entry.finish()
    return kind, entry.line


def _other_units(entry: Entry) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for other in entry.entries("also", "unit") if entry.has("also") else []:
        unit, factor = other.text("unit"), positive_number(other, "of")
        if unit in found:
            other.problem("unit", f"unit {unit} stands here twice: keep one")
        other.finish()
        found[unit] = factor
    return found


def _fact_kind(entry: Entry, usual: Provenance) -> tuple[FactKind, int]:
    fact = FactKind(
        code=entry.text("code"),
        name=entry.text("name"),
        unit=entry.text("unit"),
        statistics=entry.optional_text("statistics"),
        whole=entry.boolean("whole"),
        provenance=provenance(entry, usual),
    )
    entry.finish()
    return fact, entry.line


def _refuse_twice(problems: Problems, codes: list[tuple[str, int]]) -> None:
    first: dict[str, int] = {}
    for code, line in codes:
        if code in first:
            problems.add(line, f"{code} stands here again (first in line {first[code]}): keep one")
        first.setdefault(code, line)
