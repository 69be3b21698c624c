"""The account of the gateway bench."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.journal import Journal, Stored

SENT = 1_000_000_000


def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def journal(acked: tuple[int, ...] = (1, 1, 1, 1)) -> Journal:
    """Two terminals, two positions each, a second apart."""
    sent = column(SENT, SENT + 10, SENT + 1_000_000, SENT + 1_000_010)
    answered = np.array(acked, dtype=np.int64) * (sent + 2_000)
    return Journal(column(0, 1, 0, 1), column(50, 50, 51, 51), sent, answered)


def stored(*rows: tuple[int, int, int]) -> Stored:
    terminal, second, late_us = zip(*rows, strict=True)
    return Stored(column(*terminal), column(*second), column(*late_us))


ALL = (
    (0, 50, SENT + 5_000),
    (1, 50, SENT + 5_010),
    (1, 51, SENT + 1_007_010),
    (0, 51, SENT + 1_007_000),
)


def test_nothing_is_lost_when_everything_is_stored() -> None:
    fate = journal().fate(stored(*ALL))
    assert (fate.lost, fate.duplicated) == (0, 0)
    assert fate.committed_p50_ms == pytest.approx(6.0)
    assert fate.committed_p99_ms == pytest.approx(7.0)


def test_what_was_answered_and_is_not_stored_is_lost() -> None:
    assert journal().fate(stored(*ALL[:2])).lost == 2
    assert journal((1, 1, 0, 1)).fate(stored(*ALL[:2])).lost == 1


def test_a_second_row_of_a_position_is_a_duplicate_and_does_not_age_it() -> None:
    fate = journal().fate(stored(*ALL, (0, 50, SENT + 900_000)))
    assert (fate.lost, fate.duplicated) == (0, 1)
    assert fate.committed_p99_ms == pytest.approx(7.0)


def test_ages_are_those_of_the_measured_time() -> None:
    fate = journal().fate(stored(*ALL), SENT + 500_000)
    assert fate.committed_p50_ms == pytest.approx(7.0)


def test_answers_are_timed_where_they_came() -> None:
    assert journal((1, 0, 1, 0)).ack_ms().tolist() == [2.0, 2.0]
    assert journal().since(SENT + 500_000).answered == 2


def test_an_empty_database_has_no_ages() -> None:
    empty = Stored(column(), column(), column())
    with pytest.raises(ValueError, match="no position"):
        journal().fate(empty)
