"""Places that are not stored: packed rows of sensitive vehicles lose theirs before being written.

Of their drivers' cards the person goes in the same way.

What is left of a position is what mileage and fuel need: its time, the ignition, the odometer in
whole tenths of a kilometre, fuel. Its key is made from that alone. The hash of the whole message
would give the place away to whoever tries all places of a city; and like this a message that comes
again finds its row, whether it was written without a place or lost it later. See docs/privacy.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import psycopg

from storage.records import COLUMNS, Kind, PositionFlag, split
from storage.touched import keys

LOCK: Final = 0x6A69_6579_6F6E_6711
"""Writers share it while they write; see :func:`barrier`."""
FUEL: Final = ("fuel_l", "fuel_percent")
"""What stays of ``extra`` where it is a number."""

_SPANS: Final = """
SELECT vehicle_id, terminal_id, code,
       (extract(epoch FROM lower(span) - timestamptz '2000-01-01Z') * 1000000)::int8,
       (extract(epoch FROM upper(span) - timestamptz '2000-01-01Z') * 1000000)::int8
FROM (
    SELECT s.vehicle_id, b.terminal_id, t.code, b.valid
        * tstzrange(since::timestamp AT TIME ZONE %(zone)s, until::timestamp AT TIME ZONE %(zone)s)
        * tstzrange('2000-01-01Z', '2100-01-01Z') AS span
    FROM vehicle_sensitivity s
    JOIN terminal_vehicle b ON b.vehicle_id = s.vehicle_id
    JOIN terminal t ON t.id = b.terminal_id
    WHERE %(vehicle)s::int IS NULL OR s.vehicle_id = %(vehicle)s
) AS spans WHERE NOT isempty(span) ORDER BY terminal_id, span
"""
WITHHELD: Final = int(PositionFlag.WITHHELD)
KEPT_FLAGS: Final = int(PositionFlag.FUTURE)
"""Other flags speak of the place."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LEAST_DIGITS: Final = 8
_DAY_US: Final = 86_400_000_000

Field = bytes | None


@dataclass(frozen=True)
class Span:
    """A time in which a terminal spoke for a sensitive vehicle.

    Attributes:
        vehicle_id: the vehicle.
        terminal_id: the terminal.
        code: its identity on the wire.
        since, until: µs since 2000-01-01 UTC, the end not included.
    """

    vehicle_id: int
    terminal_id: int
    code: str
    since: int
    until: int

    @property
    def begin(self) -> datetime:
        """When it begins, UTC."""
        return _EPOCH + timedelta(microseconds=self.since)

    @property
    def end(self) -> datetime:
        """When it ends, UTC; itself not included."""
        return _EPOCH + timedelta(microseconds=self.until)

    @cached_property
    def number(self) -> str:
        """The code as the wire's numbers are compared: without zeros in front."""
        return _number(self.code)

    @cached_property
    def digits(self) -> bytes:
        """The code as it stands in a frame of JT/T 808; empty where too short to be looked for."""
        if len(self.number) < _LEAST_DIGITS:
            return b""
        try:
            return bytes.fromhex(self.number.zfill(12 if len(self.number) <= 12 else 20))
        except ValueError:
            return b""


def spans(
    conn: psycopg.Connection[Any] | psycopg.Cursor[Any], zone: str, vehicle_id: int | None = None
) -> tuple[Span, ...]:
    """Return when which terminals spoke, or speak, for sensitive vehicles.

    Args:
        conn: anything that executes.
        zone: the site's, in which days begin.
        vehicle_id: only of this vehicle.
    """
    found = conn.execute(_SPANS, {"zone": zone, "vehicle": vehicle_id}).fetchall()
    return tuple(Span(*row) for row in found)


def spans_of_writer(cursor: psycopg.Cursor[Any], zone: str) -> tuple[Span, ...]:
    """Like :func:`spans`, for who is about to write: what follows is behind no later barrier."""
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
    return spans(cursor, zone)


