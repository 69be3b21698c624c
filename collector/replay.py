"""What a terminal sent while it waited, through the decoder that it would have met.

Doing it twice doubles nothing: a position is known by its key, a refused message by its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from collector.jt808.header import split
from collector.jt808.office import Office
from collector.jt808.session import Session
from collector.jt808.stats import Jt808Stats
from collector.jt808.terminals import Codes, Terminals
from collector.mqtt.decode import PositionDecoder
from storage.records import Batch, Kind
from storage.waiting import INTRODUCTION, Kept

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNBOUNDED: Final = 10**9


class Replayer(Protocol):
    """Makes rows of kept messages of one terminal."""

    def batches(self, messages: Sequence[Kept]) -> list[Batch]:
        """Return what messages become, the oldest first; of no kind an empty batch."""


class Jt808Replayer:
    """Of a terminal of JT/T 808.

    Args:
        number: its number, as the inventory writes it.
        terminal_id: its id.
    """

    def __init__(self, number: str, terminal_id: int) -> None:
        office = Office(
            Terminals({number: terminal_id}),
            Codes(b""),
            Jt808Stats(),
            strangers=_UNBOUNDED,
            kept_per_hour=_UNBOUNDED,
        )
        self._session = Session(office, number)

    def batches(self, messages: Sequence[Kept]) -> list[Batch]:
        """Return what messages become; what it said of itself becomes nothing.

        Raises:
            HeaderError: a message has no header, which nothing that waits lacks.
        """
        positions: list[bytes] = []
        refused: list[bytes] = []
        for message in messages:
            if INTRODUCTION in message.reason:
                continue
            header, _ = split(message.payload)
            self._session.admit(header.phone)
            step = self._session.handle(message.payload, _us(message.received_at))
            positions += step.positions
            refused += step.refused
        kinds = ((Kind.POSITION, positions), (Kind.QUARANTINE, refused))
        return [Batch(kind, len(rows), b"".join(rows)) for kind, rows in kinds if rows]


class MqttReplayer:
    """Of a terminal that publishes with MQTT.

    Args:
        topics: the filter of the settings.
        code: its code.
        terminal_id: its id.
        max_payload_bytes: as of the settings.
    """

    def __init__(self, topics: str, code: str, terminal_id: int, max_payload_bytes: int) -> None:
        self._topic = topics.replace("+", code)
        self._decoder = PositionDecoder(topics, {code: terminal_id}, max_payload_bytes)

    def batches(self, messages: Sequence[Kept]) -> list[Batch]:
        """Return what messages become."""
        return [
            batch
            for message in messages
            for batch in self._decoder.decode(
                [(self._topic, message.payload)], _us(message.received_at)
            ).batches
        ]


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
