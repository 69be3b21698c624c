"""Any tree with any dated tags: what is inherited at a moment is what climbing the tree finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.tag_words import KINDS
from registry.tags import DatedTag, statement, tags_at
from tests.integration.registry.imports import START, Conn

DAYS = 12
WORDS = ("x-a", "x-b")
Days = tuple[int | None, int | None]
Node = tuple[str, int]


def at(day: int | None) -> datetime | None:
    return None if day is None else START + timedelta(days=day)


@dataclass(frozen=True)
class Tag:
    """A row of the table; ``stands``: it was not withdrawn."""

    node: Node
    tag: str
    days: Days
    entered: bool
    stands: bool


@dataclass(frozen=True)
class World:
    """Numbers from 1; ``rooms``: of each place who it was in when."""

    building_of: tuple[int, ...]
    room_of: tuple[int, ...]
    vehicle_of: tuple[int, ...]
    rooms: tuple[tuple[tuple[int, Days], ...], ...]
    tags: tuple[Tag, ...]

    def nodes(self) -> Iterator[Node]:
        counts = (2, len(self.building_of), len(self.room_of), len(self.rooms))
        for kind, count in zip(KINDS, (*counts, len(self.vehicle_of)), strict=True):
            yield from ((kind, number) for number in range(1, count + 1))

    def above(self, node: Node, day: int) -> set[Node]:
        """The thing and all that stands above it on a day."""
        kind, number = node
        if kind == "place":
            ups = [("room", room) for room, days in self.rooms[number - 1] if _in(day, days)]
        else:
            owners = {
                "room": ("building", self.room_of),
                "building": ("institution", self.building_of),
                "vehicle": ("institution", self.vehicle_of),
            }
            up, of = owners.get(kind, ("", ()))
            ups = [(up, of[number - 1])] if up else []
        return {node}.union(*(self.above(one, day) for one in ups))


def _in(day: int, days: Days) -> bool:
    since, until = days
    return (since is None or since <= day) and (until is None or day < until)


@st.composite
def spans(draw: st.DrawFn) -> Days:
    since, until = sorted(draw(st.sets(st.integers(0, DAYS), min_size=2, max_size=2)))
    return draw(st.sampled_from([(since, until), (None, until), (since, None), (None, None)]))


@st.composite
def stays(draw: st.DrawFn) -> tuple[tuple[int, Days], ...]:
    """Rooms one after the other, with or without a pause; perhaps none."""
    edges: list[int | None] = [*sorted(draw(st.sets(st.integers(0, DAYS), max_size=3)))]
    bounds = [*draw(st.sampled_from([[], [None]])), *edges, *draw(st.sampled_from([[], [None]]))]
    parts = [pair for pair in pairwise(bounds) if draw(st.booleans())]
    return tuple((draw(st.integers(1, 3)), part) for part in parts)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    institution, building = st.integers(1, 2), st.integers(1, 2)
    bare = World(
        building_of=draw(st.tuples(institution, institution)),
        room_of=draw(st.tuples(building, building, building)),
        vehicle_of=draw(st.tuples(institution, institution)),
        rooms=draw(st.tuples(stays(), stays(), stays())),
        tags=(),
    )
    nodes = st.sampled_from(list(bare.nodes()))
    tag = st.builds(Tag, nodes, st.sampled_from(WORDS), spans(), st.booleans(), st.booleans())
    tags = draw(st.lists(tag, max_size=8))
    return World(bare.building_of, bare.room_of, bare.vehicle_of, bare.rooms, tuple(tags))


def fill(conn: Conn, world: World) -> list[Tag]:
    """Write a world whose numbers are the ids; return the tags that it took."""
    conn.execute("TRUNCATE institution, place RESTART IDENTITY CASCADE")
    for number in (1, 2):
        conn.execute("INSERT INTO institution (code, name) VALUES (%s, '')", [f"{number}"])
    for number, owner in enumerate(world.building_of, 1):
        query = "INSERT INTO building (code, name, institution_id) VALUES (%s, '', %s)"
        conn.execute(query, [f"{number}", owner])
    for number, owner in enumerate(world.room_of, 1):
        query = "INSERT INTO room (code, name, building_id) VALUES (%s, '', %s)"
        conn.execute(query, [f"{number}", owner])
    for number, owner in enumerate(world.vehicle_of, 1):
        query = (
            "INSERT INTO vehicle (code, plate, institution_id, energy) VALUES (%s, %s, %s, 'gas')"
        )
        conn.execute(query, [f"{number}", f"{number}", owner])
    for number, stay in enumerate(world.rooms, 1):
        conn.execute(
            "INSERT INTO place (code, name, measures) VALUES (%s, '', 'gas')", [f"{number}"]
        )
        for room, days in stay:
            query = "INSERT INTO place_room VALUES (%s, %s, tstzrange(%s, %s))"
            conn.execute(query, [number, room, *map(at, days)])
    return [tag for tag in world.tags if write(conn, tag)]


def write(conn: Conn, tag: Tag) -> bool:
    entered = ("x", "x", START) if tag.entered else (None, None, None)
    withdrawn = ("x", START) if tag.entered and not tag.stands else (None, None)
    values = [*tag.node, tag.tag, *map(at, tag.days), *entered, *withdrawn]
    try:
        conn.execute(
            "INSERT INTO tag (kind, subject_id, tag, valid, reason, entered_by, entered_at,"
            " withdrawn_by, withdrawn_at)"
            " VALUES (%s, %s, %s, tstzrange(%s, %s), %s, %s, %s, %s, %s)",
            values,
        )
    except psycopg.errors.ExclusionViolation:
        return False  # the same word at the same time: the table knows one
    return True


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds())
def test_inherited_tags_are_those_found_by_climbing(conn: Conn, world: World) -> None:
    tags = [tag for tag in fill(conn, world) if tag.stands or not tag.entered]
    for day in range(-1, DAYS + 2):
        moment = START + timedelta(days=day)
        for kind in KINDS:
            numbers = [number for of, number in world.nodes() if of == kind]
            found = tags_at(conn, kind, numbers, moment, moment)
            for number in numbers:
                above = world.above((kind, number), day)
                expected = [(*t.node, t.tag) for t in tags if t.node in above and _in(day, t.days)]
                shown = [(t.kind, int(t.code), t.tag) for t in found.get(number, ())]
                assert sorted(shown) == sorted(expected)
                assert all(one.holds(moment) for one in found.get(number, ()))


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds(), first=st.integers(0, DAYS - 1), length=st.integers(1, DAYS))
def test_a_window_has_exactly_the_tags_of_its_moments(
    conn: Conn, world: World, first: int, length: int
) -> None:
    fill(conn, world)
    since, until = START + timedelta(days=first), START + timedelta(days=first + length)
    for kind in KINDS:
        numbers = [number for of, number in world.nodes() if of == kind]
        window = tags_at(conn, kind, numbers, since, until)
        everything = tags_at(conn, kind, numbers, START - timedelta(99), START + timedelta(99))
        moments = set[tuple[int, DatedTag]]()
        for day in range(first, first + length):
            moment = START + timedelta(days=day)
            found = tags_at(conn, kind, numbers, moment, moment)
            moments |= {(number, tag) for number, its in found.items() for tag in its}
        assert {(number, tag) for number, its in window.items() for tag in its} == moments
        assert all(tag in everything[number] for number, tag in moments)


def test_tags_are_looked_up_by_key_however_many_there_are(conn: Conn) -> None:
    """Never analysed, as after a first import: the planner has to guess."""
    for statement_ in (
        "INSERT INTO institution (code, name) SELECT n, '' FROM generate_series(1, 50) n",
        (
            "INSERT INTO building (code, name, institution_id)"
            " SELECT n, '', n FROM generate_series(1, 50) n"
        ),
        (
            "INSERT INTO room (code, name, building_id)"
            " SELECT n, '', 1 + n % 50 FROM generate_series(1, 2000) n"
        ),
        (
            "INSERT INTO place (code, name, measures)"
            " SELECT n, '', 'gas' FROM generate_series(1, 5000) n"
        ),
        "INSERT INTO place_room SELECT n, 1 + n % 2000, '(,)' FROM generate_series(1, 5000) n",
        (
            "INSERT INTO tag (kind, subject_id, tag, valid)"
            " SELECT 'room', n, 'x-a', '(,)' FROM generate_series(1, 2000) n"
        ),
        (
            "INSERT INTO tag (kind, subject_id, tag, valid)"
            " SELECT 'institution', n, 'x-b', '(,)' FROM generate_series(1, 50) n"
        ),
    ):
        conn.execute(statement_)
    everyone = list(range(1, 5001))
    assert sum(map(len, tags_at(conn, "place", everyone, START, START).values())) == 10_000
    # Three places in three rooms of three buildings of three institutions; then all there are.
    assert lookups(conn, [7, 8, 9]) == 12
    assert lookups(conn, everyone) == 5000 + 2000 + 50 + 50


def lookups(conn: Conn, ids: list[int]) -> int:
    """How often the plan looks into the tag table; by key alone."""
    values = {"kind": "place", "ids": ids, "since": START, "until": START, "bounds": "[]"}
    query = b"EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) " + statement("place").encode()
    row = conn.execute(query, values, prepare=False).fetchone()
    assert row is not None
    left, loops = [row[0][0]["Plan"]], 0
    while left:
        node = left.pop()
        left += node.get("Plans", ())
        if node.get("Relation Name") == "tag":
            assert node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
            loops += node["Actual Loops"]
    return loops
