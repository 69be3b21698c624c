"""Tables of verdicts on yards and sealed vehicles, in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from fleet.yards.look import Found
from fleet.yards.spans import Span
from fleet.yards.verdicts import Agrees, CannotTell, Doubt, DoubtKind, Evidence, Why
from jieyong.commands.fence_tables import spans_shown
from jieyong.commands.giving import tabled
from registry.table import Row, Table
from storage.times import at_us

_DOUBTS: Final = {
    DoubtKind.NOT_IN_YARD: "未按时停放在指定地点",
    DoubtKind.LEFT_YARD: "停放后又离开指定地点",
    DoubtKind.MOVED_SEALED: "封存期间有移动",
    DoubtKind.IGNITION_SEALED: "封存期间点火，是否移动不明",
}
_WHY: Final = {
    Why.NO_POSITIONS: "没有定位数据",
    Why.SILENT: "定位中断",
    Why.NO_FENCE: "指定地点没有围栏",
    Why.CALENDAR: "该年节假日尚未公布",
    Why.ORDER_OPEN: "派车单没有回车时间",
    Why.PENDING: "行程尚未计算完",
    Why.SENSITIVE: "敏感车辆，不保存位置",
}


def nights(found: Sequence[Found], title: str, zone: ZoneInfo) -> Table:
    """Return verdicts on vehicles in their yards."""
    columns = (
        *(("institution", "单位"), ("vehicle", "车辆"), ("day", "日期"), ("window", "应在时段")),
        *(("fences", "指定地点"), ("result", "结论"), ("what", "情况"), ("away", "不在时段")),
        *(("place", "停留位置"), ("unknown", "无数据时段"), ("asleep", "休眠推定停放")),
        ("excuses", "例外"),
    )
    return tabled("定点停放", columns, [_night(one, zone) for one in found], title)


def sealed(found: Sequence[Found], title: str, zone: ZoneInfo) -> Table:
    """Return verdicts on sealed vehicles."""
    columns = (
        *(("institution", "单位"), ("vehicle", "车辆"), ("day", "日期"), ("window", "封存时段")),
        *(
            ("reason", "封存依据"),
            ("result", "结论"),
            ("what", "情况"),
            ("away", "移动时段"),
            ("moved_km", "GPS km"),
        ),
        *(("odometer_km", "终端里程 km"), ("ignition_min", "点火分钟"), ("unknown", "无数据时段")),
        ("excuses", "例外"),
    )
    return tabled("封存停驶", columns, [_still(one, zone) for one in found], title)


def _night(one: Found, zone: ZoneInfo) -> Row:
    evidence = one.verdict.evidence
    place = evidence.place
    return {
        **_common(one, zone),
        "fences": "、".join(evidence.fences),
        "asleep": spans_shown(evidence.asleep, zone),
        "place": "" if place is None else f"{place[1]:.5f},{place[0]:.5f}",
    }


def _still(one: Found, zone: ZoneInfo) -> Row:
    evidence = one.verdict.evidence
    on = evidence.ignition_us
    return {
        **_common(one, zone),
        "reason": one.reason,
        "moved_km": _km(evidence.moved_mm),
        "odometer_km": _km(evidence.odometer_mm),
        "ignition_min": "未知" if on is None else str(on // 60_000_000),
    }


def _common(one: Found, zone: ZoneInfo) -> dict[str, str]:
    day = one.window.day
    sensitive = one.vehicle.sensitive_between(day, day)
    evidence: Evidence = one.verdict.evidence
    window = (evidence.window.from_us, evidence.window.to_us)
    return {
        "institution": one.vehicle.institution,
        "vehicle": one.vehicle.code if sensitive else one.vehicle.plate,
        "code": one.vehicle.code,
        "day": day.isoformat(),
        "window": spans_shown([window], zone),
        # For programs: columns of people have neither year nor zone.
        "window_at": _intervals([window], zone),
        "away_at": _intervals(evidence.away, zone),
        "unknown_at": _intervals(evidence.unknown, zone),
        **_said(one),
        "away": spans_shown(evidence.away, zone),
        "unknown": spans_shown(evidence.unknown, zone),
        "excuses": "；".join(one.said for one in evidence.excuses),
    }


def _said(one: Found) -> dict[str, str]:
    """Return the verdict for people, and by its codes for programs."""
    match one.verdict:
        case Agrees():
            return {"result": "相符", "what": "", "verdict": "agrees", "kind": ""}
        case Doubt(kind=kind):
            return {"result": "疑点", "what": _DOUBTS[kind], "verdict": "doubt", "kind": kind}
        case CannotTell(why=why):
            return {"result": "无法判断", "what": _WHY[why], "verdict": "cannot_tell", "kind": why}


def _intervals(spans: Sequence[Span], zone: ZoneInfo) -> str:
    """Return spans as ISO 8601 intervals."""
    return ";".join(
        "/".join(at_us(us).astimezone(zone).isoformat(timespec="seconds") for us in span)
        for span in spans
    )


def _km(mm: int | None) -> str:
    return "未知" if mm is None else f"{mm / 1_000_000:.2f}"
