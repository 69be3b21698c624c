"""Runs of a flickering condition, held against a count of every single moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.timeline.overlay import Pieces
from rules.timeline.persistence import Persistence
from rules.timeline.runs import Behind, Runs, runs
from rules.timeline.stretches import stretches
from rules.timeline.truth import FALSE, TRUE, UNKNOWN, Truth

SYMBOLS = {"0": FALSE, "?": UNKNOWN, "1": TRUE}


def pieces_of(text: str, subject: int = 1) -> tuple[Pieces, np.ndarray]:
    """A piece for each character, of one µs."""
    at = np.arange(len(text), dtype=np.int64)
    subjects = np.full(len(text), subject, np.int64)
    condition = np.array([SYMBOLS[c] for c in text], np.int8)
    return Pieces(subjects, at, at + 1, {}), condition


def found(text: str, *persistence: int) -> list[tuple[int, int, int, str]]:
    return rows(told(*pieces_of(text), Persistence(*persistence)))


def told(pieces: Pieces, condition: Truth, persistence: Persistence) -> Runs:
    return runs(pieces, condition, stretches(pieces, condition, persistence), persistence)


def rows(of: Runs) -> list[tuple[int, int, int, str]]:
    ends = [Behind(one).name for one in of.behind.tolist()]
    return list(zip(of.since.tolist(), of.confirmed.tolist(), of.until.tolist(), ends, strict=True))


def test_a_run_is_confirmed_when_it_has_stood_for_long_enough() -> None:
    assert found("0011110", 3) == [(2, 5, 6, "FALSE")]


def test_what_is_too_short_is_none() -> None:
    assert found("0110110", 3) == []


def test_flicker_is_bridged_and_its_time_does_not_count() -> None:
    assert found("0110110", 3, 1) == [(1, 5, 6, "FALSE")]
    assert found("0110110", 5, 1) == []


def test_silence_is_bridged_by_its_own_measure() -> None:
    assert found("11??110", 3, 0, 2) == [(0, 5, 6, "FALSE")]
    assert found("11??110", 2, 0, 1) == [(0, 2, 2, "UNKNOWN"), (4, 6, 6, "FALSE")]
    assert found("11?0110", 3, 1, 1) == [(0, 5, 6, "FALSE")]


def test_silence_at_the_end_is_told_from_an_end() -> None:
    assert found("11?", 2, 0, 5) == [(0, 2, 2, "UNKNOWN")]
    assert found("011", 2) == [(1, 3, 3, "EDGE")]


def test_subjects_are_apart() -> None:
    first, second = pieces_of("0011", 1), pieces_of("1100", 2)
    both = Pieces(
        np.r_[first[0].subject, second[0].subject],
        np.r_[first[0].since, second[0].since],
        np.r_[first[0].until, second[0].until],
        {},
    )
    apart = told(both, np.r_[first[1], second[1]], Persistence(2, 9, 9))
    assert apart.subject.tolist() == [1, 2]
    assert rows(apart) == [(2, 4, 4, "EDGE"), (0, 2, 2, "FALSE")]


@dataclass
class _Run:
    since: int
    until: int
    true: list[int]


def counted(text: str, persistence: Persistence) -> list[tuple[int, int, int]]:
    """Moment by moment."""
    open_: list[_Run] = []
    for at, symbol in enumerate(text):
        if symbol != "1":
            continue
        last = open_[-1] if open_ else None
        between = "" if last is None else text[last.until : at]
        if (
            last is not None
            and between.count("0") <= persistence.gap_us
            and between.count("?") <= persistence.silence_us
        ):
            last.until = at + 1
            last.true.append(at)
        else:
            open_.append(_Run(at, at + 1, [at]))
    need = persistence.for_us
    return [(r.since, r.true[need - 1] + 1, r.until) for r in open_ if len(r.true) >= need]


texts = st.text("01?", min_size=1, max_size=60)
measures = st.builds(Persistence, st.integers(1, 8), st.integers(0, 4), st.integers(0, 4))


@given(texts, measures)
def test_runs_are_what_counting_every_moment_gives(text: str, persistence: Persistence) -> None:
    one = told(*pieces_of(text), persistence)
    assert [row[:3] for row in rows(one)] == counted(text, persistence)
    assert one.true_us.tolist() == [
        text[since:until].count("1") for since, until in zip(one.since, one.until, strict=True)
    ]


@given(texts, texts, texts, measures)
def test_what_lies_beyond_a_window_that_is_wide_enough_changes_nothing_in_it(
    before: str, text: str, behind: str, persistence: Persistence
) -> None:
    pieces, condition = pieces_of(text)
    stood = stretches(pieces, condition, persistence)
    if not stood.before.any():
        assert counted_within(before + text, len(before), persistence) == counted(text, persistence)
    if not stood.behind.any():
        joined = [run for run in counted(text + behind, persistence) if run[0] < len(text)]
        assert joined == counted(text, persistence)


def counted_within(text: str, begin: int, persistence: Persistence) -> list[tuple[int, int, int]]:
    return [
        (since - begin, confirmed - begin, until - begin)
        for since, confirmed, until in counted(text, persistence)
        if until > begin
    ]


def test_what_could_go_on_beyond_its_window_is_told() -> None:
    stood = stretches(*pieces_of("0100"), Persistence(1, 1, 0))
    assert (stood.before.tolist(), stood.behind.tolist()) == ([True], [False])


def test_what_is_too_short_is_told_as_well() -> None:
    stood = stretches(*pieces_of("0010110"), Persistence(2, 0, 0))
    assert (stood.since.tolist(), stood.until.tolist()) == ([2, 4], [3, 6])
    assert stood.true_us.tolist() == [1, 2]
