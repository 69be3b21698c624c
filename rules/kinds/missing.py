"""Figures that an institution has to report and that are not there yet, as the deadline nears.

Until when what is due is local, and changes: it stands in rules, with their dates, whom they are
about, and what they rest on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rules.kinds.model import Kind, Parameter, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, known

NOTHING: Final = -1.0
"""What a layer says while nothing is missing."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often something is reported.

    Attributes:
        code: for codes of kinds and names of layers.
        months: of a period.
        name: of a period, Chinese.
        within: days after its end until which it is usually due.
        ahead: days before that from which on it is worth asking.
        slowest: the most days after its end that a deadline can have: until the next one ends.
    """

    code: str
    months: int
    name: str
    within: float
    ahead: float
    slowest: float

    @property
    def layer(self) -> str:
        """Layer: days since the last period ended of which something is missing."""
        return f"missing_{self.code}"


CADENCES: Final = (
    Cadence("month", 1, "上月", 15.0, 5.0, 27.0),
    Cadence("quarter", 3, "上季度", 15.0, 5.0, 89.0),
    Cadence("year", 12, "上年度", 90.0, 15.0, 364.0),
)


def _kind(one: Cadence) -> Kind:
    return Kind(
        code=f"report.missing.{one.code}",
        label=f"{one.name}上报数据未齐",
        inputs=(one.layer,),
        beside=(),
        parameters={
            "within": Parameter(one.within, "天", 1.0, one.slowest, "期末后须上报的期限"),
            "ahead": Parameter(one.ahead, "天", 0.0, one.slowest, "期限前多少天提出"),
        },
        hours=False,
        holds=_near(one),
        sentence=f"{one.name}的用量尚未齐全，上报期限为期末后 {{within:g}} 天："
        "请补录账单或核对计量；确实没有使用的，请录入 0。",
        sort=Sort.INSTITUTION,
    )


def _near(one: Cadence) -> Callable[[Pieces, Values], Truth]:
    def holds(pieces: Pieces, values: Values) -> Truth:
        days = pieces.column(one.layer)
        # Never on the first day: so what is missing of two periods is two doubts.
        return known(days >= max(values["within"] - values["ahead"], 1.0), days)

    return holds


KINDS: Final = tuple(_kind(one) for one in CADENCES)
