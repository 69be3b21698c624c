"""Tables of commands: on the screen, as JSON, or in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer
from rich.table import Table as Shown

from jieyong.commands.screen import console
from registry.table import Column, Look, Row, Table, Value, write
from registry.table import as_json as json_text

_WIDE: Final = 10
_FEW: Final = 3
"""A terminal shows so many rows of a wide table side by side: windows of one vehicle."""


def give(tables: Sequence[Table], file: Path | None, *, as_json: bool) -> None:
    """Write tables to a file, or print them; with ``as_json`` JSON alone on standard output."""
    if file is not None:
        write(file, tables)
        rows = sum(len(table.rows) for table in tables)
        typer.echo(f"{rows} 行已写入 {file}", err=as_json)
    if as_json:
        typer.echo(json_text(tables))
    elif file is None:
        for table in tables:
            _print(table)


def tabled(
    name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Row], title: str = ""
) -> Table:
    """Return a table of texts; ``columns``: keys and headings."""
    return Table(
        name=name,
        title=title or name,
        particulars="",
        columns=tuple(Column(key, heading, Look.TEXT, 16) for key, heading in columns),
        rows=tuple(rows),
        named=("kind", "类别"),
    )


def _print(table: Table) -> None:
    """Print what is known of a table; a few wide rows side by side, from top to bottom."""
    known = [
        column
        for column in table.columns
        if any(row.get(column.key) not in {None, ""} for row in table.rows)
    ]
    cells = [[_text(row.get(column.key)) for column in known] for row in table.rows]
    headings = [column.heading for column in known]
    if len(known) > _WIDE and len(cells) <= _FEW:
        headings, *cells = [list(line) for line in zip(headings, *cells, strict=True)]
    shown = Shown(title=table.title)
    for heading in headings:
        # Chinese has no spaces to wrap at: it is folded, never cut off.
        shown.add_column(heading, overflow="fold")
    for row in cells:
        shown.add_row(*row)
    screen = console()
    screen.print(shown if cells else f"{table.title}：无")
    for remark in table.remarks:
        screen.print(remark, markup=False)


def _text(value: Value) -> str:
    return "" if value is None else str(value)
