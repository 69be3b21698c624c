"""What institutions report: use ahead of the quota's plan, and months above those of last year.

Each energy has kinds of its own, so that a doubt says which, and in which unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.gauge.hold import Float64s
from rules.kinds.model import Excess, Kind, Parameter, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, known

_DAY_HOURS: Final = 24
_GROWN: Final = {"area": "面积", "heads": "人数"}


@dataclass(frozen=True, slots=True)
class Energy:
    """An energy of which institutions have quotas, and months to compare.

    Attributes:
        code: as metering has it.
        name: Chinese.
        unit: of its quantities.
        least: what a month must differ by before it is worth asking, in the unit: about what an
            office of a few rooms uses in a month.
        felt: by what share of what is used without weather a degree-day a day (HDD18, CDD26) adds
            to it: of heat nearly all follows the weather, of gas what boilers burn, of electricity
            a few percent; from experience, not from a regulation.
        by: what it grows with: ``area`` and ``heads``.
    """

    code: str
    name: str
    unit: str
    least: float
    felt: float
    by: frozenset[str]

    @property
    def layers(self) -> tuple[str, str, str, str]:
        """All of them."""
        return self.used, self.planned, self.now, self.then

    @property
    def used(self) -> str:
        """Layer: used in the year so far, on days that are known."""
        return f"quota_used_{self.code}"

    @property
    def planned(self) -> str:
        """Layer: what the quota's plan gives to the same days."""
        return f"quota_planned_{self.code}"

    @property
    def now(self) -> str:
        """Layer: used on the days of a month that can be compared, by day."""
        return f"month_{self.code}"

    @property
    def then(self) -> str:
        """Layer: what may be expected of them by last year's month, by day."""
        return f"month_before_{self.code}"

    @property
    def expected_by(self) -> str:
        """What is taken into account besides last year's use, Chinese."""
        names = [name for one, name in _GROWN.items() if one in self.by]
        return "、".join([*names, "气温"] if self.felt else names)


ENERGIES: Final = (
    Energy("electricity", "电", "kWh", 500.0, 0.03, frozenset({"area", "heads"})),
    Energy("water", "水", "m³", 50.0, 0.0, frozenset({"heads"})),
    Energy("gas", "燃气", "m³", 100.0, 0.15, frozenset({"area", "heads"})),
    Energy("heat", "热", "GJ", 10.0, 10.0, frozenset({"area"})),
)
"""Those that are metered or billed month by month."""
_MONTH_DAYS: Final = 30


def _kinds() -> Iterator[Kind]:
    for one in ENERGIES:
        yield Kind(
            code=f"quota.ahead.{one.code}",
            label=f"用{one.name}超定额进度",
            inputs=(one.used, one.planned),
            beside=(),
            parameters={
                "over": Parameter(5.0, "%", 0.0, 1000.0, "本年累计超出同期计划的比例"),
            },
            hours=False,
            holds=_ahead(one),
            sentence=f"本年累计用{one.name}量超过定额的同期计划 {{over:g}}% 以上。",
            sort=Sort.INSTITUTION,
            by_month=True,
        )
        yield Kind(
            code=f"consumption.year_on_year.{one.code}",
            label=f"用{one.name}同比上升",
            inputs=(one.now, one.then),
            beside=(),
            parameters={
                "above": Parameter(20.0, "%", 0.0, 1000.0, "当月比按上年推算的用量高出的比例"),
                "least": Parameter(one.least, one.unit, 0.0, 1e9, "当月至少多用"),
            },
            hours=False,
            holds=_grown(one),
            sentence=f"当月用{one.name}量比按上年同月推算的用量高出 {{above:g}}% 以上"
            f"（已计入{one.expected_by}的变化）。",
            sort=Sort.INSTITUTION,
            by_month=True,
            excess=Excess(one.unit, _more(one)),
        )


def _ahead(energy: Energy) -> Callable[[Pieces, Values], Truth]:
    def holds(pieces: Pieces, values: Values) -> Truth:
        used, planned = pieces.column(energy.used), pieces.column(energy.planned)
        return known(used > planned * (1 + values["over"] / 100), used, planned)

    return holds


def _grown(energy: Energy) -> Callable[[Pieces, Values], Truth]:
    def holds(pieces: Pieces, values: Values) -> Truth:
        now, then = pieces.column(energy.now), pieces.column(energy.then)
        bound = np.fmax(then * values["above"] / 100, values["least"] / _MONTH_DAYS)
        return known(now - then > bound, now, then)

    return holds


def _more(energy: Energy) -> Callable[[Pieces], Float64s]:
    def excess(pieces: Pieces) -> Float64s:
        more = pieces.column(energy.now) - pieces.column(energy.then)
        found: Float64s = np.maximum(more, 0) / _DAY_HOURS
        return found

    return excess


KINDS: Final = tuple(_kinds())
