"""Rows of all connections between the sockets and the spool: gathered, made durable, answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from collector.intake import Accept, Refused
from collector.jt808.rows import Fault
from collector.jt808.stats import Jt808Stats
from collector.jt808.step import Step
from storage.records import Batch, Kind

log = structlog.get_logger()

_FIRST_RETRY_S: Final = 0.1
_RETRY_MAX_S: Final = 1.0
MOST_ROWS: Final = 20_000
MOST_BYTES: Final = 16 * 1024 * 1024
"""In hand at which reading stops, on all connections."""


class Line(Protocol):
    """The connection that rows came on."""

    @property
    def is_open(self) -> bool:
        """Whether a reply still reaches the terminal."""

    def send(self, replies: Sequence[bytes]) -> None:
        """Send replies to what came on this connection."""


class Gatherer:
    """Gathers rows for a moment and hands them over together.

    What the spool refuses is held, unanswered, and offered again, while nothing more is read:
    terminals keep what is not acknowledged.

    Args:
        accept: makes rows durable.
        stats: counters.
        flush_s: how long rows are gathered.
        gate: told False when reading must stop, True when it may go on.
    """

    def __init__(
        self,
        accept: Accept,
        stats: Jt808Stats,
        *,
        flush_s: float,
        gate: Callable[[bool], None],
    ) -> None:
        self._accept = accept
        self._stats = stats
        self._flush_s = flush_s
        self._gate = gate
        self._arrived = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._positions: list[bytes] = []
        self._cards: list[bytes] = []
        self._refused: list[bytes] = []
        self._faults: Counter[Fault] = Counter()
        self._replies: dict[Line, list[bytes]] = {}
        self._rows = 0
        self._bytes = 0

    def deliver(self, line: Line, step: Step) -> None:
        """Take the rows of one frame, and the replies that leave when they are on disk."""
        self._positions += step.positions
        self._cards += step.cards
        self._refused += step.refused
        self._faults.update(step.faults)
        self._replies.setdefault(line, []).extend(step.replies)
        self._rows += step.rows
        self._bytes += sum(map(len, (*step.positions, *step.cards, *step.refused)))
        self._arrived.set()
        if self._rows >= MOST_ROWS or self._bytes >= MOST_BYTES:
            self._gate(False)

    async def run(self) -> None:
        """Flush for ever; to be cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Make everything in hand durable, then answer it; returns when that is done."""
        async with self._flushing:
            self._arrived.clear()
            positions, self._positions = self._positions, []
            cards, self._cards = self._cards, []
            refused, self._refused = self._refused, []
            faults, self._faults = self._faults, Counter()
            replies, self._replies = self._replies, {}
            rows, self._rows = self._rows, 0
            self._bytes = 0
            kinds = (
                (Kind.POSITION, positions),
                (Kind.DRIVER_CARD, cards),
                (Kind.QUARANTINE, refused),
            )
            batches = [Batch(kind, len(mine), b"".join(mine)) for kind, mine in kinds if mine]
            if not batches:
                return
            self._stats.flushes += 1
            await self._until_durable(batches, rows)
            self._stats.positions += len(positions)
            self._stats.cards += len(cards)
            self._stats.quarantined.update(faults)
            self._answer(replies)
            self._gate(True)

    def _answer(self, replies: dict[Line, list[bytes]]) -> None:
        for line, frames in replies.items():
            if line.is_open:
                line.send(frames)
                self._stats.answered += len(frames)
            else:
                self._stats.orphaned += len(frames)

    async def _until_durable(self, batches: Sequence[Batch], rows: int) -> None:
        pause = _FIRST_RETRY_S
        while True:
            try:
                await self._accept(batches)
            except Refused as refused:
                self._hold(rows, str(refused))
            except Exception as error:
                # Whatever it was, the rows are not on disk and must not be acknowledged.
                log.exception("jt808_hand_over_failed")
                self._hold(rows, repr(error))
            else:
                if self._stats.holding:
                    log.warning("jt808_rows_released", rows=self._stats.holding)
                self._stats.holding = 0
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _RETRY_MAX_S)

    def _hold(self, rows: int, why: str) -> None:
        if self._stats.holding == 0:
            self._stats.held += rows
            log.warning(
                "jt808_rows_held",
                rows=rows,
                why=why,
                advice="nothing is read meanwhile; terminals keep what is not acknowledged",
            )
        self._stats.holding = rows
        self._gate(False)
