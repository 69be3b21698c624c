"""`jieyong bill enter|correct|withdraw|attach|scan|show`: one bill at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from jieyong.commands.asked import day
from jieyong.commands.bill_words import (
    BANDS,
    Amount,
    Note,
    Number,
    Quantity,
    Scan,
    Unit,
    changed,
    decimal,
    history_lines,
    moment,
    parts,
    scan,
    shown,
)
from jieyong.commands.options import Why
from jieyong.commands.session import By, Config, session
from metering.bills import entry
from metering.bills.account import find_account
from metering.bills.listing import bill_doubts
from metering.bills.model import Attachment, NewBill, Status
from metering.bills.recorded import LaterAct, recorded_bill, scan_of
from metering.bills.share import ONE_DAY
from metering.bills.words import words
from registry.refusal import RefusedError, refuse

TimeOfUse = Annotated[
    list[str] | None,
    typer.Option("--time-of-use", help="尖峰平谷，写多次，如 峰=120 或 峰=120:96.5（金额）。"),
]
Estimated = Annotated[
    bool | None, typer.Option("--estimated/--settled", help="估算账单；缺省为已结算。")
]
Issued = Annotated[str | None, typer.Option("--issued", help="开票日期。")]


def enter(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    account: Annotated[str, typer.Argument(help="户号或其编码。")],
    first: Annotated[str, typer.Option("--from", help="第一天，如 2026-01-01。")],
    last: Annotated[str, typer.Option("--to", help="最后一天（含），如 2026-01-31。")],
    quantity: Quantity = None,
    amount: Amount = None,
    unit: Unit = None,
    time_of_use: TimeOfUse = None,
    estimated: Estimated = None,
    issued: Issued = None,
    note: Note = None,
    file: Scan = None,
    config: Config = None,
    by: By = None,
) -> None:
    """录入一张账单 (enter a bill)."""
    with session(config, by) as at:
        known = find_account(at.conn, account)
        bill = NewBill(
            account=known.code,
            first=day(first, "--from"),
            end=day(last, "--to") + ONE_DAY,
            quantity=decimal(quantity, "--quantity"),
            unit=unit or words().energies[known.energy].unit,
            amount=decimal(amount, "--amount"),
            status=Status.ESTIMATED if estimated else Status.SETTLED,
            issued=None if issued is None else day(issued, "--issued"),
            parts=parts(time_of_use or []),
            note=note or "",
            attachment=scan(file),
        )
        bill_id = entry.enter_bill(at.conn, at.act, bill)
    typer.echo(f"已录入账单 {bill_id}：{_said(bill)}。")
    _next(bill_id, bill)


def correct(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    number: Number,
    account: Annotated[str | None, typer.Option("--account", help="户号或其编码。")] = None,
    first: Annotated[str | None, typer.Option("--from", help="第一天。")] = None,
    last: Annotated[str | None, typer.Option("--to", help="最后一天（含）。")] = None,
    quantity: Quantity = None,
    amount: Amount = None,
    unit: Unit = None,
    time_of_use: TimeOfUse = None,
    estimated: Estimated = None,
    issued: Issued = None,
    note: Note = None,
    file: Scan = None,
    config: Config = None,
    by: By = None,
) -> None:
    """更正一张账单：只写要改的项，其余照旧；原账单撤销并保留 (correct a bill)."""
    said = changed(
        account=(account, str),
        first=(first, lambda text: day(text, "--from")),
        end=(last, lambda text: day(text, "--to") + ONE_DAY),
        quantity=(quantity, lambda text: decimal(text, "--quantity")),
        amount=(amount, lambda text: decimal(text, "--amount")),
        unit=(unit, str),
        parts=(time_of_use, parts),
        status=(estimated, lambda it_is: Status.ESTIMATED if it_is else Status.SETTLED),
        issued=(issued, lambda text: day(text, "--issued")),
        note=(note, str),
        attachment=(file, scan),
    )
    if not said:
        refuse("更正", "没有写要改什么，例如 --quantity 120 或 --note 原因")
    with session(config, by) as at, at.conn.transaction():
        old = recorded_bill(at.conn, number)
        kept = replace(old.bill, attachment=scan_of(at.conn, old.history))
        bill = replace(kept, **said)
        bill_id = entry.correct_bill(at.conn, at.act, number, bill)
    typer.echo(f"已更正：账单 {number} 撤销，由 {bill_id} 代替：{_said(bill)}。")
    _next(bill_id, bill)


def withdraw(number: Number, reason: Why, config: Config = None, by: By = None) -> None:
    """撤销一张账单 (withdraw a bill; it stays readable)."""
    with session(config, by) as at:
        entry.withdraw_bill(at.conn, at.act, number, reason)
    typer.echo(f"已撤销账单 {number}。记录仍可查：jieyong bill show {number}")


def attach(number: Number, file: Path, config: Config = None, by: By = None) -> None:
    """给账单附上扫描件 (attach the scan of a bill)."""
    given = scan(file) or Attachment(file.name, b"")
    with session(config, by) as at:
        entry.attach(at.conn, at.act, number, given)
    typer.echo(f"账单 {number} 已附 {file.name}。取回：jieyong bill scan {number} 文件")


def scan_command(number: Number, file: Path, config: Config = None) -> None:
    """取回账单的扫描件，与当初附上的逐字节相同；不覆盖已有文件 (read a scan back)."""
    with session(config) as at:
        found = scan_of(at.conn, recorded_bill(at.conn, number).history)
    if found is None:
        raise RefusedError(f"账单 {number} 没有附件；附上：jieyong bill attach {number} 文件")
    write_scan(file, found)


def write_scan(file: Path, found: Attachment) -> None:
    """Write a scan into a new file, and say so.

    Raises:
        RefusedError: there is such a file, or it cannot be written.
    """
    try:
        with file.open("xb") as opened:
            opened.write(found.content)
    except FileExistsError as error:
        raise RefusedError(f"{file} 已存在，不覆盖；请换一个文件名") from error
    except OSError as error:
        raise RefusedError(f"{file}：不能写入（{error.strerror}），请核对目录") from error
    typer.echo(f"{found.name} 已写入 {file}，{len(found.content)} 字节。")


def show(number: Number, config: Config = None) -> None:
    """查看一张账单：内容，以及谁录入、更正、撤销 (everything of a bill)."""
    with session(config) as at:
        found = recorded_bill(at.conn, number)
        known = find_account(at.conn, found.bill.account)
    bill = found.bill
    lines = [
        f"账单 {number}：{_said(bill)}",
        f"户号：{known.number}（{known.supplier}，{words().energies[known.energy].name}）",
        f"状态：{words().statuses[bill.status][0]}　开票日期：{bill.issued or '未写'}",
        *(
            f"　{BANDS[part.part]}：{shown(part.quantity, bill.unit)}，{shown(part.amount, '元')}"
            for part in bill.parts
        ),
        *([f"待说明事项：{'、'.join(bill_doubts(bill))}"] if bill_doubts(bill) else []),
        f"说明：{bill.note or '无'}",
        *history_lines(found.history, at.zone, "jieyong bill show"),
        *(f"　{moment(act.at, at.zone)} {act.by}：{_act(act)}" for act in found.acts),
    ]
    typer.echo("\n".join(lines))


def _act(act: LaterAct) -> str:
    if act.action == "bill.attach":
        return f"附上扫描件 {act.detail.get('name', '')}"
    return f"撤销，原因：{act.detail.get('why') or '未写'}"


def _said(bill: NewBill) -> str:
    days = f"{bill.first} 至 {bill.end - ONE_DAY}（含）"
    what = f"用量 {shown(bill.quantity, bill.unit)}，金额 {shown(bill.amount, '元')}"
    return f"户号 {bill.account}，{days}，{what}"


def _next(bill_id: int, bill: NewBill) -> None:
    doubts = bill_doubts(bill)
    if doubts and not bill.note:
        typer.echo(f"待说明：{'、'.join(doubts)}。请补：jieyong bill correct {bill_id} --note 说明")
    if bill.attachment is None:
        typer.echo(f"附扫描件：jieyong bill attach {bill_id} 文件")
    typer.echo(f"查看：jieyong bill show {bill_id}")
