"""`jieyong bill purchase …`: petrol, diesel, gas in bottles, coal, one purchase at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jieyong.commands.asked import day
from jieyong.commands.bill_entry import write_scan
from jieyong.commands.bill_words import (
    Amount,
    Note,
    Number,
    Quantity,
    Scan,
    Unit,
    changed,
    decimal,
    energy,
    history_lines,
    scan,
    shown,
)
from jieyong.commands.options import Institutions, ThisYear, Why, institutions_named
from jieyong.commands.session import By, Config, session
from jieyong.commands.total_screen import show as show_table
from jieyong.commands.total_screen import text_table
from metering.bills import entry
from metering.bills.model import NewPurchase
from metering.bills.recorded import (
    RecordedPurchase,
    recorded_purchase,
    recorded_purchases,
    scan_of,
)
from metering.bills.words import words
from registry.refusal import RefusedError, refuse

purchase_app = typer.Typer(
    no_args_is_help=True, help="购入：汽油、柴油、煤炭、液化气等 (purchases)."
)

Consumer = Annotated[str | None, typer.Option("--consumer", help="用途，如 车辆、锅炉。")]
Supplier = Annotated[str | None, typer.Option("--supplier", help="供应单位。")]
Document = Annotated[str | None, typer.Option("--document", help="单据号。")]


@purchase_app.command()
def enter(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    institution: Annotated[str, typer.Argument(help="机构编码。")],
    kind: Annotated[str, typer.Argument(metavar="ENERGY", help="能源，如 92号汽油。")],
    bought_on: Annotated[str, typer.Argument(metavar="DAY", help="购入日期，如 2026-01-09。")],
    quantity: Quantity = None,
    amount: Amount = None,
    unit: Unit = None,
    consumer: Consumer = None,
    supplier: Supplier = None,
    document: Document = None,
    note: Note = None,
    file: Scan = None,
    nth: Annotated[
        int, typer.Option("--nth", min=1, help="当日内容完全相同的第几笔，如同日两次加油。")
    ] = 1,
    config: Config = None,
    by: By = None,
) -> None:
    """录入一笔购入；本月未购入请录 --quantity 0 (enter a purchase)."""
    code = energy(kind)
    purchase = NewPurchase(
        institution=institution,
        energy=code,
        bought_on=day(bought_on, "购入日期"),
        quantity=decimal(quantity, "--quantity"),
        unit=unit or words().energies[code].unit,
        amount=decimal(amount, "--amount"),
        consumer=_consumer(consumer, code),
        supplier=supplier or "",
        document=document or "",
        note=note or "",
        attachment=scan(file),
    )
    with session(config, by) as at:
        number = entry.enter_purchase(at.conn, at.act, purchase, nth)
    typer.echo(f"已录入购入 {number}：{_said(purchase)}。")
    typer.echo(f"更正：jieyong bill purchase correct {number} …；查看：… show {number}")


@purchase_app.command()
def correct(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    number: Number,
    bought_on: Annotated[str | None, typer.Option("--day", help="哪一天购入。")] = None,
    quantity: Quantity = None,
    amount: Amount = None,
    unit: Unit = None,
    consumer: Consumer = None,
    supplier: Supplier = None,
    document: Document = None,
    note: Note = None,
    file: Scan = None,
    config: Config = None,
    by: By = None,
) -> None:
    """更正一笔购入：只写要改的项，其余照旧；原记录撤销并保留 (correct a purchase)."""
    said = changed(
        bought_on=(bought_on, lambda text: day(text, "--day")),
        quantity=(quantity, lambda text: decimal(text, "--quantity")),
        amount=(amount, lambda text: decimal(text, "--amount")),
        unit=(unit, str),
        supplier=(supplier, str),
        document=(document, str),
        note=(note, str),
        attachment=(file, scan),
    )
    if not said and consumer is None:
        refuse("更正", "没有写要改什么，例如 --quantity 50 或 --note 原因")
    with session(config, by) as at, at.conn.transaction():
        old = recorded_purchase(at.conn, number)
        if consumer is not None:
            said["consumer"] = _consumer(consumer, old.purchase.energy)
        kept = replace(old.purchase, attachment=scan_of(at.conn, old.history))
        purchase = replace(kept, **said)
        new = entry.correct_purchase(at.conn, at.act, number, purchase, old.nth)
    typer.echo(f"已更正：购入 {number} 撤销，由 {new} 代替：{_said(purchase)}。")
    typer.echo(f"查看：jieyong bill purchase show {new}")


@purchase_app.command()
def withdraw(number: Number, reason: Why, config: Config = None, by: By = None) -> None:
    """撤销一笔购入 (withdraw a purchase; it stays readable)."""
    with session(config, by) as at:
        entry.withdraw_purchase(at.conn, at.act, number, reason)
    typer.echo(f"已撤销购入 {number}。记录仍可查：jieyong bill purchase show {number}")


@purchase_app.command("list")
def list_command(
    year: ThisYear,
    institution: Institutions = None,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="连同已撤销的。")] = False,
    config: Config = None,
) -> None:
    """列出一年的购入，连同编号 (list the purchases of a year)."""
    days = date(year, 1, 1), date(year + 1, 1, 1)
    with session(config) as at:
        institutions_named(at.conn, institution)
        found = recorded_purchases(at.conn, days, institution, withdrawn=withdrawn)
    if not found:
        typer.echo(f"{year} 年没有购入记录；录入：jieyong bill purchase enter 机构 能源 日期 …")
        return
    titles = ("编号", "机构", "能源", "日期", "用量", "金额", "用途", "单据号", "录入人", "状态")
    show_table(f"{year} 年购入", text_table("购入", titles, tuple(_row(one) for one in found)))


@purchase_app.command()
def show(number: Number, config: Config = None) -> None:
    """查看一笔购入：内容，以及谁录入、更正、撤销 (everything of a purchase)."""
    with session(config) as at:
        found = recorded_purchase(at.conn, number)
    purchase = found.purchase
    lines = [
        f"购入 {number}：{_said(purchase)}",
        f"供应单位：{purchase.supplier or '未写'}　单据号：{purchase.document or '未写'}",
        f"说明：{purchase.note or '无'}",
        *history_lines(found.history, at.zone, "jieyong bill purchase show"),
    ]
    typer.echo("\n".join(lines))


@purchase_app.command("scan")
def scan_command(number: Number, file: Path, config: Config = None) -> None:
    """取回购入单据的扫描件；不覆盖已有文件 (read a scan back)."""
    with session(config) as at:
        found = scan_of(at.conn, recorded_purchase(at.conn, number).history)
    if found is None:
        raise RefusedError(f"购入 {number} 没有附件；用 correct {number} --scan 文件 附上")
    write_scan(file, found)


def _consumer(word: str | None, code: str) -> str:
    known = "、".join(one.words[0] for one in words().consumers.values())
    if word is None:
        if code in words().ask_consumer:
            refuse("--consumer", f"{words().energies[code].name}须写明用途，请填：{known}")
        return "other"
    found = words().consumer(word)
    if found is None:
        refuse("--consumer", f"用途“{word}”不认识，请填：{known}")
    return found


def _said(purchase: NewPurchase) -> str:
    name = words().energies[purchase.energy].name
    consumer = words().consumers[purchase.consumer].words[0]
    what = f"{shown(purchase.quantity, purchase.unit)}，金额 {shown(purchase.amount, '元')}"
    return f"{purchase.institution} {purchase.bought_on} {name} {what}（{consumer}）"


def _row(one: RecordedPurchase) -> tuple[str, ...]:
    said, history = one.purchase, one.history
    state = f"{history.withdrawn_by} 已撤销" if history.withdrawn_by else "有效"
    if history.replaced_by is not None:
        state = f"已更正为 {history.replaced_by}"
    return (
        *(str(one.id), said.institution, words().energies[said.energy].name),
        *(str(said.bought_on), shown(said.quantity, said.unit), shown(said.amount, "元")),
        *(words().consumers[said.consumer].words[0], said.document, history.entered_by, state),
    )
