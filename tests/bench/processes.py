"""The processes of a bench: started, pinned, asked over their pipes, and always ended.

A *role* is one of our own modules (``python -m tests.bench.roles.…``). It answers every line on its
standard input with one JSON line, and ends when that pipe closes. A *tool* is any other program.
Neither outlives the bench, not even one killed by -9.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from jieyong import tether

ROOT: Final = Path(__file__).resolve().parents[2]
ANSWER_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A bench cannot go on; the message says which part failed and shows its last words."""


class Process:
    """One child with its stderr in a file.

    Args:
        name: what it is, for messages and the log's name.
        argv: command; it runs in the checkout.
        log_dir: where ``name.log`` goes.
        cores: cores it may use; None means all.
        ends_at_eof: it ends by itself, in good order, when its standard input does.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log_dir: Path,
        *,
        cores: Collection[int] | None = None,
        ends_at_eof: bool = False,
    ) -> None:
        self.name = name
        self._ends_at_eof = ends_at_eof
        self._log = log_dir / f"{name}.log"
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                tether.command_line(argv, on_orphan=signal.SIGKILL),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the bench alone, which stops us in order
                text=True,
            )
        if cores is not None:
            self.pin(cores)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name=f"read-{name}", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def pin(self, cores: Collection[int]) -> None:
        """Bind it to some cores: threads it starts from now on, and those it has."""
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)

    def cpu_seconds(self) -> float:
        """CPU time so far, all threads, user and system."""
        return cpu_seconds(self.pid)

    def ask(self, request: str) -> dict[str, Any]:
        """Send one line to a role and return its answer.

        Raises:
            BenchError: it died or does not answer.
        """
        stdin = self._popen.stdin
        assert stdin is not None
        try:
            stdin.write(request + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise self._dead() from None
        return self.answer()

    def answer(self, busy_s: float = 0.0) -> dict[str, Any]:
        """Return the next JSON line of its standard output.

        Args:
            busy_s: how long it has something else to do before it can answer.

        Raises:
            BenchError: it ended without one, or is silent.
        """
        patience_s = ANSWER_SECONDS + busy_s
        until = time.monotonic() + patience_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise BenchError(
                    f"{self.name}: no answer in {patience_s:.0f} s{self._tail()}"
                ) from None
            if line is None:
                raise self._dead()
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer

    def wait_for(self, ready: Callable[[], bool], what: str) -> None:
        """Poll until ``ready``; the process must stay alive meanwhile.

        Raises:
            BenchError: it ended, or it took too long.
        """
        until = time.monotonic() + ANSWER_SECONDS
        while not ready():
            if self._popen.poll() is not None:
                raise self._dead()
            if time.monotonic() > until:
                raise BenchError(
                    f"{self.name}: no {what} after {ANSWER_SECONDS:.0f} s{self._tail()}"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """End it: a role by the end of its input, a tool by a signal, neither for ever."""
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.close()
        if not self._ends_at_eof:
            self._popen.terminate()
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._reader.join()
        assert self._popen.stdout is not None
        self._popen.stdout.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _dead(self) -> BenchError:
        code = self._popen.wait(STOP_SECONDS)
        return BenchError(f"{self.name} ended (exit code {code}){self._tail()}")

    def _tail(self) -> str:
        words = self._log.read_text(errors="replace").splitlines()[-15:]
        return "; its last words:\n  " + "\n  ".join(words) if words else ""


def role(
    module: str, settings: Mapping[str, Any], log_dir: Path, cores: Collection[int] | None = None
) -> Process:
    """Start one of ``tests.bench.roles`` and wait until it says that it is ready.

    Args:
        module: its name, for example ``modbus_collector``.
        settings: what its ``main`` reads; JSON.
        log_dir: where its log goes.
        cores: cores it may use.
    """
    argv = [sys.executable, "-m", f"tests.bench.roles.{module}", json.dumps(settings)]
    child = Process(module, argv, log_dir, cores=cores, ends_at_eof=True)
    try:
        child.answer()
    except BaseException:
        child.stop()
        raise
    return child


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system, all threads, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def tree_cpu_seconds(pid: int) -> float:
    """CPU time of a process, its living children, and those it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    total = sum(int(value) for value in fields[11:15]) / _TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        try:
            total += tree_cpu_seconds(int(child))
        except FileNotFoundError:
            continue  # it ended between the two reads
    return total
