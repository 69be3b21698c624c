"""Publishes positions with a plain paho client: an independent sender that counts its PUBACKs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.processes import wait_until

TERMINAL = "T-0001"
TERMINALS = {TERMINAL: 7}


def topic(terminal: str = TERMINAL) -> str:
    """Return the topic of a terminal's positions."""
    return f"jieyong/v1/{terminal}/position"


def payload(seq: int, ts: datetime | None = None) -> bytes:
    """Return a sound position with a number."""
    when = ts or datetime.now(UTC)
    return json.dumps({"ts": when.isoformat(), "lat": 30.5, "lon": 104.1, "seq": seq}).encode()


class Publisher:
    """A connected sender. Every message that :meth:`acknowledged` counts is the broker's duty."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sent: set[int] = set()
        self._acknowledged: set[int] = set()
        client.on_publish = lambda _c, _d, mid, *_: self._acknowledged.add(mid)

    def send(self, payloads: Sequence[bytes], terminal: str = TERMINAL, qos: int = 1) -> None:
        """Hand messages to the client's thread; without a connection it keeps them."""
        self._sent |= {self._client.publish(topic(terminal), one, qos=qos).mid for one in payloads}

    def number(self, first: int, count: int) -> None:
        """Send sound positions numbered from ``first``."""
        self.send([payload(seq) for seq in range(first, first + count)])

    def wait(self) -> None:
        """Wait until the broker has acknowledged everything."""
        wait_until(lambda: self._sent <= self._acknowledged, "all PUBACKs came")


@contextmanager
def publisher(port: int, certificates: Path | None = None) -> Iterator[Publisher]:
    """Yield a connected sender; with certificates over TLS and with a log-in."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="publisher", clean_session=False)
    client.max_inflight_messages_set(500)
    if certificates is not None:
        ours = (str(certificates / "client.crt"), str(certificates / "client.key"))
        client.tls_set(str(certificates / "ca.crt"), *ours)
        client.username_pw_set("collector", "geheim")
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert connected.wait(30)
        yield Publisher(client)
    finally:
        client.disconnect()
        client.loop_stop()
