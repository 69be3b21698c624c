"""Killed at any moment: no note is lost, and what repeats is the same message under its key."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from notify.outbox import put
from notify.settings import NotifySettings
from notify.worker import Worker
from tests.integration.notify import sending_child
from tests.integration.notify.receivers import Request, WebReceiver
from tests.integration.notify.world import World, write_routes
from tests.processes import wait_until
from tests.unit.notify.samples import note

KILLS = 6
NOTES = 12


def start(database: str, routes: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", sending_child.__name__, database, str(routes)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[3])


def came_once_or_again_the_same(receiver: WebReceiver) -> set[str]:
    """Return the keys of notes that came; each under one key of a message, which never changed."""
    contents: dict[str, set[str]] = defaultdict(set)
    carried: dict[str, set[str]] = defaultdict(set)
    for request in receiver.requests:
        key = request.headers["Idempotency-Key"]
        contents[key].add(str(request.content))
        for one in request.content["notes"]:
            carried[one["key"]].add(key)
    assert all(len(keys) == 1 for keys in carried.values()), "a note came under two keys"
    assert all(len(texts) == 1 for texts in contents.values()), "one key, two messages"
    return set(carried)


def test_a_worker_killed_between_sending_and_noting_loses_and_changes_nothing(
    conn: psycopg.Connection, database: str, tmp_path: Path, receiver: WebReceiver
) -> None:
    routes = write_routes(tmp_path, receiver)
    children: list[subprocess.Popen[bytes]] = []
    kills = 0

    def answer(_: Request) -> tuple[int, bytes]:
        # The message is here, and its sender does not know it yet.
        nonlocal kills
        if kills < KILLS:
            kills += 1
            children[-1].kill()
            children[-1].wait()
        return 200, b""

    receiver.answer = answer
    for number in range(NOTES):
        # New notes keep coming while a message is in doubt: they must not get into it.
        put(conn, note(f"n{number}"), datetime.now(UTC))
        if number < KILLS:
            children.append(start(database, routes))
            wait_until(lambda: children[-1].poll() is not None, "killed when its message came")
    children.append(start(database, routes))
    # Of one moment: what is routed between two questions would be in none of them.
    left = """
        SELECT (SELECT count(*) FROM note_message WHERE state = 'due')
             + (SELECT count(*) FROM note_delivery WHERE message_id IS NULL)
             + (SELECT count(*) FROM note WHERE routed_at IS NULL)
    """
    try:
        wait_until(lambda: conn.execute(left).fetchone() == (0,), "everything is sent")
    finally:
        children[-1].kill()
        children[-1].wait()

    assert kills == KILLS
    assert came_once_or_again_the_same(receiver) == {f"n{number}" for number in range(NOTES)}
    repeats = Counter(request.headers["Idempotency-Key"] for request in receiver.requests)
    assert sum(repeats.values()) - len(repeats) == KILLS


class Killed(BaseException):
    """Nothing handles it: the process is gone."""


class Mortal(psycopg.Connection[Any]):
    """Dies before its ``last``-th statement, and does nothing from then on."""

    last = 0

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:  # noqa: ANN401
        self.last -= 1
        if self.last < 0:
            raise Killed
        return super().execute(*args, **kwargs)


def test_a_worker_that_dies_before_any_of_its_statements_loses_and_changes_nothing(
    conn: psycopg.Connection, database: str, tmp_path: Path, receiver: WebReceiver
) -> None:
    world = World(conn, write_routes(tmp_path, receiver), settings=NotifySettings(tries=3))
    repeats, died, last = 0, True, 0
    while died:
        world.clock.pass_(minutes=5)
        world.put(f"{last}-a", f"{last}-b")
        before = len(receiver.requests)
        with Mortal.connect(database, autocommit=True) as mortal:
            mortal.last, last = last, last + 1
            died = dies(world.worker(mortal))
        # While the message is in doubt another note comes: it must not get into it.
        world.put(f"{last}-later")
        # The server may take a moment to see that the dead one is gone, and lets go of its channel.
        wait_until(lambda: settled(world), "everything is sent")
        repeats += len(receiver.requests) - before > 2
    assert last > 15, "a step has more statements than that"
    assert repeats == 1, "killed once between sending and noting it"
    expected = {f"{n}-{word}" for n in range(last) for word in ("a", "b")}
    expected |= {f"{n}-later" for n in range(1, last + 1)}
    assert came_once_or_again_the_same(receiver) == expected


def settled(world: World) -> bool:
    world.work()
    return {state for _, state, _ in world.states()} == {"sent"}


def dies(worker: Worker) -> bool:
    try:
        worker.step()
    except Killed:
        return True
    return False
