"""What is left of a row whose place may not be stored."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage import withhold
from storage.records import (
    COLUMNS,
    PG_EPOCH_US,
    Kind,
    Position,
    PositionFlag,
    pack_position,
    pack_quarantine,
    split,
)
from storage.withhold import Span
from tests.unit.storage.samples import HOUR_US, NOON_US, driver_card

FOREVER = 2**62


def span(
    terminal: int = 7, code: str = "13800138000", since: int = 0, until: int = FOREVER
) -> Span:
    return Span(1, terminal, code, since, until)


def packed(**changed: Any) -> bytes:  # noqa: ANN401
    values: dict[str, Any] = {
        "terminal_id": 7,
        "fix_time_us": NOON_US,
        "content_hash": 99,
        "lat": 30.657123,
        "lon": 104.065735,
        "speed_kmh": 42.5,
        "course_deg": 181.0,
        "altitude_m": 498.2,
        "odometer_km": 12345.6,
        "satellites": 11,
        "acc": True,
        "flags": 0,
        "seq": 5,
        "received_us": NOON_US + 1,
        "extra": None,
    }
    return pack_position(Position(**(values | changed)))


def told(row: bytes) -> dict[str, bytes | None]:
    return dict(zip(COLUMNS[Kind.POSITION], withhold.fields(row), strict=True))


def test_time_ignition_odometer_and_fuel_stay_and_nothing_else() -> None:
    extra = b'{"lat": 30.657123, "items": {"01": "ff"}, "fuel_l": 31.5, "fuel_percent": "x"}'
    row = told(withhold.position(packed(extra=extra, flags=int(PositionFlag.FUTURE) | 64)))
    before = told(packed())
    for name in ("terminal_id", "fix_time", "odometer_km", "acc", "received_at"):
        assert row.pop(name) == before[name]
    assert row.pop("content_hash") != before["content_hash"]
    assert row.pop("flags") == struct.pack(">i", PositionFlag.WITHHELD | PositionFlag.FUTURE)
    assert json.loads((row.pop("extra") or b"")[1:]) == {"fuel_l": 31.5}
    assert set(row.values()) == {None}


reals = st.none() | st.floats(-1e6, 1e6, width=32)


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.tuples(reals, reals, reals),
    st.binary(max_size=40),
)
def test_the_key_says_nothing_of_the_place(
    lat: float, lon: float, other: tuple[float | None, ...], message: bytes
) -> None:
    """The hash of the message could be guessed back by trying every place of a city."""
    hash_ = int.from_bytes(hashlib.blake2b(message, digest_size=8).digest(), "big", signed=True)
    speed, course, altitude = other
    row = packed(
        lat=lat,
        lon=lon,
        content_hash=hash_,
        speed_kmh=speed,
        course_deg=course,
        altitude_m=altitude,
        seq=None,
        flags=int(PositionFlag.NO_FIX),
    )
    assert withhold.position(row) == withhold.position(packed())


@given(st.none() | st.floats(), st.sampled_from([None, True, False]), st.integers(0, 511))
@example(0.3, True, 0)
@example(1e308, True, 0)
def test_withholding_again_changes_nothing(
    odometer: float | None, acc: bool | None, flags: int
) -> None:
    once = withhold.position(packed(odometer_km=odometer, acc=acc, flags=flags))
    assert withhold.position(once) == once


@pytest.mark.parametrize(
    ("km", "left"), [(0.3, 0.3), (0.39, 0.3), (12345.678, 12345.6), (float("inf"), None)]
)
def test_the_odometer_stays_in_whole_tenths(km: float, left: float | None) -> None:
    packed_km = told(withhold.position(packed(odometer_km=km)))["odometer_km"]
    assert packed_km == (None if left is None else struct.pack(">d", left))


def test_of_a_driver_card_nothing_of_the_person_stays() -> None:
    left, before = (
        dict(zip(COLUMNS[Kind.DRIVER_CARD], withhold.fields(row), strict=True))
        for row in (withhold.driver_card(driver_card(7)), driver_card(7))
    )
    for name in ("terminal_id", "at", "event", "timed", "result", "received_at"):
        assert left.pop(name) == before[name]
    assert left.pop("content_hash") != before["content_hash"]
    assert (left.pop("withheld"), left.pop("raw")) == (b"\1", b"")
    assert left == dict.fromkeys(["name", "qualification", "issuer", "valid_until"])


def test_the_key_of_a_withheld_card_says_nothing_of_the_person() -> None:
    mine, other = driver_card(7), driver_card(7, name="李四")
    assert withhold.driver_card(other) == withhold.driver_card(mine)
    assert withhold.driver_card(driver_card(7, event="out")) != withhold.driver_card(mine)


def test_withholding_a_card_again_changes_nothing() -> None:
    once = withhold.driver_card(driver_card(7))
    assert withhold.driver_card(once) == once


def test_cards_of_another_terminal_or_time_stay_as_they_are() -> None:
    hours = NOON_US - PG_EPOCH_US, NOON_US - PG_EPOCH_US + HOUR_US
    rows = [driver_card(7), driver_card(8), driver_card(7, NOON_US + HOUR_US)]
    rows.append(driver_card(7, event="out"))
    body, count = withhold.driver_cards(b"".join(rows), [span(7, since=hours[0], until=hours[1])])
    assert count == 2
    kept = withhold.driver_card
    assert list(split(body)) == [kept(rows[0]), *rows[1:3], kept(rows[3])]


def test_refused_cards_of_sensitive_vehicles_lose_their_bytes() -> None:
    row = pack_quarantine("drain", "driver_card", b"d" * 16, "refused", driver_card(7), NOON_US)
    assert "张三".encode() in row
    assert "张三".encode() not in withhold.refusal(row, [span()])
    assert withhold.refusal(row, [span(8)]) is row


def test_what_tells_another_fix_apart_is_in_the_key() -> None:
    rows = [
        packed(),
        packed(fix_time_us=NOON_US + 1),
        packed(terminal_id=8),
        packed(odometer_km=None),
        packed(odometer_km=12345.7),
        packed(acc=None),
        packed(acc=False),
    ]
    assert len({told(withhold.position(row))["content_hash"] for row in rows}) == len(rows)


def test_only_the_time_of_the_binding_is_touched() -> None:
    times = [NOON_US - 1, NOON_US, NOON_US + HOUR_US - 1, NOON_US + HOUR_US]
    rows = [packed(fix_time_us=at) for at in times] + [packed(terminal_id=8, extra=b"{}")]
    since = NOON_US - PG_EPOCH_US
    body, count = withhold.positions(b"".join(rows), [span(since=since, until=since + HOUR_US)])
    expected = [rows[0], *map(withhold.position, rows[1:3]), *rows[3:]]
    assert (list(split(body)), count) == (expected, 2)


def refused(
    source: str, origin: str, payload: bytes, reason: str = "malformed: not JSON", at: int = NOON_US
) -> bytes:
    digest = hashlib.blake2b(payload, digest_size=16).digest()
    return pack_quarantine(source, origin, digest, reason, payload, at)


@pytest.mark.parametrize(
    ("source", "origin", "payload", "withheld"),
    [
        ("mqtt", "jieyong/v1/13800138000/position", b"{", True),
        ("mqtt", "jieyong/v1/13800138001/position", b"{", False),
        ("jt808", "13800138000", b"\x02\x00", True),
        ("jt808", "127.0.0.1", b"\x02\x00\x00\x1c\x01\x38\x00\x13\x80\x00\x00\x01", True),
        ("jt808", "127.0.0.1", b"\x02\x00\x00\x1c\x01\x38\x00\x13\x80\x01\x00\x01", False),
        ("drain", "position", packed(), True),
        ("drain", "position", packed(terminal_id=8), False),
        ("drain", "position", b"cut short", True),
        ("drain", "reading", b"anything", False),
    ],
)
def test_refused_bytes_of_a_sensitive_vehicle_are_not_kept(
    source: str, origin: str, payload: bytes, withheld: bool
) -> None:
    row = refused(source, origin, payload)
    body, count = withhold.refusals(row, [span(code="013800138000")])
    assert count == withheld
    assert (body == row) == (not withheld)
    if withheld:
        assert payload not in body
        assert hashlib.blake2b(payload, digest_size=16).digest() not in body
        assert b"its bytes are withheld, the vehicle is sensitive" in body
        assert withhold.refusals(body, [span(code="013800138000")]) == (body, 0)


def test_a_refusal_of_a_kind_and_a_day_is_one_line_whatever_it_held() -> None:
    one = refused("jt808", "13800138000", b"30.657123")
    other = refused("jt808", "13800138000", b"30.657124", "malformed: in other words")
    late = refused("jt808", "13800138000", b"30.657123", at=NOON_US + 24 * HOUR_US)
    keys = [list(withhold.fields(withhold.refusal(row, [span()])))[2] for row in (one, other, late)]
    assert keys[0] == keys[1] != keys[2]
    assert withhold.refusal(one, [span(since=NOON_US - PG_EPOCH_US + 48 * HOUR_US)]) == one
