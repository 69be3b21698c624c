"""All factor sets, and which one holds where and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from metering.factors.files import DATA, listed, provenance, reading, top
from metering.factors.kinds import Kind, load_kinds
from metering.factors.sets import Factor, FactorSet, Measure, load_set


@dataclass(frozen=True, slots=True)
class Library:
    """Factor sets with the places they hold in.

    Attributes:
        kinds: energy kinds by code.
        sets: every version of every set.
        parents: jurisdiction → the one above it, ``""`` at the top.
    """

    kinds: Mapping[str, Kind]
    sets: tuple[FactorSet, ...]
    parents: Mapping[str, str]

    def chain(self, jurisdiction: str) -> tuple[str, ...]:
        """Return a jurisdiction and those above it, nearest first.

        Raises:
            ValueError: it is not known.
        """
        if jurisdiction not in self.parents:
            raise ValueError(
                f"jurisdiction {jurisdiction} is not known: add it to jurisdictions.yaml"
            )
        found = []
        while jurisdiction:
            found.append(jurisdiction)
            jurisdiction = self.parents[jurisdiction]
        return tuple(found)

    def factor(self, measure: Measure, energy: str, day: date, jurisdiction: str) -> Factor | None:
        """Choose the factor in force.

        The nearest jurisdiction that has one on that day wins; there the set that began last. Of a
        set only its newest version counts: what a correction leaves out holds no more.

        Returns:
            None: no set has one.

        Raises:
            ValueError: the jurisdiction is not known.
        """
        newest: dict[tuple[str, date], int] = {}
        for one in self.sets:
            key = one.code, one.since
            newest[key] = max(newest.get(key, 0), one.version)
        for place in self.chain(jurisdiction):
            there = [
                s
                for s in self.sets
                if s.measure == measure
                and s.jurisdiction == place
                and s.since <= day
                and energy in s.factors
                and s.version == newest[s.code, s.since]
            ]
            if there:
                return max(there, key=lambda s: (s.since, s.version)).factors[energy]
        return None

    def named(self, full_name: str) -> FactorSet:
        """Return a set by ``code@version``, for example to lead a signed figure back.

        Raises:
            KeyError: there is none.
        """
        for one in self.sets:
            if one.full_name == full_name:
                return one
        raise KeyError(f"there is no factor set {full_name}: put its file back beside the others")


def load_library(directory: Path = DATA, more: Iterable[Path] = ()) -> Library:
    """Read kinds, jurisdictions and every factor set.

    Args:
        directory: with ``kinds.yaml``, ``jurisdictions.yaml`` and ``sets/``.
        more: files of further sets, for example a city's own.

    Raises:
        DataFileError: a file has mistakes, or two files say who holds on the same day.
        OSError: a file cannot be read.
    """
    kinds = load_kinds(directory / "kinds.yaml")
    parents = _load_parents(directory / "jurisdictions.yaml")
    sets: list[FactorSet] = []
    for path in [*sorted((directory / "sets").glob("*.yaml")), *more]:
        one = load_set(path, kinds, parents)
        _refuse_rival(path, one, sets)
        sets.append(one)
    return Library(kinds, tuple(sets), parents)


def _load_parents(path: Path) -> dict[str, str]:
    parents: dict[str, str] = {}
    with reading(path.name) as problems:
        document = top(path, "file of jurisdictions", problems)
        usual = provenance(document)
        for entry in listed(document, "jurisdictions", "jurisdiction"):
            entry.text("name")
            provenance(entry, usual)
            code, parent = entry.text("code"), ""
            # Only what stands above in the file can be a parent: so there are no rings.
            if entry.has("parent"):
                parent = entry.reference("parent", "jurisdiction above it", parents)
            if code in parents:
                entry.problem("code", f"code {code} stands here twice: keep one")
            entry.finish()
            parents[code] = parent
        document.finish()
    return parents


def _refuse_rival(path: Path, one: FactorSet, others: Iterable[FactorSet]) -> None:
    """Refuse a set when another one claims the same energy from the same day on."""
    with reading(path.name) as problems:
        for other in others:
            if other.code == one.code and other.version == one.version:
                problems.add(1, f"{one.full_name} is there already: raise the version")
            elif other.code != one.code and _claims(one) == _claims(other):
                for energy in sorted(one.factors.keys() & other.factors.keys()):
                    problems.add(
                        1,
                        f"{energy} begins on {one.since} in {other.full_name} too: "
                        "keep it in one of them",
                    )


def _claims(one: FactorSet) -> tuple[Measure, str, date]:
    return one.measure, one.jurisdiction, one.since
