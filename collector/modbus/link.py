"""One TCP connection to a gateway or device: one request at a time, answers strictly checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from collector.modbus import frame
from collector.modbus.frame import Answer, Fault, Foreign, Incomplete, Refusal, Request


class RequestError(Exception):
    """A request got no usable answer.

    Attributes:
        cause: label of the counter.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class NoReplyError(RequestError):
    """Nothing came before the deadline."""

    def __init__(self) -> None:
        super().__init__("timeout")


class BadReplyError(RequestError):
    """What came cannot be the answer."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"bad_{fault}")


class LinkLostError(RequestError):
    """The connection ended before the answer came."""

    def __init__(self) -> None:
        super().__init__("lost")


class ExceptionReplyError(RequestError):
    """The device or a gateway refused.

    Attributes:
        code: Modbus exception code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"exception_{code}")
        self.code = code


class Link(asyncio.Protocol):
    """A connection. After a timeout, a cancel or a bad reply it is closed: never used again.

    Args:
        transaction: the last transaction id used on this bus, so that ids go on across connections.
        on_foreign: called with the unit of each frame that answers nothing we wait for.

    Attributes:
        transaction: the last transaction id used.
        used: whether it ever carried an answer.
    """

    def __init__(self, transaction: int, on_foreign: Callable[[int], None]) -> None:
        self.transaction = transaction
        self.used = False
        self._on_foreign = on_foreign
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._closed = self._loop.create_future()
        self._buffer = b""
        self._request: Request | None = None
        self._expected = b""
        self._answer: asyncio.Future[bytes] = self._loop.create_future()
        self._deadline = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._watch_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: Request, timeout_s: float) -> bytes:
        """Send a request and return the whole reply frame.

        Raises:
            NoReplyError: nothing came in time; the link is closed.
            BadReplyError: the reply is not this request's answer; the link is closed.
            LinkLostError: the link is or was closed by the other side.
            ExceptionReplyError: the device or a gateway refused; the link stays open.
        """
        if self._transport is None or self._transport.is_closing():
            raise LinkLostError
        self.transaction = (self.transaction + 1) & 0xFFFF
        identity = self.transaction.to_bytes(2, "big")
        self._answer = self._loop.create_future()
        self._request = request
        self._expected = identity + request.head
        self._watch_over(timeout_s)
        self._transport.write(identity + request.tail)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()  # its reply may still come and must meet no other request
            raise
        finally:
            self._request = None

    def close(self) -> None:
        """Close at once; wait for it with :meth:`wait_closed`."""
        if self._transport is not None:
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Return when the socket is closed: some devices serve only one connection."""
        if self._transport is not None:
            await asyncio.shield(self._closed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio calls this)."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell whoever waits (asyncio calls this)."""
        if self._watch is not None:
            self._watch.cancel()
        self._fail(LinkLostError())
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the wire (asyncio calls this)."""
        request = self._request
        if (
            request is not None
            and not self._buffer
            and len(data) == request.size
            and data.startswith(self._expected)
        ):
            self._succeed(data)  # nearly always: one whole good reply
            return
        self._buffer += data
        while self._buffer and self._take_frame():
            pass

    def _take_frame(self) -> bool:
        """Deal with the first frame in the buffer; False when there is nothing more to do."""
        match frame.check(self._buffer, self.transaction, self._request):
            case Incomplete():
                return False
            case Foreign(unit, size):
                self._on_foreign(unit)
                self._buffer = self._buffer[size:]
            case Refusal(code):
                self._buffer = self._buffer[frame.DATA_AT :]
                self.used = True
                self._settle(ExceptionReplyError(code))
            case Answer():
                assert self._request is not None  # noqa: S101 - narrows for mypy
                size = self._request.size
                whole, self._buffer = self._buffer[:size], self._buffer[size:]
                self._succeed(whole)
            case fault:
                self._buffer = b""
                self._fail(BadReplyError(fault))
                return False
        return True

    def _watch_over(self, timeout_s: float) -> None:
        """Let a request fail when its time is over.

        One timer serves many requests: nearly all are answered long before, and making and
        cancelling a timer for each costs more than looking once a timeout whether one is overdue.
        """
        self._deadline = self._loop.time() + timeout_s
        if self._watch is not None:
            if self._watch_at <= self._deadline:
                return
            self._watch.cancel()
        self._watch_at = self._deadline
        self._watch = self._loop.call_at(self._watch_at, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._request is None:
            return
        if self._loop.time() >= self._deadline:
            self._fail(NoReplyError())
        else:
            self._watch_over(self._deadline - self._loop.time())

    def _succeed(self, reply: bytes) -> None:
        self.used = True
        self._request = None
        if not self._answer.done():
            self._answer.set_result(reply)

    def _settle(self, error: RequestError) -> None:
        if self._request is not None and not self._answer.done():
            self._answer.set_exception(error)
        self._request = None

    def _fail(self, error: RequestError) -> None:
        self.close()
        self._settle(error)
