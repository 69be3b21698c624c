"""Frames written by hand, and an own, slow way to read what we send and pack."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import yaml

from storage.records import COLUMNS, PG_EPOCH_US, Kind

_FILE = Path(__file__).parents[4] / "collector" / "jt808" / "testcases" / "frames.yaml"


def _bytes(text: str) -> bytes:
    return bytes.fromhex("".join(line.split("#")[0] for line in text.splitlines()))


FRAMES: dict[str, bytes] = {
    name: _bytes(text) for name, text in yaml.safe_load(_FILE.read_text(encoding="utf-8")).items()
}
VECTOR = FRAMES.pop("check_vector")

PHONE = "13800138000"
NOW_US = 1_795_924_800_000_000
"""2026-11-29T04:00:00Z: five minutes after the first of the frames' positions."""

_FORMS = {
    "terminal_id": ">i", "fix_time": ">q", "content_hash": ">q", "lat": ">d", "lon": ">d",
    "speed_kmh": ">f", "course_deg": ">f", "altitude_m": ">f", "odometer_km": ">d",
    "satellites": ">h", "acc": ">?", "flags": ">i", "seq": ">q", "received_at": ">q",
}  # fmt: skip


def unescaped(raw: bytes) -> bytes | None:
    """Undo the escaping byte by byte; None when it is wrong."""
    found = bytearray()
    rest = iter(raw)
    for byte in rest:
        if byte != 0x7D:
            found.append(byte)
            continue
        following = next(rest, None)
        if following not in (1, 2):
            return None
        found.append(0x7D if following == 1 else 0x7E)
    return bytes(found)


def sound(raw: bytes) -> bool:
    """Tell by an own count whether a frame without its flags may be believed."""
    whole = unescaped(raw)
    if whole is None or not 13 <= len(whole) <= 1045:
        return False
    sum_ = 0
    for byte in whole:
        sum_ ^= byte
    return sum_ == 0


def framed(content: bytes) -> bytes:
    """Make a frame byte by byte."""
    sum_ = 0
    for byte in content:
        sum_ ^= byte
    found = bytearray(b"\x7e")
    for byte in (*content, sum_):
        found += {0x7D: b"\x7d\x01", 0x7E: b"\x7d\x02"}.get(byte, bytes((byte,)))
    return bytes(found) + b"\x7e"


def content(name: str) -> bytes:
    """Header and body of a frame."""
    whole = unescaped(FRAMES[name][1:-1])
    assert whole is not None
    return whole[:-1]


def body(name: str) -> bytes:
    """Body of a frame that came in one packet."""
    whole = content(name)
    return whole[17 if whole[2] & 0x40 else 12 :]


def positions(row: bytes) -> dict[str, Any]:
    """Read one packed position; times in Unix microseconds, `extra` as JSON."""
    fields = _fields(row, Kind.POSITION)
    found: dict[str, Any] = {
        name: None if data is None else struct.unpack(_FORMS[name], data)[0]
        for name, data in fields.items()
        if name in _FORMS
    }
    for name in ("fix_time", "received_at"):
        found[name] += PG_EPOCH_US
    extra = fields["extra"]
    assert extra is not None
    found["extra"] = json.loads(extra[1:])
    return found


def card(row: bytes) -> dict[str, Any]:
    """Read one packed driver's card: numbers, times in Unix microseconds, the rest as bytes."""
    found: dict[str, Any] = dict(_fields(row, Kind.DRIVER_CARD))
    (found["terminal_id"],) = struct.unpack(">i", found["terminal_id"])
    for name in ("at", "received_at"):
        found[name] = struct.unpack(">q", found[name])[0] + PG_EPOCH_US
    return found


def refused(row: bytes) -> tuple[str, str, bytes]:
    """Read origin, reason and payload of one packed row for the quarantine."""
    fields = _fields(row, Kind.QUARANTINE)
    origin, reason, payload = (fields[name] for name in ("origin", "reason", "payload"))
    assert origin is not None
    assert reason is not None
    assert payload is not None
    return origin.decode(), reason.decode(), payload


def _fields(row: bytes, kind: Kind) -> dict[str, bytes | None]:
    (count,) = struct.unpack_from(">h", row)
    assert count == len(COLUMNS[kind])
    found: dict[str, bytes | None] = {}
    at = 2
    for name in COLUMNS[kind]:
        (size,) = struct.unpack_from(">i", row, at)
        at += 4
        found[name] = None if size < 0 else row[at : at + size]
        at += max(size, 0)
    assert at == len(row)
    return found
