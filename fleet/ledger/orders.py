"""How complete dispatch orders are: what is missing, and the score as Σ over Σ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fleet.ledger.load import Order

ASKED: Final = {
    "reason": "事由",
    "passenger": "乘车人",
    "approver": "审批人",
    "out_at": "出车时间",
    "back_at": "回车时间",
    "odometer_out_hm": "出车里程",
    "odometer_back_hm": "回车里程",
}
"""What an order should say."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """Of some orders.

    Attributes:
        orders: how many.
        stated: how much of what they should say is said.
        missing: what is missing → in how many orders.
    """

    orders: int
    stated: int
    missing: dict[str, int]

    @property
    def score(self) -> Decimal | None:
        """Share of what is said, to a thousandth; None: there are no orders."""
        if not self.orders:
            return None
        return (Decimal(self.stated) / (self.orders * len(ASKED))).quantize(Decimal("0.001"))

    def __str__(self) -> str:
        return "、".join(f"缺{ASKED[name]} {n}" for name, n in self.missing.items()) or "齐全"


def missing(order: Order) -> list[str]:
    """Return what an order should say and does not."""
    return [name for name in ASKED if getattr(order, name) in {"", None}]


def completeness(orders: Iterable[Order]) -> Completeness:
    """Count what orders say."""
    lacking: Counter[str] = Counter()
    number = 0
    for order in orders:
        number += 1
        lacking.update(missing(order))
    stated = number * len(ASKED) - lacking.total()
    return Completeness(number, stated, {name: lacking[name] for name in ASKED if lacking[name]})
