from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest

from collector.intake import Refused
from collector.mqtt.decode import PositionDecoder
from collector.mqtt.gather import Gatherer
from storage.records import Batch
from tests.processes import until

TOPIC = "v1/T/position"
GOOD = b'{"ts":"2026-11-22T04:00:00Z","lat":30,"lon":104}'
NOW_US = 1_795_320_000_000_000

Accept = Callable[[Sequence[Batch]], Coroutine[None, None, None]]


class Line:
    """A connection that remembers what was asked of it."""

    def __init__(self) -> None:
        self.is_open = True
        self.acknowledged: list[int] = []
        self.paused = False

    def acknowledge(self, mids: Sequence[int]) -> None:
        self.acknowledged += mids

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


def make(accept: Accept, line: Line, bound: int = 100) -> Gatherer:
    decoder = PositionDecoder("v1/+/position", {"T": 1}, 1000)
    gatherer = Gatherer(decoder, accept, lambda: NOW_US, flush_s=0.0, bound=bound)
    gatherer.attach(line)
    return gatherer


async def test_nothing_is_acknowledged_before_it_is_on_disk() -> None:
    line, on_disk = Line(), asyncio.Event()

    async def accept(_: Sequence[Batch]) -> None:
        await on_disk.wait()

    gatherer = make(accept, line)
    gatherer.deliver(TOPIC, GOOD, 5)
    gatherer.deliver(TOPIC, b"bad", 6)
    gatherer.deliver(TOPIC, GOOD, 0)
    flushing = asyncio.create_task(gatherer.flush())
    await asyncio.sleep(0.01)
    assert line.acknowledged == []

    on_disk.set()
    await flushing
    assert line.acknowledged == [5, 6], "bad ones too: they are in quarantine"
    stats = gatherer.stats
    assert (stats.received, stats.spooled, stats.acknowledged) == (3, 3, 2)
    assert stats.unacknowledgeable == 1


@pytest.mark.parametrize("error", [Refused("bound", 1, "full"), KeyError("a bug")])
async def test_what_cannot_be_kept_now_is_held_and_offered_again(error: Exception) -> None:
    line, errors, offered = Line(), [error, error], []

    async def accept(batches: Sequence[Batch]) -> None:
        offered.append(batches)
        if errors:
            raise errors.pop()

    gatherer = make(accept, line)
    gatherer.deliver(TOPIC, GOOD, 1)
    flushing = asyncio.create_task(gatherer.flush())
    await until(lambda: gatherer.stats.holding == 1, "it is held")
    assert line.acknowledged == []
    await flushing
    assert line.acknowledged == [1]
    assert offered[0] == offered[1] == offered[2]
    assert (gatherer.stats.holding, gatherer.stats.held) == (0, 1)


async def test_acknowledgements_of_a_lost_connection_go_nowhere() -> None:
    line, on_disk = Line(), asyncio.Event()

    async def accept(_: Sequence[Batch]) -> None:
        await on_disk.wait()

    gatherer = make(accept, line)
    gatherer.deliver(TOPIC, GOOD, 1)
    flushing = asyncio.create_task(gatherer.flush())
    await asyncio.sleep(0)
    line.is_open = False
    on_disk.set()
    await flushing

    assert line.acknowledged == []
    assert (gatherer.stats.orphaned, gatherer.stats.acknowledged) == (1, 0)
    other = Line()
    gatherer.attach(other)
    gatherer.deliver(TOPIC, GOOD, 1)
    await gatherer.flush()
    assert (line.acknowledged, other.acknowledged) == ([], [1])


async def test_a_connection_is_not_attached_over_messages_of_another() -> None:
    gatherer = make(_nothing, Line())
    gatherer.deliver(TOPIC, GOOD, 1)
    with pytest.raises(RuntimeError, match="still in hand"):
        gatherer.attach(Line())


async def test_reading_stops_at_the_bound_and_goes_on_after() -> None:
    line = Line()
    gatherer = make(_nothing, line, bound=3)
    paused = []
    for mid in (1, 2, 3):
        gatherer.deliver(TOPIC, GOOD, mid)
        paused.append(line.paused)
    await gatherer.flush()
    paused.append(line.paused)
    assert paused == [False, False, True, False]


async def test_reading_stops_at_few_large_messages_too() -> None:
    line = Line()
    gatherer = make(_nothing, line)
    paused = []
    for mid in (1, 2, 3):
        gatherer.deliver(TOPIC, bytes(6 * 1024 * 1024), mid)
        paused.append(line.paused)
    await gatherer.flush()
    paused.append(line.paused)
    gatherer.deliver(TOPIC, GOOD, 4)
    paused.append(line.paused)
    assert paused == [False, False, True, False, False]


async def test_what_arrives_during_a_flush_is_flushed_next_and_in_order() -> None:
    line, seen, gate = Line(), [], asyncio.Event()

    async def accept(batches: Sequence[Batch]) -> None:
        seen.append(sum(batch.rows for batch in batches))
        await gate.wait()

    gatherer = make(accept, line)
    running = asyncio.create_task(gatherer.run())
    gatherer.deliver(TOPIC, GOOD, 1)
    await until(lambda: bool(seen), "the first is on its way")
    gatherer.deliver(TOPIC, GOOD, 2)
    gatherer.deliver(TOPIC, GOOD, 3)
    gate.set()
    await until(lambda: len(line.acknowledged) == 3, "all are acknowledged")
    running.cancel()
    assert seen == [1, 2]
    assert line.acknowledged == [1, 2, 3]


async def _nothing(_: Sequence[Batch]) -> None:
    return
