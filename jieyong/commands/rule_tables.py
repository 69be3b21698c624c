"""Tables of rules and of what they find, in Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from jieyong.commands.giving import tabled
from notify.model import Severity
from registry import tag_words
from registry.day_kind import DayKind
from registry.table import Row, Table
from rules.ruleset.model import Hours, RuleSet, Version
from rules.work.backtest import Portion
from rules.work.files import Followed
from rules.work.health import Standing
from rules.work.learning import NotLearned
from storage.times import ALWAYS_US, NEVER_US, at_us

SEVERITIES: Final = {Severity.NOTICE: "一般", Severity.WARNING: "重要", Severity.URGENT: "紧急"}
_HOUR_US: Final = 3_600_000_000
_LEARNING: Final = {"vehicle": "车辆"}
DAYS: Final = {DayKind.WORKDAY: "工作日", DayKind.WEEKEND: "周末", DayKind.HOLIDAY: "节假日"}
_UNITS: Final = ((24 * _HOUR_US, "天"), (_HOUR_US, "小时"), (60_000_000, "分钟"))

_CODE: Final = (("code", "编码"),)
_WHAT: Final = (("title", "规则"), ("matter", "同一事项"), ("severity", "程度"))
_KIND: Final = (("kind", "类型"),)
_WHEN: Final = (
    *(("lasting", "须持续"), ("since", "自"), ("until", "至")),
    *(("answer_days", "说明期限（工作日）"), ("answer_route", "逾期告知")),
)
_SCOPE: Final = (
    *(("without", "免检标签"), ("only", "只查标签")),
    *(("institutions", "只查机构及其下级"), ("source", "依据")),
)
_RUN: Final = (
    *(("ran_at", "最近运行"), ("subjects", "查看处数"), ("took_ms", "耗时 ms")),
    *(("owed", "未能查看"), ("error", "最近错误")),
)
_PARTS: Final = {"规则": _WHAT, "期限": _WHEN, "范围与依据": _SCOPE, "运行情况": _RUN}


def listed(found: Sequence[Version], health: Mapping[int, Standing], zone: ZoneInfo) -> Table:
    """Return rules, one a row, with how they fare.

    Args:
        found: versions.
        health: of each, by its id; none of those that were never loaded.
        zone: of the site.
    """
    rows = [{**_listed(one, zone), **_standing(health.get(one.id), zone)} for one in found]
    return tabled("规则", (*_CODE, *_WHAT, *_KIND, *_WHEN, *_SCOPE, *_RUN), rows, "规则")


def parted(whole: Table) -> list[Table]:
    """Return the same as tables that a terminal of 100 columns shows; the title says the kind."""
    return [tabled(name, (*_CODE, *columns), whole.rows, name) for name, columns in _PARTS.items()]


def files_table(found: Sequence[Followed], zone: ZoneInfo) -> Table:
    """Return the files that workers follow, one a row."""
    columns = (
        *(("path", "文件"), ("set_code", "规则集"), ("read_at", "最近读取")),
        *(("loaded_at", "最近无误"), ("error", "错误（原规则照常）")),
    )
    rows: list[Row] = [
        {
            "path": one.path,
            "set_code": one.set_code,
            "read_at": f"{one.read_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            "loaded_at": one.loaded_at and f"{one.loaded_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            "error": one.error,
        }
        for one in found
    ]
    return tabled("规则文件", columns, rows, "自动启用的规则文件")


def not_learned_table(found: Sequence[NotLearned], zone: ZoneInfo) -> Table:
    """Return what could not be learned again of many subjects together, one sort a row."""
    columns = (
        *(("sort", "对象"), ("since", "自"), ("tried_at", "最近一次")),
        ("error", "错误（暂按此前学得的判断）"),
    )
    rows: list[Row] = [
        {
            "sort": _LEARNING.get(one.sort, one.sort),
            "since": f"{one.since.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            "tried_at": f"{one.tried_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            "error": one.error,
        }
        for one in found
    ]
    return tabled("未能重新学习", columns, rows, "未能重新学习的通常值")


def backtested(rule_set: RuleSet, found: Sequence[Portion], title: str) -> Table:
    """Return what rules would have found: how often, where, and for how long."""
    columns = (
        *(("code", "编码"), ("title", "规则"), ("doubts", "疑点数"), ("subjects", "涉及对象")),
        *(("hours", "合计时长 h"), ("longest_h", "最长 h")),
    )
    rows = [_counted(number, rule_set, found) for number in range(len(rule_set.rules))]
    looked = sum(portion.looked_at for portion in found)
    return tabled("试算", columns, rows, f"{title}（查看 {looked} 处）")


def lasting(us: int) -> str:
    """Say how long something lasts, in the largest unit of which that is a whole number."""
    return next((f"{us // unit} {name}" for unit, name in _UNITS if us % unit == 0 < us), "0 分钟")


def hours_of(hours: Hours) -> str:
    """Say the hours of a rule, by kind of day."""
    return "；".join(f"{name} {_times(hours.of_day[kind])}" for kind, name in DAYS.items())


def _times(spans: Sequence[tuple[int, int]]) -> str:
    return "、".join(f"{_clock(begin)}-{_clock(end)}" for begin, end in spans) or "无"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _listed(one: Version, zone: ZoneInfo) -> Row:
    rule = one.rule
    return {
        "code": rule.code,
        "title": rule.title,
        "kind": rule.kind.label,
        "matter": rule.matter,
        "severity": SEVERITIES[rule.severity],
        "lasting": lasting(rule.persistence.for_us),
        "without": "、".join(map(tag_words.name, sorted(rule.without))),
        "only": "、".join(map(tag_words.name, sorted(rule.only))),
        "institutions": "、".join(sorted(rule.institutions)),
        "answer_days": None if rule.escalation is None else rule.escalation.days,
        "answer_route": None if rule.escalation is None else rule.escalation.route,
        "since": _moment(one.since, zone),
        "until": _moment(one.until, zone),
        "source": rule.source,
    }


def _standing(health: Standing | None, zone: ZoneInfo) -> Row:
    if health is None or health.ran_at is None:
        return {}
    return {
        "ran_at": f"{health.ran_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "subjects": health.subjects,
        "took_ms": (Decimal(health.took_us) / 1000).quantize(Decimal("0.1")),
        "owed": health.owed,
        "error": health.error,
    }


def _counted(number: int, rule_set: RuleSet, found: Sequence[Portion]) -> Row:
    rule = rule_set.rules[number]
    runs = [runs for portion in found for version, runs in portion.found if version.id == number]
    lengths = [length for one in runs for length in one.true_us.tolist()]
    return {
        "code": rule.code,
        "title": rule.title,
        "doubts": len(lengths),
        "subjects": len({subject for one in runs for subject in one.subject.tolist()}),
        "hours": _hours(sum(lengths)),
        "longest_h": _hours(max(lengths, default=0)),
    }


def _hours(us: int) -> Decimal:
    return (Decimal(us) / _HOUR_US).quantize(Decimal("0.1"))


def _moment(us: int, zone: ZoneInfo) -> str:
    if us in {ALWAYS_US, NEVER_US}:
        return ""
    return f"{at_us(us).astimezone(zone):%Y-%m-%d %H:%M}"
