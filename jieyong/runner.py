"""One child process through its lives: started, found ready, restarted after a crash, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import IO, Final

import structlog

from jieyong import tether
from jieyong.child import Backoff, Child, ChildFailedError, State, Status

log = structlog.get_logger()

_LOOK_S: Final = 0.05
_TAIL_BYTES: Final = 2000


class Runner:
    """Runs one child.

    Args:
        child: what to run.
        log_file: where its output goes.
        backoff: pauses before restarts.
        log_bytes: size at which the log file is set aside.
    """

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
        """Return where the child stands."""
        pid = None if self._process is None else self._process.pid
        return Status(self._child.name, self._state, pid, self._restarts, self._last_exit)

    async def start(self) -> None:
        """Start it and wait until it is ready; from then on keep it running.

        Raises:
            ChildFailedError: it ended or stayed unready; :meth:`stop` it all the same.
            OSError: it could not be started.
        """
        await self._launch()
        await self._until_ready()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self._child.name}")

    async def stop(self) -> None:
        """Stop it, with TERM first, then KILL; returns when it is gone."""
        if self._keeper is not None:
            self._keeper.cancel()
            # Not awaited itself: whatever it may have failed of, the others must be stopped too.
            await asyncio.wait([self._keeper])
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
            began = time.monotonic()
            how = await self._until_end()
            crashes = self._backoff.count(crashes, time.monotonic() - began)
            pause_s = self._backoff.pause_s(crashes)
            self._state = State.CRASHED
            log.error(
                "child_ended",
                child=self._child.name,
                exit=how,
                again_in_s=pause_s,
                log=str(self._log_file),
            )
            await asyncio.sleep(pause_s)
            self._restarts += 1
            await self._revive()

    async def _until_end(self) -> str:
        process = self._process
        if process is None:
            return "no start"
        code = await process.wait()
        self._ended(process)
        return _exit_words(code)

    async def _revive(self) -> None:
        # A child that cannot come back now is no reason to give up on it, nor on the others.
        try:
            await self._launch()
            await self._until_ready()
        except OSError as error:
            log.error("child_not_started", child=self._child.name, why=str(error))  # noqa: TRY400
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
