"""Simulated registers as rules take them: what the counter does not believe becomes a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from jieyong.evaluation.city.places import Basis, Laid, laid
from jieyong.evaluation.city.score import Doubt
from metering.counter import model as counter
from metering.counter.findings import findings
from metering.counter.judge import judge
from metering.derive.settings import MeteringSettings
from rules.kinds.metered import Metered
from rules.kinds.model import Sort
from rules.subjects.meters.odd import held
from rules.timeline.overlay import Windows
from simulators.city.model import Series
from simulators.city.registers import Register

_SECOND_US: Final = 1_000_000
_POLICY: Final = MeteringSettings().policy()


def doubts(subjects: Sequence[Register], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated registers.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    return lay(subjects, basis).doubts(basis.rules)


def lay(subjects: Sequence[Register], basis: Basis) -> Laid:
    """Return where readings of registers were odd."""
    count, begin, end = len(subjects), basis.begin_s * _SECOND_US, basis.end_s * _SECOND_US
    windows = Windows(np.arange(count), np.full(count, begin), np.full(count, end))
    odd = held(
        [
            (number, found.kind, found.ts, found.until)
            for number, one in enumerate(subjects)
            for series in one.series
            for found in _found(one, series)
        ],
        windows,
    )
    return laid(Sort.METER, subjects, {Metered.ODD: [odd]}, windows, basis.rules)


def _found(one: Register, series: Series) -> Sequence[counter.Finding]:
    readings = counter.Readings(
        series.ts, series.value.astype(np.int64), np.zeros(len(series.ts), np.int8)
    )
    register = counter.Register(one.capacity, one.most_per_hour)
    return findings(readings, judge(readings, register, _POLICY), _POLICY)
