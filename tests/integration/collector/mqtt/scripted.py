"""A broker of MQTT 5 that answers as it is told: for what a real one cannot be brought to say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CONNACK = b"\x20\x03\x00\x00\x00"


@contextmanager
def scripted_broker(grant: Callable[[str], int], connack: bytes = CONNACK) -> Iterator[int]:
    """Yield the port of a broker that lets everybody in.

    Args:
        grant: reason code for a subscription, by its topic.
        connack: its answer to CONNECT.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, grant, connack), daemon=True)
        thread.start()
        yield server.getsockname()[1]


def _serve(server: socket.socket, grant: Callable[[str], int], connack: bytes) -> None:
    with suppress(OSError):  # the test is over
        while True:
            peer, _ = server.accept()
            threading.Thread(target=_talk, args=(peer, grant, connack), daemon=True).start()


def _talk(peer: socket.socket, grant: Callable[[str], int], connack: bytes) -> None:
    with suppress(OSError), peer, peer.makefile("rb") as stream:
        while head := stream.read(2):  # no packet here is longer than 127 bytes
            body = stream.read(head[1])
            if head[0] >> 4 == 1:
                peer.sendall(connack)
            elif head[0] >> 4 == 8:  # SUBSCRIBE: id, no properties, length and topic, options
                topic = body[5:-1].decode()
                peer.sendall(b"\x90\x04" + body[:2] + b"\x00" + bytes([grant(topic)]))
