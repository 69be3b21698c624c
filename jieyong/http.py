"""The small HTTP server beside a long-running process: metrics and health, nothing else."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from jieyong.health import Health

log = structlog.get_logger()

_JSON: Final = "application/json; charset=utf-8"
_IDLE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one path answers."""

    status: HTTPStatus
    content_type: str
    body: bytes


Routes = dict[str, Callable[[], Answer]]


class HttpServer:
    """Serves ``/metrics``, ``/health``, ``/health/live`` and ``/health/ready`` from a thread.

    ``/health/*`` answer 200 or 503, so that a supervisor or a load balancer needs no JSON.

    Args:
        health: the probes.
        registry: the metrics.
        host: address to listen on; there is no log-in here, so leave it on loopback unless the
            network in front is closed.
        port: 0 takes a free one; see :attr:`port`.

    Raises:
        OSError: the address is taken; the message names it.
    """

    def __init__(
        self, health: Health, registry: CollectorRegistry, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as error:
            raise OSError(
                error.errno,
                f"cannot listen on {host}:{port} for health and metrics ({error.strerror}); "
                "free it, or set another port in the section [http]",
            ) from error
        self._server.routes = _routes(health, registry)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="http", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        log.info("http_listening", host=str(self._server.server_address[0]), port=self.port)
        return self

    def stop(self) -> None:
        """Stop listening; returns when the port is free."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


# Not HTTPServer: that one looks up its own name in the DNS, which hangs on a closed network.
class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    # A request that hangs must not hold up the end of the process.
    block_on_close = False
    routes: Routes


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = _IDLE_S
    server_version = "jieyong"
    sys_version = ""

    def do_GET(self) -> None:
        route = self.server.routes.get(self.path.partition("?")[0])
        self._send(_not_found(self.server.routes) if route is None else _safely(route))

    do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, form: str, *args: object) -> None:
        """Keep scrapes out of the log at its usual level."""
        log.debug("http_request", line=form % args)


def _routes(health: Health, registry: CollectorRegistry) -> Routes:
    def report() -> Answer:
        state = health.report()
        return _json(_status(ok=state.ready), state.to_dict())

    def live() -> Answer:
        ok = health.report().live
        return _json(_status(ok=ok), {"live": ok})

    def ready() -> Answer:
        ok = health.report().ready
        return _json(_status(ok=ok), {"ready": ok})

    def metrics() -> Answer:
        return Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry))

    return {
        "/health": report,
        "/health/live": live,
        "/health/ready": ready,
        "/metrics": metrics,
    }


def _status(*, ok: bool) -> HTTPStatus:
    return HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE


def _json(status: HTTPStatus, value: object) -> Answer:
    return Answer(status, _JSON, json.dumps(value, ensure_ascii=False).encode() + b"\n")


def _not_found(routes: Routes) -> Answer:
    return _json(HTTPStatus.NOT_FOUND, {"error": f"no such page; there are {', '.join(routes)}"})


def _safely(route: Callable[[], Answer]) -> Answer:
    try:
        return route()
    except Exception:
        log.exception("http_answer_failed")
        return _json(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "see the log of this process"})
