"""One matter is one doubt: of rules that speak of the same, the first speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from rules.derive.matter import speaking
from rules.ruleset.model import Version
from rules.ruleset.reading import read_rule_set
from rules.timeline.runs import Runs

Times = Sequence[tuple[int, int, int]]
"""Since, confirmed, until, of subject 1."""
ZONE = ZoneInfo("Asia/Shanghai")


def versions(matters: Mapping[str, str | None]) -> list[Version]:
    text = "code: s\ntitle: t\nrules:\n"
    for code, matter in matters.items():
        said = f", matter: {matter}" if matter else ""
        text += f"  - {{code: {code}, kind: lighting.never_off, title: t, for: 5m, source: s,"
        text += f" severity: notice{said}}}\n"
    rules = read_rule_set(text, "r.yaml", ZONE).rules
    return [Version(number, rule, 0, 10**9) for number, rule in enumerate(rules)]


def runs(times: Times, subject: int = 1) -> Runs:
    since, confirmed, until = np.array(times, np.int64).reshape(-1, 3).T
    behind = np.zeros(len(times), np.int8)
    return Runs(np.full(len(times), subject), since, confirmed, until, until - since, behind)


def kept(*found: Times, matters: Mapping[str, str | None] | None = None) -> list[list[int]]:
    """Begins of the runs that are kept, by rule."""
    of = versions(matters or {f"r{number}": "lamp" for number in range(len(found))})
    return [one.since.tolist() for one in speaking(of, [runs(times) for times in found])]


def test_whose_run_is_confirmed_first_speaks() -> None:
    assert kept([(0, 30, 100)], [(20, 80, 200)]) == [[0], []]
    assert kept([(20, 80, 200)], [(0, 30, 100)]) == [[], [0]]


def test_of_two_at_once_the_code_decides_and_not_their_order() -> None:
    both = [(0, 30, 100)]
    assert kept(both, both, matters={"b": "lamp", "a": "lamp"}) == [[], [0]]


def test_half_of_the_time_until_it_is_confirmed_must_be_spoken_for() -> None:
    assert kept([(0, 30, 50)], [(20, 80, 500)]) == [[0], []]
    assert kept([(0, 30, 49)], [(20, 80, 500)]) == [[0], [20]]
    # What goes on later does not matter: it was not known when the doubt opened.
    assert kept([(0, 30, 40), (85, 90, 500)], [(20, 80, 500)]) == [[0], [20]]


def test_what_is_left_out_speaks_for_nothing() -> None:
    # The second is the first's; the third has nothing but the second before it.
    found = kept([(0, 10, 60)], [(10, 70, 300)], [(60, 120, 400)])
    assert found == [[0], [], [60]]


def test_other_matters_other_subjects_and_none_stay() -> None:
    times = [(0, 30, 100)]
    assert kept(times, times, matters={"a": "lamp", "b": "heat"}) == [[0], [0]]
    assert kept(times, times, matters={"a": None, "b": None}) == [[0], [0]]
    of = versions({"a": "lamp", "b": "lamp"})
    apart = speaking(of, [runs(times, 1), runs(times, 2)])
    assert [len(one) for one in apart] == [1, 1]


def test_a_live_look_finds_what_a_look_back_does() -> None:
    """What is confirmed by a time does not depend on what is confirmed later."""
    rng = np.random.default_rng(4)
    for _ in range(50):
        found = [_random(rng) for _ in range(3)]
        back = kept(*found)
        for now in (100, 300, 600):
            live = kept(*([one for one in times if one[1] <= now] for times in found))
            confirmed = [{since for since, at, _ in times if at <= now} for times in found]
            seen = [
                [at for at in begins if at in by]
                for begins, by in zip(back, confirmed, strict=True)
            ]
            assert live == seen


def _random(rng: np.random.Generator) -> Times:
    cuts = sorted(rng.choice(800, 10, replace=False).tolist())
    pairs = zip(cuts[::2], cuts[1::2], strict=True)
    return [(a, a + 20, b) for a, b in pairs if b - a >= 20]
