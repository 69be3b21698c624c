"""Nothing accepted is lost, nothing is counted twice: counted by number, in real processes."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.spool_model import Fate
from storage.records import Kind
from tests.brokers import Mosquitto, running_mosquitto
from tests.e2e.account import assert_delivered, assert_latest_is_newest, stored_numbers
from tests.e2e.world import Outcome, wait_for, world
from tests.engines import StoppableServer

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.timeout(300)]

KILLS = 20
AWAY_S = 60
SMALL_SPOOL = 256 * 1024
SMALL_DISK_KIB = 96 * 1024
LEAST_FREE = 32 * 1024 * 1024


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    directory = tmp_path / "broker"
    directory.mkdir()
    with running_mosquitto(directory) as one:
        yield one


@pytest.fixture
def database(postgres_server: StoppableServer) -> StoppableServer:
    postgres_server.start()
    return postgres_server


def test_killed_twenty_times_no_accepted_row_is_lost_or_doubled(
    tmp_path: Path, database: StoppableServer, broker: Mosquitto
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    with world(tmp_path, database, broker) as one:
        one.start_all()
        one.grows("position", 1)
        for _ in range(KILLS):
            victim = dice.choice(("mqtt", "modbus"))
            time.sleep(dice.uniform(0.2, 2.5))
            one.kill(victim)
            one.start(victim)
        one.grows("reading", 1_000)
        one.grows("position", 100)
        outcome = one.finish()
        assert_delivered(outcome, one)
        # A reply on its way between the wire and the spool's disk was not accepted yet.
        unexplained = [
            sent_at / 1e6
            for sent_at in outcome.verdict.lost_at
            if not any(killed - 2 < sent_at / 1e6 < killed + 1 for killed in one.killed_at)
        ]
        assert unexplained == []
        lost_messages = outcome.truth.acknowledged - stored_numbers(one)
        assert lost_messages == set()


def test_database_away_for_a_minute_under_load(
    tmp_path: Path, database: StoppableServer, broker: Mosquitto
) -> None:
    with world(tmp_path, database, broker) as one:
        one.start_all()
        one.grows("reading", 500)
        one.grows("position", 50)
        database.stop()
        time.sleep(AWAY_S)
        database.start()
        one.grows("reading", 20_000)
        outcome = one.finish()
        assert_delivered(outcome, one)
        assert outcome.verdict.lost_at == ()
        assert outcome.figures.refused == 0
        assert_latest_is_newest(one)


def test_database_killed_under_load(
    tmp_path: Path, database: StoppableServer, broker: Mosquitto
) -> None:
    with world(tmp_path, database, broker) as one:
        one.start_all()
        one.grows("reading", 500)
        database.kill()
        time.sleep(3)
        database.start()
        one.grows("reading", 1_000)
        outcome = one.finish()
        assert_delivered(outcome, one)
        assert outcome.verdict.lost_at == ()


def test_collectors_start_while_the_database_is_away(
    tmp_path: Path, database: StoppableServer, broker: Mosquitto
) -> None:
    with world(tmp_path, database, broker) as one:
        one.start_all()
        one.grows("reading", 500)
        one.grows("position", 50)
        one.stop("modbus")
        one.stop("mqtt")
        before = one.rows("reading")
        database.stop()
        one.start("modbus")
        one.start("mqtt")
        time.sleep(6)
        database.start()
        wait_for(lambda: one.rows("reading") > before + 1_000, "what was polled meanwhile arrives")
        outcome = one.finish()
        assert_delivered(outcome, one)
        assert outcome.verdict.lost_at == ()


def test_broker_restarted_cleanly(
    tmp_path: Path, database: StoppableServer, broker: Mosquitto
) -> None:
    with world(tmp_path, database, broker) as one:
        one.start_all()
        one.grows("position", 100)
        for _ in range(3):
            broker.stop()
            time.sleep(1)
            broker.start()
            one.grows("position", 200)
        outcome = one.finish()
        assert_delivered(outcome, one)
        assert outcome.verdict.lost_at == ()


def test_spool_at_its_bound_counts_what_it_refuses_to_the_row(
    tmp_path: Path, database: StoppableServer, broker: Mosquitto
) -> None:
    with world(tmp_path, database, broker, SPOOL__MAX_BYTES=SMALL_SPOOL) as one:
        one.start_all()
        one.grows("reading", 500)
        database.stop()
        wait_for(lambda: "spool_refuses" in one.log("modbus"), "the poller's spool is full")
        time.sleep(5)
        database.start()
        one.grows("reading", 1_000)
        outcome = one.finish()
        assert_delivered(outcome, one)
        assert_refused_to_the_row(outcome)


def test_disk_full_counts_what_it_refuses_to_the_row(
    tmp_path: Path, database: StoppableServer, broker: Mosquitto
) -> None:
    disk = tmp_path / "state"
    disk.mkdir()
    with (
        small_disk(disk),
        world(tmp_path, database, broker, SPOOL__MIN_FREE_BYTES=LEAST_FREE) as one,
    ):
        one.start_all()
        one.grows("reading", 500)
        filler = disk / "filler"
        fill(filler)
        database.stop()
        wait_for(lambda: "spool_refuses" in one.log("modbus"), "the poller's disk is full")
        time.sleep(3)
        filler.unlink()
        database.start()
        one.grows("reading", 1_000)
        outcome = one.finish()
        assert_delivered(outcome, one)
        assert_refused_to_the_row(outcome)


def assert_refused_to_the_row(outcome: Outcome) -> None:
    """Refused readings are what is missing, exactly; of messages none is missing."""
    refused = outcome.count(Kind.READING, Fate.REFUSED)
    assert refused > 0
    assert outcome.figures.refused >= refused
    assert outcome.verdict.lost == refused


def small_disk(directory: Path) -> SmallDisk:
    if os.geteuid() != 0:
        pytest.skip("not root: a disk of its own cannot be mounted, so it cannot be filled")
    return SmallDisk(directory)


class SmallDisk:
    """A tmpfs of a few megabytes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> None:
        options = f"size={SMALL_DISK_KIB}k"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._directory)], check=True
        )

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self._directory)], check=True)


def fill(path: Path) -> None:
    """Write until no byte is free."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return
