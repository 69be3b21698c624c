"""Probes that tell when a started process is ready to be used."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from jieyong.supervise import Ready


def tcp(host: str, port: int) -> Ready:
    """Ready when it accepts connections."""

    async def ready() -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return True
        return False

    return ready


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


def file(path: Path) -> Ready:
    """Ready when ``path`` is there and not empty; write it under another name, then rename it."""

    async def ready() -> bool:
        return _written(path)

    return ready


def _written(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0
