"""What a draft is held against, and what is found."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from metering.factors.files import Provenance
from reporting.draft.cells import Cell
from reporting.draft.period import Period
from reporting.forms.model import Edition


class Severity(enum.StrEnum):
    """What a finding asks for."""

    BLOCK = "block"
    """It cannot be signed."""
    EXPLAIN = "explain"
    """It can be signed when somebody has explained it."""
    NOTE = "note"


SEVERITIES: Final[Mapping[Severity, str]] = {
    Severity.BLOCK: "须补正",
    Severity.EXPLAIN: "须说明",
    Severity.NOTE: "提示",
}


class Kind(enum.StrEnum):
    """What a rule looks at."""

    MISSING = "missing"
    SUM = "sum"
    """Parts make up their whole."""
    PARTS = "parts"
    """Parts are not more than their whole."""
    WITHIN = "within"
    BOTH = "both"
    CHANGE = "change"
    PRICE = "price"
    ESTIMATED = "estimated"
    METERED = "metered"


class Of(enum.StrEnum):
    """Which lines a rule about what is missing means, by what they rest on."""

    QUANTITY = "quantity"
    COST = "cost"
    FACT = "fact"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        code: stable.
        kind: what it looks at.
        severity: of what it finds.
        provenance: where it comes from.
        of: for :attr:`Kind.MISSING`.
        lines: codes, for :attr:`Kind.SUM`, :attr:`Kind.PARTS` and :attr:`Kind.CHANGE`.
        pairs: codes: a part and its whole for :attr:`Kind.WITHIN`, a quantity and its cost else.
        above: a share beyond which something is found.
        low: the lowest price, yuan per unit.
        high: the highest.
    """

    code: str
    kind: Kind
    severity: Severity
    provenance: Provenance
    of: Of | None = None
    lines: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    above: Decimal = Decimal(0)
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Drafted:
    """What is looked at.

    Attributes:
        edition: its forms.
        period: of which.
        cells: by code of the line.
        before: of the same time a year before.
    """

    edition: Edition
    period: Period
    cells: Mapping[str, Cell]
    before: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; it words a doubt.

    Attributes:
        rule: code.
        severity: what it asks for.
        cells: codes of the lines.
        said: what stands there and what was expected, in Chinese.
        mend: what to do about it.
    """

    rule: str
    severity: Severity
    cells: tuple[str, ...]
    said: str
    mend: str
