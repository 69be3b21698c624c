"""One connection, closely: what closes it, and that nothing old survives it."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from collector.modbus.frame import DATA_AT, build
from collector.modbus.line import ConnectError, Endpoint, Line
from collector.modbus.link import (
    BadReplyError,
    ExceptionReplyError,
    Link,
    LinkLostError,
    NoReplyError,
)
from collector.modbus.plan import Span
from collector.modbus.stats import BusStats
from collector.profile_model import Table
from tests.integration.collector.modbus.peer import Ask, HangUp, Peer, serving, until

REQUEST = build(1, Span(Table.HOLDING, 100, 102))
OTHER = build(1, Span(Table.HOLDING, 500, 502))
ANSWER, OTHER_ANSWER = bytes([0, 100, 0, 101]), bytes([1, 244, 1, 245])


async def connect(peer: Peer, foreign: Counter[int] | None = None) -> Link:
    seen: Counter[int] = Counter() if foreign is None else foreign

    def count(unit: int) -> None:
        seen[unit] += 1

    loop = asyncio.get_running_loop()
    _, link = await loop.create_connection(lambda: Link(0xFFFE, count), "127.0.0.1", peer.port)
    return link


def line_to(peer: Peer, **changes: float) -> tuple[Line, BusStats]:
    stats = BusStats("bus")
    times = {"gap_s": 0, "connect_timeout_s": 5, "backoff_s": 0.2, "backoff_max_s": 0.5}
    endpoint = Endpoint("127.0.0.1", peer.port, **(times | changes))
    return Line(endpoint, stats, lambda _unit: None), stats


async def test_transaction_ids_go_round_and_are_never_repeated_in_a_row() -> None:
    async with serving() as peer:
        link = await connect(peer)
        for _ in range(3):
            assert (await link.ask(REQUEST, 5))[DATA_AT:] == ANSWER
        link.close()
    assert [ask.tid for ask in peer.asks] == [0xFFFF, 0, 1]


async def test_a_timeout_closes() -> None:
    async def mute(_: Ask) -> None:
        return None

    async with serving(mute) as peer:
        link = await connect(peer)
        with pytest.raises(NoReplyError):
            await link.ask(REQUEST, 0.02)
        assert not link.is_open
        with pytest.raises(LinkLostError):
            await link.ask(REQUEST, 5)
        await until(lambda: peer.open_now == 0)


async def test_case_05_a_cancel_closes() -> None:
    async def mute(_: Ask) -> None:
        return None

    async with serving(mute) as peer:
        link = await connect(peer)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await link.ask(REQUEST, 30)
        assert not link.is_open
        await until(lambda: peer.open_now == 0)


async def test_case_05_the_request_after_a_cancel_gets_its_own_answer() -> None:
    async def script(ask: Ask) -> bytes:
        if ask.number == 0:
            await asyncio.sleep(0.1)
        return ask.reply()

    async with serving(script) as peer:
        line, _ = line_to(peer)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await line.ask(REQUEST, 30)
        assert (await line.ask(OTHER, 5))[DATA_AT:] == OTHER_ANSWER
        await line.close()
    assert [ask.connection for ask in peer.asks] == [1, 2]
    assert peer.asks[0].tid != peer.asks[1].tid  # a gateway that mixes them up is found out


async def test_a_bad_reply_closes() -> None:
    async def script(ask: Ask) -> bytes:
        return ask.reply(unit=9)

    async with serving(script) as peer:
        link = await connect(peer)
        with pytest.raises(BadReplyError, match="bad_unit"):
            await link.ask(REQUEST, 5)
        assert not link.is_open


async def test_an_exception_reply_leaves_the_connection_open() -> None:
    async def script(ask: Ask) -> bytes:
        return ask.refuse(2) if ask.number == 0 else ask.reply()

    async with serving(script) as peer:
        link = await connect(peer)
        with pytest.raises(ExceptionReplyError) as caught:
            await link.ask(REQUEST, 5)
        assert caught.value.code == 2
        assert (await link.ask(REQUEST, 5))[DATA_AT:] == ANSWER
        link.close()
    assert peer.connections == 1


async def test_foreign_frames_before_the_answer_are_counted_by_unit() -> None:
    async def script(ask: Ask) -> bytes:
        others = [ask.reply(tid=ask.tid + n, unit=5) for n in (1, 2)]
        return b"".join([*others, ask.reply(tid=0, unit=7), ask.reply()])

    foreign: Counter[int] = Counter()
    async with serving(script) as peer:
        link = await connect(peer, foreign)
        assert (await link.ask(REQUEST, 5))[DATA_AT:] == ANSWER
        link.close()
    assert foreign == {5: 2, 7: 1}


async def test_a_connection_closed_while_idle_is_renewed_unseen() -> None:
    async def script(ask: Ask) -> bytes:
        return ask.reply()

    async with serving(script) as peer:
        line, stats = line_to(peer)
        await line.ask(REQUEST, 5)
        for writer in list(peer._writers):
            writer.transport.abort()
        assert (await line.ask(OTHER, 5))[DATA_AT:] == OTHER_ANSWER
        await line.close()
    assert stats.connects == 2


async def sockets_open_at_each_connect(times: int) -> list[int]:
    """Break off so many requests to a mute peer; return how many sockets the line still had."""
    loop = asyncio.get_running_loop()
    really_connect = loop.create_connection
    mine: list[int] = []
    seen: list[int] = []

    async def watched(
        make: Callable[[], asyncio.Protocol], host: str, port: int
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        seen.append(sum(is_open(handle) for handle in mine))
        transport, link = await really_connect(make, host, port)
        mine.append(transport.get_extra_info("socket").fileno())
        return transport, link

    async def mute(_: Ask) -> None:
        return None

    async with serving(mute) as peer:
        line, _ = line_to(peer)
        setattr(loop, "create_connection", watched)  # noqa: B010 - mypy takes no assignment
        for _ in range(times):
            with pytest.raises(TimeoutError):
                # Ours, not the line's: the next request follows in the same turn of the loop.
                async with asyncio.timeout(0.02):
                    await line.ask(REQUEST, 60)
        await line.close()
    return seen


def is_open(handle: int) -> bool:
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_case_08_the_old_socket_is_closed_before_a_new_one_is_opened(
    run: Callable[[Coroutine[Any, Any, list[int]]], list[int]],
) -> None:
    """A device that allows one connection refuses a second, be it for a moment."""
    assert run(sockets_open_at_each_connect(4)) == [0, 0, 0, 0]


async def test_a_fresh_connection_that_is_closed_on_us_is_not_tried_for_ever() -> None:
    async def script(_: Ask) -> bytes:
        raise HangUp

    async with serving(script) as peer:
        line, _ = line_to(peer)
        with pytest.raises(LinkLostError):
            await line.ask(REQUEST, 5)
        await line.close()
    assert len(peer.asks) == 1


async def test_a_closed_door_is_left_alone_longer_and_longer_up_to_the_cap() -> None:
    peer = Peer()
    await peer.start()
    await peer.stop()
    line, stats = line_to(peer)
    pauses = []
    for _ in range(4):
        with pytest.raises(ConnectError) as caught:
            await line.open()
        assert caught.value.cause == "refused"
        pauses.append(line.pause_s)
    assert [round(pause, 1) for pause in pauses] == [0.2, 0.4, 0.5, 0.5]
    assert (stats.connect_failures, stats.connected) == ({"refused": 4}, False)
    await peer.start()
    await line.open()
    assert (line.pause_s, stats.connected) == (0, True)
    await line.close()
    await peer.stop()
