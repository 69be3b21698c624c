from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from metering.tree import rings
from metering.tree.attribution import Attribution, Metered, Role, Scope
from metering.tree.holders import NOBODY, NOBODY_KNOWN, OUTSIDE, OUTSIDERS, Holder, sole
from metering.tree.timeline import EVER, NEVER, Span, Timeline, always

T = TypeVar("T")
FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(8)]
A, B, C = sole(1), sole(2), sole(3)
HALVES: Holder = ((1, Fraction(1, 2)), (2, Fraction(1, 2)))


def metered(direction: str = "in", *sources: int) -> Metered:
    return Metered(direction, EVER, NEVER, sources)


def counted(
    meters: Mapping[int, Metered], mains: Mapping[int, int], held: Mapping[int, Holder]
) -> set[tuple[int, int, int, Role]]:
    """(meter, holder, sign, role) of each scope."""
    attribution = Attribution(
        meters,
        {meter: always(main) for meter, main in mains.items()},
        {meter: always(holder) for meter, holder in held.items()},
    )
    return {(s.meter, s.holder, s.sign, s.role) for s in attribution.scopes()}


def test_a_sub_meter_of_the_same_holder_counts_within_its_main() -> None:
    meters = {1: metered(), 2: metered(), 3: metered()}
    assert counted(meters, {2: 1, 3: 2}, {1: A, 2: A, 3: A}) == {(1, 1, 1, Role.IN)}


def test_what_another_takes_is_added_there_and_taken_off_here() -> None:
    meters = {1: metered(), 2: metered(), 3: metered()}
    # B hangs below A; a part of what B passes on is A's again.
    assert counted(meters, {2: 1, 3: 2}, {1: A, 2: B, 3: A}) == {
        (1, 1, 1, Role.IN),
        (2, 2, 1, Role.IN),
        (2, 1, -1, Role.SUPPLIED),
        (3, 1, 1, Role.IN),
        (3, 2, -1, Role.SUPPLIED),
    }


def test_supply_to_outsiders_is_taken_off_once() -> None:
    meters = {1: metered(), 2: metered(), 3: metered("out")}
    outside = {(3, OUTSIDE, 1, Role.IN), (3, 1, -1, Role.SUPPLIED)}
    assert counted(meters, {2: 1, 3: 2}, {1: A, 2: A, 3: A}) == {(1, 1, 1, Role.IN)} | outside
    # An export register beside the main: no main of its own.
    assert counted(meters, {2: 1}, {1: A, 2: A, 3: A}) == {(1, 1, 1, Role.IN)} | outside


def test_what_is_generated_is_own_use_even_behind_a_main() -> None:
    meters = {1: metered(), 2: metered("generated")}
    expected = {(1, 1, 1, Role.IN), (2, 1, 1, Role.GENERATED)}
    assert counted(meters, {}, {1: A, 2: A}) == expected
    assert counted(meters, {2: 1}, {1: A, 2: A}) == expected


def test_excluded_space_is_taken_off_and_kept_apart() -> None:
    meters = {1: metered(), 2: metered()}
    assert counted(meters, {2: 1}, {1: A, 2: OUTSIDERS}) == {
        (1, 1, 1, Role.IN),
        (2, OUTSIDE, 1, Role.IN),
        (2, 1, -1, Role.SUPPLIED),
    }


def test_what_hangs_nowhere_belongs_to_its_main_or_to_nobody() -> None:
    meters = {1: metered(), 2: metered(), 3: metered()}
    assert counted(meters, {2: 1}, {1: A}) == {(1, 1, 1, Role.IN), (3, NOBODY, 1, Role.IN)}


def test_what_is_generated_and_hangs_nowhere_belongs_to_the_holder_of_its_main() -> None:
    meters = {1: metered(), 2: metered("generated")}
    assert counted(meters, {2: 1}, {1: A}) == {(1, 1, 1, Role.IN), (2, 1, 1, Role.GENERATED)}


def test_what_is_generated_below_sources_of_different_holders_is_not_lost() -> None:
    meters = {1: metered(), 2: metered(), 3: metered("in", 1, 2), 4: metered("generated")}
    found = counted(meters, {4: 3}, {1: A, 2: B})
    assert {one for one in found if one[0] == 4} == {(4, NOBODY, 1, Role.GENERATED)}


def test_a_virtual_main_stands_for_its_sources_whatever_its_direction() -> None:
    meters = {1: metered(), 2: metered("out", 1), 3: metered()}
    assert counted(meters, {3: 2}, {1: A, 3: B}) == {
        (1, 1, 1, Role.IN),
        (3, 2, 1, Role.IN),
        (3, 1, -1, Role.SUPPLIED),
    }


