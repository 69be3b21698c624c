"""Child processes: started in order, kept running, stopped in reverse order, never left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from jieyong.child import Backoff, Child, ChildFailedError, Ready, State, Status
from jieyong.runner import Runner

__all__ = ["Backoff", "Child", "ChildFailedError", "Ready", "State", "Status", "Supervisor"]


class Supervisor:
    """Runs children for as long as the context is open.

    Each writes to ``log_dir/<name>.log`` (appended; a file above ``log_bytes`` is set aside as
    ``.log.1`` at the next start). Each has a session of its own, so that Ctrl-C in the terminal
    reaches only this process, which then stops them in order; and each is tethered: it dies with
    this process even on kill -9 (:mod:`jieyong.tether`). Create it on the main thread: on Linux
    the tether holds to the thread that started the child.

    Args:
        children: in the order of starting; a child may rely on those before it.
        log_dir: made when absent.
        backoff: pauses before restarts.
        log_bytes: size at which a log file is set aside.
    """

    def __init__(
        self,
        children: Sequence[Child],
        log_dir: Path,
        backoff: Backoff | None = None,
        log_bytes: int = 10 * 1024**2,
    ) -> None:
        names = [child.name for child in children]
        if len(set(names)) != len(names):
            raise ValueError(f"children need names of their own, got {', '.join(names)}")
        self._log_dir = log_dir
        self._runners = [
            Runner(child, log_dir / f"{child.name}.log", backoff or Backoff(), log_bytes)
            for child in children
        ]

    async def start(self) -> None:
        """Start every child, each once the one before it is ready.

        Raises:
            ChildFailedError: one ended or stayed unready; those already started are stopped.
        """
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            for runner in self._runners:
                await runner.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the children, the last started first; returns when none is left."""
        for runner in reversed(self._runners):
            await runner.stop()

    def status(self) -> tuple[Status, ...]:
        """Return where every child stands."""
        return tuple(runner.status() for runner in self._runners)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
