"""From MQTT messages to packed rows: positions, and what goes to quarantine instead."""

from __future__ import annotations

import contextlib
import enum
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog

from collector.mqtt.message import NO_EXTRA, Fix, PositionMessage, StrictMessage
from collector.mqtt.pack import Seen, pack
from collector.quarantine import quarantine_row
from collector.window import NEWEST_US, OLDEST_US
from storage.records import CLOCKS_DIFFER_US, Batch, Kind, PositionFlag

log = structlog.get_logger()

Message = tuple[str, bytes]
"""Topic and payload."""

SOURCE: Final = "mqtt"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Plain integers: an IntFlag's `|` alone would cost more than decoding the message.
_NO_FIX: Final = int(PositionFlag.NO_FIX)
_ZERO_ISLAND: Final = int(PositionFlag.ZERO_ISLAND)
_OUT_OF_RANGE: Final = int(PositionFlag.OUT_OF_RANGE)
_BAD_SPEED: Final = int(PositionFlag.BAD_SPEED)
_BAD_COURSE: Final = int(PositionFlag.BAD_COURSE)
_FUTURE: Final = int(PositionFlag.FUTURE)
_UNKNOWN_FIELDS: Final = int(PositionFlag.UNKNOWN_FIELDS)
_BAD_FIELDS: Final = int(PositionFlag.BAD_FIELDS)

_FIELDS: Final = {
    field.name: msgspec.json.Decoder(field.type)
    for field in msgspec.structs.fields(PositionMessage)
}


class Fault(enum.StrEnum):
    """Why a message went to quarantine; the label of the counter."""

    OVERSIZE = "oversize"
    UNKNOWN_TERMINAL = "unknown_terminal"
    MALFORMED = "malformed"  # not JSON
    INVALID = "invalid"  # JSON, but time or place is missing or of the wrong kind
    TIME = "time"  # outside the window
    EXTRA = "extra"  # cannot be kept as JSON
    INTERNAL = "internal"  # a fault of ours


