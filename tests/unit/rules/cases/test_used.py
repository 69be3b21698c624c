"""Stretches are looked at in portions in which each place comes once."""

from __future__ import annotations

from random import Random

import pytest

from rules.cases.used import Stretch, in_rounds
from rules.kinds.model import Sort


def test_each_stretch_is_looked_at_once_and_no_place_twice_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rules.cases.used._PORTION", 7)
    random = Random(1)
    stretches = {
        n: Stretch(Sort.PLACE, random.randrange(20), begin := random.randrange(1000), begin + 5)
        for n in range(100)
    }
    rounds = list(in_rounds(stretches))
    assert sorted(n for some in rounds for n, _ in some) == list(range(100))
    assert max(map(len, rounds)) == 7
    for some in rounds:
        places = [one.subject for _, one in some]
        assert places == sorted(set(places))
        assert all(stretches[n] == one for n, one in some)
