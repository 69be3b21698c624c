"""What a terminal sent while it waited, through the decoder that it would have met.

So go drivers' cards that came before they could be read.

Doing it twice doubles nothing: a position is known by its key, a refused message by its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from collector.jt808 import card
from collector.jt808.header import HeaderError, split
from collector.jt808.messages import MessageError
from collector.jt808.office import Office
from collector.jt808.rows import OutsideError, card_row
from collector.jt808.session import Session
from collector.jt808.stats import Jt808Stats
from collector.jt808.step import NOTHING, Step
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
        self._terminal_id = terminal_id

    def batches(self, messages: Sequence[Kept]) -> list[Batch]:
        """Return what messages become; what it said of itself becomes nothing."""
        steps = [self._step(one) for one in messages if INTRODUCTION not in one.reason]
        kinds = (
            (Kind.POSITION, [row for step in steps for row in step.positions]),
            (Kind.DRIVER_CARD, [row for step in steps for row in step.cards]),
            (Kind.QUARANTINE, [row for step in steps for row in step.refused]),
        )
        return [Batch(kind, len(rows), b"".join(rows)) for kind, rows in kinds if rows]

    def _step(self, message: Kept) -> Step:
        received_us = _us(message.received_at)
        try:
            header, _ = split(message.payload)
        except HeaderError:
            return self._bare_card(message.payload, received_us)
        self._session.admit(header.phone)
        return self._session.handle(message.payload, received_us)

    def _bare_card(self, body: bytes, received_us: int) -> Step:
        """Read a card that came in packets, which alone of all that is kept has no header."""
        try:
            return Step(cards=(card_row(self._terminal_id, card.parse(body), body, received_us),))
        except (MessageError, OutsideError):
            return NOTHING  # it stays what it is, in quarantine


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
