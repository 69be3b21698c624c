from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from collector.jt808.frame import FrameFault
from collector.jt808.source import Jt808Source
from collector.settings import Jt808Settings
from tests.integration.collector.jt808.client import (
    PHONE,
    Sink,
    Terminal,
    an_hour_ago,
    location,
    running,
)
from tests.processes import until

BASE = an_hour_ago()


async def test_everything_sent_is_accepted_once_and_acknowledged(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, sink.accept) as source, Terminal(source.port) as terminal:
        await terminal.log_in()
        serials = [terminal.send(0x0200, location(n, BASE)) for n in range(300)]
        assert [await terminal.result(serial) for serial in serials] == [0] * 300
        assert source.stats.answered == source.stats.positions == 300
        assert (source.stats.connections, source.stats.authenticated) == (1, 1)
    assert sink.numbers == list(range(300))


async def test_nothing_is_acknowledged_before_it_is_on_disk(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, sink.accept) as source, Terminal(source.port) as terminal:
        await terminal.log_in()
        sink.going.clear()
        position = terminal.send(0x0200, location(1, BASE))
        await until(lambda: source.stats.flushes == 1, "it is handed over")
        heartbeat = terminal.send(0x0002)
        assert await terminal.result(heartbeat) == 0, "its reply passed by the position's"
        assert source.stats.answered == 0
        sink.going.set()
        assert await terminal.result(position) == 0
    assert sink.numbers == [1]


async def test_packets_that_got_lost_are_asked_for_and_then_acknowledged(tmp_path: Path) -> None:
    sink, ahead_us = Sink(), [0]
    items = [location(n, BASE) for n in range(10)]
    body = b"\x00\x0a\x01" + b"".join(len(one).to_bytes(2, "big") + one for one in items)

    def now_us() -> int:
        return time.time_ns() // 1000 + ahead_us[0]

    async with running(tmp_path, sink.accept) as source, Terminal(source.port) as terminal:
        source._server.now_us = now_us
        await terminal.log_in()
        packets = terminal.packets(0x0704, body, 80)
        for index in (1, 2, 4):
            terminal.writer.write(packets[index - 1][1])
        await until(lambda: source.stats.frames["0x0704"] == 3, "the others have come")
        ahead_us[0] = 6_000_000
        first = packets[0][0].to_bytes(2, "big")
        assert await terminal.receive() == (0x8003, first + bytes.fromhex("02 0003 0005"))
        for index in (3, 5):
            terminal.writer.write(packets[index - 1][1])
        assert [await terminal.result(serial) for serial, _ in packets] == [0] * 5
    assert sink.numbers == list(range(10))


async def test_a_spool_that_refuses_stops_the_reading_and_loses_nothing(tmp_path: Path) -> None:
    sink = Sink()
    async with (
        running(tmp_path, sink.accept, terminals=2) as source,
        Terminal(source.port) as one,
        Terminal(source.port, PHONE + 1) as other,
    ):
        await one.log_in()
        await other.log_in()
        sink.refusing = True
        first = one.send(0x0200, location(1, BASE))
        await until(lambda: source.stats.holding == 1, "the row is held")
        heartbeat = other.send(0x0002)
        late = [one.send(0x0200, location(n, BASE)) for n in range(2, 100)]
        await asyncio.sleep(0.3)  # time to read, if it wrongly would
        assert source.stats.frames["0x0002"] == 0, "nobody is read meanwhile"
        assert sink.numbers == []
        sink.refusing = False
        assert await one.result(first) == 0
        assert await other.result(heartbeat) == 0
        assert [await one.result(serial) for serial in late] == [0] * 98
        assert (source.stats.held, source.stats.holding) == (1, 0)
    assert sink.numbers == list(range(1, 100))


async def test_bad_frames_among_good_ones_stop_nothing(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, sink.accept) as source, Terminal(source.port) as terminal:
        await terminal.log_in()
        good = terminal.message(0x0200, location(1, BASE))
        wrong = good[:-2] + bytes((good[-2] ^ 1,)) + good[-1:]
        terminal.writer.write(b"GET / HTTP/1.1\r\n\r\n" + wrong + b"\x7e\x7d\x05\x7e")
        terminal.writer.write(b"\x7e" + b"x" * 5000 + b"\x7e" + good)
        assert (await terminal.receive())[0] == 0x8001
        assert source.stats.bad_frames[FrameFault.OVERSIZE] == 1
        assert source.stats.bad_frames[FrameFault.ESCAPE] == 1
        assert source.stats.bad_frames[FrameFault.CHECKSUM] >= 1
    assert sink.numbers == [1]
    assert sink.quarantined == source.stats.quarantined.total() >= 2


async def test_a_flood_is_read_no_faster_than_allowed_and_loses_nothing(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, sink.accept, frames_per_s=100) as source:
        async with Terminal(source.port) as terminal:
            await terminal.log_in()
            serials = [terminal.send(0x0200, location(n, BASE)) for n in range(500)]
            assert [await terminal.result(serial) for serial in serials] == [0] * 500
        assert source.stats.throttled >= 1
    assert sink.numbers == list(range(500))