def test_a_virtual_main_is_none_when_its_sources_are_gone() -> None:
    meters = {1: Metered("in", EVER, DAYS[4]), 2: metered("in", 1), 3: metered()}
    scopes = list(Attribution(meters, {3: always(2)}, {1: always(A), 3: always(A)}).scopes())
    assert {(s.meter, s.sign, s.begin, s.end) for s in scopes} == {
        (1, 1, EVER, DAYS[4]),
        (3, 1, DAYS[4], NEVER),
    }


def test_a_virtual_main_stands_for_those_of_its_sources_that_there_are() -> None:
    meters = {1: Metered("in", EVER, DAYS[4]), 2: metered(), 3: metered("in", 1, 2), 4: metered()}
    attribution = Attribution(meters, {4: always(3)}, {1: always(A), 2: always(B), 4: always(B)})
    assert [s.meter for s in attribution.scopes()] == [1, 2]
    assert attribution.above(4) == always(3)
    assert attribution.place(3) == (Span(EVER, DAYS[4], ()), Span(DAYS[4], NEVER, B))


def test_a_virtual_main_stands_for_its_sources() -> None:
    meters = {1: metered(), 2: metered(), 3: metered("in", 1, 2), 4: metered(), 5: metered()}
    held = {1: A, 2: A, 4: A, 5: B}
    assert counted(meters, {4: 3, 5: 3}, held) == {
        (1, 1, 1, Role.IN),
        (2, 1, 1, Role.IN),
        (5, 2, 1, Role.IN),
        (5, 1, -1, Role.SUPPLIED),
    }


def test_below_sources_of_different_holders_nothing_is_counted_again() -> None:
    meters = {1: metered(), 2: metered(), 3: metered("in", 1, 2), 4: metered()}
    attribution = Attribution(meters, {4: always(3)}, {1: always(A), 2: always(B), 4: always(C)})
    assert {(s.meter, s.holder) for s in attribution.scopes()} == {(1, 1), (2, 2)}
    assert attribution.mixed == {(4, 3)}


def test_shares_make_the_whole() -> None:
    attribution = Attribution({1: metered()}, {}, {1: always(HALVES)})
    assert [(s.holder, s.parts, s.whole) for s in attribution.scopes()] == [(1, 1, 2), (2, 1, 2)]


def test_a_move_divides_the_days() -> None:
    held = {1: (Span(EVER, DAYS[3], A), Span(DAYS[3], NEVER, B))}
    scopes = list(Attribution({1: metered()}, {}, held).scopes())
    assert [(s.holder, s.begin, s.end) for s in scopes] == [
        (1, EVER, DAYS[3]),
        (2, DAYS[3], NEVER),
    ]


def test_when_the_main_is_gone_its_sub_meter_stands_for_itself() -> None:
    meters = {1: Metered("in", EVER, DAYS[4]), 2: metered()}
    held = {1: always(A), 2: always(A)}
    scopes = list(Attribution(meters, {2: always(1)}, held).scopes())
    assert {(s.meter, s.begin, s.end) for s in scopes} == {
        (1, EVER, DAYS[4]),
        (2, DAYS[4], NEVER),
    }


@dataclass(frozen=True)
class World:
    meters: Mapping[int, Metered]
    mains: Mapping[int, Timeline[int]]
    held: Mapping[int, Timeline[Holder]]


@st.composite
def spans(draw: st.DrawFn, values: st.SearchStrategy[T | None]) -> Timeline[T]:
    cuts = [EVER, *sorted(draw(st.sets(st.sampled_from(DAYS), max_size=2))), NEVER]
    drawn = [(a, b, draw(values)) for a, b in itertools.pairwise(cuts)]
    return tuple(Span(a, b, value) for a, b, value in drawn if value is not None)


