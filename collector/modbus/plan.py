"""The read planner: which blocks to ask a device for. Pure.

A block is one request. The plan covers every field exactly once with the fewest requests and, among
those, the fewest registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from collector.profile_model import MAX_BITS, MAX_REGISTERS, Point, Profile, Range, Table

HOLE_FACTOR: Final = 16
"""Bits of a bit table that weigh like one register when a hole is bridged."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Addresses ``first`` to ``end - 1`` of one table."""

    table: Table
    first: int
    end: int

    @property
    def count(self) -> int:
        """How many addresses."""
        return self.end - self.first

    def __str__(self) -> str:
        return f"{self.table} {self.first:#06x}..{self.end - 1:#06x}"

    def meets(self, other: Span) -> bool:
        """Whether the two share an address."""
        return self.table is other.table and self.first < other.end and other.first < self.end


@dataclass(frozen=True, slots=True)
class Block:
    """One request and the points its reply holds, in the order of their addresses."""

    span: Span
    points: tuple[Point, ...]

    def holes(self) -> tuple[Span, ...]:
        """Addresses read only to bridge two points."""
        runs = [_cover(run) for run in _runs(self.points)]
        return tuple(Span(self.span.table, left.end, right.first) for left, right in pairwise(runs))


@dataclass(frozen=True, slots=True)
class Learned:
    """What a device refused although its profile allows it.

    Attributes:
        holes: spans between points that must not be bridged.
        refused: spans of single points the device does not answer.
        max_registers: most registers it answers in one request.
        max_bits: most coils or discrete inputs it answers in one request.
    """

    holes: frozenset[Span] = frozenset()
    refused: frozenset[Span] = frozenset()
    max_registers: int = MAX_REGISTERS
    max_bits: int = MAX_BITS

    def __or__(self, other: Learned) -> Learned:
        """Return what both know."""
        return Learned(
            self.holes | other.holes,
            self.refused | other.refused,
            min(self.max_registers, other.max_registers),
            min(self.max_bits, other.max_bits),
        )


NOTHING: Final = Learned()


def span_of(point: Point) -> Span:
    """Return the addresses of a point."""
    return Span(point.table, point.address, point.end)


def plan(profile: Profile, points: Sequence[Point], learned: Learned = NOTHING) -> list[Block]:
    """Return the blocks that read ``points``, which may overlap.

    Points whose span the device refused are left out. A block never touches a forbidden range or a
    learned hole, and never holds more than the device answers at once; a field is never cut.
    """
    wanted = [point for point in points if span_of(point) not in learned.refused]
    ordered = sorted(wanted, key=lambda p: (list(Table).index(p.table), p.address, -p.end, p.name))
    rules = _Rules.of(profile, learned)
    return [
        block
        for _, of_table in groupby(ordered, key=lambda p: p.table)
        for block in _partition(list(of_table), rules)
    ]


def split(block: Block) -> list[Block]:
    """Return smaller blocks for one the device refused; itself when it cannot be split.

    First at its holes, for one of them may be the cause; a block without holes is halved at a field
    border, which finds a single bad field, or the most the device answers, in few requests.
    """
    runs = _runs(block.points)
    if len(runs) > 1:
        return [_block(run) for run in runs]
    middle = (block.span.first + block.span.end) / 2
    cuts = range(1, len(block.points))
    for at in sorted(cuts, key=lambda at: abs(block.points[at].address - middle)):
        halves = [_block(block.points[:at]), _block(block.points[at:])]
        if all(half.span != block.span for half in halves):
            return halves
    # A field as wide as the block overlaps the others: ask for each on its own.
    fields: dict[Span, list[Point]] = {}
    for point in block.points:
        fields.setdefault(span_of(point), []).append(point)
    return [_block(points) for points in fields.values()]


def lesson(block: Block, pieces: Sequence[Block], known: Learned) -> Learned:
    """Return what follows from a refused block whose pieces were all answered.

    Either a hole must not be read or there were too many addresses at once. Holes are blamed when
    there are any, unless the block exceeds the size the device is known to answer.
    """
    bits = block.span.table.holds_bits
    holes = block.holes()
    if holes and block.span.count <= (known.max_bits if bits else known.max_registers):
        return Learned(holes=frozenset(holes))
    if holes:
        return NOTHING
    most = max(piece.span.count for piece in pieces)
    return Learned(max_bits=most) if bits else Learned(max_registers=most)


@dataclass(frozen=True, slots=True)
class _Rules:
    """When two neighbours may share a request."""

    limits: dict[Table, int]
    max_hole: int
    forbidden: tuple[Range, ...]
    refused: frozenset[Span]

    @classmethod
    def of(cls, profile: Profile, learned: Learned) -> _Rules:
        bits = min(profile.max_bits, learned.max_bits)
        registers = min(profile.max_registers, learned.max_registers)
        limits = {table: bits if table.holds_bits else registers for table in Table}
        return cls(limits, profile.max_hole, profile.forbidden, learned.holes | learned.refused)

    def bridges(self, hole: Span) -> bool:
        """Whether the unread addresses of a hole may be read."""
        widest = self.max_hole * (HOLE_FACTOR if hole.table.holds_bits else 1)
        if hole.count > widest:
            return False
        if any(banned.meets(hole.table, hole.first, hole.end) for banned in self.forbidden):
            return False
        return not any(hole.meets(span) for span in self.refused)


def _partition(points: list[Point], rules: _Rules) -> list[Block]:
    """Cut points, sorted by address, into the cheapest sequence of blocks.

    Cutting the sorted sequence is enough: where a wide field closes a block and narrow ones behind
    it lie inside that field, they can go with it and cost nothing.

    ``best[i]`` is the cost of the points from i on, as (requests, registers), and the negative
    index behind the first block of them: between equals, the longer first block.
    """
    best: list[tuple[int, int, int]] = [(0, 0, 0)] * (len(points) + 1)
    for start in range(len(points) - 1, -1, -1):
        best[start] = min(
            (best[stop][0] + 1, best[stop][1] + count, -stop)
            for stop, count in _stops(points, start, rules)
        )
    blocks: list[Block] = []
    start = 0
    while start < len(points):
        stop = -best[start][2]
        blocks.append(_block(points[start:stop]))
        start = stop
    return blocks


def _stops(points: list[Point], start: int, rules: _Rules) -> Iterator[tuple[int, int]]:
    """Yield (index behind, addresses read) of every block that may begin with a point."""
    head = points[start]
    end = head.end
    yield start + 1, head.size
    for index in range(start + 1, len(points)):
        point = points[index]
        if point.address > end and not rules.bridges(Span(point.table, end, point.address)):
            return
        end = max(end, point.end)
        if end - head.address > rules.limits[head.table]:
            return
        yield index + 1, end - head.address


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """Cut points, sorted by address, where a hole lies between them."""
    runs: list[list[Point]] = []
    end = -1
    for point in points:
        if point.address > end or not runs:
            runs.append([])
        runs[-1].append(point)
        end = max(end, point.end)
    return runs


def _cover(points: Sequence[Point]) -> Span:
    return Span(points[0].table, points[0].address, max(point.end for point in points))


def _block(points: Sequence[Point]) -> Block:
    return Block(_cover(points), tuple(points))