async def test_silent_and_unknown_peers_have_to_leave(tmp_path: Path) -> None:
    async with running(tmp_path, Sink().accept, idle_s=1.5, authenticate_s=0.5) as source:
        async with Terminal(source.port) as silent, Terminal(source.port) as known:
            await known.log_in()
            assert await silent.ended()
            assert source.stats.closed == {"unauthenticated": 1}
            assert await known.ended()
        assert source.stats.closed == {"unauthenticated": 1, "idle": 1}
        assert (source.stats.connections, source.stats.authenticated) == (0, 0)


async def test_who_authenticates_again_has_the_time_for_it(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, sink.accept) as source, Terminal(source.port) as terminal:
        await terminal.log_in()
        server, now_s = source._server, asyncio.get_running_loop().time()
        (peer,) = server._peers
        peer.since_s = now_s - 3600  # it has been here for an hour
        assert await terminal.result(terminal.send(0x0003)) == 0
        server._sweep(now_s)
        await terminal.log_in()
        assert await terminal.result(terminal.send(0x0200, location(1, BASE))) == 0
        assert source.stats.closed.total() == 0


@pytest.mark.parametrize(
    ("setting", "bound"), [("connections", "connections"), ("connections_per_address", "address")]
)
async def test_more_connections_than_allowed_are_turned_away(
    tmp_path: Path, setting: str, bound: str
) -> None:
    async with running(tmp_path, Sink().accept, **{setting: 2}) as source:
        async with Terminal(source.port) as one, Terminal(source.port):
            async with Terminal(source.port) as third:
                assert await third.ended()
            assert source.stats.turned_away == {bound: 1}
            await one.log_in()
        await until(lambda: source.stats.connections == 0, "both have left")
        async with Terminal(source.port) as later:
            await later.log_in()


async def test_a_peer_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    changes = {"frames_per_s": 10**7, "bytes_per_s": 10**9}
    async with running(tmp_path, Sink().accept, **changes) as source:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", source.port))
            heartbeats = Terminal(source.port).message(0x0002) * 1_000_000
            with pytest.raises(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(deaf, heartbeats)
        assert source.stats.closed == {"slow": 1}


async def test_the_newer_connection_of_a_terminal_stays(tmp_path: Path) -> None:
    sink = Sink()
    async with (
        running(tmp_path, sink.accept) as source,
        Terminal(source.port) as half_open,
        Terminal(source.port) as newer,
    ):
        await half_open.log_in()
        await newer.log_in()
        assert await half_open.ended()
        assert source.stats.closed == {"replaced": 1}
        assert source.stats.authenticated == 1
        assert await newer.result(newer.send(0x0200, location(1, BASE))) == 0
    assert sink.numbers == [1]


async def test_an_unknown_terminal_waits_for_approval(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, sink.accept) as source:
        async with Terminal(source.port, 13900139000) as stranger:
            stranger.send(0x0100, bytes(40))
            assert (await stranger.receive())[1][2] == 4
            assert await stranger.result(stranger.send(0x0200, location(1, BASE))) == 1
            source.update({"13900139000": 7})
            await stranger.log_in()
            assert await stranger.result(stranger.send(0x0200, location(1, BASE))) == 0
        assert source.stats.quarantined == {"unknown_terminal": 2}
    assert sink.numbers == [1]


async def test_a_code_outlives_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, Sink().accept) as source, Terminal(source.port) as terminal:
        terminal.send(0x0100, bytes(40))
        code = (await terminal.receive())[1][3:]
    async with running(tmp_path, Sink().accept) as source, Terminal(source.port) as terminal:
        assert await terminal.result(terminal.send(0x0102, code)) == 0
        (tmp_path / "jt808.secret").unlink()
    async with running(tmp_path, Sink().accept) as source, Terminal(source.port) as terminal:
        assert await terminal.result(terminal.send(0x0102, code)) == 1
        await terminal.log_in()


async def test_a_stop_spools_and_acknowledges_what_is_in_hand(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, sink.accept, flush_ms=10_000) as source:
        terminal = await Terminal(source.port).__aenter__()
        await terminal.log_in()
        serials = [terminal.send(0x0200, location(n, BASE)) for n in range(20)]
        await until(lambda: source.stats.frames["0x0200"] == 20, "they are in hand")
        assert sink.numbers == []
    assert sink.numbers == list(range(20))
    assert [await terminal.result(serial) for serial in serials] == [0] * 20
    assert await terminal.ended()
    await terminal.__aexit__()


async def test_a_port_that_is_taken_is_tried_until_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.jt808.source._RETRY_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        source = Jt808Source(Jt808Settings(port=port), {}, Sink().accept, state_dir=tmp_path)
        stop = asyncio.Event()
        task = asyncio.create_task(source.run(stop))
        await asyncio.sleep(0.2)  # time to fail, or to end wrongly
        assert not task.done()
        assert (source.stats.listening, source.port) == (False, 0)
    await until(lambda: source.stats.listening, "the port is free and it listens")
    assert source.port == port
    stop.set()
    await task
