"""What does not go together of a vehicle's papers, orders and ways: a kind for each sort of doubt.

The comparing is that of :mod:`fleet.joining` (docs/joining.md), with its own tolerances; a rule
says whether it is asked about, of whom, and for how long what it found is one doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fleet.joining.said import DOUBTS
from fleet.joining.verdict import Doubt
from rules.kinds.model import Kind, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, known


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about a doubt, and what of.

    Attributes:
        sentence: Chinese.
        tracks: it tells where or when the vehicle was.
        by_month: a line of a statement, or an invoice, tells of it.
    """

    sentence: str
    tracks: bool = True
    by_month: bool = True


TABLE: Final = {
    Doubt.OVERFILL: Said("单据的加油量超过油箱当时至多能装下的量。", tracks=False),
    Doubt.STATION_ELSEWHERE: Said("单据所写的加油站，与车辆当时停留的加油站不同。"),
    Doubt.BORROWED_CARD: Said("单据所写的加油时间，车辆不在该加油站。"),
    Doubt.WITHOUT_TRAVEL: Said("加油前后车辆没有行驶，或自上次加油以来几乎没有行驶。"),
    Doubt.TWO_FILLS: Said("两次加油的间隔不到两小时。"),
    Doubt.PADDED_LITRES: Said("几次加油合计，高于其间行驶按以往油耗所需。", tracks=False),
    Doubt.WRONG_FUEL: Said("单据的油品与登记的车辆能源不符。", tracks=False),
    Doubt.OTHER_VEHICLE: Said("单据所写的车辆不是油卡绑定的车辆。", tracks=False),
    Doubt.GARAGE_NEVER_VISITED: Said("维修单据前后，没有测得车辆到过该维修厂。"),
    Doubt.ORDER_WITHOUT_TRIP: Said("有派车单，其时段内没有测得行驶。", by_month=False),
    Doubt.ORDER_KILOMETRES: Said("派车单里程与其时段内测得的行驶不符。", by_month=False),
    Doubt.TRIP_WITHOUT_ORDER: Said("测得的行程没有对应的派车单，可能是漏填。", by_month=False),
    Doubt.OTHER_DRIVER: Said("行驶时终端内不是派车单所写驾驶员的卡。", by_month=False),
}


def _told(layer: str) -> Callable[[Pieces, Values], Truth]:
    def holds(pieces: Pieces, _: Values) -> Truth:
        value = pieces.column(layer)
        return known(value == 1, value)

    return holds


KINDS: Final = tuple(
    Kind(
        code=f"vehicle.{doubt.value}",
        label=DOUBTS[doubt],
        inputs=(doubt.value,),
        beside=(),
        parameters={},
        hours=False,
        holds=_told(doubt.value),
        sentence=said.sentence,
        sort=Sort.VEHICLE,
        tracks=said.tracks,
        by_month=said.by_month,
    )
    for doubt, said in TABLE.items()
)