def barrier(conn: psycopg.Connection[Any]) -> None:
    """Wait until every writer that may not know the committed spans has ended its transaction.

    Args:
        conn: an autocommit connection, outside of a transaction.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def positions(body: bytes, sensitive: Sequence[Span]) -> tuple[bytes, int]:
    """Take the places out of packed positions, where they must not be stored.

    Returns:
        The rows in their order, and of how many the place was withheld.

    Raises:
        ValueError: the body is not made of whole positions.
    """
    return _taken_out(Kind.POSITION, body, sensitive, position)


def driver_cards(body: bytes, sensitive: Sequence[Span]) -> tuple[bytes, int]:
    """Take the persons out of packed drivers' cards; see :func:`positions`."""
    return _taken_out(Kind.DRIVER_CARD, body, sensitive, driver_card)


def _taken_out(
    kind: Kind, body: bytes, sensitive: Sequence[Span], take_out: Callable[[bytes], bytes]
) -> tuple[bytes, int]:
    subjects, times = keys(kind, body)
    hit = np.zeros(len(subjects), np.bool_)
    present = set(np.unique(subjects).tolist())
    for span in sensitive:
        if span.terminal_id in present:
            mine = subjects == span.terminal_id
            hit |= mine & (times >= span.since) & (times < span.until)
    if not hit.any():
        return body, 0
    rows = zip(split(body), hit.tolist(), strict=True)
    return b"".join(take_out(row) if mine else row for row, mine in rows), int(hit.sum())


def position(row: bytes) -> bytes:
    """Take the place out of a packed position; a second time changes nothing."""
    had = dict(zip(COLUMNS[Kind.POSITION], fields(row), strict=True))
    terminal, fix_time, flags = had["terminal_id"], had["fix_time"], had["flags"]
    if terminal is None or fix_time is None or flags is None:
        raise ValueError("a packed position lacks its terminal, time or flags")
    odometer, acc = _tenths(had["odometer_km"]), had["acc"]
    seen = int.from_bytes(flags, "big", signed=True) & KEPT_FLAGS
    left = {
        "terminal_id": terminal,
        "fix_time": fix_time,
        "content_hash": _hash(b"withheld", terminal, fix_time, odometer, acc),
        "odometer_km": odometer,
        "acc": acc,
        "flags": struct.pack(">i", seen | WITHHELD),
        "received_at": had["received_at"],
        "extra": _fuel(had["extra"]),
    }
    return _packed([left.get(name) for name in COLUMNS[Kind.POSITION]])


def driver_card(row: bytes) -> bytes:
    """Take the person out of a packed driver's card; a second time changes nothing.

    That a card was put in or taken out, and when, tells no more than the ignition does.
    """
    had = dict(zip(COLUMNS[Kind.DRIVER_CARD], fields(row), strict=True))
    left = {
        name: had[name] for name in ("terminal_id", "at", "event", "timed", "result", "received_at")
    }
    told = (left[name] for name in ("terminal_id", "at", "event", "result"))
    left |= {
        "content_hash": _hash(b"withheld card", *told),
        "withheld": b"\x01",
        "raw": b"",
    }
    return _packed([left.get(name) for name in COLUMNS[Kind.DRIVER_CARD]])


def refusals(body: bytes, sensitive: Sequence[Span]) -> tuple[bytes, int]:
    """Take the bytes out of packed refusals that may hold a place of a sensitive vehicle.

    Returns:
        The rows in their order, and of how many the bytes were withheld.

    Raises:
        ValueError: the body is not made of whole refusals.
    """
    rows, withheld = [], 0
    for row in split(body):
        kept = refusal(row, sensitive)
        withheld += kept is not row
        rows.append(kept)
    return b"".join(rows), withheld


