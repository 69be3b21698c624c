"""Reading data files: every figure with its source, every mistake with its line."""

from __future__ import annotations

import contextlib
import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from registry.document import Entry, InventoryError, Problem, Problems, compose

DATA: Final = Path(__file__).parent / "data"
"""What ships with the program."""

_NUMBER: Final = re.compile(r"(0|[1-9]\d{0,9})(\.\d{1,8})?")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SIGNED: Final = re.compile(r"-?" + _NUMBER.pattern)
_RANGE: Final = re.compile(r"(\d{1,2})(?:\s*-\s*(\d{1,2}))?")


class DataFileError(ValueError):
    """A data file cannot be used.

    Attributes:
        source: the file.
        problems: every problem found, by line.
    """

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}:{p.line}: {p.message}" for p in self.problems))


class Confidence(enum.StrEnum):
    """How sure a figure is: seen in an official or agreeing sources, in one, or only remembered."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a figure comes from, and how sure it is."""

    source: str
    confidence: Confidence
    note: str = ""


@contextlib.contextmanager
def reading(source: str) -> Iterator[Problems]:
    """Collect the problems of one file.

    Args:
        source: what the file is called in messages.

    Raises:
        DataFileError: on leaving, when there was any problem.
    """
    problems = Problems(source)
    try:
        yield problems
        problems.raise_if_any()
    except InventoryError as error:
        raise DataFileError(error.source, error.problems) from None


def top(path: Path, label: str, problems: Problems) -> Entry:
    """Open a file whose top is a mapping.

    Raises:
        OSError: it cannot be read.
        InventoryError: it is no YAML, or no mapping; :func:`reading` turns it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problems.add(1, f"byte {error.start} is no UTF-8: save the file as UTF-8")
        problems.fail()
    return compose(text, label, problems)


def listed(entry: Entry, key: str, label: str) -> list[Entry]:
    """Return the mappings of a required list."""
    if not entry.has(key):
        entry.problem(key, f"{key} is missing: add it")
        return []
    return entry.entries(key, label)


def code(entry: Entry) -> str:
    """Return the entry's code: lower case words joined by hyphens."""
    text = entry.text("code")
    if text and not _CODE.fullmatch(text):
        entry.problem("code", f"code is {text}: use small letters, digits and hyphens")
    return text


def provenance(entry: Entry, default: Provenance | None = None) -> Provenance:
    """Read ``source``, ``confidence``, ``note``; the first two may be missing with a default."""
    if default is not None and not entry.has("source") and not entry.has("confidence"):
        return Provenance(default.source, default.confidence, entry.optional_text("note") or "")
    word = entry.choice("confidence", [c.value for c in Confidence])
    sure = Confidence(word) if word in [c.value for c in Confidence] else Confidence.LOW
    return Provenance(entry.text("source"), sure, entry.optional_text("note") or "")


def number(entry: Entry, key: str) -> Decimal | None:
    """Return a number ≥ 0 with up to eight decimals, or None without the key or after a problem."""
    written = entry.optional_text(key)
    if not written:
        return None
    if not _NUMBER.fullmatch(written):
        entry.problem(
            key, f"{key} is {written}: write a number ≥ 0 with at most eight decimals, as 0.1229"
        )
        return None
    return Decimal(written)


def signed_number(entry: Entry, key: str) -> Decimal | None:
    """Return a number with up to eight decimals, also below 0; None as :func:`number`."""
    written = entry.optional_text(key)
    if not written:
        return None
    if not _SIGNED.fullmatch(written):
        entry.problem(
            key, f"{key} is {written}: write a number with at most eight decimals, as -0.25"
        )
        return None
    return Decimal(written)


def required_number(entry: Entry, key: str) -> Decimal:
    """Return a number ≥ 0; 0 after a problem."""
    if not entry.has(key):
        entry.problem(key, f"{key} is missing: add it")
        return Decimal(0)
    return number(entry, key) or Decimal(0)


def positive_number(entry: Entry, key: str) -> Decimal:
    """Return a number > 0; 1 after a problem."""
    if not entry.has(key):
        entry.problem(key, f"{key} is missing: add it")
    value = number(entry, key)
    if value == 0:
        entry.problem(
            key, f"{key} is 0: it must be above 0; leave the entry out when there is none"
        )
    return value or Decimal(1)


def first_of_month(entry: Entry, key: str) -> date:
    """Return a required day that begins a month: figures change between months only."""
    written = entry.text(key)
    day = _day(written) if written else date.min
    if day is None:
        entry.problem(key, f"{key} is {written}: write a day, as 2026-01-01")
        return date.min
    if day.day != 1:
        entry.problem(key, f"{key} is {written}: it must be the first day of a month")
    return day


def months(entry: Entry, key: str) -> frozenset[int]:
    """Return months written as ``7-9`` or ``1, 12`` or ``all``."""
    written = entry.text(key)
    if written == "all":
        return frozenset(range(1, 13))
    found: set[int] = set()
    for piece in written.split(",") if written else []:
        match = _RANGE.fullmatch(piece.strip())
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else 0
        if not 1 <= first <= last <= 12:
            entry.problem(
                key, f"{key} is {written}: write months as 7-9 or 1, 12; over the new year as two"
            )
            return frozenset()
        found.update(range(first, last + 1))
    return frozenset(found)


def _day(written: str) -> date | None:
    if not _DAY.fullmatch(written):
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
