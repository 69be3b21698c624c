from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from jieyong.health import Health, Verdict
from jieyong.http import HttpServer


@dataclass
class _Parts:
    loop: bool = True
    database: bool = True


@dataclass(frozen=True)
class _Running:
    server: HttpServer
    parts: _Parts
    registry: CollectorRegistry

    def get(self, path: str, method: str = "GET") -> tuple[int, str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def running() -> Iterator[_Running]:
    parts = _Parts()
    health = Health(
        {"loop": lambda: Verdict(parts.loop, "turning")},
        {"database": lambda: Verdict(parts.database, "away for 3 s")},
    )
    registry = CollectorRegistry()
    with HttpServer(health, registry) as server:
        yield _Running(server, parts, registry)


def test_health_follows_the_parts(running: _Running) -> None:
    def statuses() -> tuple[int, int, int]:
        return (
            running.get("/health/live")[0],
            running.get("/health/ready")[0],
            running.get("/health")[0],
        )

    assert statuses() == (200, 200, 200)
    running.parts.database = False
    assert statuses() == (200, 503, 503)
    running.parts.loop = False
    assert statuses() == (503, 503, 503)


def test_health_tells_the_reasons_as_json(running: _Running) -> None:
    running.parts.database = False

    _, kind, body = running.get("/health?verbose=1")

    assert kind == "application/json; charset=utf-8"
    assert json.loads(body) == {
        "live": True,
        "ready": False,
        "parts": [
            {"name": "loop", "ok": True, "reason": "turning"},
            {"name": "database", "ok": False, "reason": "away for 3 s"},
        ],
    }


def test_metrics_are_those_of_the_registry(running: _Running) -> None:
    Gauge("jieyong_answer", "The answer.", registry=running.registry).set(42)

    status, kind, body = running.get("/metrics")

    assert status == 200
    assert kind.startswith("text/plain")
    assert "jieyong_answer 42.0" in body


def test_a_failing_collector_is_an_error_500_and_the_server_lives(running: _Running) -> None:
    def fail() -> float:
        raise RuntimeError("boom")

    Gauge("jieyong_bad", "Fails.", registry=running.registry).set_function(fail)

    with capture_logs() as lines:
        assert running.get("/metrics")[0] == 500
    assert [line["event"] for line in lines if line["log_level"] == "error"] == [
        "http_answer_failed"
    ]
    assert running.get("/health/live")[0] == 200


def test_head_sends_no_body_and_unknown_pages_name_the_known(running: _Running) -> None:
    assert running.get("/metrics", method="HEAD")[2] == ""
    status, _, body = running.get("/")
    assert status == 404
    assert "/health/ready" in body


def test_it_listens_on_loopback_only_and_frees_the_port(running: _Running) -> None:
    port = running.server.port
    running.server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_taken_port_is_named(running: _Running) -> None:
    port = running.server.port
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}.*set another port in"):
        HttpServer(Health({}, {}), running.registry, port=port)
