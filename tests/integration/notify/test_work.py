"""`jieyong notify work` as a process: it sends, answers for its health, and stops when told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from notify.outbox import put
from tests.integration.notify.receivers import WebReceiver
from tests.integration.notify.world import write_routes
from tests.processes import wait_until
from tests.unit.notify.samples import note


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_workers_send_and_tell_how_they_stand(
    conn: psycopg.Connection, database: str, tmp_path: Path, receiver: WebReceiver
) -> None:
    port = free_port()
    given = {
        "DATABASE_URL": database,
        "JIEYONG_NOTIFY__ROUTES": str(write_routes(tmp_path, receiver)),
        "JIEYONG_HTTP__NOTIFY_PORT": str(port),
        "JIEYONG_NOTIFY__LOOK_S": "0.05",
    }
    command = [sys.executable, "-m", "jieyong", "notify", "work"]
    root = Path(__file__).parents[3]
    put(conn, note("a"), datetime.now(UTC))
    with subprocess.Popen(
        command, env={**os.environ, **given}, cwd=root, stderr=subprocess.PIPE
    ) as work:
        try:
            wait_until(lambda: len(receiver.requests) == 1, "the note is sent")

            def metrics() -> str:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
                    return str(page.read().decode())

            wait_until(
                lambda: 'jieyong_notify_messages_total{outcome="done"} 1.0' in metrics(),
                "the message is counted",
            )
            assert "jieyong_notify_notes_total 1.0" in metrics()
            wait_until(lambda: "jieyong_notify_set_aside_messages 0.0" in metrics(), "looked")
        finally:
            work.send_signal(signal.SIGTERM)
            _, errors = work.communicate()
    assert work.returncode == 0, errors
    assert b"S3cr3tT0ken" not in errors


def test_a_file_of_routes_with_mistakes_is_told_at_once(database: str, tmp_path: Path) -> None:
    (tmp_path / "notify.yaml").write_text("channels: 1\n", encoding="utf-8")
    given = {"DATABASE_URL": database, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-m", "jieyong", "notify", "work"]
    result = subprocess.run(
        command, env={**os.environ, **given}, cwd=tmp_path, capture_output=True, check=False
    )
    assert result.returncode == 1
    assert b"notify.yaml:1: routes: channels must be a list" in result.stderr
    assert b"Traceback" not in result.stderr
