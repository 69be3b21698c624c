from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collector.intake import Accept, Refused
from collector.mqtt.check import check_broker
from collector.mqtt.source import MqttSource
from collector.settings import MqttSettings
from storage.records import Batch, Kind, split
from tests.brokers import Mosquitto, free_port, running_mosquitto
from tests.integration.collector.mqtt.publisher import TERMINALS, payload, publisher
from tests.integration.collector.mqtt.scripted import scripted_broker
from tests.processes import until

pytestmark = pytest.mark.needs_mosquitto


class Sink:
    """What was accepted; refuses or stands still when told to."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.quarantined = 0
        self.refusing = False
        self.going = asyncio.Event()
        self.going.set()

    async def accept(self, batches: Sequence[Batch]) -> None:
        await self.going.wait()
        if self.refusing:
            raise Refused("bound", sum(b.rows for b in batches), "a test says so")
        for batch in batches:
            if batch.kind is Kind.POSITION:
                self.seqs += [seq_of(row) for row in split(batch.body)]
            else:
                self.quarantined += batch.rows


def seq_of(row: bytes) -> int:
    """The 13th field of a packed position."""
    at = 2
    for _ in range(12):
        (size,) = struct.unpack_from(">i", row, at)
        at += 4 + max(size, 0)
    (size, seq) = struct.unpack_from(">iq", row, at)
    assert size == 8
    return int(seq)


def settings(broker: Mosquitto, **changes: object) -> MqttSettings:
    return MqttSettings.model_validate(
        {"port": broker.port, "reconnect_max_s": 0.3, "keepalive_s": 5} | changes
    )


@asynccontextmanager
async def running(settings: MqttSettings, accept: Accept) -> AsyncIterator[MqttSource]:
    source = MqttSource(settings, TERMINALS, accept)
    stop = asyncio.Event()
    task = asyncio.create_task(source.run(stop))
    try:
        await until(lambda: source.stats.connected or task.done(), "the source is subscribed")
        yield source
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def crash(settings: MqttSettings, accept: Accept, received: int) -> None:
    """Run a source until it has taken messages, then end it without a farewell."""
    source = MqttSource(settings, TERMINALS, accept)
    task = asyncio.create_task(source.run(asyncio.Event()))
    await until(lambda: source.stats.received >= received, f"{received} messages came")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def open_session(settings: MqttSettings) -> None:
    """Subscribe once, so that the broker keeps what is published from now on."""
    async with running(settings, Sink().accept):
        pass


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_everything_published_is_accepted_once_and_acknowledged(
    mosquitto: Mosquitto, protocol: str
) -> None:
    sink = Sink()
    config = settings(mosquitto, protocol=protocol)
    async with running(config, sink.accept) as source:
        with publisher(mosquitto.port) as sender:
            sender.number(0, 3000)
            await until(lambda: source.stats.acknowledged == 3000, "all are acknowledged")
    assert sink.seqs == list(range(3000))

    again = Sink()
    async with running(config, again.accept):
        with publisher(mosquitto.port) as sender:
            sender.number(9999, 1)
            await until(lambda: bool(again.seqs), "the next message came")
    assert again.seqs == [9999], "what was acknowledged does not come again"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_was_not_acknowledged_comes_again_after_a_crash(
    mosquitto: Mosquitto, protocol: str
) -> None:
    config = settings(mosquitto, protocol=protocol)
    await open_session(config)
    with publisher(mosquitto.port) as sender:
        sender.number(0, 500)
        sender.wait()
    stuck = Sink()
    stuck.going.clear()
    await crash(config, stuck.accept, received=1)
    assert stuck.seqs == []

    sink = Sink()
    async with running(config, sink.accept) as source:
        await until(lambda: source.stats.acknowledged == 500, "all came again")
    assert sink.seqs == list(range(500))


async def test_case_30_an_outage_of_ours_loses_nothing_however_long_the_queue(
    mosquitto: Mosquitto,
) -> None:
    config = settings(mosquitto)
    await open_session(config)
    with publisher(mosquitto.port) as sender:
        sender.number(0, 6000)  # the broker's own default bound is 1000
        sender.wait()
    sink = Sink()
    async with running(config, sink.accept) as source:
        await until(lambda: source.stats.acknowledged == 6000, "the queue is empty")
    assert sink.seqs == list(range(6000))


async def test_case_33_what_the_spool_refuses_is_held_at_the_broker_not_lost(
    mosquitto: Mosquitto,
) -> None:
    sink = Sink()
    sink.refusing = True
    config = settings(mosquitto, receive_maximum=50)
    async with running(config, sink.accept) as source:
        with publisher(mosquitto.port) as sender:
            sender.number(0, 5000)
            sender.wait()
            await until(lambda: source.stats.holding > 0, "messages are held")
            assert source.stats.acknowledged == 0
            sink.refusing = False
            await until(lambda: source.stats.acknowledged == 5000, "all are acknowledged")
        assert source.stats.holding == 0
        assert source.stats.held > 0
    assert sink.seqs == list(range(5000))


async def test_a_connection_lost_while_holding_is_opened_again_only_when_the_hold_is_over(
    mosquitto: Mosquitto,
) -> None:
    sink = Sink()
    sink.refusing = True
    async with running(settings(mosquitto), sink.accept) as source:
        with publisher(mosquitto.port) as sender:
            sender.number(0, 100)
            sender.wait()
        await until(lambda: source.stats.holding > 0, "messages are held")
        mosquitto.stop()
        mosquitto.start()
        await until(lambda: not source.stats.connected, "the loss is seen")
        await asyncio.sleep(0.5)  # time to reconnect, if it wrongly would
        assert source.stats.connects == 1
        sink.refusing = False
        await until(lambda: source.stats.connects == 2, "it is connected again")
        await until(
            lambda: source.stats.acknowledged + source.stats.orphaned >= 200, "all came again"
        )
    counts = Counter(sink.seqs)
    assert set(counts) == set(range(100))
    assert source.stats.orphaned > 0, "acknowledgements belong to the connection they came on"


async def test_a_clean_restart_of_the_broker_loses_nothing(mosquitto: Mosquitto) -> None:
    sink = Sink()
    async with running(settings(mosquitto), sink.accept) as source:
        with publisher(mosquitto.port) as sender:
            for part in range(3):
                sender.number(part * 1000, 1000)
                if part < 2:
                    mosquitto.stop()
                    mosquitto.start()
            sender.wait()
            await until(lambda: len(set(sink.seqs)) == 3000, "all arrived")
        assert source.stats.connects >= 2
    assert set(sink.seqs) == set(range(3000))


async def test_a_broker_that_stands_still_is_left_and_found_again(mosquitto: Mosquitto) -> None:
    sink = Sink()
    async with running(settings(mosquitto), sink.accept) as source:
        mosquitto.pause()
        await until(lambda: not source.stats.connected, "the silence is noticed")
        mosquitto.resume()
        await until(lambda: source.stats.connected, "it is connected again")
        with publisher(mosquitto.port) as sender:
            sender.number(0, 10)
            await until(lambda: len(sink.seqs) == 10, "messages come")


async def test_collectors_of_one_group_share_the_messages(mosquitto: Mosquitto) -> None:
    sinks = [Sink(), Sink()]
    first = settings(mosquitto, client_id="a", share_group="g")
    second = settings(mosquitto, client_id="b", share_group="g")
    async with running(first, sinks[0].accept), running(second, sinks[1].accept):
        with publisher(mosquitto.port) as sender:
            sender.number(0, 1000)
            await until(lambda: sum(len(s.seqs) for s in sinks) >= 1000, "all arrived")
    assert sorted(sinks[0].seqs + sinks[1].seqs) == list(range(1000))
    assert all(sink.seqs for sink in sinks), "both had a share"


async def test_bad_messages_among_good_ones_stop_nothing(mosquitto: Mosquitto) -> None:
    sink = Sink()
    async with running(settings(mosquitto), sink.accept) as source:
        with publisher(mosquitto.port) as sender:
            sender.send([payload(1), b"\x00\xff", b"", payload(2), b"x" * 100_000])
            sender.send([payload(3)], terminal="stranger")
            await until(lambda: source.stats.acknowledged == 6, "all are acknowledged")
        assert source.stats.quarantined == {"malformed": 2, "oversize": 1, "unknown_terminal": 1}
        source.update(TERMINALS | {"stranger": 9})
        with publisher(mosquitto.port) as sender:
            sender.send([payload(4)], terminal="stranger")
            await until(lambda: source.stats.acknowledged == 7, "the new terminal is known")
    assert (sink.seqs, sink.quarantined) == ([1, 2, 4], 4)


async def test_messages_of_qos_0_are_taken_too_and_counted(mosquitto: Mosquitto) -> None:
    sink = Sink()
    async with running(settings(mosquitto), sink.accept) as source:
        with publisher(mosquitto.port) as sender:
            sender.send([payload(1)], qos=0)
            await until(lambda: sink.seqs == [1], "it arrived")
        assert (source.stats.unacknowledgeable, source.stats.acknowledged) == (1, 0)


async def test_a_stop_spools_and_acknowledges_what_is_in_hand(mosquitto: Mosquitto) -> None:
    sink = Sink()
    config = settings(mosquitto, flush_ms=10_000)
    async with running(config, sink.accept) as source:
        with publisher(mosquitto.port) as sender:
            sender.number(0, 20)
            sender.wait()
        await asyncio.sleep(0.3)  # they are in hand, and the flush is far away
        assert sink.seqs == []
    assert sink.seqs == list(range(20))
    assert source.stats.acknowledged == 20


async def test_a_broker_that_is_not_there_is_tried_until_it_is(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    sink = Sink()
    source = MqttSource(settings(broker), TERMINALS, sink.accept)
    stop = asyncio.Event()
    task = asyncio.create_task(source.run(stop))
    await until(lambda: source.stats.disconnects["unreachable"] >= 2, "it was tried twice")
    broker.start()
    try:
        await until(lambda: source.stats.connected, "it is found")
    finally:
        stop.set()
        await task
        broker.kill()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_refused_log_in_is_told_apart_and_tried_again(
    tmp_path: Path, protocol: str
) -> None:
    with running_mosquitto(tmp_path) as broker:
        pass
    text = (tmp_path / "mosquitto.conf").read_text(encoding="utf-8")
    (tmp_path / "mosquitto.conf").write_text(
        text.replace("allow_anonymous true", "allow_anonymous false"), encoding="utf-8"
    )
    broker.start()
    try:
        source = MqttSource(settings(broker, protocol=protocol), TERMINALS, Sink().accept)
        stop = asyncio.Event()
        task = asyncio.create_task(source.run(stop))
        await until(lambda: source.stats.disconnects["refused"] >= 2, "refused twice")
        stop.set()
        await task
        assert source.stats.connects == 0
    finally:
        broker.kill()


async def test_a_refused_subscription_is_told_apart_and_tried_again() -> None:
    answers = iter([0x87, 0x87])
    with scripted_broker(lambda _: next(answers, 1)) as port:
        config = MqttSettings.model_validate({"port": port, "reconnect_max_s": 0.3})
        async with running(config, Sink().accept) as source:
            assert source.stats.disconnects == {"refused": 2}
            assert source.stats.connects == 1


async def test_a_second_collector_of_the_same_name_takes_over_and_both_say_so(
    mosquitto: Mosquitto,
) -> None:
    config = settings(mosquitto, reconnect_max_s=30.0)
    async with (
        running(config, Sink().accept) as first,
        running(config, Sink().accept) as second,
    ):
        await until(lambda: first.stats.disconnects["lost"] > 0, "the first is thrown out")
        assert second.stats.connects == 1


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a server's and a client's certificate of it."""
    directory = tmp_path_factory.mktemp("certificates")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: TLS to the broker is not tested")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=directory, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-nodes")
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca")
    for name in ("server", "client"):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (directory / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.crt")
        run("x509", "-req", "-in", f"{name}.csr", *signed, "-extfile", f"{name}.ext")
    return directory


@pytest.fixture
def secure(certificates: Path, tmp_path: Path) -> Iterator[tuple[Mosquitto, int]]:
    """A broker with a plain port and one that wants TLS, our certificate and a log-in."""
    port = free_port()
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "collector", "geheim"], check=True)
    passwords.chmod(0o644)
    extra = f"""
listener {port} 127.0.0.1
cafile {certificates}/ca.crt
certfile {certificates}/server.crt
keyfile {certificates}/server.key
require_certificate true
password_file {passwords}
"""
    with running_mosquitto(tmp_path, extra) as broker:
        yield broker, port


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_tls_with_our_certificate_and_a_password_from_a_file(
    secure: tuple[Mosquitto, int], certificates: Path, tmp_path: Path, protocol: str
) -> None:
    _, port = secure
    secret = tmp_path / "secret"
    secret.write_text("geheim\n", encoding="utf-8")
    config = MqttSettings.model_validate(
        {
            "port": port,
            "protocol": protocol,
            "tls": True,
            "ca_file": certificates / "ca.crt",
            "cert_file": certificates / "client.crt",
            "key_file": certificates / "client.key",
            "username": "collector",
            "password_file": secret,
        }
    )
    sink = Sink()
    async with running(config, sink.accept) as source:
        with publisher(port, certificates) as sender:
            sender.number(0, 3000)
            await until(lambda: source.stats.acknowledged == 3000, "all are acknowledged")
    assert sink.seqs == list(range(3000))
    assert [f.level for f in check_broker(config)] == ["ok"] * 4


# paho leaves the socket of a failed handshake to the garbage collector, which closes it at once.
@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_whose_certificate_is_not_ours_is_not_trusted(
    secure: tuple[Mosquitto, int],
) -> None:
    _, port = secure
    config = MqttSettings.model_validate({"port": port, "tls": True, "reconnect_max_s": 0.3})
    source = MqttSource(config, TERMINALS, Sink().accept)
    stop = asyncio.Event()
    task = asyncio.create_task(source.run(stop))
    await until(lambda: source.stats.disconnects["unreachable"] >= 2, "it was tried twice")
    stop.set()
    await task
    (finding,) = check_broker(config)
    assert "certificate" in finding.what
