"""Raw records and their packed form.

A record is packed once, where it is accepted, into the tuple format of PostgreSQL's
``COPY … (FORMAT binary)``. The same bytes lie in the spool and go to the server, so nothing between
the wire and the table can alter a value or a time.

All times are microseconds since the Unix epoch, UTC, as ``int``.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

PG_EPOCH_US: Final = 946_684_800_000_000
"""Microseconds between 1970-01-01 and PostgreSQL's own epoch, 2000-01-01, both UTC."""

_PG_EPOCH: Final = date(2000, 1, 1)
COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER: Final = b"\xff\xff"


class Kind(enum.StrEnum):
    """What a batch holds; the value is the name of its table."""

    READING = "reading"
    POSITION = "position"
    DRIVER_CARD = "driver_card"
    QUARANTINE = "quarantine"


COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.READING: (
        "point_id",
        "ts",
        "value",
        "flags",
        "profile_id",
        "observed_at",
        "received_at",
    ),
    Kind.POSITION: (
        "terminal_id",
        "fix_time",
        "content_hash",
        "lat",
        "lon",
        "speed_kmh",
        "course_deg",
        "altitude_m",
        "odometer_km",
        "satellites",
        "acc",
        "flags",
        "seq",
        "received_at",
        "extra",
    ),
    Kind.DRIVER_CARD: (
        "terminal_id",
        "at",
        "content_hash",
        "event",
        "timed",
        "result",
        "name",
        "qualification",
        "issuer",
        "valid_until",
        "withheld",
        "raw",
        "received_at",
    ),
    Kind.QUARANTINE: ("source", "origin", "digest", "reason", "payload", "received_at"),
}
"""The columns of each packed tuple, in their order on the wire."""


class ReadingFlag(enum.IntFlag):
    """What ingest saw of one reading; never changed afterwards (int2)."""

    NONE = 0
    SENTINEL = 1  # the register held the profile's "not available": value is NULL
    NOT_FINITE = 2  # NaN or infinity: value is NULL
    BAD_BCD = 4  # a nibble above 9: value is NULL
    LATE_SLOT = 8  # polled later than half an interval after its turn


CLOCKS_DIFFER_US: Final = 60_000_000
"""A time may be so much ahead of our clock: less is how clocks differ, no wrong time."""


class PositionFlag(enum.IntFlag):
    """What ingest saw of one position; never changed afterwards (int4)."""

    NONE = 0
    NO_FIX = 1  # the terminal itself says so
    ZERO_ISLAND = 2  # 0/0
    OUT_OF_RANGE = 4  # |lat| > 90 or |lon| > 180
    BAD_SPEED = 8  # negative or above 400 km/h
    BAD_COURSE = 16  # outside 0..360
    FUTURE = 32  # more than CLOCKS_DIFFER_US ahead of our clock, but inside the accepted window
    UNKNOWN_FIELDS = 64  # fields we do not know: the whole payload stands in `extra`
    BAD_FIELDS = 128  # optional fields of the wrong kind or size: NULL, and the payload in `extra`
    WITHHELD = 256  # of a sensitive vehicle: its place is not stored (storage/withhold.py)


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed rows of one kind.

    Attributes:
        kind: which table they belong to.
        rows: how many tuples ``body`` holds; at least one.
        body: COPY-binary tuples without the file's header and trailer.
    """

    kind: Kind
    rows: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """One position as a terminal sent it. Speeds in km/h, distances in km, angles in degrees."""

    terminal_id: int
    fix_time_us: int
    content_hash: int
    lat: float
    lon: float
    speed_kmh: float | None
    course_deg: float | None
    altitude_m: float | None
    odometer_km: float | None
    satellites: int | None
    acc: bool | None
    flags: int
    seq: int | None
    received_us: int
    extra: bytes | None


@dataclass(frozen=True, slots=True)
class DriverCard:
    """A driver's card as a terminal told of it; None: not told, or the card could not be read.

    Attributes:
        at_us: when, by the terminal; where its form tells no time (2011), when the message came.
        content_hash: of the message's body.
        event: ``in``, ``out``, or ``read``: a form that knows only that it was read (2011).
        timed: the time is the terminal's.
        result: what reading the card came to, 0: it could be read.
        name, qualification, issuer, valid_until: what stands on it.
        raw: the message's body.
        received_us: when it came.
    """

    terminal_id: int
    at_us: int
    content_hash: int
    event: str
    timed: bool
    result: int | None
    name: str | None
    qualification: str | None
    issuer: str | None
    valid_until: date | None
    raw: bytes
    received_us: int


_READING = struct.Struct(">hiiiqidihiiiqiq")
_READING_NULL = struct.Struct(">hiiiqiihiiiqiq")
READING_BYTES: Final = _READING.size
"""Size of a packed reading whose value is not NULL."""


def pack_reading(  # noqa: PLR0913, PLR0917 - one argument for each column, called per value
    point_id: int,
    ts_us: int,
    value: float | None,
    flags: int,
    profile_id: int,
    observed_us: int,
    received_us: int,
) -> bytes:
    """Pack one reading into a COPY-binary tuple.

    Args:
        point_id: the point.
        ts_us: the slot (polled) or the device's time (pushed).
        value: the register after type and decimal scale; None when ``flags`` say why.
        flags: :class:`ReadingFlag`.
        profile_id: version of the profile that decoded it.
        observed_us: when the reply arrived.
        received_us: when it was handed to the spool.
    """
    head = point_id, 8, ts_us - PG_EPOCH_US
    tail = 2, flags, 4, profile_id, 8, observed_us - PG_EPOCH_US, 8, received_us - PG_EPOCH_US
    if value is None:
        return _READING_NULL.pack(7, 4, *head, -1, *tail)
    return _READING.pack(7, 4, *head, 8, value, *tail)


_POSITION: Final = {
    "terminal_id": ">i",
    "fix_time_us": ">q",
    "content_hash": ">q",
    "lat": ">d",
    "lon": ">d",
    "speed_kmh": ">f",
    "course_deg": ">f",
    "altitude_m": ">f",
    "odometer_km": ">d",
    "satellites": ">h",
    "acc": ">?",
    "flags": ">i",
    "seq": ">q",
    "received_us": ">q",
    "extra": "",
}


def pack_position(p: Position) -> bytes:
    """Pack one position into a COPY-binary tuple."""
    return b"".join(
        (
            struct.pack(">h", 15),
            _field(">i", p.terminal_id),
            _field(">q", p.fix_time_us - PG_EPOCH_US),
            _field(">q", p.content_hash),
            _field(">d", p.lat),
            _field(">d", p.lon),
            _field(">f", p.speed_kmh),
            _field(">f", p.course_deg),
            _field(">f", p.altitude_m),
            _field(">d", p.odometer_km),
            _field(">h", p.satellites),
            _field(">?", p.acc),
            _field(">i", p.flags),
            _field(">q", p.seq),
            _field(">q", p.received_us - PG_EPOCH_US),
            # jsonb's binary format is a version byte before the text
            _raw(None if p.extra is None else b"\x01" + p.extra),
        )
    )


def pack_driver_card(c: DriverCard) -> bytes:
    """Pack one driver's card into a COPY-binary tuple; nothing of it is withheld yet."""
    days = None if c.valid_until is None else (c.valid_until - _PG_EPOCH).days
    return b"".join(
        (
            struct.pack(">h", len(COLUMNS[Kind.DRIVER_CARD])),
            _field(">i", c.terminal_id),
            _field(">q", c.at_us - PG_EPOCH_US),
            _field(">q", c.content_hash),
            _raw(c.event.encode()),
            _field(">?", c.timed),
            _field(">h", c.result),
            *(_text(text) for text in (c.name, c.qualification, c.issuer)),
            _field(">i", days),
            _field(">?", False),
            _raw(c.raw),
            _field(">q", c.received_us - PG_EPOCH_US),
        )
    )


