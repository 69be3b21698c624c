"""Recomputes physical meters that are claimed: loads what their changes need, computes, stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import psycopg
import structlog

from metering.derive import history, readings
from metering.derive.compute import Rules, compute, concerned
from metering.derive.counted import counted
from metering.derive.history import Binding, History
from metering.derive.profiles import Resolutions
from metering.derive.readings import Found, Wanted
from metering.derive.rollup import Window, roll_up
from metering.derive.store import Computed, replace
from storage.due import Claim, Span

_FARTHER: Final = 10
_LOOKS: Final = 4
"""How often to look ten times as far before everything is read."""

log = structlog.get_logger()


@dataclass(slots=True)
class Recomputed:
    """What became of meters.

    Attributes:
        windows: what was replaced.
        virtual: time in which meters are due that have no counter of their own.
        errors: id → why it could not be computed.
        quarters: rows written.
    """

    windows: list[Window] = field(default_factory=list)
    virtual: list[Window] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    quarters: int = 0


@dataclass(frozen=True, slots=True)
class _Task:
    history: History
    span: Span
    bindings: tuple[Binding, ...]

    @property
    def meter(self) -> int:
        return self.history.meter_id

    def wanted(self) -> Iterator[Wanted]:
        for one in self.bindings:
            yield Wanted(one.point_id, one.begin_us, one.end_us, self.span.from_us, self.span.to_us)


def recompute(
    conn: psycopg.Connection, claims: Sequence[Claim], rules: Rules, resolutions: Resolutions
) -> Recomputed:
    """Replace what the changes of meters move, and the hours, days and months of it.

    Args:
        conn: in the transaction of the claims.
        claims: meters; the virtual ones among them are left to others.
        rules: what is the same for all.
        resolutions: of device profiles.
    """
    outcome = Recomputed()
    histories = history.load(conn, [one.subject for one in claims], resolutions)
    for one in claims:
        known = histories.get(one.subject)
        if known is None:
            outcome.virtual += [Window(one.subject, s.from_us, s.to_us + 1) for s in one.spans]
        elif known.error is not None:
            outcome.errors[one.subject] = known.error
    # A meter's changes one after the other: what they move could overlap.
    for number in range(max((len(one.spans) for one in claims), default=0)):
        tasks = [
            _task(histories[one.subject], one.spans[number])
            for one in claims
            if number < len(one.spans)
            and one.subject in histories
            and one.subject not in outcome.errors
        ]
        _store(conn, _computed(conn, tasks, rules, outcome), rules, outcome)
    return outcome


def _task(known: History, span: Span) -> _Task:
    return _Task(known, span, concerned(known, span))


def _store(
    conn: psycopg.Connection, computed: Sequence[Computed], rules: Rules, outcome: Recomputed
) -> None:
    windows = [one.window for one in computed]
    replace(conn, computed)
    roll_up(conn, windows, rules.zone)
    outcome.windows += windows
    outcome.quarters += sum(len(one.quarters.slot) for one in computed)


def _computed(
    conn: psycopg.Connection, tasks: Sequence[_Task], rules: Rules, outcome: Recomputed
) -> list[Computed]:
    """Compute tasks; those whose readings do not reach far enough again, with more of them."""
    most: int | None = 2 * rules.policy.confirm_readings + 12
    computed: list[Computed] = []
    for look in range(_LOOKS + 1):
        if not tasks:
            break
        short: list[_Task] = []
        near = readings.around(conn, [want for task in tasks for want in task.wanted()], most)
        for task in tasks:
            found = list(islice(near, len(task.bindings)))
            try:
                result = _compute(task, found, rules)
            except Exception as error:  # one meter's bad data must not hold up the others
                log.exception("meter_not_computed", meter=task.meter)
                outcome.errors[task.meter] = f"{type(error).__name__}: {error}"
                continue
            if result is None:
                short.append(task)
            else:
                computed.append(result)
        tasks = short
        most = None if most is None or look == _LOOKS - 1 else most * _FARTHER
    for task in tasks:
        outcome.errors[task.meter] = "all readings were read, and still they do not reach"
    return computed


def _compute(task: _Task, found: Sequence[Found], rules: Rules) -> Computed | None:
    devices = [
        counted(task.history, binding, near)
        for binding, near in zip(task.bindings, found, strict=True)
    ]
    return compute(task.meter, task.span, devices, rules)
