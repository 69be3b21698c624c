"""Simulated units that are asked as rules take them: how many of their doubts wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from jieyong.evaluation.city.places import Basis, Laid, laid
from jieyong.evaluation.city.score import Doubt
from rules.cases.life import Step
from rules.kinds.model import Sort
from rules.subjects.respondents import waiting
from rules.timeline.overlay import Windows
from simulators.city.respondents import Put, Respondent
from storage.times import SECOND_US

_STEPS: Final = {
    "explained": Step.EXPLAIN,
    "returned": Step.RETURN,
    "withdrawn": Step.WITHDRAW,
    "exempted": Step.EXEMPT,
}


def doubts(subjects: Sequence[Respondent], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated units that are asked.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    return lay(subjects, basis).doubts(basis.rules)


def lay(subjects: Sequence[Respondent], basis: Basis) -> Laid:
    """Return how many doubts of units wait."""
    count, begin, end = len(subjects), basis.begin_s * SECOND_US, basis.end_s * SECOND_US
    windows = Windows(np.arange(count), np.full(count, begin), np.full(count, end))
    turns = {
        number: waiting.turned((put.opened_s * SECOND_US, _deeds(put)) for put in one.doubts)
        for number, one in enumerate(subjects)
    }
    held = waiting.laid(turns, [(number, begin, end) for number in range(count)])
    return laid(Sort.RESPONDENT, subjects, held, windows, basis.rules)


def _deeds(put: Put) -> list[tuple[int, Step]]:
    return [(at * SECOND_US, _STEPS[what]) for at, what in put.deeds]
