from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from collector.mqtt.source import MqttSource
from collector.settings import MqttSettings
from tests.brokers import Mosquitto, running_mosquitto
from tests.integration.collector.mqtt.publisher import TERMINALS, payload, publisher
from tests.integration.collector.mqtt.scripted import scripted_broker
from tests.integration.collector.mqtt.sources import Sink, crash, running, settings
from tests.processes import until

pytestmark = pytest.mark.needs_mosquitto


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

    # A broker that has not read our last words yet when we come again sends everything once more.
    # An answer to somebody else says that it has.
    with publisher(mosquitto.port) as sender:
        sender.number(9999, 1)
        sender.wait()
    again = Sink()
    async with running(config, again.accept):
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
