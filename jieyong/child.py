"""A child process to run, how it stands, and how long to wait before it is started again."""

from __future__ import annotations

import enum
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Ready = Callable[[], Awaitable[bool]]
"""Asked again and again until it says True. See :mod:`jieyong.ready` for the usual ones."""


class ChildFailedError(Exception):
    """A child did not become ready; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process to run.

    Attributes:
        name: unique; names its log file.
        command: program and arguments.
        env: variables set besides those of this process.
        ready: probe; None counts as ready once started.
        ready_within_s: how long it may take to become ready.
        stop_within_s: time between TERM and KILL.
        on_orphan: what the kernel sends it when this process dies without stopping it. Only KILL is
            sure; TERM lets a child that holds unwritten data end in order.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Ready | None = None
    ready_within_s: float = 30.0
    stop_within_s: float = 10.0
    on_orphan: signal.Signals = signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a crashed child is started again.

    Attributes:
        first_s: after the first crash; doubled with each further one.
        most_s: the longest pause.
        forgive_s: a child that ran this long starts counting anew.
    """

    first_s: float = 0.5
    most_s: float = 30.0
    forgive_s: float = 60.0

    def pause_s(self, crashes: int) -> float:
        """Return the pause after so many crashes in a row (at least one)."""
        # Bounded exponent: a float overflows after a thousand doublings.
        return min(self.most_s, self.first_s * 2.0 ** min(crashes - 1, 60))

    def count(self, crashes: int, ran_s: float) -> int:
        """Return the crashes in a row after one more, at the end of a run of ``ran_s``."""
        return 1 if ran_s >= self.forgive_s else crashes + 1


class State(enum.StrEnum):
    """Where a child stands."""

    WAITING = "waiting"  # not started yet
    STARTING = "starting"
    RUNNING = "running"
    CRASHED = "crashed"  # will be started again after a pause
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Status:
    """A child at one moment.

    Attributes:
        pid: of the running process, or None.
        restarts: how often it was started again after a crash.
        last_exit: exit code of its last end; negative is a signal; None before the first.
    """

    name: str
    state: State
    pid: int | None
    restarts: int
    last_exit: int | None
