"""Tables of `jieyong meter`, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from rich.box import SIMPLE_HEAD
from rich.table import Table

from jieyong.commands import audit_words
from metering.facts.entry_check import NAMES
from metering.facts.listing import CurrentRow, acts_of, entries_of
from metering.facts.manual import Preview
from metering.facts.meters import Meter, mounted
from metering.facts.ratio import standing_ratios
from metering.facts.register import standing_registers
from metering.facts.span import Span
from metering.quality.words import DIRECTIONS, energy_names, unit_name
from registry.audit import lines

_OVERVIEW: Final = ("编码", "名称", "机构", "能源", "方向", "分项", "表计或公式", "变比", "状态")
_ACTS: Final = {"replace": "换表", "move": "移位", "import": "导入"}


def overview(rows: Sequence[CurrentRow]) -> Table:
    """All meters, with what hangs there now; without lines, to fit a terminal of 80 columns."""
    table = Table(
        title="计量表",
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for heading in _OVERVIEW:
        # Whatever has to break, a code stays whole: it is what commands ask for.
        table.add_column(heading, overflow="fold", no_wrap=heading == "编码")
    for row in rows:
        energy = energy_names().get(row.energy, row.energy)
        table.add_row(
            *(row.code, row.name, row.institution or "", f"{energy} {unit_name(row.unit)}"),
            *(DIRECTIONS[row.direction], row.item or "", row.formula or row.device or "未装表"),
            *(_number(row.ratio) or "1", "在用" if row.open else "停用"),
        )
    return table


def details(conn: psycopg.Connection[Any], meter: Meter, zone: ZoneInfo) -> Iterator[Table]:
    """Everything that is known of one meter, with the numbers to withdraw it by."""
    history = mounted(conn, meter.id)
    hung = _table(f"{meter.code} {meter.name}：安装", "表计", "累计量", "自", "至")
    for one in history:
        hung.add_row(one.device, one.register or "无", *_span(one.span, zone))
    yield hung
    held = _table("变比（ratio）", "编号", "CT", "PT", "自", "至")
    for number, fact in standing_ratios(conn, meter):
        held.add_row(str(number), _number(fact.ct), _number(fact.pt), *_span(fact.span, zone))
    yield held
    yield _registers(conn, sorted({one.device_id for one in history}), zone)
    read = _table("读数（entry）", "编号", "表计", "时间", "类别", "读数", "备注", "录入人", "状态")
    for row in entries_of(conn, meter):
        act = f"（属 #{row.act_id}）" if row.act_id else ""
        read.add_row(
            *(str(row.id), row.device, _time(row.at, zone)),
            *(NAMES[row.kind], _number(row.value), row.note + act),
            *(row.entered_by, _state(row.withdrawn_by)),
        )
    yield read
    acts = _table("操作（act）", "编号", "类别", "录入人", "录入时间", "状态")
    for done in acts_of(conn, meter):
        acts.add_row(
            *(str(done.id), _ACTS[done.kind], done.entered_by),
            *(_time(done.entered_at, zone), _state(done.withdrawn_by)),
        )
    yield acts
    log = _table("记录（最近 20 条）", "时间", "谁", "动作", "内容")
    for line in lines(conn, meter.code, most=20):
        words = audit_words.detail(line.detail, zone)
        log.add_row(_time(line.at, zone), line.principal, audit_words.action(line.action), words)
    yield log


def preview(looked: Preview) -> Table:
    """What an import would do."""
    table = _table("导入预览", "计量表", "时间", "读数", "上次", "差", "用量", "说明")
    for row in looked.rows:
        entry = row.line.entry
        notes = [*(["已录入，不变"] if row.known else []), *row.warnings]
        table.add_row(
            *(entry.meter, f"{entry.at:%Y-%m-%d %H:%M}", _number(entry.value)),
            *(_number(row.last.value) if row.last else "首次", _number(row.difference)),
            *(_number(row.consumption), "；".join(notes)),
        )
    return table


def _registers(conn: psycopg.Connection[Any], devices: Sequence[int], zone: ZoneInfo) -> Table:
    table = _table(
        "表底参数（register）",
        "编号",
        "表计",
        "累计量",
        "最小刻度",
        "满度",
        "每小时最大",
        "可倒转",
        "自",
        "至",
    )
    for device in devices:
        for number, fact in standing_registers(conn, device):
            table.add_row(
                *(str(number), fact.device, fact.register, _number(fact.resolution)),
                *(_number(fact.capacity), _number(fact.max_per_hour)),
                *("是" if fact.reversible else "", *_span(fact.span, zone)),
            )
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _span(span: Span, zone: ZoneInfo) -> tuple[str, str]:
    since = "不限" if span.since is None else _time(span.since, zone)
    return since, "至今" if span.until is None else _time(span.until, zone)


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _state(withdrawn_by: str | None) -> str:
    return f"{withdrawn_by} 已撤销" if withdrawn_by else "有效"
