"""The progress bar while a demo prepares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

TOTAL: Final = 7


class Steps:
    """Shows which step is under way; on a pipe, one line for each."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", total=TOTAL)

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, and that it is done at the end."""
        self._bar.update(self._task, description=what)
        if not self._console.is_terminal:
            self._console.print(f"preparing: {what}", highlight=False)
        yield
        self._bar.advance(self._task)

    def rows(self, done: int, total: int) -> None:
        """Show how far a step with many rows is."""
        self._bar.update(self._task, description=f"the past: {done:,} of {total:,} rows")


@contextlib.contextmanager
def progress(console: Console) -> Iterator[Steps]:
    """Show a progress bar as long as the context is open."""
    columns = (
        TextColumn("preparing"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}  {task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield Steps(console, bar)
