from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.modbus import plan as planner
from collector.modbus.plan import Block, Learned, Span, lesson, plan, span_of, split
from collector.profile_model import Point, Profile, Range, Table, Type
from tests.unit.collector.modbus.profiles import point, profile, random_profiles


def spans(blocks: list[Block]) -> list[tuple[int, int]]:
    return [(block.span.first, block.span.end) for block in blocks]


def holding(first: int, end: int) -> Span:
    return Span(Table.HOLDING, first, end)


def assert_sound(blocks: list[Block], given: Profile, learned: Learned) -> None:
    """Every point exactly once, nothing forbidden touched, no block above the maximum."""
    wanted = sorted(p.name for p in given.points if span_of(p) not in learned.refused)
    assert sorted(p.name for block in blocks for p in block.points) == wanted
    for block in blocks:
        bits = block.span.table.holds_bits
        widest = max(p.size for p in block.points)
        limit = (
            min(given.max_bits, learned.max_bits)
            if bits
            else min(given.max_registers, learned.max_registers)
        )
        assert block.span.count <= max(limit, widest)
        assert block.span.end <= 65_536
        for p in block.points:
            assert p.table is block.span.table
            assert block.span.first <= p.address
            assert p.end <= block.span.end
        for banned in given.forbidden:
            assert not banned.meets(block.span.table, block.span.first, block.span.end)
        for hole in block.holes():
            assert not any(hole.meets(span) for span in learned.holes)


@given(random_profiles())
def test_every_point_is_read_exactly_once_and_nothing_forbidden(given: Profile) -> None:
    assert_sound(plan(given, given.points), given, Learned())


@given(random_profiles(), st.data())
def test_what_was_learned_is_kept_to(given: Profile, data: st.DataObject) -> None:
    blocks = plan(given, given.points)
    holes = [hole for block in blocks for hole in block.holes()]
    refused = [span_of(p) for p in given.points]
    learned = Learned(
        frozenset(data.draw(st.sets(st.sampled_from(holes)))) if holes else frozenset(),
        frozenset(data.draw(st.sets(st.sampled_from(refused), max_size=5))),
        max_registers=data.draw(st.integers(1, 125)),
        max_bits=data.draw(st.integers(1, 2000)),
    )
    assert_sound(plan(given, given.points, learned), given, learned)


def cheapest(points: list[Point], given: Profile) -> tuple[int, int]:
    """The optimum by trying every way to put points into blocks: (requests, registers)."""
    if not points:
        return 0, 0
    first, rest = points[0], points[1:]
    best = (10**9, 10**9)
    for size in range(len(rest) + 1):
        for others in combinations(rest, size):
            group = sorted([first, *others], key=lambda p: (p.address, -p.end))
            block = planner._block(group)
            if not allowed(block, given):
                continue
            left = [p for p in rest if p not in others]
            requests, registers = cheapest(left, given)
            best = min(best, (requests + 1, registers + block.span.count))
    return best


def allowed(block: Block, given: Profile) -> bool:
    if len({p.table for p in block.points}) > 1 or block.span.count > given.max_registers:
        return False
    return all(
        hole.count <= given.max_hole
        and not any(banned.meets(hole.table, hole.first, hole.end) for banned in given.forbidden)
        for hole in block.holes()
    )


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 24), st.sampled_from([Type.U16, Type.U32, Type.U64])),
        min_size=1,
        max_size=6,
    ),
    st.integers(4, 12),
    st.integers(0, 8),
    st.integers(0, 24),
)
def test_no_plan_is_cheaper(
    fields: list[tuple[int, Type]], max_registers: int, max_hole: int, banned: int
) -> None:
    points = [point(f"p{i}", address, kind) for i, (address, kind) in enumerate(fields)]
    forbidden = Range(table=Table.HOLDING, first=banned, last=banned)
    if any(forbidden.meets(p.table, p.address, p.end) for p in points):
        forbidden = Range(table=Table.INPUT, first=0, last=0)
    given_ = profile(*points, max_registers=max_registers, max_hole=max_hole, forbidden=[forbidden])
    blocks = plan(given_, points)
    cost = len(blocks), sum(block.span.count for block in blocks)
    assert cost == cheapest(points, given_)


def test_neighbours_are_merged_and_holes_bridged_up_to_the_limit() -> None:
    points = [point("a", 0, Type.U32), point("b", 2), point("c", 13), point("d", 25)]
    assert spans(plan(profile(*points, max_hole=10), points)) == [(0, 14), (25, 26)]


def test_tables_are_never_mixed() -> None:
    points = [point("a", 0), point("b", 1, table=Table.INPUT)]
    assert len(plan(profile(*points), points)) == 2


def test_a_forbidden_register_is_not_bridged() -> None:
    points = [point("a", 0), point("b", 2)]
    banned = [Range(table=Table.HOLDING, first=1, last=1)]
    assert spans(plan(profile(*points, forbidden=banned), points)) == [(0, 1), (2, 3)]


