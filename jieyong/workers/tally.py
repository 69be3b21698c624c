"""What workers have done, told to the process that started them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.sharedctypes import RawValue
from typing import ClassVar, Final

from storage.due_worker import Outcome
from storage.times import us_of

_FIGURES: Final = ("connected", "done", "failed", "amount", "last_success_us")


class Tally(ctypes.Structure):
    """What one worker has done since its start, in memory that two processes share.

    The worker alone writes. Each figure is read whole; two of them may be of two moments.

    Attributes:
        connected: 1 while it has its connection to the database.
        done: subjects computed and stored.
        failed: times that a subject could not be computed.
        amount: quarter hours of physical meters written; fixes of vehicles looked at.
        last_success_us: when it last stored something, Unix microseconds; 0: never.
    """

    connected: int
    done: int
    failed: int
    amount: int
    last_success_us: int

    _fields_: ClassVar = tuple((name, ctypes.c_int64) for name in _FIGURES)

    def add(self, outcome: Outcome, now: datetime) -> None:
        """Count what a step came to.

        Args:
            outcome: of the step.
            now: the time, aware.
        """
        self.done += outcome.done
        self.failed += outcome.failed
        if outcome.done:
            self.last_success_us = us_of(now)


@dataclass(frozen=True, slots=True)
class Done:
    """What all workers have done since their start.

    Attributes:
        workers: how many there are.
        connected: how many have their connection to the database.
        done: subjects computed and stored.
        failed: times that a subject could not be computed.
        amount: quarter hours of physical meters written; fixes of vehicles looked at.
        last_success_us: when something was last stored, Unix microseconds; None: never.
    """

    workers: int
    connected: int
    done: int
    failed: int
    amount: int
    last_success_us: int | None


def new_tally() -> Tally:
    """Return a tally that can be handed to a process when it is started."""
    tally: Tally = RawValue(Tally)
    return tally


def summed(tallies: Sequence[Tally]) -> Done:
    """Return what the workers have done together."""
    return Done(
        workers=len(tallies),
        connected=sum(one.connected for one in tallies),
        done=sum(one.done for one in tallies),
        failed=sum(one.failed for one in tallies),
        amount=sum(one.amount for one in tallies),
        last_success_us=max((one.last_success_us for one in tallies), default=0) or None,
    )
