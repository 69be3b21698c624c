"""Running workers as processes: started together, stopped together, none left behind."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final, Protocol

import structlog

from jieyong import logs
from jieyong.settings import Settings

_LOOK_S: Final = 0.5
_STOP_S: Final = 30.0
_GARBAGE_AFTER: Final = 50_000

log = structlog.get_logger()


class WorkerEndedError(RuntimeError):
    """A worker ended by itself; its log says why. What it held is still due."""


class Stop(Protocol):
    """Says when to end."""

    def is_set(self) -> bool:
        """Whether it is time."""

    def wait(self, timeout: float) -> bool:
        """Wait until it is time, at most so many seconds; return whether it is."""


class Leash:
    """Stops when the process that started us lets go of its end of a pipe, or is gone."""

    def __init__(self, held: Connection) -> None:
        self._held = held

    def is_set(self) -> bool:
        """Whether it is time."""
        return self._held.poll()

    def wait(self, timeout: float) -> bool:
        """Wait until it is time, at most so many seconds; return whether it is."""
        return self._held.poll(timeout)


def until_signal() -> Callable[[], bool]:
    """Return what says whether Ctrl-C or TERM came."""
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: stopped.append(number))
    return lambda: bool(stopped)


def begin_process(settings: Settings) -> None:
    """What every worker does first, in its own process."""
    # Thousands of small objects a batch, none of them in rings: going through them is in vain.
    gc.set_threshold(_GARBAGE_AFTER)
    # Ctrl-C and a service manager's TERM reach the whole group; the process that started us says
    # when to end. Who ended at once would be taken for killed by what it had in hand.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logs.configure(settings.log.level, settings.log.form)


def run_processes(
    target: Callable[..., None],
    arguments: Sequence[tuple[Any, ...]],
    stop: Callable[[], bool],
    beat: Callable[[], None],
) -> None:
    """Run a process for each of some arguments until told to stop.

    Args:
        target: takes a connection for a :class:`Leash`, then the arguments.
        arguments: of each process; they must bear being handed over.
        stop: asked twice a second.
        beat: called as often.

    Raises:
        WorkerEndedError: one ended by itself; the others are stopped.
    """
    context = multiprocessing.get_context("spawn")
    # Not an event: one that is set waits for its waiters, also for those that were killed.
    held, leash = context.Pipe(duplex=False)
    workers = [
        context.Process(target=target, args=(held, *given), daemon=True) for given in arguments
    ]
    try:
        for worker in workers:
            worker.start()
        while not stop() and all(worker.is_alive() for worker in workers):
            beat()
            workers[0].join(_LOOK_S)
        ended = [worker.exitcode for worker in workers if worker.exitcode is not None]
    finally:
        leash.close()
        _end([worker for worker in workers if worker.pid is not None])
    if ended and not stop():
        raise WorkerEndedError(f"a worker ended with exit code {ended[0]}; see its log above")


def _end(workers: Sequence[multiprocessing.context.SpawnProcess]) -> None:
    for worker in workers:
        worker.join(_STOP_S)
        if worker.is_alive():
            log.warning("worker_killed", pid=worker.pid, after_s=_STOP_S)
            worker.kill()
            worker.join()