HOLDERS = st.sampled_from([A, B, C, HALVES, OUTSIDERS, None])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Forests whose links, holders and validities change with time."""
    size = draw(st.integers(1, 7))
    meters, mains, held = {}, {}, {}
    for meter in range(size):
        begin, end = sorted(draw(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))))
        direction = draw(st.sampled_from(["in", "in", "in", "out", "generated"]))
        meters[meter] = Metered(direction, begin, end)
        above = st.none() | st.integers(0, meter - 1) if meter else st.none()
        mains[meter] = draw(spans(above))
        held[meter] = draw(spans(HOLDERS))
    return World(meters, mains, held)


def on(line: Timeline[T], day: date) -> T | None:
    return next((span.value for span in line if span.begin <= day < span.end), None)


def expected(world: World, day: date, used: Mapping[int, int]) -> dict[int, Fraction]:
    """What each holder has on a day, by another road: every meter's own rest goes to its holder.

    The rest of a meter is what it measured less what the meters right below it did.
    """
    alive = {m for m, metered in world.meters.items() if metered.begin <= day < metered.end}
    main = {m: p if (p := on(world.mains[m], day)) in alive else None for m in alive}
    held: dict[int, Holder] = {}
    for meter in sorted(alive):
        own = on(world.held[meter], day)
        above = main[meter]
        if own is None and above is not None:
            own = held[above] if world.meters[above].direction != "out" else OUTSIDERS
        held[meter] = own or NOBODY_KNOWN
    rest: dict[int, Fraction] = {m: Fraction(used[m]) for m in alive}
    sums: dict[int, Fraction] = defaultdict(Fraction)
    for meter in alive:
        above = main[meter]
        if world.meters[meter].direction == "generated":
            continue
        if above is not None:
            rest[above] -= used[meter]
        elif world.meters[meter].direction == "out":
            _give(sums, held[meter], Fraction(-used[meter]))
    for meter in alive:
        outside = world.meters[meter].direction == "out"
        _give(sums, OUTSIDERS if outside else held[meter], rest[meter])
    return {holder: amount for holder, amount in sums.items() if amount}


def _give(sums: dict[int, Fraction], holder: Holder, amount: Fraction) -> None:
    for id_, share in holder:
        sums[id_] += amount * share


@given(worlds(), st.lists(st.integers(0, 1_000), min_size=7, max_size=7))
def test_every_holder_has_what_is_left_of_its_meters_on_every_day(
    world: World, figures: list[int]
) -> None:
    used = dict(enumerate(figures))
    scopes = list(Attribution(world.meters, world.mains, world.held).scopes())
    for day in DAYS:
        got: dict[int, Fraction] = defaultdict(Fraction)
        for s in scopes:
            if s.begin <= day < s.end:
                got[s.holder] += s.sign * Fraction(used[s.meter] * s.parts, s.whole)
        assert {h: a for h, a in got.items() if a} == expected(world, day, used)
        assert sum(got.values()) == _top(world, day, used)


def _top(world: World, day: date, used: Mapping[int, int]) -> int:
    """What entered: all that hang below nobody and did not go out, and all that was generated."""
    alive = {m for m, metered in world.meters.items() if metered.begin <= day < metered.end}
    tops = {m for m in alive if world.meters[m].direction == "generated"}
    for meter in alive:
        main = on(world.mains[meter], day)
        if world.meters[meter].direction == "in" and (main is None or main not in alive):
            tops.add(meter)
    return sum(used[meter] for meter in tops)


@given(worlds())
def test_no_meter_is_added_or_taken_off_twice_on_a_day(world: World) -> None:
    shares: dict[tuple[int, int], list[Scope]] = defaultdict(list)
    for scope in Attribution(world.meters, world.mains, world.held).scopes():
        shares[scope.meter, scope.sign].append(scope)
    for same in shares.values():
        for day in DAYS:
            holding = [s for s in same if s.begin <= day < s.end]
            assert sum(Fraction(s.parts, s.whole) for s in holding) in {0, 1}
            assert len({s.holder for s in holding}) == len(holding)


EDGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8)


@given(EDGES, EDGES)
def test_what_is_left_of_mains_has_no_ring(
    mains: list[tuple[int, int]], made: list[tuple[int, int]]
) -> None:
    lines = {meter: always(main) for meter, main in mains if meter != main}
    sources = {meter + 6: {other} for meter, other in made}  # virtual ones over physical ones
    lines |= {other: always(meter + 6) for meter, other in made if other % 2}
    left, ringed = rings.cut(lines, sources)
    ways = {m: {s.value for s in line} for m, line in left.items()}
    for meter, others in sources.items():
        ways.setdefault(meter, set()).update(others)
    for start in ways:
        assert start not in _reached(start, ways)
    assert {m for m, line in lines.items() if left[m] != line} <= ringed


def _reached(start: int, ways: Mapping[int, set[int]]) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        new = ways.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def test_a_ring_is_cut_for_its_days_and_no_others() -> None:
    lines = {1: always(2), 2: (Span(DAYS[2], DAYS[5], 1),), 3: always(1)}
    left, ringed = rings.cut(lines, {})
    assert left == {
        1: (Span(EVER, DAYS[2], 2), Span(DAYS[5], NEVER, 2)),
        2: (),
        3: always(1),
    }
    assert ringed == {1, 2}