def unpack_position(row: bytes) -> Position:
    """Read a packed position.

    Raises:
        struct.error: it is none.
    """
    fields = list(_fields(row))
    if len(fields) != len(_POSITION):
        raise struct.error(f"{len(fields)} fields, not {len(_POSITION)}")
    values: dict[str, Any] = {
        name: data if data is None or not form else struct.unpack(form, data)[0]
        for (name, form), data in zip(_POSITION.items(), fields, strict=True)
    }
    values["fix_time_us"] += PG_EPOCH_US
    values["received_us"] += PG_EPOCH_US
    if values["extra"] is not None:
        values["extra"] = values["extra"][1:]
    return Position(**values)


def pack_quarantine(  # noqa: PLR0913, PLR0917 - one argument for each column
    source: str, origin: str, digest: bytes, reason: str, payload: bytes, received_us: int
) -> bytes:
    """Pack one refused message with its bytes into a COPY-binary tuple.

    Args:
        source: which source refused it, for example ``mqtt``.
        origin: topic, device or peer it came from.
        digest: hash of (source, origin, payload): the key that keeps a replay from doubling it.
        reason: why, in words an integrator can act on.
        payload: the bytes as they arrived.
        received_us: when it arrived.
    """
    return b"".join(
        (
            struct.pack(">h", 6),
            _raw(source.encode()),
            _raw(origin.encode()),
            _raw(digest),
            _raw(reason.encode()),
            _raw(payload),
            _field(">q", received_us - PG_EPOCH_US),
        )
    )


def split(body: bytes) -> Iterator[bytes]:
    """Yield the packed tuples of a body one by one.

    Raises:
        ValueError: the body does not end where its last tuple does.
    """
    start, end = 0, len(body)
    while start < end:
        try:
            at = _end_of_tuple(body, start)
        except struct.error as error:
            raise ValueError(f"packed rows are cut short: tuple at byte {start}") from error
        if at > end:
            raise ValueError(f"packed rows are cut short: tuple at byte {start} ends past {end}")
        yield body[start:at]
        start = at


def _end_of_tuple(body: bytes, at: int) -> int:
    (fields,) = struct.unpack_from(">h", body, at)
    at += 2
    for _ in range(fields):
        (size,) = struct.unpack_from(">i", body, at)
        at += 4 + max(size, 0)
    return at


def _fields(row: bytes) -> Iterator[bytes | None]:
    (count,) = struct.unpack_from(">h", row)
    at = 2
    for _ in range(count):
        (size,) = struct.unpack_from(">i", row, at)
        at += 4
        yield None if size < 0 else row[at : at + size]
        at += max(size, 0)


def _field(form: str, value: float | None) -> bytes:
    if value is None:
        return b"\xff\xff\xff\xff"
    packed = struct.pack(form, value)
    return struct.pack(">i", len(packed)) + packed


def _text(value: str | None) -> bytes:
    return _raw(None if value is None else value.encode())


def _raw(value: bytes | None) -> bytes:
    if value is None:
        return b"\xff\xff\xff\xff"
    return struct.pack(">i", len(value)) + value
