"""`jieyong bill …`: utility accounts, bills, purchases, the ledger; for officers, in Chinese."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from jieyong.commands import bill_entry, bill_meters
from jieyong.commands.options import DryRun, Institutions, ThisYear, institutions_named
from jieyong.commands.purchase import purchase_app
from jieyong.commands.screen import counting
from jieyong.commands.session import By, Config, Session, session
from metering.bills import accounts, entry, imports
from metering.bills.draft import Draft, draft
from metering.bills.listing import list_tables, listed
from metering.bills.model import First
from metering.bills.reported_ledger import told_ledger
from metering.bills.reporting import ROUNDS, own_and_reported
from metering.bills.standing import standing_accounts
from metering.bills.template import write_template
from metering.bills.ways import ways
from metering.bills.words import words
from registry.table import write

_SHOWN = 20

bill_app = typer.Typer(
    no_args_is_help=True, help="户号、票据、购入与台账 (utility accounts, bills, the ledger)."
)

bill_app.command()(bill_entry.enter)
bill_app.command()(bill_entry.correct)
bill_app.command()(bill_entry.withdraw)
bill_app.command()(bill_entry.attach)
bill_app.command("scan")(bill_entry.scan_command)
bill_app.command()(bill_entry.show)
bill_app.command()(bill_meters.meters)
bill_app.command()(bill_meters.bind)
bill_app.command()(bill_meters.release)
bill_app.add_typer(purchase_app, name="purchase")

Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="起始日期，如 2026-01-01。")]


@bill_app.command()
def template(file: Path, config: Config = None) -> None:
    """导出填报模板，列出已登记的户号 (write the workbook to fill in)."""
    with session(config) as at:
        known = list(standing_accounts(at.conn).values())
    write_template(file, words(), known)
    typer.echo(f"模板已写入 {file}，列出 {len(known)} 个户号。")


@bill_app.command("import")
def import_command(
    file: Path,
    config: Config = None,
    dry_run: DryRun = False,
    by: By = None,
) -> None:
    """导入户号、账单和购入；有一处错误则全部不导入 (all of a workbook, or nothing)."""
    with session(config, by) as at:
        if dry_run:
            _say(draft(at.conn, file, at.today))
            typer.echo("以上为预览，未导入。")
            return
        done = imports.apply(at.conn, at.act, file)
    _say(done.draft)
    if done.import_id is None:
        typer.echo("内容均已入库，没有变化。")
    else:
        typer.echo(f"已导入，导入编号 {done.import_id}；撤销：jieyong bill undo {done.import_id}")


@bill_app.command("imports")
def imports_command(config: Config = None) -> None:
    """列出最近的导入 (list imports, the newest first)."""
    with session(config) as at:
        found = imports.imports(at.conn)
    table = Table("编号", "文件", "账单", "购入", "录入人", "时间", "撤销")
    for one in found:
        undone = "" if one.withdrawn_at is None else _local(one.withdrawn_at, at)
        counts = (str(one.bills), str(one.purchases))
        entered = _local(one.entered_at, at)
        table.add_row(str(one.id), one.source, *counts, one.entered_by, entered, undone)
    Console().print(table)


@bill_app.command()
def undo(number: int, config: Config = None, by: By = None) -> None:
    """撤销一次导入：撤回它带来的户号归属、账单和购入 (withdraw what an import brought)."""
    with session(config, by) as at:
        withdrawn = imports.undo(at.conn, at.act, number)
    typer.echo(f"已撤销导入 {number}：撤回 {withdrawn} 行。记录仍可查。")


@bill_app.command()
def account(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    code: str,
    config: Config = None,
    reading_day: Annotated[int | None, typer.Option(min=1, max=31, help="抄表例日。")] = None,
    name: Annotated[str | None, typer.Option(help="户名。")] = None,
    prepaid: Annotated[bool | None, typer.Option("--prepaid/--postpaid", help="预付费。")] = None,
    by: By = None,
) -> None:
    """更正户号的抄表例日、户名或付费方式 (correct what is known of an account)."""
    said = {"reading_day": reading_day, "name": name, "prepaid": prepaid}
    with session(config, by) as at:
        accounts.change_account(at.conn, at.act, code, said)
    typer.echo(f"户号 {code} 已更正。")


@bill_app.command()
def assign(code: str, institution: str, since: Day, config: Config = None, by: By = None) -> None:
    """把户号自某日起改归另一机构 (make an account another institution's from a day on)."""
    with session(config, by) as at:
        accounts.assign(at.conn, at.act, code, institution, since.date())
    typer.echo(f"户号 {code} 自 {since.date()} 起归属 {institution}。")


@bill_app.command()
def first(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    institution: str,
    energy: str,
    what: Annotated[First, typer.Argument(help="bill：以票据为准；meter：以计量为准。")],
    since: Day,
    config: Config = None,
    by: By = None,
) -> None:
    """自某月起以票据或计量为准 (what figures rest on from a month on)."""
    code = words().energy(energy) or energy
    with session(config, by) as at:
        entry.set_precedence(at.conn, at.act, (institution, code), what, since.date())
    named = {First.BILL: "票据", First.METER: "计量"}[what]
    typer.echo(f"{institution} 的{words().energies[code].name}自 {since.date()} 起以{named}为准。")


@bill_app.command("list")
def list_command(
    file: Path,
    year: ThisYear,
    institution: Institutions = None,
    config: Config = None,
) -> None:
    """导出票据清单：.xlsx、.csv 或 .json (write the list of bills of a year)."""
    with session(config) as at:
        particulars = _particulars(institutions_named(at.conn, institution), year)
        rows = listed(at.conn, _year(year), institution)
        names = _names(at.conn)
        told = ways(at.conn, at.settings.time_zone, names)
    write(file, list_tables(rows, particulars, words(), told))
    waiting = sum(not row.explained for row in rows)
    typer.echo(f"{len(rows)} 张票据已写入 {file}；其中待说明 {waiting} 张。")


@bill_app.command()
def ledger(
    file: Path,
    year: ThisYear,
    institution: Institutions = None,
    config: Config = None,
) -> None:
    """导出月度台账：.xlsx、.csv 或 .json (write the monthly ledger of a year)."""
    with session(config) as at:
        particulars = _particulars(institutions_named(at.conn, institution), year)
        names = _names(at.conn)
        with counting(12 * ROUNDS) as tick:
            zone = at.settings.time_zone
            found, given = own_and_reported(at.conn, _year(year), zone, institution, tick)
        told = ways(at.conn, at.settings.time_zone, names)
    write(file, told_ledger(found, given, told, particulars, words()))
    unknown = sum(figure.micro is None for figure in found)
    typer.echo(f"{len(found)} 行台账已写入 {file}；其中用量未知 {unknown} 行。")


def _say(drawn: Draft) -> None:
    typer.echo(
        f"户号：新增 {len(drawn.accounts)}、补充 {len(drawn.placed)}；"
        f"账单：新增 {len(drawn.bills)}；购入：新增 {len(drawn.purchases)}；"
        f"已入库 {drawn.unchanged} 行。"
    )
    for text in drawn.warnings[:_SHOWN]:
        typer.echo(f"提示 {text}")
    if len(drawn.warnings) > _SHOWN:
        typer.echo(f"提示 另有 {len(drawn.warnings) - _SHOWN} 条")
    for text in drawn.ignored:
        typer.echo(f"未使用的列 {text}")


def _local(at: datetime, here: Session) -> str:
    return at.astimezone(here.zone).strftime("%Y-%m-%d %H:%M")


def _year(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year + 1, 1, 1)


def _names(conn: psycopg.Connection[Any]) -> dict[str, str]:
    return {code: name for code, name in conn.execute("SELECT code, name FROM institution")}  # noqa: C416 - rows are tuples of any


def _particulars(whose: str, year: int) -> str:
    return f"单位：{whose}　　年度：{year}　　金额单位：元"
