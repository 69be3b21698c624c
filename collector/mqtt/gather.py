"""Messages between the socket and the spool: gathered, made durable, then acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from collector.intake import Accept, Refused
from collector.mqtt.decode import Message, PositionDecoder
from collector.mqtt.stats import MqttStats
from storage.records import Batch

log = structlog.get_logger()

_FIRST_RETRY_S: Final = 0.1
_RETRY_MAX_S: Final = 1.0
_BOUND_BYTES: Final = 16 * 1024 * 1024
"""Payload in hand at which reading stops, however few messages hold it."""


class Line(Protocol):
    """The connection that messages came on."""

    @property
    def is_open(self) -> bool:
        """Whether an acknowledgement still reaches the broker."""

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Acknowledge messages that came on this connection."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Read again."""


class Gatherer:
    """Gathers messages for a moment and hands them over together.

    What the spool refuses is held, unacknowledged, and offered again: the broker's window fills,
    and what follows waits at the broker. Nothing is dropped.

    Args:
        decoder: makes rows of messages.
        accept: makes rows durable.
        now_us: the clock, Unix microseconds.
        flush_s: how long messages are gathered.
        bound: messages in hand at which reading stops.
    """

    def __init__(
        self,
        decoder: PositionDecoder,
        accept: Accept,
        now_us: Callable[[], int],
        *,
        flush_s: float,
        bound: int,
    ) -> None:
        self.stats = MqttStats()
        self._decoder = decoder
        self._accept = accept
        self._now_us = now_us
        self._flush_s = flush_s
        self._bound = bound
        self._arrived = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._line: Line | None = None
        self._messages: list[Message] = []
        self._mids: list[int] = []
        self._bytes = 0

    def attach(self, line: Line) -> None:
        """Take messages of this connection from now on; those in hand must be flushed before."""
        if self._messages:
            raise RuntimeError("messages of an earlier connection are still in hand")
        self._line = line

    def deliver(self, topic: str, payload: bytes, mid: int) -> None:
        """Take one message; ``mid`` 0 needs no acknowledgement."""
        self._messages.append((topic, payload))
        self._bytes += len(payload)
        if mid:
            self._mids.append(mid)
        if len(self._messages) == 1:
            self._arrived.set()
        full = len(self._messages) >= self._bound or self._bytes >= _BOUND_BYTES
        if full and self._line is not None:
            self._line.pause()

    async def run(self) -> None:
        """Flush for ever; to be cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Make everything in hand durable, then acknowledge it; returns when that is done."""
        async with self._flushing:
            self._arrived.clear()
            messages, self._messages = self._messages, []
            mids, self._mids = self._mids, []
            self._bytes = 0
            line = self._line
            if not messages:
                return
            self._count(len(messages), len(mids))
            now_us = self._now_us()
            decoded = self._decoder.decode(messages, now_us)
            await self._until_durable(decoded.batches, len(messages))
            self.stats.spooled += len(messages)
            self.stats.quarantined.update(decoded.faults)
            if line is not None:
                self._acknowledge(line, mids)

    def _count(self, messages: int, acknowledgeable: int) -> None:
        self.stats.flushes += 1
        self.stats.received += messages
        self.stats.unacknowledgeable += messages - acknowledgeable
        self.stats.last_message_us = self._now_us()

    def _acknowledge(self, line: Line, mids: Sequence[int]) -> None:
        if not line.is_open:
            self.stats.orphaned += len(mids)
            return
        line.acknowledge(mids)
        self.stats.acknowledged += len(mids)
        line.resume()

    async def _until_durable(self, batches: Sequence[Batch], messages: int) -> None:
        pause = _FIRST_RETRY_S
        while True:
            try:
                await self._accept(batches)
            except Refused as refused:
                self._hold(messages, str(refused))
            except Exception as error:
                # Whatever it was, the messages are not on disk and must not be acknowledged.
                log.exception("mqtt_hand_over_failed")
                self._hold(messages, repr(error))
            else:
                self._release()
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _RETRY_MAX_S)

    def _hold(self, messages: int, why: str) -> None:
        if self.stats.holding == 0:
            self.stats.held += messages
            log.warning("mqtt_messages_held", messages=messages, why=why)
        self.stats.holding = messages

    def _release(self) -> None:
        if self.stats.holding:
            log.warning("mqtt_messages_released", messages=self.stats.holding)
        self.stats.holding = 0
