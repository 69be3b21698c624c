"""Receivers that run here: an HTTP server and an SMTP server that do as they are told."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    content: Any


@dataclass
class WebReceiver:
    """Answers what ``answer`` says: a status and a body; called in the server's thread."""

    answer: Callable[[Request], tuple[int, bytes]] = lambda _: (200, b"{}")
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "/hook?token=S3cr3tT0ken") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    receiver: WebReceiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who sent may have been killed."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.path, dict(self.headers.items()), json.loads(body))
        self.server.receiver.requests.append(request)
        status, answer = self.server.receiver.answer(request)
        self.send_response(status)
        if status in {301, 302, 307}:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.server.receiver.requests.append(Request(self.path, {}, None))
        self.send_response(200)
        self.end_headers()

    def log_message(self, form: str, *args: object) -> None:
        pass


@contextmanager
def web() -> Iterator[WebReceiver]:
    receiver = WebReceiver()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = receiver
        receiver.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@dataclass
class MailReceiver:
    """Takes mail, unless ``refuse`` is an SMTP answer such as ``b"550 no"``."""

    mails: list[EmailMessage] = field(default_factory=list)
    refuse: bytes = b""
    port: int = 0


class _MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    receiver: MailReceiver


class _MailHandler(socketserver.StreamRequestHandler):
    server: _MailServer

    def handle(self) -> None:
        self.wfile.write(b"220 here ESMTP\r\n")
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper()
            if word == b"DATA":
                self._data()
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            elif word == b"RCPT" and self.server.receiver.refuse:
                self.wfile.write(self.server.receiver.refuse + b"\r\n")
            else:
                self.wfile.write(b"250 ok\r\n")

    def _data(self) -> None:
        self.wfile.write(b"354 go\r\n")
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(line.removeprefix(b".") for line in lines)
        mail = message_from_bytes(content, EmailMessage, policy=policy.default)
        self.server.receiver.mails.append(mail)
        self.wfile.write(b"250 taken\r\n")


@contextmanager
def mail() -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    with _MailServer(("127.0.0.1", 0), _MailHandler) as server:
        server.receiver = receiver
        receiver.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
