"""Prints the tables of `jieyong total`, and checks what is asked."""

from __future__ import annotations

from rich.table import Table as Screen
from rich.text import Text

from jieyong.commands.screen import console
from metering.factors.kinds import load_kinds
from metering.tree.report_table import Form, Table, shown
from registry.refusal import refuse


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


def check_energy(energy: str | None) -> None:
    """Refuse an energy that there is not."""
    kinds = load_kinds()
    if energy is not None and energy not in kinds:
        refuse("--energy", f"没有能源 {energy}，可用：{'、'.join(kinds)}")
