"""How many doubts of an institution wait for its explanation, and when it explained any. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rules.cases.life import Step
from storage.times import OPEN_US

ANSWER_US: Final = 60_000_000
"""An answer lasts so long: nothing goes on beyond it as if there had been none."""
_ASKS: Final = frozenset({Step.RETURN, Step.REOPEN, Step.FIND_AGAIN})
_SETTLES: Final = frozenset(Step) - _ASKS - {Step.ESCALATE}

Row = tuple[int, int, float]
"""From, to (µs UTC), how many wait."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A doubt that was put to an institution.

    Attributes:
        number: of the doubt.
        at_us: when, µs UTC.
        steps: what was done with it, by time: when (µs UTC), and what.
    """

    number: int
    at_us: int
    steps: Sequence[tuple[int, Step]]

    def waits(self) -> Iterator[tuple[int, int]]:
        """Yield from when to when it waited for an explanation; to the end, if it still does."""
        since: int | None = self.at_us
        for at, step in self.steps:
            if step in _ASKS and since is None:
                since = at
            elif step in _SETTLES and since is not None:
                yield since, at
                since = None
        if since is not None:
            yield since, OPEN_US

    def answers(self) -> list[int]:
        """Return when it was explained, µs UTC."""
        return [at for at, step in self.steps if step is Step.EXPLAIN]

    def waits_at(self, moment: int) -> bool:
        """Tell whether it waits at a moment, µs UTC."""
        return any(since <= moment < until for since, until in self.waits())


def unanswered(asked: Iterable[Asked], begin: int, end: int) -> list[Row]:
    """Return how many doubts waited in ``begin`` ≤ t < ``end``, without a hole.

    Args:
        asked: all that waited in that time.
        begin: µs UTC.
        end: µs UTC; beyond what is known of the future nothing is told.
    """
    end = min(end, OPEN_US)
    if begin >= end:
        return []
    change: dict[int, int] = defaultdict(int, {begin: 0, end: 0})
    answers: set[int] = set()
    for one in asked:
        answers.update(at for at in one.answers() if begin - ANSWER_US < at < end)
        for since, until in one.waits():
            if since < end and until > begin:
                change[max(since, begin)] += 1
                change[min(until, end)] -= 1
    for at in answers:
        change[max(at, begin)] += 0
        change[min(at + ANSWER_US, end)] += 0
    return _told(change, sorted(answers), end)


def _told(change: dict[int, int], answers: Sequence[int], end: int) -> list[Row]:
    rows: list[Row] = []
    count, silent_until = 0, 0
    coming = iter([*answers, OPEN_US])
    answer = next(coming)
    bounds = sorted(change)
    for since, until in zip(bounds, [*bounds[1:], end], strict=True):
        count += change[since]
        while answer <= since:
            silent_until = answer + ANSWER_US
            answer = next(coming, OPEN_US + 1)
        value = 0.0 if since < silent_until else float(count)
        if since < until:
            _add(rows, since, until, value)
    return rows


def _add(rows: list[Row], since: int, until: int, value: float) -> None:
    if rows and rows[-1][2] == value:
        rows[-1] = rows[-1][0], until, value
    else:
        rows.append((since, until, value))
