"""The workbook that people fill in: accounts, bills, purchases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from metering.bills.standing import StandingAccount
from metering.bills.words import Words
from registry.workbook import column_name

_LAST_ROW: Final = 5000
_WIDTH: Final = 15
_FIELDS: Final = {
    "accounts": (
        *("account", "number", "name", "supplier", "energy", "institution", "since"),
        *("reading_day", "prepaid", "meters"),
    ),
    "bills": (
        *("account", "first", "last", "month", "quantity", "unit", "amount", "status", "issued"),
        *("sharp", "peak", "flat", "valley", "deep", "note"),
    ),
    "purchases": (
        *("institution", "energy", "bought_on", "quantity", "unit", "amount", "consumer"),
        *("supplier", "document", "note"),
    ),
}
_DAYS: Final = frozenset({"since", "first", "last", "issued", "bought_on"})
_TEXTS: Final = frozenset({"account", "number", "institution", "document", "month"})
_HELP: Final = (
    "一、“户号”表登记供电、供水、供气等账户；已登记的账户列在表中，不必改动。",
    "二、“账单”表每张账单一行。起始、截止日期含首尾两日；不知道日期时填账单月份，按抄表例日推算。",
    "三、不知道的项目请留空，不要填 0；确实为零请填 0。只有金额或只有用量的，请在说明中写明原因。",
    "四、状态填“已结算”或“估算”；结算账单到来后直接录入，即替代同期的估算。",
    "五、“购入”表登记汽油、柴油、煤炭、液化气等；汽油、柴油须写明用途。本月未购入请填 0。",
    "六、同一文件重复导入不会重复记账；有一处错误则全部不导入，并逐格指出。",
)


def write_template(path: Path, words: Words, accounts: Sequence[StandingAccount]) -> None:
    """Write the workbook; the accounts that stand are listed in it.

    Args:
        path: where to.
        words: headings and choices.
        accounts: those to list.
    """
    with xlsxwriter.Workbook(str(path)) as book:
        formats = {
            "heading": book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "text": book.add_format({"num_format": "@"}),
        }
        sheets = {kind: _sheet(book, kind, words, formats) for kind in _FIELDS}
        _list_accounts(sheets["accounts"], words, accounts, formats)
        _choices(sheets, words)
        guide = book.add_worksheet("填写说明")
        guide.set_column(0, 0, 100)
        guide.write_column(0, 0, _HELP)


def _sheet(
    book: xlsxwriter.Workbook, kind: str, words: Words, formats: dict[str, Format]
) -> Worksheet:
    sheet = book.add_worksheet(words.sheets[kind][0])
    for column, field in enumerate(_FIELDS[kind]):
        usual = formats["day"] if field in _DAYS else formats["text"] if field in _TEXTS else None
        sheet.set_column(column, column, _WIDTH, usual)
        sheet.write_string(0, column, words.heading(kind, field), formats["heading"])
    sheet.freeze_panes(1, 1)
    return sheet


def _list_accounts(
    sheet: Worksheet,
    words: Words,
    accounts: Sequence[StandingAccount],
    formats: dict[str, Format],
) -> None:
    row = 0
    for one in accounts:
        for institution, since, _ in one.owners[-1:]:
            row += 1
            account = one.account
            values: dict[str, object] = {
                "account": account.code,
                "number": account.number,
                "name": account.name,
                "supplier": account.supplier,
                "energy": words.energies[account.energy].name,
                "institution": institution,
                "reading_day": account.reading_day,
                "prepaid": (words.yes if account.prepaid else words.no)[0],
                "meters": "、".join(sorted(one.meters)),
            }
            for column, field in enumerate(_FIELDS["accounts"]):
                if field == "since":
                    sheet.write_datetime(row, column, since, formats["day"])
                else:
                    sheet.write(row, column, values[field])


def _choices(sheets: dict[str, Worksheet], words: Words) -> None:
    energies = [energy.name for energy in words.energies.values()]
    choices = (
        ("accounts", "energy", energies),
        ("accounts", "prepaid", [words.yes[0], words.no[0]]),
        ("bills", "status", [names[0] for names in words.statuses.values()]),
        ("purchases", "energy", energies),
        ("purchases", "consumer", [one.words[0] for one in words.consumers.values()]),
    )
    for kind, field, options in choices:
        column = column_name(_FIELDS[kind].index(field))
        cells = f"{column}2:{column}{_LAST_ROW}"
        sheets[kind].data_validation(cells, {"validate": "list", "source": options})
    column = column_name(_FIELDS["accounts"].index("number"))
    numbers = f"={words.sheets['accounts'][0]}!${column}$2:${column}${_LAST_ROW}"
    rule = {"validate": "list", "source": numbers, "error_type": "warning"}
    sheets["bills"].data_validation(f"A2:A{_LAST_ROW}", rule)
