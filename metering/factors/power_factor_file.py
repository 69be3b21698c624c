"""Reading the tables of the power-factor adjustment."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from metering.factors.files import (
    DATA,
    listed,
    provenance,
    reading,
    required_number,
    signed_number,
    top,
)
from metering.factors.power_factor import Adjustments, Corner
from registry.document import Entry

TABLES: Final = DATA / "power_factor.yaml"


@cache
def load_adjustments(path: Path = TABLES) -> Adjustments:
    """Read the tables.

    Raises:
        DataFileError: with every problem and its line.
        OSError: it cannot be read.
    """
    with reading(path.name) as problems:
        document = top(path, "tables of the power factor", problems)
        tables: dict[Decimal, tuple[Corner, ...]] = {}
        for entry in listed(document, "tables", "a standard's table"):
            standard = required_number(entry, "standard")
            if standard in tables:
                entry.problem("standard", f"standard {standard} has a table already")
            tables[standard] = _corners(entry)
            entry.finish()
        found = Adjustments(tables, provenance(document))
        document.finish()
    return found


def _corners(entry: Entry) -> tuple[Corner, ...]:
    corners = tuple(_corner(one) for one in listed(entry, "corners", "a corner"))
    at = [one.at for one in corners]
    falls = all(high > low for high, low in pairwise(at))
    if at[:1] + at[-1:] != [1, 0] or not falls:
        entry.problem("corners", "corners must go from at: 1.00 down to at: 0.00")
    return corners


def _corner(entry: Entry) -> Corner:
    at, percent = required_number(entry, "at"), signed_number(entry, "percent")
    if at * 100 % 1:
        entry.problem("at", f"at is {at}: power factors have two decimals")
    if percent is None:
        entry.problem("percent", "percent is missing: add it, below 0 where the charge falls")
    entry.finish()
    return Corner(at, percent or Decimal(0))
