"""The course of what was measured has a line for each change."""

from __future__ import annotations

import numpy as np

from rules.cases.evidence import joined
from rules.timeline.overlay import Pieces

NAN = float("nan")


def pieces(**columns: list[float]) -> Pieces:
    count = len(next(iter(columns.values())))
    since = np.arange(count, dtype=np.int64) * 10
    known = {name: np.array(values) for name, values in columns.items()}
    return Pieces(np.full(count, 7), since, since + 10, known)


def test_readings_that_repeat_themselves_are_one_line() -> None:
    found = joined(pieces(run=[1, 1, 1, 0, 0], power=[NAN, NAN, 5, 5, 5]))
    assert found.subject.tolist() == [7, 7, 7]
    assert (found.since.tolist(), found.until.tolist()) == ([0, 20, 30], [20, 30, 50])
    assert found.columns["run"].tolist() == [1, 1, 0]
    assert np.array_equal(found.columns["power"], [NAN, 5, 5], equal_nan=True)


def test_of_nothing_there_is_no_line() -> None:
    assert len(joined(pieces(run=[]))) == 0
    assert len(joined(pieces(run=[1]))) == 1
