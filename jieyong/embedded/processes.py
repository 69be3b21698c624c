"""Which processes work in a directory, and whether they are gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

POLL_S = 0.02


def processes_in(directory: Path) -> list[int]:
    """Processes whose working directory is this one; corpses (zombies) have none.

    A process id in a file may be a corpse, or be another program's by now. Every process of a
    PostgreSQL cluster works in its data directory, so this answers the real question.

    Returns:
        Process ids. Empty where there is no ``/proc`` (macOS).
    """
    wanted = str(directory.resolve())
    return [pid for pid in _all_processes() if _working_directory(pid) == wanted]


def signal_all(pids: Iterable[int], signum: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Poll until the condition holds; False when it does not within the time (seconds)."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _all_processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208
    except FileNotFoundError:
        return []


def _working_directory(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 - no Path per process per poll
    except OSError:
        return None
