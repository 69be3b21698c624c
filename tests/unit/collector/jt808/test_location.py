from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.jt808 import items, location
from collector.jt808.location import LocationError, LocationTimeError
from collector.jt808.rows import OutsideError, position_row
from storage.records import PositionFlag
from tests.unit.collector.jt808.golden import NOW_US, body, positions

MINUTE_US = 60_000_000


def row(data: bytes, *, blind: bool = False) -> dict[str, object]:
    return positions(position_row(9, location.parse(data), 5, NOW_US, blind=blind))


def changed(at: int, digits: str) -> bytes:
    """The body of a usual position with some of its bytes changed."""
    new = bytes.fromhex(digits)
    usual = body("location_2013")[:28]
    return usual[:at] + new + usual[at + len(new) :]


def test_a_position_of_2013_with_everything() -> None:
    found = row(body("location_2013"))
    extra = found.pop("extra")
    hash_ = found.pop("content_hash")
    assert isinstance(hash_, int)
    assert found == {
        "terminal_id": 9,
        "fix_time": NOW_US - 5 * MINUTE_US,
        "lat": 30.656193,
        "lon": 104.064559,
        "speed_kmh": 42.5,
        "course_deg": 181.0,
        "altitude_m": 498.0,
        "odometer_km": 4326.2,
        "satellites": 11,
        "acc": True,
        "flags": 0,
        "seq": 5,
        "received_at": NOW_US,
    }
    assert extra == {
        "alarm": 2,
        "status": 0x00080003,
        "items": {
            "01": "0000a8fe",
            "02": "01c2",
            "03": "01a4",
            "30": "1f",
            "31": "0b",
            "e1": "7e7d00ff313001",
            "2a": "0001",
        },
        "fuel_l": 45.0,
        "recorder_kmh": 42.0,
        "csq": 31,
    }


def test_signs_come_from_the_status() -> None:
    found = row(body("location_2019_south_west"))
    assert (found["lat"], found["lon"]) == (-30.656193, -104.064559)
    assert found["altitude_m"] == -10
    assert found["acc"] is False
    assert found["flags"] == 0
    assert (found["odometer_km"], found["satellites"]) == (None, None)


def test_encrypted_coordinates_are_no_fix_and_told_apart() -> None:
    found = row(body("location_encrypted"))
    flags = found["flags"]
    assert isinstance(flags, int)
    assert flags & PositionFlag.NO_FIX
    assert found["extra"] == {"alarm": 0, "status": 0x22, "encrypted": True}


def test_an_answer_carries_a_position_behind_a_serial() -> None:
    assert location.parse_answer(body("location_answer")).lat == 30.656193


@pytest.mark.parametrize(
    ("data", "flags"),
    [
        (changed(4, "00000001"), PositionFlag.NO_FIX),
        # Fact (e): the terminal holds 0/0 for a fix.
        (changed(8, "0000000000000000"), PositionFlag.ZERO_ISLAND),
        (changed(4, "00000001 0000000000000000"), PositionFlag.NO_FIX | PositionFlag.ZERO_ISLAND),
        (changed(8, "0a000000"), PositionFlag.OUT_OF_RANGE),
        (changed(12, "0f000000"), PositionFlag.OUT_OF_RANGE),
        (changed(18, "ffff"), PositionFlag.BAD_SPEED),
        (changed(20, "0169"), PositionFlag.BAD_COURSE),
        (changed(22, "261129120101"), PositionFlag.FUTURE),
        (changed(22, "261129120100"), PositionFlag.NONE),
        (changed(0, "ffffffff"), PositionFlag.NONE),
        (body("location_2013")[:28] + bytes.fromhex("0103000001"), PositionFlag.BAD_FIELDS),
        (body("location_2013")[:28] + bytes.fromhex("01040000"), PositionFlag.BAD_FIELDS),
    ],
)
def test_bad_fixes_are_flagged_not_dropped(data: bytes, flags: PositionFlag) -> None:
    assert row(data)["flags"] == int(flags)


def test_bytes_that_are_no_item_are_kept() -> None:
    extra = row(body("location_2013")[:28] + bytes.fromhex("310109 e105aabb"))["extra"]
    assert extra == {"alarm": 2, "status": 0x80003, "items": {"31": "09"}, "rest": "e105aabb"}


