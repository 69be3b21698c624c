"""What officers look at: a console as wide as it should be, a bar while they wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

WIDE: Final = 240
"""Columns when nobody looks: what reads a pipe wants whole lines."""


def console() -> Console:
    """Return a console of the terminal's width; of whole lines when it goes to a pipe or a file."""
    found = Console()
    if not found.is_terminal:
        found.width = WIDE
    return found


@contextmanager
def counting(total: int) -> Iterator[Callable[[], None]]:
    """Show how far a count of known length is, on a terminal's error stream; elsewhere nothing.

    Args:
        total: how often what is given will be called.

    Yields:
        To be called behind each part.
    """
    errors = Console(stderr=True)
    columns = (TextColumn("计算"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    hidden = not errors.is_terminal
    with Progress(*columns, console=errors, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def plain(text: str) -> str:
    """Return what a stranger wrote without what would command the screen."""
    return escape("".join(char for char in text if char.isprintable()))
