"""Vehicles: what they use and cost, where they stand, when they drive.

Layers of what is used come in pairs, at least and at most: the tank leaves open how much of what
was filled was used. A doubt is what exceeds the norm at least; what does not even at most is none;
between these one cannot tell.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

from fleet.joining.verdict import Doubt
from rules.kinds.model import WORKING, Kind, Parameter, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import FALSE, TRUE, UNKNOWN, Truth, both, either, known


class Layer(enum.StrEnum):
    """What is known of a vehicle; what its papers say has the name of the doubt instead."""

    RATE_OWN_LEAST = "rate_own_least"
    RATE_OWN_MOST = "rate_own_most"
    RATE_CLASS_LEAST = "rate_class_least"
    RATE_CLASS_MOST = "rate_class_most"
    RATE_FLEET_LEAST = "rate_fleet_least"
    RATE_FLEET_MOST = "rate_fleet_most"
    COST_OWN_LEAST = "cost_own_least"
    COST_OWN_MOST = "cost_own_most"
    COST_CLASS_LEAST = "cost_class_least"
    COST_CLASS_MOST = "cost_class_most"
    COST_FLEET_LEAST = "cost_fleet_least"
    COST_FLEET_MOST = "cost_fleet_most"
    UPKEEP = "upkeep"
    PART_EARLY = "part_early"
    AWAY = "away"
    MOVED_SEALED = "moved_sealed"
    MOVED_TAIL = "moved_tail"
    DUTY = "duty"


NORMS: Final = ("own", "class", "fleet")


def _above_own(percent: float) -> dict[str, Parameter]:
    return {"own_above": Parameter(percent, "%", 1.0, 500.0, "比本车以往至少高出"), **_LEVELS}


_LEVELS: Final = {
    "class_above": Parameter(15.0, "%", 0.0, 500.0, "比同类车辆的通常范围至少高出"),
    "fleet_above": Parameter(30.0, "%", 0.0, 500.0, "比同能源车辆的通常范围至少高出"),
}


def _above(what: str) -> Callable[[Pieces, Values], Truth]:
    """Tell where what was used, or paid, is above one of the norms."""

    def holds(pieces: Pieces, values: Values) -> Truth:
        return either(*(_beyond(pieces, what, norm, values[f"{norm}_above"]) for norm in NORMS))

    return holds


def _beyond(pieces: Pieces, what: str, norm: str, above: float) -> Truth:
    least, most = (pieces.column(f"{what}_{norm}_{end}") for end in ("least", "most"))
    found: Truth = (
        (least >= above) * (TRUE - UNKNOWN) + UNKNOWN - (most < above) * (UNKNOWN - FALSE)
    ).astype("int8")
    return found


def _is_one(layer: str) -> Callable[[Pieces, Values], Truth]:
    def holds(pieces: Pieces, _: Values) -> Truth:
        value = pieces.column(layer)
        return known(value == 1, value)

    return holds


def _out_of_hours(pieces: Pieces, _: Values) -> Truth:
    trip, duty = pieces.column(Doubt.TRIP_WITHOUT_ORDER), pieces.column(Layer.DUTY)
    working = pieces.column(WORKING)
    return both(known(trip == 1, trip), known(working == 0, working), known(duty == 0, duty))


def _upkeep(pieces: Pieces, values: Values) -> Truth:
    over = pieces.column(Layer.UPKEEP)
    return known(over >= values["above"], over)


def _part_early(pieces: Pieces, values: Values) -> Truth:
    early = pieces.column(Layer.PART_EARLY)
    return known(early >= values["early"], early)


def _kind(  # noqa: PLR0913 - what kinds differ in, each by its name
    code: str,
    label: str,
    layers: tuple[str, ...],
    holds: Callable[[Pieces, Values], Truth],
    sentence: str,
    *,
    parameters: dict[str, Parameter] | None = None,
    hours: bool = False,
    tracks: bool = False,
    by_month: bool = False,
) -> Kind:
    return Kind(
        code=f"vehicle.{code}",
        label=label,
        inputs=layers,
        beside=(),
        parameters=parameters or {},
        hours=hours,
        holds=holds,
        sentence=sentence,
        sort=Sort.VEHICLE,
        tracks=tracks,
        by_month=by_month,
    )


def _pairs(what: str) -> tuple[str, ...]:
    return tuple(f"{what}_{norm}_{end}" for norm in NORMS for end in ("least", "most"))


KINDS: Final = (
    _kind(
        "fuel_rate",
        "百公里油耗偏高",
        _pairs("rate"),
        _above("rate"),
        "百公里油耗至少比本车以往高 {own_above:g}%，或高出同类、同能源车辆的通常范围。",
        parameters=_above_own(18.0),
        by_month=True,
    ),
    _kind(
        "fuel_cost",
        "每公里燃油费偏高",
        _pairs("cost"),
        _above("cost"),
        "按当时油价比较，每公里燃油费至少比本车以往高 {own_above:g}%，"
        "或高出同类、同能源车辆的通常范围。",
        parameters=_above_own(22.0),
        by_month=True,
    ),
    _kind(
        "maintenance_cost",
        "每公里维修费偏高",
        (Layer.UPKEEP,),
        _upkeep,
        "十二个月的每公里维修费，最大一笔不计，比同类车辆的通常范围高 {above:g}% 以上。",
        parameters={"above": Parameter(30.0, "%", 0.0, 1000.0, "比同类车辆的通常范围高出")},
        by_month=True,
    ),
    _kind(
        "repeated_part",
        "同一部件重复更换",
        (Layer.PART_EARLY,),
        _part_early,
        "同一部件再次更换时，离通常使用期限还差 {early:g}% 以上。",
        parameters={"early": Parameter(50.0, "%", 1.0, 100.0, "离通常使用期限还差")},
        by_month=True,
    ),
    _kind(
        "not_in_yard",
        "未按时停放在指定地点",
        (Layer.AWAY,),
        _is_one(Layer.AWAY),
        "应停放在指定地点的时段，测得车辆不在该处。",
        tracks=True,
    ),
    _kind(
        "sealed_moved",
        "封存期间有移动",
        (Layer.MOVED_SEALED,),
        _is_one(Layer.MOVED_SEALED),
        "封存停驶期间测得车辆移动，或点火时间较长。",
        tracks=True,
    ),
    _kind(
        "plate_tail",
        "尾号限行日行驶",
        (Layer.MOVED_TAIL,),
        _is_one(Layer.MOVED_TAIL),
        "按车牌尾号应停驶的时段，测得车辆行驶。",
        tracks=True,
    ),
    _kind(
        "out_of_hours",
        "非工作时间行驶无派车单",
        (Doubt.TRIP_WITHOUT_ORDER.value, Layer.DUTY),
        _out_of_hours,
        "工作时间以外或节假日测得行驶，没有对应的派车单或值班安排，可能是漏填。",
        hours=True,
        tracks=True,
    ),
)
