"""Tables of `jieyong rules evaluate`, for people, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from jieyong.evaluation.city.run import ZONE, Evaluation
from jieyong.evaluation.city.score import (
    ENOUGH,
    ENOUGH_ELSEWHERE,
    LEAST_TOLD,
    Curve,
    FalseDoubt,
    Size,
    Told,
    clean,
)
from rules.kinds.catalogue import KINDS
from simulators.city.plan import By, Plan

COLUMNS: Final = 100
"""No table is wider."""
_BAR: Final = 10
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS: Final = {
    By.DEGREES: "℃",
    By.LUX: "lx",
    By.MINUTES: "min",
    By.HOURS: "h",
    By.FLOW: "m³/h",
    By.LOAD: "kW",
    By.SHARE: "%",
    By.KILOMETRES: "km",
    By.MONTHS: "mo",
    By.AHEAD: "min",
    By.BEHIND: "min",
    By.LATE: "d",
    By.DAYS: "d",
}
_MEANS: Final = {
    By.DEGREES: "超出限值",
    By.LUX: "自然光",
    By.MINUTES: "时长",
    By.HOURS: "时长",
    By.FLOW: "多出流量",
    By.LOAD: "多出功率",
    By.SHARE: "多出比例",
    By.KILOMETRES: "行驶",
    By.MONTHS: "时长",
    By.AHEAD: "超前",
    By.BEHIND: "滞后",
    By.LATE: "逾期",
    By.DAYS: "时长",
}
_SHOWN: Final = 200
"""So many misses and false alarms are for reading; --json has all."""


def summary(plan: Plan, seed: int, found: Evaluation) -> Table:
    """Return what was found of each kind, and from which size on."""
    table = _table(
        f"{plan.title}（种子 {seed}）：{found.subjects} 个对象，疑点 {found.tally.doubts} 个",
        *("疑点", "大小", "下限", "实有", "可判断", "检出", "误报", "查全率", "查准率"),
    )
    for one in found.curves:
        made, told, hit = _sums(size for size in one.sizes if size.size >= (one.floor or 0.0))
        recall = hit / told if told else None
        table.add_row(
            KINDS[one.kind].label,
            _MEANS[one.by],
            "未达到" if one.floor is None else f"{one.floor:g} {_UNITS[one.by]}",
            *(str(made), str(told), str(hit), str(one.false)),
            *(_share(recall), _share(one.precision(one.floor or 0.0))),
        )
    table.caption = (
        f"自下限起，每一档查全率不低于 {ENOUGH:.0%}、可判断的不少于 {LEAST_TOLD} 件，合计查准率"
        f"不低于 {ENOUGH:.0%}（空调、照明、每公里燃油费以外均为 {ENOUGH_ELSEWHERE:.0%}）；"
        "其后各列自下限起（未达到的不论大小），误报不论大小。"
    )
    return table


def curve(one: Curve) -> Table:
    """Return what was found at each size; 另名: by another rule of the same matter."""
    table = _table(
        f"{KINDS[one.kind].label}，按{_MEANS[one.by]}；误报 {one.false}（查准率自各档起算）",
        *("大小", "实有", "可判断", "检出", "另名", "疑点", "查全率", "查准率"),
        *("延迟中位", "延迟 95 %", "查全率图"),
    )
    for size in one.sizes:
        mark = " ←" if size.size == one.floor else ""
        delays = [lasting(_at(size.delays_s, share)) for share in (0.5, 0.95)]
        table.add_row(
            f"{size.size:g} {_UNITS[one.by]}{mark}",
            *(str(size.made), str(size.told), str(size.found), str(size.otherwise)),
            str(size.doubts),
            *(_share(size.recall), _share(one.precision(size.size))),
            *(delays if size.delays_s else ("—", "—")),
            ("█" * round((size.recall or 0) * _BAR)).ljust(_BAR, "·"),
        )
    return table


def missed(found: Evaluation) -> Table:
    """Return the cases that could be told and were not found, from the floor of their kind on."""
    rows = _missed(found)
    table = _listing("漏检（自下限起）", len(rows), ("大小",))
    for one in rows[:_SHOWN]:
        table.add_row(
            one.subject,
            KINDS[one.case.kind].label,
            _moment(one.case.since_s),
            _moment(one.case.until_s),
            "、".join(f"{size:.4g} {_UNITS[by]}" for by, size in one.case.size.items()),
        )
    return table


def false(found: Evaluation) -> Table:
    """Return the doubts that nothing true stands behind, and what they may have looked at."""
    table = _listing("误报", len(found.tally.false), ("当日", "规则"))
    for one in found.tally.false[:_SHOWN]:
        table.add_row(
            one.doubt.subject,
            KINDS[one.doubt.kind].label,
            _moment(one.doubt.since_s),
            _moment(one.doubt.until_s),
            "、".join(one.looks) or "—",
            one.doubt.rule,
        )
    return table


def as_json(plan: Plan, seed: int, found: Evaluation, *, misses: bool) -> str:
    """Return the measurement for programs; times with their offset, shares from 0 to 1."""
    told: dict[str, Any] = {
        "scenario": plan.code,
        "seed": seed,
        "subjects": found.subjects,
        "doubts": found.tally.doubts,
        "false": len(found.tally.false),
        "kinds": [_plain(one) for one in found.curves],
    }
    if misses:
        told["misses"] = [_missed_plain(one) for one in _missed(found)]
        told["false_doubts"] = [_false_plain(one) for one in found.tally.false]
    return json.dumps(told, ensure_ascii=False, indent=2)


def _missed(found: Evaluation) -> list[Told]:
    floors: dict[str, list[tuple[By, float]]] = {}
    for one in found.curves:
        if one.floor is not None:
            floors.setdefault(one.kind, []).append((one.by, one.floor))
    return [
        one
        for one in found.tally.told
        if one.case.told
        and one.delay_s is None
        and one.case.kind in floors
        and _from_floors(one, floors[one.case.kind])
    ]


def _from_floors(one: Told, floors: Sequence[tuple[By, float]]) -> bool:
    """Of the measures that a case has."""
    mine = [(by, floor) for by, floor in floors if by in one.case.size]
    return bool(mine) and all(
        one.case.size[by] >= floor - 1e-6 and clean(one.case, by) for by, floor in mine
    )


def _plain(one: Curve) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "by": one.by.value,
        "floor": one.floor,
        "false": one.false,
        "sizes": [
            {
                "size": size.size,
                "made": size.made,
                "told": size.told,
                "found": size.found,
                "found_otherwise": size.otherwise,
                "doubts": size.doubts,
                "recall": size.recall,
                "precision_from_here": one.precision(size.size),
                "delay_median_s": _at(size.delays_s, 0.5) if size.delays_s else None,
                "delay_95_s": _at(size.delays_s, 0.95) if size.delays_s else None,
            }
            for size in one.sizes
        ],
    }


def _missed_plain(one: Told) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "kind": one.case.kind,
        "since": _iso(one.case.since_s),
        "until": _iso(one.case.until_s),
        "size": {by.value: size for by, size in one.case.size.items()},
    }


def _false_plain(one: FalseDoubt) -> dict[str, Any]:
    return {
        "subject": one.doubt.subject,
        "kind": one.doubt.kind,
        "rule": one.doubt.rule,
        "since": _iso(one.doubt.since_s),
        "until": _iso(one.doubt.until_s),
        "looks_like": list(one.looks),
    }


def _listing(title: str, count: int, more: Iterable[str]) -> Table:
    shown = f"，列出前 {_SHOWN} 个" if count > _SHOWN else ""
    return _table(f"{title}：{count} 个{shown}", "对象", "疑点", "自", "至", *more)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def lasting(seconds: int) -> str:
    """Return how long something took: minutes, from two hours on hours, from three days on days."""
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 3 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} d"


def _sums(sizes: Iterable[Size]) -> tuple[int, int, int]:
    those = list(sizes)
    return sum(s.made for s in those), sum(s.told for s in those), sum(s.found for s in those)


def _at(delays_s: Sequence[int], share: float) -> int:
    return delays_s[int(share * (len(delays_s) - 1))] if delays_s else 0


def _share(of: float | None) -> str:
    return "—" if of is None else f"{of:.1%}"


def _local(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC).astimezone(ZONE)


def _moment(at_s: int) -> str:
    return f"{_local(at_s):%m-%d %H:%M}"


def _iso(at_s: int) -> str:
    return _local(at_s).isoformat()
