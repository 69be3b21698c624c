"""The page that answers a report: pairs of item and text, for a screen, for Excel, for print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from fleet.tip.inquiry import Answer, Order
from fleet.tip.plates import Bearer
from fleet.tip.verdict import conclusion, distance
from fleet.tip.whereabouts import Gap, Point, Whereabouts
from registry.table import Column, Table
from storage.times import at_us, us_of

MOST_POINTS: Final = 12
"""Fixes on the page: the two next to the time, and of the others some, thinned evenly."""
_MOST_LINES: Final = 8
_MOST_ORDERS: Final = 4
"""So many gaps, trips and orders are listed: those nearest to the time. Else it is no one page."""

_T = TypeVar("_T")
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
    seen, at = answer.seen, us_of(answer.asked.at)
    begin, end = (moment.astimezone(zone).date() for moment in answer.asked.span)
    day = begin != end
    if seen is not None:
        left = f"；另有 {seen.left_out} 个不可信，未采用" if seen.left_out else ""
        yield "定位", f"{len(seen.points)} 个{left}"
        if seen.nearest is not None:
            yield "离该地最近", _point(seen.nearest, zone, day=day)
        if seen.before is not None:
            yield "此前最后定位", _point(seen.before, zone, day=True)
        if seen.points:
            yield "当时位置", "\n".join(_point(one, zone, day=day) for one in _thinned(seen, at))
        if seen.after is not None:
            yield "此后最早定位", _point(seen.after, zone, day=True)
        if seen.gaps:
            yield "没有定位的时间", "\n".join(_gaps(seen.gaps, at, zone, day=day))
    yield "行程", "\n".join(_trips(answer, at, zone)) or "没有涉及这一时间的行程"
    yield "派车单", "\n".join(_orders(answer, at, zone)) or "没有登记"


def _gaps(gaps: Sequence[Gap], at: int, zone: ZoneInfo, *, day: bool) -> list[str]:
    """Write gaps: those in which it may have been there before the others."""
    listed = _first(gaps, _MOST_LINES, lambda g: (bool(g.excluded), _away(g.from_us, g.to_us, at)))
    said = [_gap(one, zone, day=day) for one in listed]
    return [*said, *_rest(len(gaps) - len(listed), "段，未列")]


def _trips(answer: Answer, at: int, zone: ZoneInfo) -> list[str]:
    trips = answer.trips
    listed = _first(
        trips, _MOST_LINES, lambda one: (_away(us_of(one.started_at), us_of(one.ended_at), at),)
    )
    said = [
        f"{_moment(one.started_at, zone)} 至 {_moment(one.ended_at, zone)}，{_km(one.distance_mm)}"
        for one in listed
    ]
    return [*said, *_rest(len(trips) - len(listed), "次，离举报时间更远，未列")]


def _orders(answer: Answer, at: int, zone: ZoneInfo) -> list[str]:
    def away(one: Order) -> tuple[int]:
        begin = at if one.out_at is None else us_of(one.out_at)
        return (_away(begin, max(begin, at) if one.back_at is None else us_of(one.back_at), at),)

    orders = answer.orders
    listed = _first(orders, _MOST_ORDERS, away)
    said = [_order(one, zone) for one in listed]
    return [*said, *_rest(len(orders) - len(listed), "张，离举报时间更远，未列")]


def _rest(number: int, said: str) -> list[str]:
    return [f"另有 {number} {said}"] if number else []


def _first(every: Sequence[_T], most: int, key: Callable[[_T], tuple[int, ...]]) -> list[_T]:
    """Return those that stand first by a key, in the order in which they came."""
    chosen = sorted(range(len(every)), key=lambda index: key(every[index]))[:most]
    return [every[index] for index in sorted(chosen)]


def _away(from_us: int, to_us: int, at: int) -> int:
    return max(from_us - at, at - to_us, 0)


def _thinned(seen: Whereabouts, at: int) -> list[Point]:
    """Return the first, the last, the two next to the time, and some between them."""
    points = seen.points
    if len(points) <= MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (MOST_POINTS - 3)
    behind = next((n for n, one in enumerate(points) if one.t_us >= at), len(points) - 1)
    chosen = {round(number * step) for number in range(MOST_POINTS - 2)}
    return [points[number] for number in sorted({*chosen, max(behind - 1, 0), behind})]


def _point(one: Point, zone: ZoneInfo, *, day: bool) -> str:
    form = "%m-%d %H:%M:%S" if day else "%H:%M:%S"
    speed = "" if one.speed is None else f"，{one.speed:.0f} km/h"
    away = "" if one.metres is None else f"，距该地 {distance(one.metres)}"
    at = f"{at_us(one.t_us).astimezone(zone):{form}}"
    return f"{at}　北纬 {one.lat:.5f}，东经 {one.lon:.5f}{speed}{away}"


def _gap(one: Gap, zone: ZoneInfo, *, day: bool) -> str:
    form = "%m-%d %H:%M:%S" if day else "%H:%M:%S"
    begin, end = (f"{at_us(us).astimezone(zone):{form}}" for us in (one.from_us, one.to_us))
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
