"""Which cores a bench gives to whom, and how busy others keep them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from tests.bench.processes import tree_cpu_seconds

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_IDLE: Final = (3, 4)  # idle and iowait, in the first line of /proc/stat


class Neighbours:
    """Measures, from now on, what everybody but this bench does to the machine."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = _busy_seconds() - tree_cpu_seconds(os.getpid())

    def cores(self) -> float:
        """Cores that others, the kernel's own work and the hypervisor took on average."""
        used = _busy_seconds() - tree_cpu_seconds(os.getpid()) - self._before
        return used / (time.monotonic() - self._began)


def _busy_seconds() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return sum(int(n) for at, n in enumerate(fields) if at not in _IDLE) / _TICKS


def every() -> set[int]:
    """All cores this bench may use."""
    return os.sched_getaffinity(0)


def first() -> set[int]:
    """The one core of the process that is measured alone."""
    return {min(every())}


def others() -> set[int]:
    """What is left for everybody else; on a machine with one core the same one."""
    return every() - first() or every()
