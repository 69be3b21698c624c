"""Tables of reports on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.table import Table

from jieyong.commands.screen import plain
from metering.bills.ledger import REASONS, SOURCES
from reporting.audit.model import SEVERITIES
from reporting.draft.cells import STANDINGS, Cell, Standing
from reporting.draft.period import Period
from reporting.draft.store import Draft
from reporting.forms.model import Edition, Form
from reporting.life.life import STATES


def overview_table(period: Period, drafts: Sequence[Draft]) -> Table:
    """Return a line for each draft: how complete it is, and what the audit found."""
    table = Table(
        *("机构", "状态", "已知", "未知", *SEVERITIES.values(), "编制时间"),
        title=f"{period.name}报表",
    )
    for draft in drafts:
        standings = [cell.standing for cell in draft.cells.values()]
        severities = [found.severity for found in draft.findings]
        table.add_row(
            plain(draft.institution),
            STATES[draft.state],
            str(standings.count(Standing.KNOWN)),
            str(standings.count(Standing.MISSING)),
            *(str(severities.count(severity)) for severity in SEVERITIES),
            f"{draft.compiled_at:%Y-%m-%d %H:%M}",
        )
    return table


def cells_table(form: Form, cells: Mapping[str, Cell]) -> Table:
    """Return a form with what stands in its lines."""
    table = Table("代码", "指标", "单位", title=form.title)
    table.add_column("数值", justify="right")
    table.add_column("说明")
    for line in form.lines:
        cell = cells[line.code]
        value = STANDINGS[cell.standing] if cell.value is None else f"{cell.value:,}"
        name = f"  其中：{line.name}" if line.part_of is not None else line.name
        table.add_row(line.code, name, line.unit, value, plain(cell.why))
    return table


def difference_table(edition: Edition, before: Draft, now: Draft) -> Table:
    """Return the lines of which a revision says something else than the one before."""
    title = f"第 {before.number} 版 → 第 {now.number} 版（{STATES[now.state]}）"
    table = Table("代码", "指标", "单位", title=title)
    for column in ("前一版", "本版", "相差"):
        table.add_column(column, justify="right")
    for line in edition.lines():
        old, new = before.cells.get(line.code), now.cells.get(line.code)
        values = [None if cell is None else cell.value for cell in (old, new)]
        if values[0] == values[1]:
            continue
        both = None not in values
        difference = f"{(values[1] or 0) - (values[0] or 0):+,}" if both else ""
        shown = ("" if value is None else f"{value:,}" for value in values)
        table.add_row(line.code, line.name, line.unit, *shown, difference)
    return table


def findings_table(draft: Draft) -> Table:
    """Return what the audit found, the gravest first."""
    table = Table("审核", "规则", "指标", "发现", "建议", title="审核结果")
    order = [*SEVERITIES]
    for found in sorted(draft.findings, key=lambda one: order.index(one.severity)):
        lines = "、".join(found.cells)
        severity = SEVERITIES[found.severity]
        table.add_row(severity, found.rule, lines, plain(found.said), found.mend)
    return table


def lineage_table(cell: Cell, meters: Mapping[int, str]) -> Table:
    """Return the months of a cell, each with what it leads back to; meters by id → code."""
    table = Table("月份", title=f"指标 {cell.code} 的来源")
    for title in ("数值", "其中估算", "计量"):
        table.add_column(title, justify="right")
    for title in ("依据", "账单", "购入", "计量表", "单位", "差异"):
        table.add_column(title)
    for one in cell.traces:
        table.add_row(
            f"{one.month:%Y-%m}",
            _shown(one.value),
            _shown(one.estimated),
            _shown(one.metered),
            "、".join(
                f"{SOURCES[source]} {_shown(value)}" for source, value in one.by_source.items()
            ),
            *(" ".join(map(str, ids)) for ids in (one.bills, one.purchases)),
            plain("、".join(meters.get(id_, str(id_)) for id_ in one.meters)),
            plain("、".join(one.members)),
            "、".join(REASONS[reason] for reason in one.reasons),
        )
    return table


def _shown(value: Decimal | None) -> str:
    return "未知" if value is None else f"{value.normalize():,f}"
