"""The measurement of rules: how it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jieyong.evaluation.city.score import Curve, Doubt, Size, Tally, Told, curves, judged
from simulators.city.model import Case, Subject
from simulators.city.plan import By, Wanted

MINUTE = 60
NOBODY, OUTSIDE = "lighting.nobody", "lighting.outside_hours"
ALONE = {kind: frozenset({kind}) for kind in (NOBODY, OUTSIDE, "aircon.cooling")}
ALIKE = ALONE | dict.fromkeys((NOBODY, OUTSIDE), frozenset({NOBODY, OUTSIDE}))
Times = tuple[float, float]
"""Minutes."""


def subject(cases: Mapping[str, Sequence[Times]], *, told: bool = True) -> Subject:
    spans = {
        kind: [(int(a * MINUTE), int(b * MINUTE)) for a, b in times]
        for kind, times in cases.items()
    }
    made = tuple(
        Case(kind, a, b, {By.MINUTES: (b - a) / MINUTE}, told)
        for kind, found in spans.items()
        for a, b in found
    )
    return Subject("s", (), (), (), made, spans, (("nap", [(0, 100 * MINUTE)]),))


def doubt(begin: float, end: float, kind: str = NOBODY, confirmed: float = 30) -> Doubt:
    times = (begin, begin + confirmed, end)
    return Doubt("s", kind, kind, *(int(minute * MINUTE) for minute in times))


def told(tally: Tally) -> list[int | None]:
    return [None if one.delay_s is None else one.delay_s // MINUTE for one in tally.told]


def test_a_case_is_found_by_a_true_doubt_with_its_delay() -> None:
    tally = judged(subject({NOBODY: [(0, 60)]}), [doubt(2, 65)], ALONE)
    assert (told(tally), tally.false) == ([32], [])


def test_a_doubt_must_be_true_for_half_of_its_time_and_ten_minutes_or_all_of_it() -> None:
    where = subject({NOBODY: [(0, 60)]})
    assert told(judged(where, [doubt(30, 90)], ALONE)) == [60]
    tally = judged(where, [doubt(29, 92)], ALONE)
    assert (told(tally), len(tally.false)) == ([None], 1)
    short = judged(where, [doubt(51, 61, confirmed=5)], ALONE)
    assert len(short.false) == 1
    assert not judged(where, [doubt(51, 60, confirmed=5)], ALONE).false


def test_several_doubts_may_speak_of_one_case() -> None:
    tally = judged(subject({NOBODY: [(0, 200)]}), [doubt(0, 90), doubt(95, 200)], ALONE)
    (curve,) = curves(tally, [Wanted(NOBODY, By.MINUTES, (20,), 1)])
    assert [(s.found, s.doubts) for s in curve.sizes] == [(1, 2)]


def test_a_false_doubt_tells_what_it_looks_like() -> None:
    (one,) = judged(subject({}), [doubt(80, 120)], ALONE).false
    assert one.looks == ("nap",)
    (other,) = judged(subject({}), [doubt(110, 150)], ALONE).false
    assert other.looks == ()


def test_another_kind_does_not_find_it_unless_both_are_one_matter() -> None:
    where = subject({NOBODY: [(0, 60)]})
    apart = judged(where, [doubt(0, 60, OUTSIDE)], ALONE)
    assert (told(apart), len(apart.false)) == ([None], 1)
    together = judged(where, [doubt(0, 60, OUTSIDE)], ALIKE)
    assert (told(together), together.false) == ([30], [])
    assert together.told[0].otherwise


def test_cases_belong_to_the_largest_size_that_they_reach() -> None:
    where = subject({NOBODY: [(0, 19), (100, 120), (200, 239), (300, 340), (400, 700)]})
    found = [doubt(100, 120, confirmed=15), doubt(300, 340), doubt(400, 700)]
    (curve,) = curves(judged(where, found, ALONE), [Wanted(NOBODY, By.MINUTES, (20, 40), 1)])
    assert [(s.size, s.made, s.told, s.found) for s in curve.sizes] == [
        (20, 2, 2, 1),
        (40, 2, 2, 2),
    ]


def test_what_sensors_did_not_tell_is_neither_found_nor_missed() -> None:
    silent = judged(subject({NOBODY: [(0, 60)]}, told=False), [], ALONE)
    (curve,) = curves(silent, [Wanted(NOBODY, By.MINUTES, (20,), 1)])
    assert [(s.made, s.told, s.recall) for s in curve.sizes] == [(1, 0, None)]


def test_along_one_measure_only_what_is_clear_along_the_other_counts() -> None:
    cases = [
        Case("aircon.cooling", 0, 1, {By.DEGREES: degrees, By.MINUTES: minutes}, True)
        for degrees, minutes in ((0.6, 20.0), (0.6, 60.0), (2.0, 20.0))
    ]
    where = Subject("s", (), (), (), tuple(cases), {}, ())
    tally = judged(where, [], ALONE)
    by_degrees, by_minutes = curves(
        tally,
        [
            Wanted("aircon.cooling", By.DEGREES, (0.6, 2), 1),
            Wanted("aircon.cooling", By.MINUTES, (20, 60), 1),
        ],
    )
    assert [one.made for one in by_degrees.sizes] == [1, 0]
    assert [one.made for one in by_minutes.sizes] == [1, 0]


def size(at: float, told_: int, found: int) -> Size:
    return Size(at, told_, told_, found, 0, found, ())


def test_the_floor_is_where_everything_larger_is_found_too() -> None:
    good, bad, few = (100, 99), (100, 97), (19, 19)

    def floor(*counts: tuple[int, int], false: int = 0) -> float | None:
        sizes = tuple(size(at, *one) for at, one in enumerate(counts, 1))
        return Curve(NOBODY, By.MINUTES, sizes, false).floor

    assert floor(good, good) == 1
    assert floor(bad, good) == 2
    assert floor(good, bad) is None
    assert floor(few, good) == 2
    assert floor(good, few) is None
    assert floor(good, good, false=4) == 1
    assert floor(good, good, false=5) is None


def test_a_case_counts_along_the_measures_that_it_has() -> None:
    ahead, behind = (
        Case("terminal.clock", 0, 9_000, {by: 20.0}, told=True) for by in (By.AHEAD, By.BEHIND)
    )
    made = Tally(told=[Told("a", ahead, 60), Told("a", ahead, None), Told("b", behind, None)])
    wanted = [Wanted("terminal.clock", by, (5, 15), 1) for by in (By.AHEAD, By.BEHIND)]
    counted = [[(s.made, s.found) for s in one.sizes] for one in curves(made, wanted)]
    assert counted == [[(0, 0), (2, 1)], [(0, 0), (1, 0)]]
