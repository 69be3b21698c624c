"""One device as the poller sees it: what to ask, and how to read the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector.modbus import frame, plan
from collector.modbus.decode import Layout
from collector.modbus.frame import Request
from collector.modbus.learned import Memory
from collector.modbus.plan import Block, Learned
from collector.modbus.rows import Codec
from collector.modbus.stats import DeviceStats
from collector.profile_model import Point, Profile
from registry.snapshot import DeviceEntry


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One request of a poll."""

    block: Block
    request: Request
    codec: Codec


class Plans:
    """What devices of the same profile share: made once, not once for each of thousands."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, int, tuple[str, ...], Learned], tuple[Block, ...]] = {}
        self._layouts: dict[tuple[str, int, plan.Span, tuple[str, ...]], Layout] = {}
        self._requests: dict[tuple[int, plan.Span], Request] = {}

    def blocks(
        self, profile: Profile, points: Sequence[Point], learned: Learned
    ) -> tuple[Block, ...]:
        """Return the blocks that read some points of a profile."""
        key = profile.code, profile.version, tuple(point.name for point in points), learned
        if key not in self._blocks:
            self._blocks[key] = tuple(plan.plan(profile, points, learned))
        return self._blocks[key]

    def layout(self, profile: Profile, block: Block) -> Layout:
        """Return the layout of a block of a profile."""
        names = tuple(point.name for point in block.points)
        key = profile.code, profile.version, block.span, names
        if key not in self._layouts:
            self._layouts[key] = Layout(block)
        return self._layouts[key]

    def request(self, unit: int, span: plan.Span) -> Request:
        """Return the request for a span of a unit."""
        if (unit, span) not in self._requests:
            self._requests[unit, span] = frame.build(unit, span)
        return self._requests[unit, span]


class Device:
    """A device, its plan, and what it refused.

    Args:
        entry: from the registry.
        profile: its register map.
        plans: shared by all devices.
        memory: what devices refused before.
        stats: its counters.
    """

    def __init__(
        self,
        entry: DeviceEntry,
        profile: Profile,
        *,
        plans: Plans,
        memory: Memory,
        stats: DeviceStats,
    ) -> None:
        self.entry = entry
        self.stats = stats
        self.timeout_s = entry.timeout_ms / 1000
        self._profile = profile
        self._plans = plans
        self._memory = memory
        self._points = tuple(point for point in profile.points if point.name in entry.points)
        self._steps: list[Step] = []
        self._planned_us = 0
        self._replan_us: int | None = 0

    def steps(self, now_us: int) -> list[Step]:
        """Return the requests of one poll, planned again when what was learned has run out.

        And when the clock was set back: what was learned by the false time may not hold.
        """
        if self._replan_us is not None and not self._planned_us <= now_us < self._replan_us:
            self._planned_us = now_us
            learned, self._replan_us = self._memory.recall(self.entry.code, self._profile, now_us)
            blocks = self._plans.blocks(self._profile, self._points, learned)
            self._steps = [self.step(block) for block in blocks]
        return self._steps

    def step(self, block: Block) -> Step:
        """Return the request for a block."""
        layout = self._plans.layout(self._profile, block)
        ids = [self.entry.points[point.name] for point in layout.points]
        request = self._plans.request(self.entry.unit, block.span)
        return Step(block, request, Codec(layout, ids, self.entry.profile_id, self.stats))

    def begin_with(self, step: Step) -> None:
        """Let the next poll begin with a step, so that a mute block does not hide the others."""
        if step in self._steps:
            at = self._steps.index(step)
            self._steps = self._steps[at:] + self._steps[:at]

    def learn(self, lesson: Learned, now_us: int) -> None:
        """Remember what the device refused; the next poll is planned with it."""
        self._memory.learn(self.entry.code, self._profile, lesson, now_us)
        self._replan_us = 0
