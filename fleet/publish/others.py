"""Vehicles whose plate is never published: whether their sum may be added to the others'.

Who subtracts what is listed from the sum must not come upon the figures of one vehicle.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from fleet.publish.content import ADDED, Figures


def together(parts: Sequence[Figures], at_least: int) -> dict[str, Decimal | None] | None:
    """Return the sum of some vehicles, or None where one of them could be told from it.

    Every figure that anyone has must be that of at least so many: a figure of fewer would be laid
    open, by itself or by what it lacks to the running cost.

    Args:
        parts: the figures of each.
        at_least: so many must have a part in each figure.
    """
    having = {
        name: [value for one in parts if (value := one[name]) is not None and value != 0]
        for name in ADDED
    }
    if not any(having.values()) or any(0 < len(its) < at_least for its in having.values()):
        return None
    return {name: sum(its, Decimal(0)) if its else None for name, its in having.items()}
