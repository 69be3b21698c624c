"""Probes that tell when a started process is ready to be used."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from jieyong.child import Ready

# MQTT 3.1.1, which every broker speaks: CONNECT with a clean session and a name, and DISCONNECT.
_MQTT_NAME: Final = b"jieyong-ready"
_MQTT_BODY: Final = b"\x00\x04MQTT\x04\x02\x00\x0a" + bytes((0, len(_MQTT_NAME))) + _MQTT_NAME
_MQTT_CONNECT: Final = bytes((0x10, len(_MQTT_BODY))) + _MQTT_BODY
_MQTT_WELCOME: Final = b"\x20\x02\x00\x00"
_MQTT_DISCONNECT: Final = b"\xe0\x00"


def http(host: str, port: int, path: str = "/health/live") -> Ready:
    """Ready when it answers 200 at ``path``."""

    async def ready() -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                line = await reader.readline()
            finally:
                writer.close()
            return line.split()[1:2] == [b"200"]
        return False

    return ready


def mqtt(host: str, port: int) -> Ready:
    """Ready when it lets an MQTT client in.

    A mere connection would do for mosquitto, but makes amqtt log an error and leak a socket.
    """

    async def ready() -> bool:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_MQTT_CONNECT)
                welcome = await reader.readexactly(len(_MQTT_WELCOME))
                writer.write(_MQTT_DISCONNECT)
                await writer.drain()
            finally:
                writer.close()
            return welcome == _MQTT_WELCOME
        return False

    return ready
