"""The page that answers a report: pairs of item and text, for a screen, for Excel, for print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fleet.tip.inquiry import Answer, Order
from fleet.tip.plates import Bearer
from fleet.tip.verdict import conclusion, distance
from fleet.tip.whereabouts import Gap, Point
from registry.table import Column, Table
from storage.times import at_us

MOST_POINTS = 12
"""Fixes on the page: those around the time, thinned evenly."""
_WHY = {
    "reach": "不可能到过该地：这段时间来回不及",
    "odometer": "不可能到过该地：终端里程增加得太少",
}
_DATUM = "坐标为 WGS-84；高德、腾讯、百度地图的坐标要注明坐标系（--datum），否则相差 300 米以上。"


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        title: above it.
        conclusion: what can be said.
        rows: item and text, from top to bottom; texts of several lines.
        remarks: what one must know to read it.
        sign: whoever signs it.
    """

    title: str
    conclusion: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]
    sign: tuple[str, ...] = ("核查人：", "复核人：", "日期：")


def page(answer: Answer, near_m: int, zone: ZoneInfo, made_by: str, made_at: datetime) -> Page:
    """Return the page.

    Args:
        answer: what is known.
        near_m: so near counts as there.
        zone: the site's.
        made_by: who looks.
        made_at: when.
    """
    return Page(
        title="公务用车举报核查单",
        conclusion=tuple(conclusion(answer, near_m, zone)),
        rows=(*_report(answer, zone), *_vehicle(answer), *_track(answer, zone)),
        remarks=(
            "本页是定位和派车记录所示，供核查参考；是否属于公务，由单位核实后认定。",
            *([_DATUM] if answer.asked.place else []),
            f"{made_by} 于 {made_at.astimezone(zone):%Y-%m-%d %H:%M} 查看，已记入操作日志。",
        ),
    )


def text(page: Page) -> str:
    """Return the page for a screen."""
    lines = [page.title, "", *page.conclusion, ""]
    for item, said in page.rows:
        first, *rest = said.split("\n")
        lines += [f"{item}：{first}", *(f"　　{line}" for line in rest)]
    return "\n".join([*lines, "", *page.remarks])


def table(page: Page) -> Table:
    """Return the page as a sheet."""
    rows = (("结论", "\n".join(page.conclusion)), *page.rows)
    return Table(
        name="举报核查",
        title=page.title,
        particulars="",
        columns=(Column("item", "项目", width=14), Column("text", "内容", width=92)),
        rows=tuple({"item": item, "text": said} for item, said in rows),
        remarks=page.remarks,
        sign=page.sign,
        named=("sheet", "工作表"),
        portrait=True,
    )


def _report(answer: Answer, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    asked = answer.asked
    begin, end = (at.astimezone(zone) for at in asked.span)
    yield "举报号牌", asked.plate
    span = f"核查 {begin:%m-%d %H:%M} 至 {end:%m-%d %H:%M}"
    yield "举报时间", f"{asked.at.astimezone(zone):%Y-%m-%d %H:%M}（{span}）"
    where = [asked.address] * bool(asked.address)
    if asked.place:
        where.append(f"北纬 {asked.place.lat:.6f}，东经 {asked.place.lon:.6f}")
    yield "举报地点", "；".join(where) or "未说明"
    yield "查看原因", asked.reason


def _vehicle(answer: Answer) -> Iterator[tuple[str, str]]:
    bearer = answer.bearer
    if bearer is not None and bearer.sensitive:
        return  # not even whose it is
    if bearer is not None:
        yield "车辆", f"{bearer.plate}（编码 {bearer.code}），{bearer.institution}"
    code = bearer.code if bearer else None
    others = [one for one in answer.bearers if one.code != code and not one.sensitive]
    if others:
        yield "号牌其他使用", "\n".join(map(_borne, others))


def _borne(one: Bearer) -> str:
    since = f"{one.since}" if one.since else "（未注明）"
    until = f"{one.until} 前" if one.until else "今"
    return f"{since} 至 {until}：编码 {one.code}，{one.institution}"


def _track(answer: Answer, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    if answer.bearer is None or answer.bearer.sensitive:
        return
    seen = answer.seen
    if seen is not None:
        left = f"；另有 {seen.left_out} 个不可信，未采用" if seen.left_out else ""
        yield "定位", f"{len(seen.points)} 个{left}"
        if seen.nearest is not None:
            yield "离该地最近", _point(seen.nearest, zone)
        if seen.before is not None:
            yield "此前最后定位", _point(seen.before, zone, day=True)
        if seen.points:
            yield "当时位置", "\n".join(_point(one, zone) for one in _thinned(seen.points))
        if seen.after is not None:
            yield "此后最早定位", _point(seen.after, zone, day=True)
        if seen.gaps:
            yield "没有定位的时间", "\n".join(_gap(one, zone) for one in seen.gaps)
    trips = [
        f"{_moment(one.started_at, zone)} 至 {_moment(one.ended_at, zone)}，{_km(one.distance_mm)}"
        for one in answer.trips
    ]
    yield "行程", "\n".join(trips) or "没有涉及这一时间的行程"
    yield "派车单", "\n".join(_order(one, zone) for one in answer.orders) or "没有登记"


def _thinned(points: tuple[Point, ...]) -> list[Point]:
    """Return the first, the last, and some between them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(number * step)] for number in range(MOST_POINTS)]


def _point(one: Point, zone: ZoneInfo, *, day: bool = False) -> str:
    form = "%m-%d %H:%M:%S" if day else "%H:%M:%S"
    speed = "" if one.speed is None else f"，{one.speed:.0f} km/h"
    away = "" if one.metres is None else f"，距该地 {distance(one.metres)}"
    at = f"{at_us(one.t_us).astimezone(zone):{form}}"
    return f"{at}　北纬 {one.lat:.5f}，东经 {one.lon:.5f}{speed}{away}"


def _gap(one: Gap, zone: ZoneInfo) -> str:
    begin, end = (f"{at_us(us).astimezone(zone):%H:%M:%S}" for us in (one.from_us, one.to_us))
    if one.excluded is None:
        return f"{begin} 至 {end}"
    return f"{begin} 至 {end}：{_WHY.get(one.why, '不能判断')}"


def _km(millimetres: int | None) -> str:
    return "里程不知道" if millimetres is None else f"{millimetres / 1_000_000:.1f} 公里"


def _order(one: Order, zone: ZoneInfo) -> str:
    times = " 至 ".join(_moment(at, zone) if at else "未填" for at in (one.out_at, one.back_at))
    said = (
        *(("驾驶员", one.driver), ("乘车人", one.passenger), ("事由", one.reason)),
        *(("目的地", one.destination), ("审批人", one.approver)),
    )
    known = "，".join(f"{name} {value or '未填'}" for name, value in said)
    return f"{one.number}：{one.day}，{times}，{known}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"
