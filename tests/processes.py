"""What tests ask about processes; Linux's /proc, without waiting for anything to be reaped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition with a generous bound."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"after {PATIENCE_S:g} s still not: {what}")
        time.sleep(0.02)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition without blocking the loop."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"after {PATIENCE_S:g} s still not: {what}")
        await asyncio.sleep(0.02)
