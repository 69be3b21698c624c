"""Reading the basic charge of a tariff, and the rule on a demand over the contract."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from metering.factors.basic import Basic, Below, Over
from metering.factors.files import DATA, number, positive_number, provenance, reading, top
from registry.document import Entry

RULE: Final = DATA / "basic_charge.yaml"
"""The nation's rule, for tariffs without their own."""


def read_basic(document: Entry) -> Basic | None:
    """Read ``basic``: prices, and ``over`` where the place has its own rule."""
    entry = document.section("basic")
    if entry is None:
        return None
    capacity, demand = number(entry, "capacity"), number(entry, "demand")
    if capacity is None and demand is None:
        entry.problem("", "there is no price: add capacity (yuan per kVA) or demand (per kW)")
    own = entry.section("over")
    over = load_over() if own is None else _over(own)
    entry.finish()
    return Basic(capacity, demand, over)


@cache
def load_over(path: Path = RULE) -> Over:
    """Read the rule on a demand over the contract.

    Raises:
        DataFileError: with every problem and its line.
        OSError: it cannot be read.
    """
    with reading(path.name) as problems:
        document = top(path, "rule of the basic charge", problems)
        entry = document.section("over")
        if entry is None:
            document.problem("over", "over is missing: add it")
            problems.fail()
        over = _over(entry)
        document.finish()
    return over


def _over(entry: Entry) -> Over:
    limit, times = positive_number(entry, "limit"), positive_number(entry, "times")
    if limit < 1:
        entry.problem("limit", f"limit is {limit}: it is a share of the contract, at least 1")
    below = entry.choice("below", [b.value for b in Below])
    what = Below(below) if below in set(Below) else Below.CONTRACT
    found = Over(limit, times, what, provenance(entry))
    entry.finish()
    return found
