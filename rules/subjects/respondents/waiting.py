"""How many doubts of an institution wait for its explanation, and when it explained any. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from metering.gauge.hold import Holds
from rules.cases.life import Step
from rules.kinds.model import RespondentLayer
from rules.subjects.model import Inputs
from storage.times import OPEN_US

ANSWER_US: Final = 60_000_000
"""An answer lasts so long: nothing goes on beyond it as if there had been none."""

ASKS: Final = frozenset({Step.RETURN, Step.REOPEN, Step.FIND_AGAIN})
"""After these a doubt waits, after all others not; being told higher up changes nothing."""
Looked = tuple[int, int, int]
"""An institution, from, to (µs UTC)."""
Row = tuple[int, int, float]
"""From, to (µs UTC), how many wait."""


@dataclass(frozen=True, slots=True)
class Turns:
    """What happened to an institution's doubts in some time, and what stood before.

    Attributes:
        changes: when (µs UTC), and how many more wait since then.
        answers: when it explained any, µs UTC.
    """

    changes: list[tuple[int, int]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


def turned(doubts: Iterable[tuple[int, Sequence[tuple[int, Step]]]]) -> Turns:
    """Return what happened to doubts; the database counts the same of those that it keeps.

    Args:
        doubts: when each was put (µs UTC), and what was done with it then, in order.
    """
    found = Turns()
    for opened, deeds in doubts:
        found.changes.append((opened, 1))
        waits = True
        for at, step in deeds:
            if step is Step.ESCALATE:
                continue
            found.changes.append((at, (step in ASKS) - waits))
            waits = step in ASKS
            if step is Step.EXPLAIN:
                found.answers.append(at)
    return found


def laid(turns: Mapping[int, Turns], looked: Sequence[Looked]) -> Inputs:
    """Return the layer of those who are asked.

    Args:
        turns: by the place of the window in the list; none: nothing was ever asked.
        looked: ascending.
    """
    rows = [
        (subject, *row)
        for n, (subject, begin, end) in enumerate(looked)
        for row in unanswered(turns.get(n, Turns()), begin, end)
    ]
    columns = tuple(zip(*rows, strict=True)) or ((), (), (), ())
    subject, since, until = (np.array(column, np.int64) for column in columns[:3])
    held = Holds(subject, since, until, np.array(columns[3], np.float64))
    return {RespondentLayer.UNANSWERED.value: [held]}


def unanswered(turns: Turns, begin: int, end: int) -> list[Row]:
    """Return how many doubts waited in ``begin`` ≤ t < ``end``, without a hole.

    Args:
        turns: all of that time; what waits already when it begins may be told of any time before.
        begin: µs UTC.
        end: µs UTC; beyond what is known of the future nothing is told.
    """
    end = min(end, OPEN_US)
    if begin >= end:
        return []
    answers = sorted({at for at in turns.answers if begin - ANSWER_US < at < end})
    bounds: dict[int, int] = defaultdict(int, {begin: 0})
    for at, more in turns.changes:
        if at < end:
            bounds[max(at, begin)] += more
    for at in (*answers, *(answer + ANSWER_US for answer in answers)):
        if begin < at < end:
            bounds[at] += 0
    return _told(bounds, answers, end)


def _told(changes: dict[int, int], answers: Sequence[int], end: int) -> list[Row]:
    rows: list[Row] = []
    count, silent_until = 0, 0
    coming = iter([*answers, OPEN_US])
    answer = next(coming)
    bounds = sorted(changes)
    for since, until in zip(bounds, [*bounds[1:], end], strict=True):
        count += changes[since]
        while answer <= since:
            silent_until = answer + ANSWER_US
            answer = next(coming, OPEN_US + 1)
        value = 0.0 if since < silent_until else float(count)
        _add(rows, since, until, value)
    return rows


def _add(rows: list[Row], since: int, until: int, value: float) -> None:
    if rows and rows[-1][2] == value:
        rows[-1] = rows[-1][0], until, value
    else:
        rows.append((since, until, value))
