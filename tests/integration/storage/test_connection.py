from __future__ import annotations

import socket
import struct
import threading

import psycopg
import pytest

from storage.connection import connect
from storage.settings import DatabaseSettings


def lets_in_and_falls_silent(door: socket.socket) -> None:
    """Speak the server's side of a log-in, then answer nothing more until the client leaves."""
    line, _ = door.accept()
    with line:
        (size,) = struct.unpack(">i", line.recv(4, socket.MSG_WAITALL))
        line.recv(size - 4, socket.MSG_WAITALL)
        line.sendall(b"R" + struct.pack(">ii", 8, 0) + b"Z" + struct.pack(">i", 5) + b"I")
        while line.recv(4096):
            pass


def test_a_server_that_falls_silent_after_the_log_in_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = threading.Thread(target=lets_in_and_falls_silent, args=[door], daemon=True)
        server.start()
        conninfo = f"host=127.0.0.1 port={door.getsockname()[1]} sslmode=disable gssencmode=disable"
        with pytest.raises(psycopg.OperationalError):
            connect(conninfo, DatabaseSettings(connect_timeout_s=2), "test")
        server.join(60)
        assert not server.is_alive()
