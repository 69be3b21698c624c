"""The words of the ledger, and what a provider calls things. They are data: ``data/*.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
import yaml

from registry.refusal import RefusedError
from registry.sheet import plain

PATH: Final = Path(__file__).parent / "data" / "words.yaml"

Money = Literal["cost", "back", "none"]
"""What a line does to running cost: adds, takes back, or only moves money."""
Unit = Literal["ml", "wh", "dm3", "g"]
"""Whole millilitres, watt-hours, cubic decimetres, grams."""


class ConsumerWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What burns fuel: its words, and the digit behind 150 and 160 of the statistics' codes."""

    words: list[str]
    statistics: int


class EnergyWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a vehicle runs on; ``statistics``: code of its fuel, None: it has none there."""

    words: list[str]
    statistics: int | None = None


class TransactionWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of line."""

    words: list[str]
    money: Money


class ProductWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was filled; ``kind``: of the line, where it is no filling at all."""

    words: list[str]
    unit: Unit | None = None
    statistics: int | None = None
    kind: str | None = None


class ProviderMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one provider's export is read; see ``data/providers/example.yaml``."""

    provider: str
    kinds: list[str]
    sheet: str | None = None
    headings: dict[str, list[str]] = {}
    transactions: dict[str, list[str]] = {}
    products: dict[str, list[str]] = {}


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it; see the comments of the file."""

    yes: list[str]
    no: list[str]
    totals: list[str]
    consumers: dict[str, ConsumerWords]
    energies: dict[str, EnergyWords]
    choices: dict[str, dict[str, list[str]]]
    transactions: dict[str, TransactionWords]
    products: dict[str, ProductWords]
    parties: dict[str, list[str]]
    sheets: dict[str, list[str]]
    default_transaction: dict[str, str]
    headings: dict[str, dict[str, list[str]]]

    def consumer(self, word: str) -> str | None:
        """Return the kind of consumer that a word means, or None."""
        return meant({code: one.words for code, one in self.consumers.items()}, word)

    def energy(self, word: str) -> str | None:
        """Return what a vehicle runs on, or None."""
        return meant({code: one.words for code, one in self.energies.items()}, word)

    def columns(self, kind: str) -> Mapping[str, str]:
        """Return plain heading → field of one kind of sheet."""
        fields = self.headings[kind]
        return {plain(heading): field for field, words in fields.items() for heading in words}

    def heading(self, kind: str, field: str) -> str:
        """Return what our own sheets call a field."""
        return self.headings[kind][field][0]

    def name(self, options: str, code: str) -> str:
        """Return what sheets call a code of ``consumers``, ``energies``, or of a choice."""
        if options in self.choices:
            return self.choices[options].get(code, [code])[0]
        tables: dict[str, Mapping[str, ConsumerWords | EnergyWords | TransactionWords]] = {
            "consumers": self.consumers,
            "energies": self.energies,
            "transactions": self.transactions,
        }
        found = tables[options].get(code)
        return code if found is None else found.words[0]


class Papers:
    """What lines of statements mean: a provider's words first, then ours."""

    def __init__(self, words: Words, mapping: ProviderMapping | None = None) -> None:
        self.words = words
        self.mapping = mapping
        self._transactions = {code: one.words for code, one in words.transactions.items()}
        self._products = {code: one.words for code, one in words.products.items()}

    @property
    def provider(self) -> str:
        """Who uploads; empty for an institution's own files."""
        return self.mapping.provider if self.mapping else ""

    def transaction(self, word: str) -> str | None:
        """Return the kind of line that a word means, or None."""
        own = self.mapping.transactions if self.mapping else {}
        return meant(own, word) or meant(self._transactions, word)

    def product(self, word: str) -> str | None:
        """Return what was filled, or None."""
        own = self.mapping.products if self.mapping else {}
        return meant(own, word) or meant(self._products, word)

    def columns(self, kind: str) -> Mapping[str, str]:
        """Return plain heading → field; a provider's headings come first."""
        own = self.mapping.headings if self.mapping and kind == "spending" else {}
        of_own = {plain(heading): field for field, words in own.items() for heading in words}
        return {**self.words.columns(kind), **of_own}

    def may(self, kind: str) -> bool:
        """Tell whether the uploader may bring in lines of a kind."""
        return self.mapping is None or kind in self.mapping.kinds


@functools.cache
def words(path: Path = PATH) -> Words:
    """Read the words; once.

    Raises:
        msgspec.ValidationError: the file is not of its shape; the message names the key.
    """
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Words)


def read_mapping(path: Path, known: Words) -> ProviderMapping:
    """Read how a provider's export is read.

    Raises:
        RefusedError: it cannot be read, or names what the ledger does not know.
    """
    try:
        mapping = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), ProviderMapping)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise RefusedError(f"{path}：不能作为对照文件读取（{error}），请照示例改正") from error
    strange = [
        f"{name}：不认识 {'、'.join(sorted(set(given) - set(codes)))}"
        for name, given, codes in (
            ("kinds", mapping.kinds, known.transactions),
            ("headings", list(mapping.headings), known.headings["spending"]),
            ("transactions", list(mapping.transactions), known.transactions),
            ("products", list(mapping.products), known.products),
        )
        if set(given) - set(codes)
    ]
    if not mapping.provider.strip():
        strange.append("provider：没有填写")
    if strange:
        raise RefusedError(*(f"{path}：{text}，请照示例改正" for text in strange))
    return mapping


def meant(options: Mapping[str, Sequence[str]], word: str) -> str | None:
    """Return the code that a word means, or None; case and blanks at its ends do not matter."""
    given = word.strip().casefold()
    return next(
        (code for code, words in options.items() if given in {one.casefold() for one in words}),
        None,
    )
