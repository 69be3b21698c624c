"""The words of bills: energies, units, headings. They are data: ``data/words.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
import yaml

from registry.sheet import plain

PATH: Final = Path(__file__).parent / "data" / "words.yaml"


class EnergyWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of energy: its name on sheets, the unit of its figures, other words for it."""

    name: str
    unit: str
    also: list[str] = []


class UnitWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A unit of figures: its name on sheets, and word → how many of it one is."""

    name: str
    words: dict[str, str | int | float]


class ConsumerWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What burns fuel: its words, and the digit behind 150 and 160 of the statistics' codes."""

    words: list[str]
    statistics: int


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it; see the comments of the file."""

    energies: dict[str, EnergyWords]
    units: dict[str, UnitWords]
    unit_of_energy: dict[str, dict[str, str]]
    statuses: dict[str, list[str]]
    consumers: dict[str, ConsumerWords]
    ask_consumer: list[str]
    totals: list[str]
    yes: list[str]
    no: list[str]
    sheets: dict[str, list[str]]
    headings: dict[str, dict[str, list[str]]]

    def energy(self, word: str) -> str | None:
        """Return the code that a word means, or None."""
        plain = word.strip()
        for code, energy in self.energies.items():
            if plain in {code, energy.name, *energy.also}:
                return code
        return None

    def status(self, word: str) -> str | None:
        """Return the status that a word means, or None."""
        return _find(self.statuses, word)

    def consumer(self, word: str) -> str | None:
        """Return the class of consumer that a word means, or None."""
        return _find({code: c.words for code, c in self.consumers.items()}, word)

    def factor(self, energy: str, word: str) -> Decimal | None:
        """Return how many of the energy's unit one of ``word`` is; None: it is no unit of it."""
        meant = self.unit_of_energy.get(energy, {}).get(word.strip(), word.strip())
        factors = self.units[self.energies[energy].unit].words
        by_case = {known.casefold(): factor for known, factor in factors.items()}
        factor = by_case.get(meant.casefold())
        return None if factor is None else Decimal(str(factor))

    def units_of(self, energy: str) -> tuple[str, ...]:
        """Return the words that are units of an energy, the usual one first."""
        unit = self.energies[energy].unit
        return tuple(self.units[unit].words)

    def columns(self, kind: str) -> Mapping[str, str]:
        """Return plain heading → field of one kind of sheet."""
        fields = self.headings[kind]
        return {plain(heading): field for field, words in fields.items() for heading in words}

    def heading(self, kind: str, field: str) -> str:
        """Return what our own sheets call a field."""
        return self.headings[kind][field][0]


@functools.cache
def words(path: Path = PATH) -> Words:
    """Read the words; once.

    Raises:
        msgspec.ValidationError: the file is not of its shape; the message names the key.
    """
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Words)


def _find(options: Mapping[str, list[str]], word: str) -> str | None:
    plain_word = word.strip()
    return next((c for c, words in options.items() if plain_word in {c, *words}), None)
