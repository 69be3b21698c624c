"""Forms of the statistics: editions, forms, lines."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from metering.factors.files import Provenance


class Cadence(enum.StrEnum):
    """How often something is reported."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months one period has."""
        return {Cadence.MONTH: 1, Cadence.QUARTER: 3, Cadence.YEAR: 12}[self]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is reported of an energy, in its kind's unit.

    Attributes:
        energy: code.
        consumer: class of what burns it; None: all of it.
    """

    energy: str
    consumer: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What it cost, yuan; see :class:`Quantity`."""

    energy: str
    consumer: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What holds of the institution on the last day of the period; of people the daily average.

    Attributes:
        code: of ``institution_facts.yaml``.
        required: every institution has it; of the others, who never said anything has none.
    """

    code: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What only people know.

    Attributes:
        adds: a year's value is the sum of its quarters'; else that of the last one.
    """

    adds: bool = False


Basis = Quantity | Cost | Fact | Entry


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a form.

    Attributes:
        code: of the statistics.
        name: in Chinese.
        unit: in Chinese.
        digits: behind the point.
        part_of: code of the line of which it is a part (其中); None: of none.
        basis: what it rests on.
        provenance: of code, name and unit.
    """

    code: str
    name: str
    unit: str
    digits: int
    part_of: str | None
    basis: Basis
    provenance: Provenance

    @property
    def adds(self) -> bool:
        """Whether a year's value is the sum of its quarters'."""
        return isinstance(self.basis, Quantity | Cost) or self.basis == Entry(adds=True)


@dataclass(frozen=True, slots=True)
class Form:
    """One sheet of the statistics.

    Attributes:
        code: stable.
        title: in Chinese.
        lines: in the order of the sheet.
    """

    code: str
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """The forms as one version of the statistics asks for them.

    Attributes:
        code: for example ``2025``.
        name: in Chinese.
        since: periods that end on or after this day are reported so.
        forms: in the order of the statistics.
        provenance: of the edition.
    """

    code: str
    name: str
    since: date
    forms: tuple[Form, ...]
    provenance: Provenance

    def lines(self) -> Iterator[Line]:
        """Yield the lines of all forms, in order."""
        for form in self.forms:
            yield from form.lines

    def parts(self) -> Mapping[str, tuple[Line, ...]]:
        """Return the parts of lines that have any, by code of the whole."""
        found: dict[str, list[Line]] = {}
        for line in self.lines():
            if line.part_of is not None:
                found.setdefault(line.part_of, []).append(line)
        return {code: tuple(lines) for code, lines in found.items()}