def test_case_13_a_device_that_answers_fewer_registers_is_never_asked_for_more() -> None:
    points = [point(f"p{i}", i) for i in range(100)]
    blocks = plan(profile(*points, max_registers=30), points)
    assert [block.span.count for block in blocks] == [30, 30, 30, 10]


def test_case_15_large_requests_are_cut_at_field_borders() -> None:
    points = [point(f"p{i}", 2 * i, Type.U32) for i in range(100)]
    blocks = plan(profile(*points, max_registers=125), points)
    assert spans(blocks) == [(0, 124), (124, 200)]


def test_case_15_the_last_address_is_reached_and_not_passed() -> None:
    points = [point("a", 65_400), point("b", 65_534, Type.U32)]
    blocks = plan(profile(*points, max_hole=125, max_registers=125), points)
    assert spans(blocks) == [(65_400, 65_401), (65_534, 65_536)]


def test_a_short_register_inside_a_long_one_does_not_shorten_the_block() -> None:
    points = [point("long", 10, Type.U64), point("short", 11), point("next", 14)]
    assert spans(plan(profile(*points, max_hole=0), points)) == [(10, 15)]


def test_requests_come_before_registers() -> None:
    # Greedy from the left would take a..c and leave d alone; either way two requests, but the
    # hole between b and c need not be read.
    points = [point("a", 0), point("b", 1), point("c", 8), point("d", 12)]
    blocks = plan(profile(*points, max_hole=8, max_registers=9), points)
    assert spans(blocks) == [(0, 2), (8, 13)]


def test_a_refused_block_is_split_at_its_holes_first() -> None:
    points = [point("a", 0), point("b", 2), point("c", 3)]
    (block,) = plan(profile(*points), points)
    assert spans(split(block)) == [(0, 1), (2, 4)]


def test_a_block_without_holes_is_halved_at_a_field_border() -> None:
    points = [point("a", 0, Type.U64), point("b", 4, Type.U32), point("c", 6)]
    (block,) = plan(profile(*points), points)
    assert spans(split(block)) == [(0, 4), (4, 7)]


def test_overlapping_fields_are_asked_one_by_one() -> None:
    points = [point("whole", 0, Type.U64), point("part", 1)]
    (block,) = plan(profile(*points), points)
    assert spans(split(block)) == [(0, 4), (1, 2)]


def test_bits_of_one_register_cannot_be_split() -> None:
    points = [point(f"b{i}", 5, Type.BIT, bit=i) for i in range(16)]
    (block,) = plan(profile(*points), points)
    assert split(block) == [block]


@given(random_profiles())
def test_splitting_ends_with_single_fields_and_loses_none(given: Profile) -> None:
    for block in plan(given, given.points):
        todo: list[Block] = [block]
        leaves: list[Block] = []
        while todo:
            pieces = split(todo.pop())
            (leaves if len(pieces) == 1 else todo).extend(pieces)
        names = sorted(p.name for leaf in leaves for p in leaf.points)
        assert names == sorted(p.name for p in block.points)
        assert all(len({span_of(p) for p in leaf.points}) == 1 for leaf in leaves)


def test_a_hole_is_blamed_when_its_sides_are_answered() -> None:
    points = [point("a", 0), point("b", 5)]
    (block,) = plan(profile(*points), points)
    assert lesson(block, split(block), Learned()) == Learned(holes=frozenset({holding(1, 5)}))


def test_the_size_is_blamed_when_there_is_no_hole() -> None:
    points = [point(f"p{i}", i) for i in range(10)]
    (block,) = plan(profile(*points), points)
    assert lesson(block, split(block), Learned()) == Learned(max_registers=5)


def test_holes_are_not_blamed_for_a_size_the_device_never_answers() -> None:
    points = [*(point(f"p{i}", i) for i in range(10)), point("z", 12)]
    (block,) = plan(profile(*points), points)
    assert lesson(block, split(block), Learned(max_registers=8)) == Learned()


def test_a_learned_hole_and_a_refused_field_are_left_out() -> None:
    points = [point("a", 0), point("b", 2), point("c", 4)]
    learned = Learned(frozenset({holding(1, 2)}), frozenset({holding(4, 5)}))
    assert spans(plan(profile(*points), points, learned)) == [(0, 1), (2, 3)]


def test_a_refused_field_is_not_read_as_a_hole_either() -> None:
    points = [point("a", 0), point("b", 1), point("c", 2)]
    learned = Learned(refused=frozenset({holding(1, 2)}))
    assert spans(plan(profile(*points), points, learned)) == [(0, 1), (2, 3)]


def test_nothing_left_to_read_is_an_empty_plan() -> None:
    points = [point("a", 0)]
    learned = Learned(refused=frozenset({holding(0, 1)}))
    assert plan(profile(*points), points, learned) == []
