"""Terminals on real sockets: the faults of the wire, lost connections, the truth file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from simulators import almanac
from simulators.jt808 import messages
from simulators.jt808.faults import Wire, WireFaults
from simulators.jt808.habit import Habit, State
from simulators.jt808.header import Version
from simulators.jt808.line import Gate, Line
from simulators.jt808.messages import Identity
from simulators.jt808.terminal import Since, Terminal
from simulators.models.route import City
from simulators.models.vehicle import PATROL, Vehicle
from simulators.mqtt.payload import MessageFaults, Mishaps
from simulators.mqtt.terminal import Schedule
from simulators.run import now_us
from simulators.truth import (
    Jt808Sent,
    TruthLog,
    acknowledged_jt808,
    last_numbers,
    read_truth,
)
from tests.integration.simulators.gateways import Gateway, listening
from tests.processes import until

CODE = "13912345678"
EAGER = Habit(reply_s=1, batch=40, window=4)


class Bed:
    """A terminal that reports each second, and what it wrote down."""

    def __init__(self, gateway: Gateway, directory: Path, wire: WireFaults, habit: Habit) -> None:
        self.gateway, self.ended = gateway, False
        self.path = directory / "truth.jsonl"
        self.log = TruthLog(self.path)
        day = almanac.day_of(now_us()) - 2
        schedule = Schedule(Vehicle(PATROL, City(30.5, 104.0), 11, day), 1, 1, 11)
        who = Identity(CODE, Version.V2013, "川A12345")
        mishaps = Mishaps(MessageFaults(), 5, CODE)
        # It begins with a minute behind it, so that there is something to catch up with.
        self.terminal = Terminal(who, schedule, mishaps, habit, Since(0, now_us() - 60_000_000))
        gate = Gate("127.0.0.1", gateway.port)
        self.line = Line(self.terminal, CODE, Wire(wire, 3, CODE), gate, self.log, now_us)

    def flush(self) -> None:
        """Let the file hold what was written; at the end it does."""
        if not self.ended:
            self.log.flush()

    def sent(self) -> list[Jt808Sent]:
        """What left, as far as it is written."""
        self.flush()
        return [r for r in read_truth(self.path) if isinstance(r, Jt808Sent)]

    def acked(self) -> set[int]:
        """Numbers that the platform answered with 0."""
        self.flush()
        return {seq for _, seq in acknowledged_jt808(read_truth(self.path))}


@asynccontextmanager
async def calling(
    directory: Path, wire: WireFaults | None = None, habit: Habit = EAGER
) -> AsyncIterator[Bed]:
    async with listening() as gateway:
        bed = Bed(gateway, directory, wire or WireFaults(), habit)
        stop = asyncio.Event()
        running = asyncio.create_task(bed.line.run(stop))
        try:
            yield bed
            assert not running.done()
        finally:
            stop.set()
            await running
            bed.log.close()
            bed.ended = True


async def test_everything_is_numbered_answered_and_written_down(tmp_path: Path) -> None:
    async with calling(tmp_path) as bed:
        await until(lambda: len(bed.acked()) > 62, "a minute and what came since")
    numbers = bed.gateway.numbers
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert bed.acked() == set(numbers), "on leaving it waited for the last answers"
    assert bed.gateway.platforms[0].ids[-1] == messages.LOGOUT
    assert last_numbers(read_truth(bed.path)) == {CODE: max(numbers)}
    assert {sent.copy for sent in bed.sent()} == {0}


async def test_a_lost_connection_is_opened_again_and_loses_nothing(tmp_path: Path) -> None:
    async with calling(tmp_path) as bed:
        await until(lambda: len(bed.acked()) >= 60, "it has caught up")
        bed.gateway.deaf = True
        await until(lambda: len(bed.sent()) > len(bed.acked()), "something is unanswered")
        open_now = {s.seq for s in bed.sent()} - bed.acked()
        bed.gateway.deaf = False
        bed.gateway.drop()
        await until(lambda: open_now <= bed.acked(), "answered on the second connection")
    assert bed.line.connects == 2
    again = [s for s in bed.sent() if s.seq in open_now]
    assert max(s.copy for s in again) >= 1
    assert messages.LOCATIONS in {s.message for s in again}
    assert bed.acked() == set(bed.gateway.numbers)


async def test_a_platform_that_is_away_is_waited_for(tmp_path: Path) -> None:
    async with calling(tmp_path) as bed:
        bed.gateway.refusing = True
        bed.gateway.drop()
        await until(lambda: bed.line.connects > 2, "it tries again and again")
        bed.gateway.refusing = False
        await until(lambda: len(bed.acked()) > 60, "it is back")
    assert bed.terminal.state is State.OFFLINE


@pytest.mark.parametrize(
    "fault",
    [
        *("bad_checksum", "wrong_length", "split"),
        *("joined", "garbage", "repeated"),
    ],
)
async def test_a_fault_loses_nothing(tmp_path: Path, fault: str) -> None:
    faults = WireFaults(**{fault: 0.3})  # type: ignore[arg-type]
    async with calling(tmp_path, faults, replace(EAGER, batch=5)) as bed:
        await until(lambda: len(bed.acked()) > 60, f"answered in spite of {fault}")
    assert bed.acked() == set(bed.gateway.numbers)
    assert {sent.fault for sent in bed.sent()} == {"", fault}
    assert (bed.gateway.broken > 0) is (fault in ("bad_checksum", "wrong_length", "garbage"))


async def test_a_half_open_connection_is_left_and_another_opened(tmp_path: Path) -> None:
    faults = WireFaults(half_open=1.0, after=6, quiet_s=600.0)
    async with calling(tmp_path, faults, replace(EAGER, batch=10)) as bed:
        await until(lambda: bed.line.connects > 2, "it came back")
        await until(lambda: len(bed.acked()) >= 60, "everything is answered in the end")
        assert not bed.gateway.writers[0].is_closing(), "the first is still open"
    assert bed.acked() <= set(bed.gateway.numbers)


async def test_a_silent_connection_says_nothing(tmp_path: Path) -> None:
    async with calling(tmp_path, WireFaults(silent=1.0, quiet_s=0.2)) as bed:
        await until(lambda: len(bed.gateway.platforms) > 2, "it connects again")
    assert {len(platform.heard) for platform in bed.gateway.platforms} == {0}


async def test_a_slow_sender_is_understood(tmp_path: Path) -> None:
    async with calling(tmp_path, WireFaults(slow=1.0), replace(EAGER, reply_s=60)) as bed:
        await until(lambda: bed.terminal.state is State.READY, "it has logged in")
