"""Tables of doubts, in Chinese."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from jieyong.commands.giving import tabled
from jieyong.commands.rule_tables import DAYS, SEVERITIES, hours_of, lasting
from notify.model import Severity
from registry import tag_words
from registry.day_kind import DayKind
from registry.table import Row, Table
from rules.cases.evidence import Evidence
from rules.cases.inspection import Recorded
from rules.cases.life import STATES, STEPS, VERDICTS
from rules.cases.listing import Done, Listed
from rules.cases.overdue import Overdue
from rules.cases.sums import Sum, Total
from rules.cases.used import Used
from rules.ruleset.model import Rule
from rules.subjects.model import Word
from storage.times import MICROSECOND, at_us

_FEN: Final = Decimal("0.01")
_NOT_ALL: Final = "期间用量不等于浪费量：其中有多少可以避免，没有测得"


def listed(
    found: Sequence[Listed],
    title: str,
    zone: ZoneInfo,
    now: datetime,
    late: Mapping[int, Overdue],
) -> Table:
    """Return doubts, one a row; what goes on lasts until now.

    Args:
        found: the doubts.
        title: of the table.
        zone: of the site.
        now: the time, aware.
        late: those that were not explained in time, by their numbers.
    """
    columns = (
        *(("id", "编号"), ("state", "状态"), ("severity", "程度"), ("institution", "单位")),
        *(("room", "房间"), ("subject", "对象"), ("title", "疑点")),
        *(("since", "自"), ("until", "至"), ("minutes", "分钟")),
        *(("due", "说明期限"), ("told", "已告知")),
    )
    rows = [{**row_of(one, zone, now), **_late(late.get(one.id), zone)} for one in found]
    return tabled("疑点", columns, rows, title)


def _late(one: Overdue | None, zone: ZoneInfo) -> Row:
    if one is None:
        return {}
    due = f"{(one.due_at - timedelta(seconds=1)).astimezone(zone):%Y-%m-%d}"
    return {"due": due, "told": one.route if one.told else None}


def sums_table(found: Sequence[Sum], title: str) -> Table:
    """Return what was used while doubts went on, a month of an institution a row."""
    columns = (
        *(("institution", "单位"), ("month", "月份"), ("doubts", "疑点"), ("open", "未办结")),
        *(("waste", "属于浪费"), ("unit", "计量单位")),
        *(("used", "疑点期间用量"), ("used_yuan", "折合 元"), ("unknown", "用量不详 段")),
        *(("unpriced", "金额不详 段"), ("wasted", "浪费量"), ("wasted_yuan", "折合浪费 元")),
        ("wasted_unknown", "浪费量不详 段"),
    )
    note = "不属于浪费、数据有误的不计；同一处同时的疑点只计一次；不详的不在合计内"
    rows = [_sum(one) for one in found]
    return tabled("合计", columns, rows, f"{title} 疑点期间用量（{note}）")


def _sum(one: Sum) -> Row:
    return {
        "institution": one.name,
        "month": f"{one.month:%Y-%m}",
        "doubts": one.doubts,
        "open": one.open,
        "waste": one.waste,
        "unit": one.unit,
        "used": _quantity(one, one.used),
        "used_yuan": _yuan(one, one.used),
        "unknown": one.used.unknown,
        "unpriced": one.used.unpriced,
        "wasted": _quantity(one, one.wasted),
        "wasted_yuan": _yuan(one, one.wasted),
        "wasted_unknown": one.wasted.unknown,
    }


def _quantity(one: Sum, total: Total) -> Decimal | None:
    """Return a sum; None, and not 0, where nothing of it is known."""
    return total.quantity if one.unit and total.some_quantity else None


def _yuan(one: Sum, total: Total) -> Decimal | None:
    known = one.unit and total.some_yuan
    return total.yuan.quantize(_FEN, ROUND_HALF_UP) if known else None


def shown(row: Row, rests: Evidence) -> Table:
    """Return what a doubt says and rests on."""
    rule = rests.rule
    told: Row = {
        **row,
        "sentence": f"{rule.sentence()}是否有特殊情况，请说明。",
        "rule": f"{rule.code}：{rule.title}",
        "thresholds": "；".join(_thresholds(rule)),
        "day": None if rests.day is None else _calendar(rests.day),
        "exempt": "、".join(map(tag_words.name, sorted(rule.without))) or "无",
        "tags": "、".join(rests.tags) or "无",
        "energy": None if rests.used is None else energy(rests.used),
        "yuan": None if rests.used is None else yuan(rests.used),
        "needless": _NOT_ALL if _says_little(rests) else None,
        "excess": rests.excess,
        "compared": "；".join(rests.compared) or None,
        "source": rule.source,
    }
    columns = (
        *(("id", "编号"), ("state", "状态"), ("institution", "单位"), ("room", "房间")),
        *(("subject", "对象"), ("sentence", "情况"), ("since", "自"), ("until", "至")),
        *(("minutes", "分钟"), ("energy", "期间用量"), ("yuan", "折合金额"), ("needless", "说明")),
        ("excess", "比平常多用"),
        ("compared", "比对"),
        *(("rule", "规则"), ("thresholds", "判定条件"), ("day", "开始当日")),
        *(("exempt", "免检标签"), ("tags", "本处标签"), ("source", "依据")),
    )
    asked = [column for column in columns if told[column[0]] is not None or column[0] in row]
    return tabled("疑点", tuple(asked), [told], f"疑点 {row['id']}")


def inspected(row: Row, seen: Recorded, zone: ZoneInfo) -> Table:
    """Return what an inspector saw."""
    photo = f"{seen.photo}（{seen.type}，{seen.size} 字节，sha256 {seen.sha256}）"
    told: Row = {
        **row,
        "sentence": f"巡查时见到：{seen.words}。是否有特殊情况，请说明。",
        "seen_at": _moment(seen.seen_at, zone),
        "inspector": seen.inspector,
        "entered_at": _moment(seen.entered_at, zone),
        "reading": None if seen.reading is None else f"{seen.reading.normalize():f} {seen.unit}",
        "photo": None if seen.photo is None else photo,
    }
    columns = (
        *(("id", "编号"), ("state", "状态"), ("severity", "程度"), ("institution", "单位")),
        *(("room", "房间"), ("title", "巡查类别"), ("sentence", "情况")),
        *(("reading", "读数"), ("seen_at", "见到时间"), ("inspector", "巡查人")),
        *(("entered_at", "报告时间"), ("photo", "照片")),
    )
    return tabled("疑点", columns, [told], f"疑点 {row['id']}")


def _says_little(rests: Evidence) -> bool:
    """Whether what was used is no measure of what could have been avoided, and nothing else is."""
    return rests.used is not None and not rests.rule.kind.needless and rests.excess is None


def energy(used: Used) -> str:
    """Say how much was used, or that nobody knows."""
    if used.quantity is None:
        return "不详（计量表和设备功率都没有覆盖这段时间）"
    return f"{used.quantity} {used.unit}（按{used.how}）"


def yuan(used: Used) -> str | None:
    """Say what it cost, or why nobody knows; None: there is nothing to price."""
    if used.quantity is None:
        return None
    if used.yuan is None:
        return f"不详（{used.priced}）" if used.priced else None
    return f"{used.yuan.quantize(_FEN, ROUND_HALF_UP)} 元（{used.priced}，不含基本电费）"


def course_table(rests: Evidence, zone: ZoneInfo) -> Table:
    """Return the course of what was known."""
    course = rests.course
    words = {name: word for name, word in rests.words.items() if name in course.columns}
    labels = ((name, word.label) for name, word in words.items())
    columns = (("since", "自"), ("until", "至"), *labels)
    rows: list[Row] = [
        {
            "since": _moment(at_us(int(course.since[n])), zone),
            "until": _moment(at_us(int(course.until[n])), zone),
            **{name: _said(word, float(course.columns[name][n])) for name, word in words.items()},
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
    """Return what people know a doubt by; of a vehicle the days, for times tell of its track."""
    goes_on = one.until > now
    by_day = one.sort.by_day
    told = _day if by_day else _moment
    minutes = int((min(one.until, now) - one.since).total_seconds() // 60)
    return {
        "id": one.id,
        "state": STATES[one.state],
        "severity": SEVERITIES[Severity(one.severity)],
        "institution": one.institution_name,
        "room": one.room,
        "subject": one.subject_name,
        "title": one.title,
        "since": told(one.since, zone),
        "until": "持续中" if goes_on else told(one.until - MICROSECOND * by_day, zone),
        "minutes": None if by_day else minutes,
    }


def _thresholds(rule: Rule) -> list[str]:
    parameters = rule.kind.parameters
    found = [f"{p.what} {rule.values[name]:g} {p.unit}" for name, p in parameters.items()]
    hours = [] if rule.hours is None else [f"时段（{hours_of(rule.hours)}）"]
    return [*found, *hours, f"持续 {lasting(rule.persistence.for_us)}以上"]


def _calendar(day: tuple[date, DayKind | None]) -> str:
    kind = "节假日安排尚未公布" if day[1] is None else DAYS[day[1]]
    return f"{day[0]:%Y-%m-%d} {kind}"


def _said(word: Word, value: float) -> str | None:
    if math.isnan(value):
        return None
    return word.said.get(value, f"{value:g}")


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
