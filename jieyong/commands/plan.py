"""`jieyong consumption quota|earlier`: what consumption is held against. For officers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from jieyong.commands import asked
from jieyong.commands.options import DryRun
from jieyong.commands.session import By, Config, session
from metering.factors.kinds import load_kinds
from metering.plan import earlier
from metering.plan.earlier_rows import parse
from metering.plan.earlier_sheet import read_table, write_template
from metering.plan.earlier_unused import unused
from metering.plan.progress import Kind, Per
from metering.plan.quota import Quota, correct_quota, enter_quota, withdraw_quota
from metering.plan.standing import standings
from metering.plan.text import standing_lines
from registry.refusal import refuse

quota_app = typer.Typer(no_args_is_help=True, help="定额：录入、更正、撤销，进度和全年预测。")
earlier_app = typer.Typer(no_args_is_help=True, help="历史月份：用 Excel 导入，供同比使用。")

Institution = Annotated[str, typer.Argument(help="机构编码。")]
Number = Annotated[int, typer.Argument(help="编号。")]


@quota_app.command("enter", help="录入一项定额；用 --instead-of 更正已有的一项。")
def quota_enter(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    institution: Institution,
    value: Annotated[str, typer.Option(help="定额值，如 60.5。")],
    unit: Annotated[str, typer.Option(help="单位，如 kWh；单位面积和人均也只写能源的单位。")],
    year: Annotated[int, typer.Option(help="年份。")],
    source: Annotated[str, typer.Option(help="依据：文件名称和文号。")],
    issued: Annotated[str, typer.Option(help="文件日期，如 2026-01-15。")],
    energy: Annotated[str, typer.Option(help="能源，如 electricity。")] = "electricity",
    kind: Annotated[
        Kind, typer.Option(help="constraint 约束值，baseline 基准值，guide 引导值。")
    ] = (Kind.CONSTRAINT),
    per: Annotated[Per, typer.Option(help="total 总量，m2 单位建筑面积，head 人均。")] = Per.TOTAL,
    instead: Annotated[
        int | None, typer.Option("--instead-of", help="更正：撤销这个编号的定额，以本次为准。")
    ] = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a quota, or put another in its place."""
    quota = Quota(
        institution=institution,
        energy=energy,
        year=year,
        kind=kind,
        per=per,
        value=_decimal(value, "--value"),
        unit=unit,
        source=source,
        issued=asked.day(issued, "--issued"),
    )
    with session(config, by) as at:
        if instead is None:
            number = enter_quota(at.conn, at.act, quota)
        else:
            number = correct_quota(at.conn, at.act, instead, quota)
    typer.echo(f"已录入定额，编号 {number}。")


@quota_app.command("withdraw", help="撤销一项定额；记录保留。")
def quota_withdraw(number: Number, by: By = None, config: Config = None) -> None:
    """Take a quota out of force."""
    with session(config, by) as at:
        withdraw_quota(at.conn, at.act, number)
    typer.echo(f"已撤销定额 {number}。")


@quota_app.command("show", help="一个机构的各项定额：进度、状态、全年预测。")
def quota_show(
    institution: Institution,
    day: Annotated[str | None, typer.Option("--day", help="截至哪一天；缺省为昨天。")] = None,
    config: Config = None,
) -> None:
    """Say how an institution stands to its quotas."""
    with session(config) as at:
        on = at.today - timedelta(days=1) if day is None else asked.day(day, "--day")
        found = standings(at.conn, institution, on, at.zone)
    typer.echo(f"{institution}，截至 {on}：")
    for one in found:
        typer.echo("\n".join(standing_lines(one)))
    if not found:
        typer.echo(f"没有 {on.year} 年的定额。")


@earlier_app.command("template", help="导出填报模板，附机构和计量点编码。")
def earlier_template(file: Path, config: Config = None) -> None:
    """Write the workbook to fill in."""
    with session(config) as at:
        content = write_template(list(load_kinds().values()), earlier.subjects(at.conn))
    file.write_bytes(content)
    typer.echo(f"模板已写入 {file}。")


@earlier_app.command("import", help="导入填好的工作簿；有一处错误则全部不导入。")
def earlier_import(
    file: Path,
    config: Config = None,
    dry_run: DryRun = False,
    by: By = None,
) -> None:
    """Bring a workbook in, whole or not at all."""
    table = read_table(file.read_bytes(), file.name)
    with session(config, by) as at:
        known = earlier.known(at.conn, at.today.replace(day=1))
        rows = parse(table, known)
        if dry_run:
            done = earlier.preview(at.conn, rows)
        else:
            done = earlier.bring_in(at.conn, at.act, rows, file.name)
        idle = unused(at.conn, rows, at.zone)
    typer.echo(f"新增 {done.added} 行，已有且相同 {done.unchanged} 行。")
    if idle:
        where = "、".join(str(one.row) for one in idle)
        typer.echo(
            f"其中 {len(idle)} 行的月份已有账单或完整计量，导入值只备查、不采用：第 {where} 行"
        )
    if dry_run:
        typer.echo("以上为预览，未导入。")
    elif done.number is not None:
        undo = f"jieyong consumption earlier undo {done.number}"
        typer.echo(f"已导入，导入编号 {done.number}；撤销：{undo}")


@earlier_app.command("undo", help="撤销一次导入；记录保留。")
def earlier_undo(number: Number, by: By = None, config: Config = None) -> None:
    """Take an import back."""
    with session(config, by) as at:
        count = earlier.withdraw(at.conn, at.act, number)
    typer.echo(f"已撤销导入 {number}，{count} 行不再使用。")


def _decimal(text: str, where: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        refuse(where, f"“{text}”不是数字")
