"""`jieyong vehicle …`: the ledger of vehicles and the account of each; for officers, in Chinese."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Shown

from fleet.ledger import entry, imports, lists, load, papers
from fleet.ledger.account import accounts
from fleet.ledger.draft import Draft, draft
from fleet.ledger.draft import Progress as Told
from fleet.ledger.find import find_consumer
from fleet.ledger.lines import COLUMNS
from fleet.ledger.mileage import in_turn
from fleet.ledger.mileage_doubts import all_doubts
from fleet.ledger.over_age import aged, limits
from fleet.ledger.store import withdraw
from fleet.ledger.sums import fuels
from fleet.ledger.template import not_yet, write_template
from fleet.ledger.window import Window, months, rolling, year
from fleet.ledger.words import Papers, read_mapping, words
from jieyong.commands import asked
from jieyong.commands.giving import give
from jieyong.commands.options import (
    AsJson,
    DryRun,
    File,
    Institutions,
    Month,
    Why,
    Year,
    institutions_named,
)
from jieyong.commands.session import By, Config, Session, session
from registry.refusal import refuse

_SHOWN: Final = 20
_MANY: Final = 3000
"""Rows from which on a bar shows how far the reading is."""

vehicle_app = typer.Typer(
    no_args_is_help=True, help="车辆台账与单车核算 (the ledger of vehicles, the account of each)."
)

Vehicle = Annotated[str, typer.Argument(help="车辆编码或车牌，见台账。")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="供应商导出文件的对照文件（YAML）。")
]


@vehicle_app.command()
def template(file: Path, config: Config = None) -> None:
    """导出填报模板，列出清册中尚未建账的车辆 (write the workbook to fill in)."""
    with session(config) as at:
        missing = not_yet(at.conn)
    write_template(file, words(), missing)
    typer.echo(f"模板已写入 {file}，列出 {len(missing)} 辆尚未建账的车辆。")


@vehicle_app.command("import")
def import_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    file: Path,
    mapping: MappingFile = None,
    config: Config = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    by: By = None,
) -> None:
    """导入车辆、油卡、派车单、费用等；有一处错误则全部不导入 (all of a file, or nothing)."""
    how = Papers(words(), read_mapping(mapping, words()) if mapping else None)
    with session(config, by) as at, _bar() as told:
        if dry_run:
            drawn, number = draft(at.conn, file, how, at.zone, at.today, told), None
        else:
            done = imports.apply(at.conn, at.act, file, how, at.zone, told)
            drawn, number = done.draft, done.import_id
    if as_json:
        _echo_json(drawn, number)
        return
    _say(drawn)
    if dry_run:
        typer.echo("以上为预览，未导入。")
    elif number is None:
        typer.echo("内容均已入库，没有变化。")
    else:
        typer.echo(f"已导入，导入编号 {number}；撤销：jieyong vehicle undo {number}")


@vehicle_app.command("imports")
def imports_command(config: Config = None) -> None:
    """列出最近的导入 (list imports, the newest first)."""
    with session(config) as at:
        found = imports.imports(at.conn)
    table = Shown("编号", "文件", "供应商", "行数", "录入人", "时间", "撤销")
    for one in found:
        undone = "" if one.withdrawn_at is None else _local(one.withdrawn_at, at)
        who = (one.entered_by, _local(one.entered_at, at), undone)
        table.add_row(str(one.id), one.source, one.provider, str(one.rows), *who)
    Console().print(table)


@vehicle_app.command()
def undo(number: int, config: Config = None, by: By = None) -> None:
    """撤销一次导入：撤回它带来的全部内容 (withdraw what an import brought)."""
    with session(config, by) as at:
        withdrawn = imports.undo(at.conn, at.act, number)
    typer.echo(f"已撤销导入 {number}：撤回 {withdrawn} 行。记录仍可查。")


@vehicle_app.command("withdraw")
def withdraw_command(
    table: Annotated[str, typer.Argument(help="记录所在的表，见拒绝信息。")],
    number: Annotated[int, typer.Argument(min=1, help="编号。")],
    reason: Why,
    config: Config = None,
    by: By = None,
) -> None:
    """撤回一条记录，以便更正后重新录入 (withdraw one record, to enter it anew)."""
    if table not in COLUMNS:
        refuse(table, f"没有这样的表，请从这些中选：{'、'.join(COLUMNS)}")
    with session(config, by) as at:
        key = withdraw(at.conn, at.act, table, number, reason)
    typer.echo(f"已撤回 {table} {number}（{key}）。")


@vehicle_app.command()
def facts(
    vehicle: Vehicle,
    said: Annotated[
        list[str] | None, typer.Argument(help="要录入的情况，如 状态=封存；不写则列出。")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="起始日期，如 2026-01-01。")] = None,
    config: Config = None,
    by: By = None,
) -> None:
    """列出或录入一辆车的情况 (list what is known of a vehicle, or enter facts of it)."""
    with session(config, by) as at:
        code = find_consumer(at.conn, vehicle, at.today, withdrawn=not said).code
        if said:
            on = asked.day(since or "", "--since")
            number = entry.enter_facts(at.conn, at.act, code, said, on, words())
            typer.echo(f"{code}：录入 {number} 项。")
            return
        found = entry.history(at.conn, code)
    table = Shown("编号", "情况", "内容", "自", "录入人", "撤回人")
    for one in found:
        shown = entry.shown(one.name, one.value, words())
        name = words().heading("consumers", one.name)
        who = (one.entered_by, one.withdrawn_by or "")
        table.add_row(str(one.id), name, shown, str(one.since), *who)
    Console().print(table)


@vehicle_app.command()
def account(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    vehicle: Vehicle,
    file: File = None,
    month: Month = None,
    in_year: Year = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """一辆车的核算：本月、三个月、十二个月，或全年各月 (the account of one vehicle)."""
    windows = _windows(month, in_year)
    with session(config) as at:
        code = find_consumer(at.conn, vehicle, at.today).code
        found = [
            one
            for window in windows
            for one in accounts(
                *(at.conn, window, at.zone, words()),
                codes=[code],
                mileage=in_turn(at.conn, window, at.zone, [code]),
            )
        ]
        tables = papers.account_tables(found, words(), at.zone)
    give(tables, file, as_json=as_json)


@vehicle_app.command("list")
def list_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    file: File = None,
    month: Month = None,
    in_year: Year = None,
    institution: Institutions = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """单车核算表：每辆车一行，并列出未绑定的油卡和用油 (one line for each vehicle)."""
    windows = _windows(month, in_year)
    window = windows[-1] if in_year else windows[0]
    with session(config) as at:
        zone, which = at.zone, institutions_named(at.conn, institution)
        kilometres = in_turn(at.conn, window, zone, institutions=institution)
        found = accounts(
            at.conn, window, zone, words(), institutions=institution, mileage=kilometres
        )
        rule = at.settings.sheets
        doubts = all_doubts(at.conn, found, zone, rule.mileage_percent, rule.mileage_km)
        said = f"单位：{which}　　时段：{window.name}　　金额单位：元"
        budgets = load.budgets(at.conn, in_year) if in_year else None
        vehicle = {code: fen for (_, code), fen in budgets.items() if code} if budgets else {}
        tables = [
            papers.list_table(found, said, words(), vehicle if in_year else None, doubts),
            lists.fuel_table(fuels(at.conn, window.times(zone), words(), institution), said),
        ]
        if institution is None:
            lines = list(load.unbound(at.conn, window.times(zone)))
            tables.append(lists.unbound_table(lines, said, words(), zone))
        if budgets is not None:
            tables.append(lists.budget_table(found, budgets, said))
    give(tables, file, as_json=as_json)


@vehicle_app.command("over-age")
def over_age(
    file: File = None,
    day: Annotated[str | None, typer.Option("--day", help="截至哪一天；缺省为今日。")] = None,
    institution: Institutions = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """车龄清单：哪些车已达更新年限，哪些高于配备标准 (vehicles by age)."""
    with session(config) as at:
        on = asked.day(day, "--day") if day else at.today
        which = institutions_named(at.conn, institution)
        found = load.consumers(at.conn, on, institutions=institution)
    rule = limits().over_age_on(on)
    asks = f"{rule.years} 年（{rule.source}）" if rule else "未规定"
    said = f"单位：{which}　　截至：{on}　　更新年限：{asks}"
    give([lists.over_age_table(aged(found, on, limits()), said, words())], file, as_json=as_json)


def _windows(month: str | None, in_year: int | None) -> Sequence[Window]:
    if (month is None) == (in_year is None):
        refuse("--month", "请写 --month 2026-03 或 --year 2026，只写一个")
    if in_year is not None:
        return [*(months(date(in_year, number, 1), 1) for number in range(1, 13)), year(in_year)]
    return rolling(asked.month(month or "", "--month"))


def _echo_json(drawn: Draft, number: int | None) -> None:
    said = {
        "import": number,
        "source": drawn.source,
        "provider": drawn.provider,
        "new": drawn.counts(),
        "unchanged": drawn.unchanged,
        "warnings": drawn.warnings,
        "ignored": drawn.ignored,
    }
    typer.echo(json.dumps(said, ensure_ascii=False, indent=1))


def _say(drawn: Draft) -> None:
    names = {
        "fuel_consumer": "车辆",
        "consumer_fact": "情况",
        "fuel_card_fact": "油卡绑定",
        "fleet_spending": "费用",
        "dispatch_order": "派车单",
        "fleet_party": "人员与定点",
        "fleet_budget": "预算",
    }
    counts = "、".join(f"{names[table]} {number}" for table, number in drawn.counts().items())
    typer.echo(f"新增：{counts or '无'}；已入库 {drawn.unchanged} 项。")
    for text in drawn.warnings[:_SHOWN]:
        typer.echo(f"提示 {text}")
    if len(drawn.warnings) > _SHOWN:
        typer.echo(f"提示 另有 {len(drawn.warnings) - _SHOWN} 条")
    for text in drawn.ignored:
        typer.echo(f"未使用的列 {text}")


@contextmanager
def _bar() -> Iterator[Told]:
    """Show on a terminal how far the reading is, when there are many rows."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = None

        def told(done: int, every: int) -> None:
            nonlocal task
            if every < _MANY:
                return
            if task is None:
                task = bar.add_task("读取", total=every)
            if done % 100 == 0 or done == every:
                bar.update(task, completed=done)

        yield told


def _local(at: datetime, here: Session) -> str:
    return at.astimezone(here.zone).strftime("%Y-%m-%d %H:%M")
