"""Runs a command that must not outlive the process which started it, even one killed by -9.

``python tether.py PARENT_PID SIGNAL command …``. On Linux the kernel is asked to send SIGNAL when
the parent dies, and this process becomes the command. Elsewhere (or with ``--watch`` in front) it
stays between the two, passes signals on, and looks for the parent twice a second.

A script of its own, with the standard library only: code that runs between fork and exec inside a
threaded parent may deadlock, and this starts in a few milliseconds.

The kernel forgets the request when the command changes its user, as mosquitto does as root unless
its configuration says ``user root``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_LOOK_S: Final = 0.5


def command_line(
    command: Sequence[str], *, on_orphan: signal.Signals, watch: bool = False
) -> list[str]:
    """Return ``command`` tied to the calling process.

    Args:
        command: program and arguments.
        on_orphan: what it receives when the caller dies; only SIGKILL is sure to end it.
        watch: use the portable way although the kernel could do it.
    """
    flags = ["--watch"] if watch else []
    script = str(Path(__file__).resolve())
    head = [sys.executable, "-I", "-S", script, *flags, str(os.getpid()), str(int(on_orphan))]
    return [*head, *command]


def main(arguments: Sequence[str]) -> int:
    """Become the command, or watch over it; return its exit code."""
    watch = arguments[0] == "--watch"
    parent, on_orphan = (int(text) for text in arguments[watch : watch + 2])
    command = list(arguments[watch + 2 :])
    if watch or not sys.platform.startswith("linux"):
        return _watch(parent, on_orphan, command)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, on_orphan, 0, 0, 0) != 0:
        return _watch(parent, on_orphan, command)
    if os.getppid() != parent:  # it died before we asked
        return 128 + on_orphan
    try:
        os.execvp(command[0], command)  # noqa: S606 - becoming the command is the purpose
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 127


def _watch(parent: int, on_orphan: int, command: list[str]) -> int:
    child = subprocess.Popen(command)  # noqa: S603 - the caller's own command

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)
    code = _wait_unless_orphaned(child, parent)
    if code is None:
        child.send_signal(on_orphan)
        code = child.wait()
    return 128 - code if code < 0 else code


def _wait_unless_orphaned(child: subprocess.Popen[bytes], parent: int) -> int | None:
    while os.getppid() == parent:
        try:
            return child.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            continue
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
