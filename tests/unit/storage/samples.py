"""Packed rows for the tests of storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date

from storage.records import (
    Batch,
    DriverCard,
    Kind,
    Position,
    pack_driver_card,
    pack_position,
    pack_quarantine,
    pack_reading,
)

HOUR_US = 3_600_000_000
NOON_US = 1_780_315_200_000_000  # 2026-06-01T12:00:00Z


def reading(
    point: int,
    ts_us: int = NOON_US,
    value: float | None = 1.0,
    *,
    observed_us: int | None = None,
) -> bytes:
    seen = ts_us + 7_000 if observed_us is None else observed_us
    return pack_reading(point, ts_us, value, 0 if value is not None else 1, 3, seen, seen + 2_000)


def position(
    terminal: int,
    ts_us: int = NOON_US,
    content: int = 0,
    *,
    lat: float = 30.5,
    extra: bytes | None = None,
    speed: float | None = 40.0,
) -> bytes:
    return pack_position(
        Position(
            terminal_id=terminal,
            fix_time_us=ts_us,
            content_hash=content,
            lat=lat,
            lon=104.0,
            speed_kmh=speed,
            course_deg=None,
            altitude_m=500.0,
            odometer_km=None,
            satellites=9,
            acc=True,
            flags=0,
            seq=content,
            received_us=ts_us + 40_000,
            extra=extra,
        )
    )


def driver_card(
    terminal: int, ts_us: int = NOON_US, event: str = "in", *, name: str | None = "张三"
) -> bytes:
    whole = f"{terminal} {event} {name}".encode()
    return pack_driver_card(
        DriverCard(
            terminal_id=terminal,
            at_us=ts_us,
            content_hash=hash_of(whole),
            event=event,
            timed=True,
            result=0 if event == "in" else None,
            name=name if event == "in" else None,
            qualification="51010012345678901234" if event == "in" else None,
            issuer="CDJTJYGLC" if event == "in" else None,
            valid_until=date(2030, 12, 31) if event == "in" else None,
            raw=whole,
            received_us=ts_us + 40_000,
        )
    )


def hash_of(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)


def refused(digest: bytes, payload: bytes = b"{", ts_us: int = NOON_US) -> bytes:
    return pack_quarantine("mqtt", "jieyong/v1/x/position", digest, "not JSON", payload, ts_us)


def batch(kind: Kind, rows: Iterable[bytes]) -> Batch:
    packed = list(rows)
    return Batch(kind, len(packed), b"".join(packed))


def readings(*rows: bytes) -> Batch:
    return batch(Kind.READING, rows)


def positions(*rows: bytes) -> Batch:
    return batch(Kind.POSITION, rows)


def quarantined(*rows: bytes) -> Batch:
    return batch(Kind.QUARANTINE, rows)
