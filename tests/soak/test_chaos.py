"""Everything fails, again and again, for as long as one likes: nothing accepted is lost."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers import running_mosquitto
from tests.e2e.account import assert_delivered, assert_latest_is_newest, stored_numbers
from tests.e2e.world import World, world
from tests.engines import StoppableServer

pytestmark = [pytest.mark.soak, pytest.mark.needs_mosquitto, pytest.mark.timeout(24 * 3600)]

MINUTES = float(os.environ.get("JIEYONG_TEST_SOAK_MINUTES", "10"))
MOST_RSS_MIB = 300


def test_trouble_without_end_loses_nothing(
    tmp_path: Path, postgres_server: StoppableServer
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {MINUTES:g} minutes")
    dice = random.Random(seed)
    postgres_server.start()
    (tmp_path / "broker").mkdir()
    with (
        running_mosquitto(tmp_path / "broker") as broker,
        world(tmp_path, postgres_server, broker) as one,
    ):
        one.start_all()
        one.grows("position", 100)
        mishaps = misfortunes(one, dice)
        end = time.monotonic() + MINUTES * 60
        while time.monotonic() < end:
            name = dice.choice(sorted(mishaps))
            print(f"{time.strftime('%H:%M:%S')} {name}")
            mishaps[name]()
            one.grows("reading", 500)
            one.grows("position", 50)
            for collector in ("modbus", "mqtt"):
                assert one.rss_mib(collector) < MOST_RSS_MIB
        outcome = one.finish()
        assert_delivered(outcome, one)
        assert_latest_is_newest(one)
        assert outcome.truth.acknowledged - stored_numbers(one) == set()


def misfortunes(one: World, dice: random.Random) -> dict[str, Callable[[], None]]:
    """Return what may happen; each mends itself before it returns."""

    def crash(name: str) -> Callable[[], None]:
        def happen() -> None:
            one.kill(name)
            time.sleep(dice.uniform(0, 2))
            one.start(name)

        return happen

    def away(leave: Callable[[], None], come_back: Callable[[], None]) -> Callable[[], None]:
        def happen() -> None:
            leave()
            time.sleep(dice.uniform(1, 15))
            come_back()

        return happen

    return {
        "poller killed": crash("modbus"),
        "subscriber killed": crash("mqtt"),
        "database stopped": away(one.database.stop, one.database.start),
        "database killed": away(one.database.kill, one.database.start),
        "database frozen": away(one.database.freeze, one.database.thaw),
        "broker restarted": away(one.broker.stop, one.broker.start),
        "broker paused": away(one.broker.pause, one.broker.resume),
    }
