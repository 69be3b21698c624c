"""Doubts over episodes that late data moves, parts and joins."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rules.cases.life import State
from rules.cases.matching import Changes, Doubt, Episode, matched
from storage.times import OPEN_US


def doubt(since: int, until: int, state: State = State.ASKED, number: int = 1) -> Doubt:
    return Doubt(number, since, until, state)


def test_what_belongs_to_no_doubt_becomes_one() -> None:
    told = matched([doubt(0, 10)], [Episode(2, 9), Episode(20, 30)])
    assert told.opened == (Episode(20, 30),)


def test_a_doubt_follows_the_ends_of_its_episode() -> None:
    told = matched([doubt(5, 10)], [Episode(2, 14)])
    assert told.moved == (doubt(2, 14),)
    assert not told.opened


def test_a_parted_episode_stays_one_doubt() -> None:
    told = matched([doubt(0, 10)], [Episode(0, 3), Episode(7, 12)])
    assert told == Changes((), (doubt(0, 12),), (), ())


def test_what_comes_again_after_what_had_no_end_is_another_doubt() -> None:
    told = matched([doubt(3, OPEN_US)], [Episode(3, 60), Episode(63, OPEN_US)])
    assert told == Changes((Episode(63, OPEN_US),), (doubt(3, 60),), (), ())


def test_what_has_no_end_yet_is_no_part_of_what_ended_before() -> None:
    told = matched([doubt(0, 3)], [Episode(0, 1), Episode(2, OPEN_US)])
    assert told == Changes((Episode(2, OPEN_US),), (doubt(0, 1),), (), ())


def test_two_doubts_that_turn_out_to_be_one_meet_where_the_second_began() -> None:
    told = matched([doubt(0, 10), doubt(15, 20, number=2)], [Episode(1, 30)])
    assert told.moved == (doubt(1, 15), doubt(15, 30, number=2))


def test_what_nothing_supports_is_withdrawn_unless_people_concluded() -> None:
    concluded = doubt(20, 30, State.CONCLUDED, 2)
    told = matched([doubt(0, 10, State.EXPLAINED), concluded], [])
    assert [one.id for one in told.withdrawn] == [1]


def test_what_is_supported_again_is_asked_again() -> None:
    told = matched([doubt(0, 10, State.WITHDRAWN)], [Episode(0, 10)])
    assert [one.id for one in told.found_again] == [1]
    assert not told.opened


def _paired(cuts: set[int], goes_on: bool) -> list[tuple[int, int]]:
    ordered = sorted(cuts)
    found = list(zip(ordered[::2], ordered[1::2], strict=False))
    return [*found[:-1], (found[-1][0], OPEN_US)] if found and goes_on else found


def spans() -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.builds(_paired, st.sets(st.integers(0, 60), max_size=12), st.booleans())


def after(doubts: list[Doubt], changes: Changes) -> list[Doubt]:
    moved = {one.id: one for one in changes.moved}
    kept = [moved.get(one.id, one) for one in doubts]
    withdrawn = {one.id for one in changes.withdrawn}
    again = {one.id for one in changes.found_again}
    kept = [replace(one, state=State.WITHDRAWN) if one.id in withdrawn else one for one in kept]
    kept = [replace(one, state=State.ASKED) if one.id in again else one for one in kept]
    new = [
        Doubt(100 + number, one.since, one.until, State.ASKED)
        for number, one in enumerate(changes.opened)
    ]
    return sorted(kept + new, key=lambda one: one.since)


@given(spans(), spans(), st.lists(st.sampled_from(State), min_size=6, max_size=6))
def test_doubts_never_overlap_and_nothing_changes_twice(
    old: list[tuple[int, int]], found: list[tuple[int, int]], states: list[State]
) -> None:
    doubts = [Doubt(n, a, b, states[n]) for n, (a, b) in enumerate(old)]
    episodes = [Episode(a, b) for a, b in found]
    then = after(doubts, matched(doubts, episodes))
    assert all(a.since < a.until for a in then)
    assert all(a.until <= b.since for a, b in itertools.pairwise(then))
    assert matched(then, episodes) == Changes((), (), (), ())
    for episode in episodes:
        assert any(d.since < episode.until and episode.since < d.until for d in then)
