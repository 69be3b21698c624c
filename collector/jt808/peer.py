"""One connection of a terminal: bytes in, replies out, within its limits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final, Protocol, cast

import structlog

from collector.jt808.frame import FrameError, FrameFault, Splitter, unwrap
from collector.jt808.limits import Bucket
from collector.jt808.office import Office
from collector.jt808.session import Session
from collector.jt808.step import Step
from collector.settings import Jt808Settings

log = structlog.get_logger()

_BUFFER: Final = 32 * 1024
"""Bytes of a connection that wait in the system, each way.

A chunk is handled in one go: with more, a flood would hold up everybody else.
"""

_UNSENT: Final = 64 * 1024
"""Replies that wait here besides, bytes: some three thousand; a backlog is answered at once."""


class Host(Protocol):
    """What a connection asks of the gateway."""

    @property
    def office(self) -> Office:
        """What all sessions share."""

    @property
    def settings(self) -> Jt808Settings:
        """Limits."""

    @property
    def reading(self) -> bool:
        """Whether anything may be read now."""

    def now_us(self) -> int:
        """The time, Unix microseconds."""

    def admit(self, peer: Peer) -> bool:
        """Tell whether one more connection may stand, and count it in."""

    def deliver(self, peer: Peer, step: Step) -> None:
        """Take rows, and the replies that leave when they are on disk."""

    def changed(self, peer: Peer, before: str | None) -> None:
        """Take note that the terminal authenticated, or left."""

    def left(self, peer: Peer, cause: str) -> None:
        """Count a connection out."""


class Peer(asyncio.Protocol):
    """One connection.

    Attributes:
        address: of the other end, without the port.
        since_s: when it was made, of the loop's clock; or when reading last went on.
        seen_s: when its last sound frame came, or the same.
    """

    def __init__(self, host: Host) -> None:
        self.address = ""
        self.since_s = 0.0
        self.seen_s = 0.0
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._splitter = Splitter()
        self._oversize = 0
        self._reading = True
        self._throttled: asyncio.TimerHandle | None = None
        self._cause = "peer"
        self._admitted = False

    @property
    def terminal(self) -> str | None:
        """Number of the terminal while it is authenticated."""
        return self._session.terminal

    @property
    def is_open(self) -> bool:
        """Whether a reply still reaches the terminal."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or turn it away."""
        # Not to be asked with isinstance: uvloop's are of a class of their own.
        self._transport = transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        self.address = str(name[0]) if name else "unknown"
        self._session = Session(self._host.office, self.address)
        self.since_s = self.seen_s = now_s = self._loop.time()
        settings = self._host.settings
        self._bytes = Bucket(settings.bytes_per_s, now_s)
        self._frames = Bucket(settings.frames_per_s, now_s)
        self._admitted = self._host.admit(self)
        if not self._admitted:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=_UNSENT)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.adjust()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio passes it
        """Count it out; replies that wait for the disk find it closed."""
        if self._throttled is not None:
            self._throttled.cancel()
        if self._admitted:
            self._host.left(self, self._cause)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take bytes as they come."""
        frames = self._splitter.feed(data)
        for raw in frames:
            if not self.is_open:
                return
            self._frame(raw)
        self._count_oversize()
        self._limit(len(data), len(frames))

    def pause_writing(self) -> None:
        """Give up a terminal that does not read our replies: they would pile up here."""
        self.close("slow")

    def send(self, replies: Sequence[bytes]) -> None:
        """Send replies; nothing when the connection is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(replies))

    def remind(self, now_us: int) -> None:
        """Ask the terminal for what it should have sent by now."""
        frames = self._session.remind(now_us)
        if frames:
            self.send(frames)

    def adjust(self) -> None:
        """Read, or stop reading, as the gateway and our own limits say."""
        wanted = self._host.reading and self._throttled is None
        if wanted == self._reading or self._transport is None or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def close(self, cause: str, *, gently: bool = False) -> None:
        """End the connection; ``gently`` lets replies leave that are on their way."""
        if self._transport is None or self._transport.is_closing():
            return
        self._cause = cause
        if gently:
            self._transport.close()
        else:
            self._transport.abort()

    def _frame(self, raw: bytes) -> None:
        now_us = self._host.now_us()
        before = self._session.terminal
        try:
            content = unwrap(raw)
        except FrameError as error:
            step = self._session.unsound(raw, error, now_us)
        else:
            self.seen_s = self._loop.time()
            self._host.office.stats.last_frame_us = now_us
            try:
                step = self._session.handle(content, now_us)
            except Exception as error:
                # One frame must not end a connection, at each attempt to send it again.
                log.exception("jt808_frame_not_handled", peer=self.address)
                step = self._session.failed(content, error, now_us)
        if step.rows:
            self._host.deliver(self, step)
        else:
            self.send(step.replies)
        if self._session.terminal != before:
            self._host.changed(self, before)

    def _count_oversize(self) -> None:
        new = self._splitter.oversize - self._oversize
        if new:
            self._oversize += new
            self._host.office.stats.bad_frames[FrameFault.OVERSIZE] += new

    def _limit(self, size: int, frames: int) -> None:
        now_s = self._loop.time()
        wait_s = max(self._bytes.take(size, now_s), self._frames.take(frames, now_s))
        if wait_s <= 0 or self._throttled is not None or not self.is_open:
            return
        self._host.office.stats.throttled += 1
        self._throttled = self._loop.call_later(wait_s, self._calm)
        self.adjust()

    def _calm(self) -> None:
        self._throttled = None
        self.adjust()