def test_positions_caught_up_later_say_so() -> None:
    assert row(body("location_2013"), blind=True)["extra"]["blind"] is True  # type: ignore[index]


def test_the_same_body_is_the_same_content_however_it_comes() -> None:
    usual, late = row(body("location_2013")), row(body("location_2013"), blind=True)
    other = row(changed(16, "0000"))
    assert usual["content_hash"] == late["content_hash"] != other["content_hash"]


def test_vehicle_case_11_a_future_date_is_refused() -> None:
    with pytest.raises(OutsideError, match="more than 5 minutes ahead"):
        row(changed(22, "261129120501"))
    with pytest.raises(OutsideError, match="more than 5 minutes ahead"):
        row(changed(22, "991129120000"))


def test_a_day_late_is_usual_and_four_hundred_are_too_many() -> None:
    assert row(changed(22, "261128120000"))["fix_time"] == NOW_US - 86_400 * 1_000_000
    with pytest.raises(OutsideError, match="more than 400 days old"):
        row(changed(22, "251024120000"))


def test_what_is_no_position_is_told() -> None:
    with pytest.raises(LocationError, match="27 bytes are less than the 28"):
        location.parse(bytes(27))
    with pytest.raises(LocationTimeError, match="time 000000000000"):
        location.parse(bytes(28))


@pytest.mark.parametrize(
    ("digits", "name", "value"),
    [
        ("0104 ffffffff", "odometer_km", 429496729.5),
        ("0104 00000000", "odometer_km", 0.0),
        ("0202 0000", "fuel_l", None),  # fact (f): no sensor, not an empty tank
        ("0202 0001", "fuel_l", 0.1),
        ("0202 802d", "fuel_l", 45),
        ("0202 8000", "fuel_l", None),
        ("0201 05", "fuel_l", None),
        ("0302 0000", "recorder_kmh", 0.0),
        ("3101 00", "satellites", 0),
        ("3102 0003", "satellites", None),
    ],
)
def test_values_of_items(digits: str, name: str, value: float | None) -> None:
    assert items.parse(bytes.fromhex(digits)).values.get(name) == value


def test_an_id_that_comes_twice_is_kept_twice_and_the_first_counts() -> None:
    found = items.parse(bytes.fromhex("310105 310106 310107"))
    assert found.raw == {"31": ["05", "06", "07"]}
    assert found.values == {"satellites": 5}


def test_an_item_without_data_is_an_item() -> None:
    assert items.parse(bytes.fromhex("e100 310105")).raw == {"e1": "", "31": "05"}


@given(st.binary(max_size=300))
def test_no_byte_of_the_items_is_lost(data: bytes) -> None:
    found = items.parse(data)
    count = sum(len(v) if isinstance(v, list) else 1 for v in found.raw.values())
    size = sum(
        len(one) // 2 for v in found.raw.values() for one in (v if isinstance(v, list) else [v])
    )
    assert 2 * count + size + len(found.rest) == len(data)


def test_a_catch_up_is_taken_apart() -> None:
    bulk = location.parse_bulk(body("locations_blind"))
    assert bulk.blind
    assert [len(item) for item in bulk.bodies] == [28, 28, 28]
    assert (bulk.fault, bulk.rest) == (None, b"")


@pytest.mark.parametrize(
    ("digits", "bodies", "rest"),
    [
        ("000200 0002aabb", ["aabb"], ""),  # one is missing
        ("000200 0002aabb 0005cc", ["aabb"], "0005cc"),  # the second is cut
        ("000100 0002aabb ccdd", ["aabb"], "ccdd"),  # more than it says
        ("000000 0002aabb", [], "0002aabb"),
        ("ffff00 0002aabb ff", ["aabb"], "ff"),
    ],
)
def test_what_is_whole_of_a_broken_catch_up_stands(
    digits: str, bodies: list[str], rest: str
) -> None:
    bulk = location.parse_bulk(bytes.fromhex(digits))
    assert [item.hex() for item in bulk.bodies] == bodies
    assert bulk.rest.hex() == rest
    assert bulk.fault is not None


def test_less_than_a_count_is_told() -> None:
    with pytest.raises(LocationError, match="2 bytes"):
        location.parse_bulk(b"\0\1")
