"""Verdicts in the officer's language. A doubt is a question: no text says who did what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fleet.joining.verdict import Check, Doubt, Figure, Finding, Kind, Verdict, Why
from storage.times import EPOCH

FINDINGS: Final[Mapping[Finding, str]] = {
    Finding.AGREES: "相符",
    Finding.DOUBT: "疑点",
    Finding.CANNOT_TELL: "无法判断",
}
KINDS: Final[Mapping[Kind, str]] = {
    Kind.FILLING: "加油",
    Kind.REPAIR: "维修",
    Kind.ORDER: "派车单",
    Kind.TRIP: "行程",
}
CHECKS: Final[Mapping[Check, str]] = {
    Check.PLACE: "加油地点与车辆位置",
    Check.TRAVEL: "加油与行驶",
    Check.TANK: "加油量与油箱容积",
    Check.ROOM: "加油量与油箱余量",
    Check.PAIR: "与上次加油的间隔",
    Check.LITRES: "多次加油量与里程",
    Check.HOLDER: "单据车辆与油卡绑定车辆",
    Check.FUEL: "油品与车辆能源",
    Check.GARAGE: "维修与车辆位置",
    Check.ORDER: "派车单与行程",
    Check.TRIP: "行程与派车单",
    Check.DRIVER: "派车单驾驶员与终端内的卡",
}
DOUBTS: Final[Mapping[Doubt, str]] = {
    Doubt.BORROWED_CARD: "加油时车辆不在加油站",
    Doubt.OTHER_VEHICLE: "单据写的不是油卡绑定的车辆",
    Doubt.STATION_ELSEWHERE: "车辆停在另一座加油站",
    Doubt.WITHOUT_TRAVEL: "未行驶而加油",
    Doubt.OVERFILL: "加油量超过油箱可容纳量",
    Doubt.TWO_FILLS: "两小时内两次加油",
    Doubt.PADDED_LITRES: "多次加油量高于行驶所需",
    Doubt.WRONG_FUEL: "油品与车辆能源不符",
    Doubt.GARAGE_NEVER_VISITED: "维修期间未到过维修厂",
    Doubt.ORDER_WITHOUT_TRIP: "有派车单而未行驶",
    Doubt.ORDER_KILOMETRES: "派车单里程与行程不符",
    Doubt.TRIP_WITHOUT_ORDER: "行程没有派车单",
    Doubt.OTHER_DRIVER: "行驶时终端内是另一人的驾驶员卡",
}
WHYS: Final[Mapping[Why, str]] = {
    Why.CARD_UNHELD: "油卡当时未绑定车辆",
    Why.SENSITIVE: "涉密车辆不保存位置和驾驶员",
    Why.NO_TRACK: "没有定位数据",
    Why.TRACK_INCOMPLETE: "这段时间的定位数据不完整",
    Why.MERCHANT_UNSTATED: "单据没有写商户",
    Why.PLACE_UNKNOWN: "尚不知道该商户在何处",
    Why.PLACE_THIN: "该商户的位置依据不足",
    Why.TIME_DIFFERS: "其他时间到过该商户，单据时间可能有误",
    Why.TIME_UNKNOWN: "单据没有写时间",
    Why.TANK_UNKNOWN: "油箱容积未登记",
    Why.LITRES_UNKNOWN: "单据没有升数",
    Why.DISTANCE_UNKNOWN: "两次加油之间的里程不知",
    Why.HISTORY_SHORT: "以往的加油和里程太少",
    Why.VEHICLE_UNSTATED: "单据没有写车辆，或没有用卡",
    Why.PRODUCT_UNKNOWN: "单据没有写油品",
    Why.ENERGY_UNKNOWN: "车辆能源未登记，或两种油品都可能",
    Why.UNUSUAL_STOP: "维修厂位置不知，其间到过不常去的地方",
    Why.NO_ORDERS: "前后一个月没有派车单，或当时尚未开始登记",
    Why.DRIVER_UNSTATED: "派车单没有写驾驶员姓名",
    Why.NO_TRIP: "派车单时段内没有只属于它的行程",
    Why.WAY_SHORT: "行驶很短，可能是就近办事，也可能是院内挪车",
    Why.NO_CARD: "行驶时终端没有插卡记录",
    Why.CARD_UNREADABLE: "终端内的卡未能读出姓名",
    Why.CARD_PARTLY: "插卡记录只覆盖部分行驶时间，或其间换过人",
}
FIGURES: Final[Mapping[str, str]] = {
    "card": "卡号",
    "holder": "油卡绑定车辆",
    "written": "单据车辆",
    "span_from_us": "比对时段自",
    "span_to_us": "比对时段至",
    "nearest_mm": "距该商户最近",
    "nearest_at_us": "最近之时",
    "radius_mm": "容许距离",
    "place_fences": "位置依据（围栏）",
    "place_matches": "位置依据（次）",
    "place_of": "可用单据（次）",
    "place_vehicles": "位置依据（车辆数）",
    "place_spread_mm": "位置离散",
    "place_own_pct": "该处停留属于本厂单据前后的",
    "place_since_us": "依据自",
    "place_until_us": "依据至",
    "other_visit_us": "另一次到站",
    "other_station": "实际停留的加油站",
    "stations_apart_mm": "两站相距",
    "driven_mm": "行驶",
    "least_mm": "至少应为",
    "most_mm": "至多应为",
    "unseen_s": "没有定位的时间",
    "stood_from_us": "停放自",
    "stood_to_us": "停放至",
    "still_s": "前后至少停放",
    "filled_ml": "加油量",
    "before_ml": "上次加油量",
    "before_number": "上次加油编号",
    "before_at_us": "上次加油时间",
    "apart_s": "间隔",
    "stop_us": "本次到站停车",
    "before_stop_us": "上次到站停车",
    "payments": "付款笔数",
    "tank_ml": "油箱容积",
    "holds_ml": "油箱最多容纳",
    "left_ml": "至少尚余",
    "since_number": "自此次加油起（编号）",
    "since_us": "自此次加油起",
    "between": "其间还加过（编号）",
    "burnt_ml": "其间至多用去",
    "room_ml": "油箱至多还能加",
    "over_ml": "超出",
    "legs": "加油次数",
    "expected_ml": "按以往油耗应用",
    "slack_pct": "油耗容许偏差",
    "base_ml": "以往加油",
    "base_mm": "以往行驶",
    "product": "单据油品",
    "energy": "车辆能源",
    "unusual_stops": "到过的不常去之处",
    "order": "派车单号",
    "order_mm": "派车单里程",
    "slack_s": "时间容差",
    "missing": "派车单未填",
    "driver": "派车单驾驶员",
    "driven_s": "其间行驶",
    "card_own_s": "其中驾驶员本人的卡",
    "card_names": "其他人的卡",
    "card_others_s": "其中他人的卡",
    "started_us": "出发",
    "ended_us": "到达",
}


def headline(one: Verdict) -> str:
    """Return what was found, in a few words."""
    if one.doubt is not None:
        return DOUBTS[one.doubt]
    return "" if one.why is None else WHYS[one.why]


def evidence(one: Verdict, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Return (name, value) of everything that was compared."""
    return [(FIGURES[figure.name], shown(figure, zone)) for figure in one.figures]


def shown(figure: Figure, zone: ZoneInfo) -> str:
    """Return a figure with its unit; what is not known says so."""
    name, value = figure.name, figure.value
    if value is None:
        return "不知"
    if isinstance(value, str):
        return value
    unit = name.rpartition("_")[2]
    if unit == "us":
        return f"{moment(value, zone):%Y-%m-%d %H:%M}"
    if unit == "mm":
        return f"{value / 1e6:.2f} km" if value >= 1_000_000 else f"{value // 1_000} m"
    return _UNITS[unit](value) if unit in _UNITS else str(value)


_UNITS: Final[Mapping[str, Callable[[int], str]]] = {
    "ml": lambda ml: f"{ml / 1_000:.1f} L",
    "s": lambda s: f"{s // 60} 分钟",
    "pct": lambda pct: f"{pct}%",
}


def moment(us: int, zone: ZoneInfo) -> datetime:
    """Return a time in a zone."""
    return (EPOCH + timedelta(microseconds=us)).astimezone(zone)
