"""Tables of doubts, in Chinese."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from jieyong.commands.giving import tabled
from jieyong.commands.rule_tables import SEVERITIES
from notify.model import Severity
from registry import tag_words
from registry.table import Row, Table
from rules.cases.evidence import Used
from rules.cases.life import STATES, STEPS, VERDICTS
from rules.cases.listing import Done, Listed
from rules.ruleset.model import Rule
from rules.timeline.overlay import Pieces
from storage.times import at_us

_POINTS: Final = {
    "run": "运行",
    "mode": "模式",
    "set_point": "设定 ℃",
    "room_temperature": "室温 ℃",
    "relay": "回路",
    "occupancy": "有人",
    "lux": "照度 lx",
    "power": "功率 W",
}
_SAID: Final = {
    "run": {0.0: "停", 1.0: "开"},
    "relay": {0.0: "关", 1.0: "开"},
    "occupancy": {0.0: "无人", 1.0: "有人"},
    "mode": {0.0: "自动", 1.0: "制冷", 2.0: "除湿", 3.0: "送风", 4.0: "制热"},
}


def listed(found: Sequence[Listed], title: str, zone: ZoneInfo, now: datetime) -> Table:
    """Return doubts, one a row; what goes on lasts until now."""
    columns = (
        *(("id", "编号"), ("state", "状态"), ("severity", "程度"), ("institution", "单位")),
        *(("room", "房间"), ("place", "地点"), ("title", "疑点")),
        *(("since", "自"), ("until", "至"), ("minutes", "分钟")),
    )
    return tabled("疑点", columns, [row_of(one, zone, now) for one in found], title)


def shown(row: Row, rule: Rule, used: Used, tags: Sequence[str]) -> Table:
    """Return what a doubt says and rests on."""
    told: Row = {
        **row,
        "sentence": f"{rule.sentence()}是否有特殊情况，请说明。",
        "rule": f"{rule.code}：{rule.title}",
        "thresholds": "；".join(_thresholds(rule)),
        "exempt": "、".join(map(tag_words.name, sorted(rule.without))) or "无",
        "tags": "、".join(tags) or "无",
        "energy": energy(used),
        "source": rule.source,
    }
    columns = (
        *(("id", "编号"), ("state", "状态"), ("institution", "单位"), ("room", "房间")),
        *(("place", "地点"), ("sentence", "情况"), ("since", "自"), ("until", "至")),
        *(
            ("minutes", "分钟"),
            ("energy", "期间用电"),
            ("rule", "规则"),
            ("thresholds", "判定条件"),
        ),
        *(("exempt", "免检标签"), ("tags", "本处标签"), ("source", "依据")),
    )
    return tabled("疑点", columns, [told], f"疑点 {row['id']}")


def energy(used: Used) -> str:
    """Say how much electricity was used, or that nobody knows."""
    if used.kwh is None:
        return "不详（计量表和设备功率都没有覆盖这段时间）"
    return f"{used.kwh} kWh（按{used.how}）"


def course_table(course: Pieces, zone: ZoneInfo) -> Table:
    """Return the course of what was measured."""
    names = [name for name in _POINTS if name in course.columns]
    columns = (("since", "自"), ("until", "至"), *((name, _POINTS[name]) for name in names))
    rows: list[Row] = [
        {
            "since": _moment(at_us(int(course.since[n])), zone),
            "until": _moment(at_us(int(course.until[n])), zone),
            **{name: _said(name, float(course.columns[name][n])) for name in names},
        }
        for n in range(len(course))
    ]
    return tabled("经过", columns, rows, "测得的经过（前后各半小时；空白为没有数据）")


def history_table(done: Sequence[Done], zone: ZoneInfo) -> Table:
    """Return what was done with a doubt."""
    columns = (
        *(("at", "时间"), ("who", "经办"), ("step", "步骤"), ("words", "内容")),
        *(("verdict", "结论"), ("cause", "原因"), ("measure", "措施")),
    )
    rows: list[Row] = [
        {
            "at": _moment(one.at, zone),
            "who": one.principal,
            "step": STEPS[one.step],
            "words": one.words,
            "verdict": None if one.verdict is None else VERDICTS[one.verdict],
            "cause": one.cause,
            "measure": one.measure,
        }
        for one in done
    ]
    return tabled("处理", columns, rows, "处理经过")


def row_of(one: Listed, zone: ZoneInfo, now: datetime) -> Row:
    """Return what people know a doubt by."""
    goes_on = one.until > now
    return {
        "id": one.id,
        "state": STATES[one.state],
        "severity": SEVERITIES[Severity(one.severity)],
        "institution": one.institution_name,
        "room": one.room,
        "place": one.place_name,
        "title": one.title,
        "since": _moment(one.since, zone),
        "until": "持续中" if goes_on else _moment(one.until, zone),
        "minutes": int((min(one.until, now) - one.since).total_seconds() // 60),
    }


def _thresholds(rule: Rule) -> list[str]:
    parameters = rule.kind.parameters
    found = [f"{p.what} {rule.values[name]:g} {p.unit}" for name, p in parameters.items()]
    return [*found, f"持续 {rule.persistence.for_us // 60_000_000} 分钟以上"]


def _said(name: str, value: float) -> str | None:
    if math.isnan(value):
        return None
    return _SAID.get(name, {}).get(value, f"{value:g}")


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
