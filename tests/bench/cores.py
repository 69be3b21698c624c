"""Which cores a bench gives to whom."""

from __future__ import annotations

import os


def every() -> set[int]:
    """All cores this bench may use."""
    return os.sched_getaffinity(0)


def first() -> set[int]:
    """The one core of the process that is measured alone."""
    return {min(every())}


def others() -> set[int]:
    """What is left for everybody else; on a machine with one core the same one."""
    return every() - first() or every()
