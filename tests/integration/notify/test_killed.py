"""kill -9 between sending and noting it: no note is lost, and what repeats has its key."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from notify.outbox import put
from tests.integration.notify import sending_child
from tests.integration.notify.receivers import Request, WebReceiver
from tests.integration.notify.world import write_routes
from tests.processes import wait_until
from tests.unit.notify.samples import note

KILLS = 6
NOTES = 12


def start(database: str, routes: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", sending_child.__name__, database, str(routes)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[3])


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
    waiting = "SELECT count(*) FROM note_message WHERE state = 'due'"
    left = "SELECT count(*) FROM note_delivery WHERE message_id IS NULL"
    routed = "SELECT count(*) FROM note WHERE routed_at IS NULL"
    try:
        wait_until(
            lambda: all(conn.execute(q).fetchone() == (0,) for q in (waiting, left, routed)),
            "everything is sent",
        )
    finally:
        children[-1].kill()
        children[-1].wait()

    contents: dict[str, set[str]] = defaultdict(set)
    carried: dict[str, set[str]] = defaultdict(set)
    for request in receiver.requests:
        key = request.headers["Idempotency-Key"]
        contents[key].add(str(request.content))
        for one in request.content["notes"]:
            carried[one["key"]].add(key)
    assert kills == KILLS
    assert set(carried) == {f"n{number}" for number in range(NOTES)}
    assert all(len(keys) == 1 for keys in carried.values()), "a note came under two keys"
    assert all(len(texts) == 1 for texts in contents.values()), "one key, two messages"
    repeats = Counter(request.headers["Idempotency-Key"] for request in receiver.requests)
    assert sum(repeats.values()) - len(repeats) == KILLS
