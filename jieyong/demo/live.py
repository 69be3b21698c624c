"""The live status of a demo, for a terminal or, line by line, for a log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from jieyong.demo.figures import Figures

LOOK_S: Final = 1.0
LINE_EVERY_S: Final = 5.0
_NAMED: Final = 6


@dataclass(frozen=True, slots=True)
class Moment:
    """Figures and when they were read, in seconds since the start."""

    at_s: float
    figures: Figures


def rates(before: Moment, now: Moment) -> dict[str, float]:
    """Return rows a second by kind between two moments."""
    seconds = now.at_s - before.at_s
    if seconds <= 0:
        return dict.fromkeys(now.figures.delivered, 0.0)
    return {
        kind: max(0, rows - before.figures.delivered.get(kind, 0)) / seconds
        for kind, rows in now.figures.delivered.items()
    }


def table(before: Moment, now: Moment) -> Table:
    """Draw the status as a table."""
    figures = now.figures
    sheet = Table(title=f"节用 Jieyong · {_clock(now.at_s)}", title_style="bold", expand=False)
    sheet.add_column("what")
    sheet.add_column("now", justify="right")
    sheet.add_column("since the start", justify="right")
    per_second = rates(before, now)
    for kind, rows in sorted(figures.delivered.items()):
        sheet.add_row(f"{kind} rows in the database", f"{per_second[kind]:,.0f} /s", f"{rows:,}")
    failed = figures.polls.get("failed", 0) + figures.polls.get("partial", 0)
    sheet.add_row("polls", f"{failed:,} failed", f"{figures.polls.get('ok', 0):,} ok")
    sheet.add_row("rows on their way", f"{figures.waiting:,}", f"oldest {figures.oldest_s:.1f} s")
    sheet.add_row("from disk to database, p99", _lag(figures), "")
    sheet.add_row(
        "refused", _alarm(figures.refused), f"{sum(figures.missed.values()):,} slots missed"
    )
    sheet.add_row("devices", f"{figures.devices.get('alive', 0)} alive", _silent(figures))
    return sheet


def line(before: Moment, now: Moment) -> str:
    """Return the status as one line."""
    figures = now.figures
    per_second = rates(before, now)
    rows = ", ".join(f"{kind} {per_second[kind]:.0f}/s" for kind in sorted(per_second))
    return (
        f"{_clock(now.at_s)}  {rows or 'no rows yet'}; {figures.waiting} on their way "
        f"(p99 {_lag(figures) or 'unknown'}), "
        f"{figures.refused} refused; {figures.devices.get('alive', 0)} devices alive, "
        f"{len(figures.silent)} silent"
    )


async def show(
    console: Console, look: Callable[[], Awaitable[Moment]], stop: asyncio.Event
) -> None:
    """Show the status until ``stop``: redrawn on a terminal, a line now and then elsewhere."""
    before = await look()
    pause_s = LOOK_S if console.is_terminal else LINE_EVERY_S
    screen = Live(table(before, before), console=console, auto_refresh=False)
    with screen if console.is_terminal else contextlib.nullcontext():
        while not await _stopped(stop, pause_s):
            now = await look()
            if console.is_terminal:
                screen.update(table(before, now), refresh=True)
            else:
                console.print(line(before, now), highlight=False, soft_wrap=True)
            before = now


async def _stopped(stop: asyncio.Event, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await stop.wait()
    return stop.is_set()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _alarm(rows: int) -> str:
    return f"[bold red]{rows:,}[/]" if rows else "0"


def _lag(figures: Figures) -> str:
    return "" if figures.lag_p99_ms is None else f"≤ {figures.lag_p99_ms:,.0f} ms"


def _silent(figures: Figures) -> str:
    if not figures.silent:
        return "none silent"
    named = ", ".join(figures.silent[:_NAMED])
    more = len(figures.silent) - _NAMED
    return f"[red]silent: {named}{f' and {more} more' if more > 0 else ''}[/]"
