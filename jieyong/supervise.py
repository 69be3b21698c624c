"""Child processes: started in order, kept running, stopped in reverse order, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import structlog

from jieyong import tether

log = structlog.get_logger()

_LOOK_S: Final = 0.05
_TAIL_BYTES: Final = 2000

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
            _Runner(child, log_dir / f"{child.name}.log", backoff or Backoff(), log_bytes)
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


class _Runner:
    """One child through its lives."""

    def __init__(self, child: Child, log_file: Path, backoff: Backoff, log_bytes: int) -> None:
        self._child = child
        self._log_file = log_file
        self._backoff = backoff
        self._log_bytes = log_bytes
        self._state = State.WAITING
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._restarts = 0
        self._last_exit: int | None = None

    def status(self) -> Status:
        pid = None if self._process is None else self._process.pid
        return Status(self._child.name, self._state, pid, self._restarts, self._last_exit)

    async def start(self) -> None:
        await self._launch()
        await self._until_ready()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self._child.name}")

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        process = self._process
        if process is not None:
            await self._end(process)
            self._ended(process)
        if self._state is not State.WAITING:
            self._state = State.STOPPED

    async def _launch(self) -> None:
        child = self._child
        self._state = State.STARTING
        with _open_log(self._log_file, self._log_bytes) as output:
            self._process = await asyncio.create_subprocess_exec(
                *tether.command_line(child.command, on_orphan=child.on_orphan),
                env={**os.environ, **child.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        log.info("child_started", child=child.name, pid=self._process.pid)

    async def _until_ready(self) -> None:
        process = self._running()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._child.ready_within_s):
                while process.returncode is None:
                    if self._child.ready is None or await self._child.ready():
                        self._state = State.RUNNING
                        return
                    await asyncio.sleep(_LOOK_S)
        raise ChildFailedError(self._why_not_ready(process))

    def _why_not_ready(self, process: asyncio.subprocess.Process) -> str:
        what = (
            f"not ready after {self._child.ready_within_s:g} s"
            if process.returncode is None
            else f"ended with {_exit_words(process.returncode)} before it was ready"
        )
        return f"{self._child.name}: {what}; {self._log_file} ends:\n{_tail(self._log_file)}"

    async def _keep(self) -> None:
        crashes = 0
        while True:
            process = self._running()
            began = time.monotonic()
            code = await process.wait()
            self._ended(process)
            crashes = self._backoff.count(crashes, time.monotonic() - began)
            pause_s = self._backoff.pause_s(crashes)
            self._state = State.CRASHED
            log.error(
                "child_ended",
                child=self._child.name,
                exit=_exit_words(code),
                again_in_s=pause_s,
                log=str(self._log_file),
            )
            await asyncio.sleep(pause_s)
            self._restarts += 1
            await self._launch()
            await self._settle()

    async def _settle(self) -> None:
        # A restarted child that stays unready is no reason to give up on it, nor on the others.
        try:
            await self._until_ready()
        except ChildFailedError as error:
            log.error("child_not_ready", child=self._child.name, why=str(error))  # noqa: TRY400
            await self._end(self._running())

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        _signal_group(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._child.stop_within_s):
                await process.wait()
        except TimeoutError:
            log.warning(
                "child_killed",
                child=self._child.name,
                after_s=self._child.stop_within_s,
                advice=f"it did not end on TERM; see {self._log_file}",
            )
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()

    def _ended(self, process: asyncio.subprocess.Process) -> None:
        # However it ended: nothing of its session may stay behind.
        _signal_group(process.pid, signal.SIGKILL)
        self._last_exit = process.returncode
        self._process = None

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self._child.name}: no process; start it first")
        return self._process


def _signal_group(pid: int, number: signal.Signals) -> None:
    # The child leads a session, so its process group has its pid.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _open_log(path: Path, log_bytes: int) -> IO[bytes]:
    if path.exists() and path.stat().st_size > log_bytes:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").strip() or "(nothing)"


def _exit_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