class _UnfitError(Exception):
    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a number of messages became: at most one batch of each kind, none of them empty."""

    batches: tuple[Batch, ...]
    faults: Mapping[Fault, int]


class PositionDecoder:
    """Decodes positions; every message becomes exactly one row, whatever it holds.

    Args:
        topic: the filter, with one ``+`` where the terminal's code stands.
        terminals: wire identity → terminal id.
        max_payload_bytes: a longer message goes to quarantine, cut to this length.
    """

    def __init__(self, topic: str, terminals: Mapping[str, int], max_payload_bytes: int) -> None:
        self._max_payload = max_payload_bytes
        self._before, self._after = topic.split("+", 1)
        self.update(terminals)
        self._strict = msgspec.json.Decoder(StrictMessage)
        self._lenient = msgspec.json.Decoder(PositionMessage)
        self._fix = msgspec.json.Decoder(Fix)
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._object = msgspec.json.Decoder(dict[str, Any])

    def update(self, terminals: Mapping[str, int]) -> None:
        """Take the registry's present terminals."""
        # By whole topic: one look-up instead of taking the topic apart for each message.
        self._terminals = {
            f"{self._before}{code}{self._after}": id_ for code, id_ in terminals.items()
        }

    def decode(self, messages: Sequence[Message], received_us: int) -> Decoded:
        """Decode messages.

        Args:
            messages: topics and payloads in the order they came.
            received_us: when they are handed to the spool, Unix microseconds.
        """
        good: list[bytes] = []
        bad: list[bytes] = []
        faults: Counter[Fault] = Counter()
        for topic, payload in messages:
            try:
                good.append(self._row(topic, payload, received_us))
            except _UnfitError as unfit:
                faults[unfit.fault] += 1
                bad.append(self._refused(topic, str(unfit), payload, received_us))
            except Exception as error:
                # One message must not stop all others, for ever, at each redelivery.
                log.exception("message_not_decoded", topic=topic)
                faults[Fault.INTERNAL] += 1
                reason = f"{Fault.INTERNAL}: {error!r}"
                bad.append(self._refused(topic, reason, payload, received_us))
        kinds = ((Kind.POSITION, good), (Kind.QUARANTINE, bad))
        return Decoded(
            tuple(Batch(kind, len(rows), b"".join(rows)) for kind, rows in kinds if rows), faults
        )

    def _refused(self, topic: str, reason: str, payload: bytes, received_us: int) -> bytes:
        return quarantine_row(SOURCE, topic, reason, payload[: self._max_payload], received_us)

    def _row(self, topic: str, payload: bytes, received_us: int) -> bytes:
        terminal_id = self._terminals.get(topic)
        if terminal_id is None:
            raise _UnfitError(
                Fault.UNKNOWN_TERMINAL,
                f"terminal {self._code(topic)!r} is not in the inventory; register it",
            )
        if len(payload) > self._max_payload:
            raise _UnfitError(
                Fault.OVERSIZE,
                f"{len(payload)} bytes, more than mqtt.max_payload_bytes; the rest is cut off",
            )
        message, flags = self._parse(payload)
        fix_us, ahead = _time(message, received_us)
        hash_ = int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest(), "big", signed=True)
        if message.extra is not NO_EXTRA and bytes(message.extra)[:1] not in {b"{", b"n"}:
            flags |= _BAD_FIELDS
        seen = Seen(terminal_id, fix_us, hash_, flags | ahead | _judge(message), received_us)
        if flags:  # fields that have no column or do not fit theirs: nothing of them may be lost
            return pack(message, seen, self._extra(payload))
        if message.extra is NO_EXTRA:
            return pack(message, seen)
        return pack(message, seen, self._extra(bytes(message.extra)))

    def _parse(self, payload: bytes) -> tuple[PositionMessage, int]:
        try:
            return self._strict.decode(payload), 0
        except msgspec.ValidationError:
            pass  # an unknown field, or worse: the lenient decoder tells
        except (ValueError, RecursionError) as error:
            raise _UnfitError(Fault.MALFORMED, str(error)) from None
        try:
            return self._lenient.decode(payload), _UNKNOWN_FIELDS
        except msgspec.ValidationError:
            return self._salvage(payload)
        except (ValueError, RecursionError) as error:
            raise _UnfitError(Fault.MALFORMED, str(error)) from None

    def _salvage(self, payload: bytes) -> tuple[PositionMessage, int]:
        """Read what fits: an optional field that does not must not cost the position."""
        try:
            fix = self._fix.decode(payload)
            given = self._fields.decode(payload)
        except msgspec.ValidationError as error:
            raise _UnfitError(Fault.INVALID, str(error)) from None
        except (ValueError, RecursionError) as error:
            raise _UnfitError(Fault.MALFORMED, str(error)) from None
        fit = msgspec.structs.asdict(fix)
        for name in given.keys() & (_FIELDS.keys() - fit.keys()):
            with contextlib.suppress(ValueError, RecursionError):
                fit[name] = _FIELDS[name].decode(given[name])
        unknown = _UNKNOWN_FIELDS if given.keys() - _FIELDS.keys() else 0
        return PositionMessage(**fit), _BAD_FIELDS | unknown

    def _extra(self, raw: bytes) -> bytes | None:
        """Return an object that PostgreSQL takes as jsonb; None for null."""
        if raw == b"null":
            return None
        try:
            self._object.decode(raw)
        except (ValueError, RecursionError) as error:
            raise _UnfitError(Fault.EXTRA, str(error)) from None
        if b"\\u0000" in raw:
            raise _UnfitError(Fault.EXTRA, "it holds the character U+0000, which jsonb cannot")
        return raw

    def _code(self, topic: str) -> str:
        return topic.removeprefix(self._before).removesuffix(self._after)


def _time(message: PositionMessage, received_us: int) -> tuple[int, int]:
    """Return the time of the fix in Unix microseconds, and its flag."""
    since = message.ts - _EPOCH
    fix_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    ahead_us = fix_us - received_us
    if ahead_us > NEWEST_US:
        raise _UnfitError(Fault.TIME, f"ts {message.ts} is more than 5 minutes ahead of our clock")
    if -ahead_us > OLDEST_US:
        raise _UnfitError(Fault.TIME, f"ts {message.ts} is more than 400 days old")
    return fix_us, _FUTURE if ahead_us > CLOCKS_DIFFER_US else 0


def _judge(m: PositionMessage) -> int:
    """Return the flags that a message's own values call for."""
    flags = 0
    if m.fix is False:
        flags |= _NO_FIX
    if m.lat == 0 and m.lon == 0:
        flags |= _ZERO_ISLAND
    if not (-90 <= m.lat <= 90 and -180 <= m.lon <= 180):
        flags |= _OUT_OF_RANGE
    if m.speed is not None and not 0 <= m.speed <= 400:
        flags |= _BAD_SPEED
    if m.course is not None and not 0 <= m.course <= 360:
        flags |= _BAD_COURSE
    return flags
