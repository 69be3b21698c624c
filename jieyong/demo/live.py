"""The live status of a demo, for a terminal or, line by line, for a log."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from jieyong.demo.figures import Figures, quantile_ms

LOOK_S: Final = 1.0
LINE_EVERY_S: Final = 5.0
WINDOW_S: Final = 15.0
"""Rates are over so long: meters are polled on the clock, all within a few seconds of a minute."""

Key = TypeVar("Key", str, float)

_NAMED: Final = 6
_KINDS: Final = {
    "reading": "readings 读数",
    "position": "positions 定位",
    "driver_card": "driver cards 驾驶员卡",
    "quarantine": "quarantine 隔离区",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """Figures and when they were read, in seconds since the start."""

    at_s: float
    figures: Figures


def rates(before: Moment, now: Moment) -> dict[str, float]:
    """Return rows a second by kind between two moments."""
    grown = _grown(before.figures.delivered, now.figures.delivered)
    seconds = now.at_s - before.at_s
    return {kind: rows / seconds if seconds > 0 else 0.0 for kind, rows in grown.items()}


def table(before: Moment, now: Moment) -> Table:
    """Draw the status as a table; what happened lately lies between the two moments."""
    figures, earlier = now.figures, before.figures
    sheet = Table(
        title=f"节用 Jieyong · {_clock(now.at_s)}",
        title_style="bold",
        box=SIMPLE_HEAD,
        min_width=72,
    )
    sheet.add_column("")
    sheet.add_column(f"last {min(WINDOW_S, now.at_s):.0f} s", justify="right")
    sheet.add_column("since the start", justify="right")
    per_second = rates(before, now)
    for kind, label in _KINDS.items():
        per = f"{per_second.get(kind, 0.0):,.1f} /s"
        sheet.add_row(label, per, f"{figures.delivered.get(kind, 0):,}")
    polls = _grown(earlier.polls, figures.polls)
    sheet.add_row("polls 轮询", _polls(polls), _polls(figures.polls))
    lags = _grown(earlier.lags, figures.lags)
    sheet.add_row("commit lag 入库延迟", _lag(lags), _lag(figures.lags))
    oldest = f"oldest {figures.oldest_s:.1f} s" if figures.waiting else ""
    sheet.add_row("spool 缓冲", f"{figures.waiting:,} rows wait", oldest)
    sheet.add_row("refused 拒收", "", _alarm(figures.refused))
    sheet.add_row("missed slots 漏采", "", _causes(figures.missed))
    sheet.add_row("devices 设备", "", f"[green]{figures.devices.get('alive', 0)} alive[/]")
    sheet.add_row("silent 无应答", "", _silent(figures))
    if not figures.answering:
        sheet.add_row("[bold red]a collector does not answer[/]", "", "see its log")
    return sheet


def line(before: Moment, now: Moment) -> str:
    """Return the status as one line."""
    figures = now.figures
    per_second = rates(before, now)
    rows = ", ".join(f"{kind} {per_second[kind]:.0f}/s" for kind in sorted(per_second))
    return (
        f"{_clock(now.at_s)}  {rows or 'no rows yet'}; {figures.waiting} on their way "
        f"(lag {_lag(figures.lags) or 'unknown'}), "
        f"{figures.refused} refused; {figures.devices.get('alive', 0)} devices alive, "
        f"{len(figures.silent)} silent"
    )


async def show(
    console: Console,
    look: Callable[[], Awaitable[Moment]],
    stop: asyncio.Event,
    pause_s: float | None = None,
) -> None:
    """Show the status until ``stop``: redrawn on a terminal, a line now and then elsewhere.

    Args:
        console: where.
        look: reads the figures.
        stop: ends it.
        pause_s: between two looks; None: a second on a terminal, five elsewhere.
    """
    seen = deque([await look()])
    if pause_s is None:
        pause_s = LOOK_S if console.is_terminal else LINE_EVERY_S
    screen = Live(table(seen[0], seen[0]), console=console, auto_refresh=False)
    with screen if console.is_terminal else contextlib.nullcontext():
        while not await _stopped(stop, pause_s):
            now = await look()
            if console.is_terminal:
                screen.update(table(seen[0], now), refresh=True)
            else:
                console.print(line(seen[0], now), highlight=False, soft_wrap=True)
            seen.append(now)
            while now.at_s - seen[0].at_s > WINDOW_S:
                seen.popleft()


async def _stopped(stop: asyncio.Event, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await stop.wait()
    return stop.is_set()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _grown(before: Mapping[Key, int], now: Mapping[Key, int]) -> dict[Key, int]:
    # A collector that was started again counts from zero.
    return {key: max(0, number - before.get(key, 0)) for key, number in now.items()}


def _polls(polls: Mapping[str, int]) -> str:
    failed = polls.get("failed", 0) + polls.get("partial", 0)
    return f"{polls.get('ok', 0):,} ok, {failed:,} failed"


def _lag(lags: Mapping[float, int]) -> str:
    if not any(lags.values()):
        return ""
    return f"p50 {_bound(lags, 0.5)}, p99 {_bound(lags, 0.99)}"


def _bound(lags: Mapping[float, int], share: float) -> str:
    bound = quantile_ms(lags, share)
    if bound is not None and math.isfinite(bound):
        return f"≤ {bound:,.0f} ms"
    return f"> {sorted(lags)[-2] * 1000:,.0f} ms"


def _alarm(rows: int) -> str:
    return f"[bold red]{rows:,}[/]" if rows else "0"


def _causes(missed: Mapping[str, int]) -> str:
    causes = ", ".join(f"{cause} {number:,}" for cause, number in sorted(missed.items()) if number)
    return f"[yellow]{causes}[/]" if causes else "0"


def _silent(figures: Figures) -> str:
    if not figures.silent:
        return "none"
    named = ", ".join(figures.silent[:_NAMED])
    more = len(figures.silent) - _NAMED
    return f"[red]{named}{f' and {more} more' if more > 0 else ''}[/]"
