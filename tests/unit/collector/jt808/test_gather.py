from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from collector.intake import Refused
from collector.jt808 import gather
from collector.jt808.gather import Gatherer
from collector.jt808.rows import Fault
from collector.jt808.stats import Jt808Stats
from collector.jt808.step import Step
from storage.records import Batch, Kind
from tests.processes import until


class Line:
    def __init__(self) -> None:
        self.is_open = True
        self.sent: list[bytes] = []

    def send(self, replies: Sequence[bytes]) -> None:
        self.sent += replies


class Spool:
    """Refuses so many times, then keeps what comes."""

    def __init__(self, refuse: int = 0, error: Exception | None = None) -> None:
        self.refuse = refuse
        self.error = error or Refused("bound", 1, "a test says so")
        self.batches: list[Batch] = []
        self.looks: list[list[bytes]] = []
        self.line: Line | None = None

    async def accept(self, batches: Sequence[Batch]) -> None:
        if self.line is not None:
            self.looks.append(list(self.line.sent))
        if self.refuse:
            self.refuse -= 1
            raise self.error
        self.batches += batches


def gatherer(spool: Spool, gates: list[bool]) -> Gatherer:
    return Gatherer(spool.accept, Jt808Stats(), flush_s=0.001, gate=gates.append)


def step(number: int) -> Step:
    return Step((b"row%d" % number,), (), (), (b"reply%d" % number,))


async def test_replies_leave_when_the_rows_are_on_disk_and_not_before() -> None:
    spool, line = Spool(), Line()
    spool.line = line
    one = gatherer(spool, [])
    one.deliver(line, step(1))
    one.deliver(line, step(2))
    assert line.sent == []
    await one.flush()
    assert spool.batches == [Batch(Kind.POSITION, 2, b"row1row2")]
    assert spool.looks == [[]]
    assert line.sent == [b"reply1", b"reply2"]


async def test_refused_pieces_go_along_in_a_batch_of_their_own() -> None:
    spool, line = Spool(), Line()
    one = gatherer(spool, [])
    one.deliver(line, Step((b"p",), (b"q",), (Fault.TIME,), (b"r",)))
    await one.flush()
    assert [batch.kind for batch in spool.batches] == [Kind.POSITION, Kind.QUARANTINE]
    assert one._stats.positions == 1
    assert one._stats.quarantined == {Fault.TIME: 1}


async def test_drivers_cards_go_along_in_a_batch_of_their_own() -> None:
    spool, line = Spool(), Line()
    one = gatherer(spool, [])
    one.deliver(line, Step(cards=(b"c",), replies=(b"r",)))
    await one.flush()
    assert spool.batches == [Batch(Kind.DRIVER_CARD, 1, b"c")]
    assert (one._stats.cards, one._stats.positions, line.sent) == (1, 0, [b"r"])


@pytest.mark.parametrize("error", [None, OSError("no disk"), ValueError("ours")])
async def test_what_is_refused_is_held_unanswered_and_offered_again(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "_FIRST_RETRY_S", 0.001)
    spool, line, gates = Spool(refuse=3, error=error), Line(), list[bool]()
    spool.line = line
    one = gatherer(spool, gates)
    one.deliver(line, step(1))
    await one.flush()
    assert spool.looks == [[]] * 4, "nothing was answered before the fourth offer"
    assert line.sent == [b"reply1"]
    assert gates == [False, False, False, True]
    assert (one._stats.held, one._stats.holding) == (1, 0)


async def test_a_reply_whose_connection_is_gone_is_counted() -> None:
    spool, line = Spool(), Line()
    one = gatherer(spool, [])
    one.deliver(line, step(1))
    line.is_open = False
    await one.flush()
    assert line.sent == []
    assert (one._stats.orphaned, one._stats.answered, one._stats.positions) == (1, 0, 1)


async def test_each_connection_gets_its_own_replies() -> None:
    spool, lines = Spool(), [Line(), Line()]
    one = gatherer(spool, [])
    for number in range(4):
        one.deliver(lines[number % 2], step(number))
    await one.flush()
    assert [line.sent for line in lines] == [[b"reply0", b"reply2"], [b"reply1", b"reply3"]]


async def test_reading_stops_while_too_much_is_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MOST_ROWS", 3)
    gates = list[bool]()
    one = gatherer(Spool(), gates)
    for number in range(3):
        one.deliver(Line(), step(number))
    assert gates == [False]
    await one.flush()
    assert gates == [False, True]


async def test_it_flushes_by_itself() -> None:
    line = Line()
    one = gatherer(Spool(), [])
    running = asyncio.create_task(one.run())
    try:
        one.deliver(line, step(1))
        await until(lambda: bool(line.sent), "the reply left")
    finally:
        running.cancel()