def refusal(row: bytes, sensitive: Sequence[Span]) -> bytes:
    """Return a packed refusal, without its bytes when it is one of a sensitive vehicle.

    One line stands for all of a kind and a day: a digest of the bytes could be guessed back.
    """
    had = dict(zip(COLUMNS[Kind.QUARANTINE], fields(row), strict=True))
    source, origin, payload = ((had[name] or b"") for name in ("source", "origin", "payload"))
    received = int.from_bytes(had["received_at"] or b"", "big", signed=True)
    if not payload or not _is_of(source.decode(), origin.decode(), payload, received, sensitive):
        return row
    what, colon, _ = (had["reason"] or b"").decode().partition(":")
    kind = what if colon and source != b"drain" else "refused"
    digest = hashlib.blake2b(digest_size=16)
    for part in (b"withheld", source, origin, kind.encode(), b"%d" % (received // _DAY_US)):
        digest.update(len(part).to_bytes(8, "big") + part)
    left = {
        "source": source,
        "origin": origin,
        "digest": digest.digest(),
        "reason": f"{kind}: its bytes are withheld, the vehicle is sensitive".encode(),
        "payload": b"",
        "received_at": had["received_at"],
    }
    return _packed([left[name] for name in COLUMNS[Kind.QUARANTINE]])


def fields(row: bytes) -> Iterator[Field]:
    """Yield the fields of a packed tuple."""
    (count,) = struct.unpack_from(">h", row, 0)
    at = 2
    for _ in range(count):
        (size,) = struct.unpack_from(">i", row, at)
        at += 4
        yield None if size < 0 else row[at : at + size]
        at += max(size, 0)


def _packed(values: Sequence[Field]) -> bytes:
    parts = [struct.pack(">h", len(values))]
    for value in values:
        parts.append(struct.pack(">i", -1 if value is None else len(value)))
        parts.append(value or b"")
    return b"".join(parts)


def _hash(what: bytes, *parts: Field) -> bytes:
    digest = hashlib.blake2b(what, digest_size=8)
    for part in parts:
        digest.update(b"-" if part is None else b"+" + part)
    return digest.digest()


def _tenths(packed: Field) -> Field:
    """Round down to tenths of a kilometre, as JT/T 808 sends it: finer steps tell the speed."""
    if packed is None:
        return None
    (km,) = struct.unpack(">d", packed)
    if not math.isfinite(km) or abs(km) > 1e9:
        return None
    # A hair above, so that what stands in tenths already (0.3 × 10 = 2.999…) stays what it is.
    return struct.pack(">d", math.floor(km * 10 + 1e-6) / 10)


def _fuel(extra: Field) -> Field:
    if extra is None:
        return None
    try:
        told = json.loads(extra[1:])  # behind jsonb's version byte
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    fuel = {name: told[name] for name in FUEL if _is_number(told.get(name))}
    return b"\x01" + json.dumps(fuel).encode() if fuel else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_of(
    source: str, origin: str, payload: bytes, received: int, sensitive: Sequence[Span]
) -> bool:
    """Tell whether a refused message may come from a terminal of a sensitive vehicle.

    Its own time was perhaps not read, and what comes late may be of when the terminal still spoke
    for the vehicle: so whatever comes from a terminal that ever did.
    """
    if source == "drain":
        take_out = OF_TERMINALS.get(origin)
        try:
            return take_out is not None and bool(take_out(payload, sensitive)[1])
        except ValueError:
            return take_out is not None and bool(sensitive)
    begun = [span for span in sensitive if span.since <= received + _DAY_US]
    names = {_number(part) for part in origin.split("/")}
    return any(
        span.number in names or (source == "jt808" and span.digits and span.digits in payload)
        for span in begun
    )


OF_TERMINALS: Final[dict[str, Callable[[bytes, Sequence[Span]], tuple[bytes, int]]]] = {
    Kind.POSITION: positions,
    Kind.DRIVER_CARD: driver_cards,
}
"""What takes out of the packed rows of a kind what may not be stored of sensitive vehicles."""


def _number(code: str) -> str:
    return code.strip().lower().lstrip("0") or "0"
