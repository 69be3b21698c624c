"""Prints the tables of `jieyong total`, and checks what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Screen
from rich.text import Text

from jieyong.commands.screen import console
from metering.factors.kinds import load_kinds
from metering.tree.report import Grouping
from metering.tree.report_table import Form, Table, shown, to_csv, to_excel
from registry.refusal import refuse

Energy = Annotated[str | None, typer.Option("--energy", help="只看一种能源，如 electricity。")]
Level = Annotated[
    Grouping,
    typer.Option(
        "--level", help="institution 机构，building 建筑，room 房间，item 分项，district 区县。"
    ),
]
Csv = Annotated[Path | None, typer.Option("--csv", help="写入 CSV。")]
Excel = Annotated[Path | None, typer.Option("--excel", help="写入 Excel。")]


def show(title: str, table: Table) -> None:
    """Print a table, in whole lines when it goes to a pipe or a file."""
    screen = Screen(title=title, title_justify="left")
    for heading, form in zip(table.titles, table.forms, strict=True):
        screen.add_column(
            heading, justify="left" if form is Form.TEXT else "right", overflow="fold"
        )
    for row in table.rows:
        cells = zip(row, table.forms, strict=True)
        screen.add_row(*(Text(shown(value, form)) for value, form in cells))
    console().print(screen)


def text_table(name: str, titles: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Table:
    """Return a table of words alone."""
    return Table(name, titles, titles, (Form.TEXT,) * len(titles), rows)


def write_files(csv: Path | None, excel: Path | None, tables: Sequence[Table]) -> None:
    """Write the first table as CSV, and all of them as Excel, where a file is named."""
    if csv is not None:
        csv.write_text(to_csv(tables[0]), encoding="utf-8", newline="")
    if excel is not None:
        excel.write_bytes(to_excel(list(tables)))


def check_energy(energy: str | None) -> None:
    """Refuse an energy that there is not."""
    kinds = load_kinds()
    if energy is not None and energy not in kinds:
        refuse("--energy", f"没有能源 {energy}，可用：{'、'.join(kinds)}")
