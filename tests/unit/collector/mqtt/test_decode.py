from __future__ import annotations

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.mqtt.decode import Fault, PositionDecoder
from collector.mqtt.message import PositionMessage
from collector.mqtt.pack import Seen, pack, position
from storage.records import PG_EPOCH_US, Kind, PositionFlag, pack_position, split

TOPIC = "jieyong/v1/T-0001/position"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
NOW_US = 1_795_320_000_000_000
GOOD: dict[str, Any] = {
    "ts": "2026-11-22T03:59:59.250Z",
    "lat": 30.657123,
    "lon": 104.065735,
    "speed": 42.5,
    "course": 181.0,
    "altitude": 498.25,
    "odometer": 12345.6,
    "satellites": 11,
    "acc": True,
    "fix": True,
    "seq": 123456,
}
COLUMNS = (">i", ">q", ">q", ">d", ">d", ">f", ">f", ">f", ">d", ">h", ">?", ">i", ">q", ">q")


@pytest.fixture
def decoder() -> PositionDecoder:
    return PositionDecoder("jieyong/v1/+/position", {"T-0001": 7}, 4096)


def fields(row: bytes) -> list[bytes | None]:
    """Take a COPY-binary tuple apart, independently of the code under test."""
    (count,) = struct.unpack_from(">h", row)
    at, values = 2, []
    for _ in range(count):
        (size,) = struct.unpack_from(">i", row, at)
        at += 4
        values.append(None if size < 0 else row[at : at + size])
        at += max(size, 0)
    assert at == len(row)
    return values


def read_position(row: bytes) -> list[Any]:
    *plain, extra = fields(row)
    values: list[Any] = [
        None if raw is None else struct.unpack(form, raw)[0]
        for form, raw in zip(COLUMNS, plain, strict=True)
    ]
    return [*values, extra]


def one(decoder: PositionDecoder, payload: bytes, topic: str = TOPIC) -> tuple[Kind, bytes]:
    decoded = decoder.decode([(topic, payload)], NOW_US)
    (batch,) = decoded.batches
    assert batch.rows == 1
    assert sum(decoded.faults.values()) == (batch.kind is Kind.QUARANTINE)
    return batch.kind, batch.body


def accept(decoder: PositionDecoder, **changes: object) -> list[Any]:
    message = {k: v for k, v in (GOOD | changes).items() if v != "absent"}
    kind, row = one(decoder, json.dumps(message).encode())
    assert kind is Kind.POSITION
    return read_position(row)


def refuse(decoder: PositionDecoder, payload: bytes, topic: str = TOPIC) -> str:
    kind, row = one(decoder, payload, topic)
    assert kind is Kind.QUARANTINE
    source, origin, digest, reason, kept, received = fields(row)
    assert (source, origin) == (b"mqtt", topic.encode())
    assert digest is not None
    assert len(digest) == 16
    assert kept == payload[:4096]
    assert received == struct.pack(">q", NOW_US - PG_EPOCH_US)
    assert reason is not None
    return reason.decode()


def test_a_full_message_becomes_a_row_with_every_field(decoder: PositionDecoder) -> None:
    payload = json.dumps(GOOD).encode()
    hash_ = int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest(), "big", signed=True)
    assert int(NOW.timestamp()) * 1_000_000 == NOW_US
    assert accept(decoder) == [
        7,
        NOW_US - 750_000 - PG_EPOCH_US,
        hash_,
        30.657123,
        104.065735,
        42.5,
        181.0,
        498.25,
        12345.6,
        11,
        True,
        0,
        123456,
        NOW_US - PG_EPOCH_US,
        None,
    ]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("speed", 5),
        ("course", 6),
        ("altitude", 7),
        ("odometer", 8),
        ("satellites", 9),
        ("acc", 10),
        ("seq", 12),
    ],
)
@pytest.mark.parametrize("how", ["absent", None])
def test_what_is_absent_is_null_not_zero(
    decoder: PositionDecoder, name: str, column: int, how: str | None
) -> None:
    row = accept(decoder, **{name: how})
    assert row[column] is None
    assert [value is None for value in row].count(True) == 2, "that one and extra"


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"fix": False}, PositionFlag.NO_FIX),
        ({"fix": None}, PositionFlag.NONE),
        ({"lat": 0, "lon": 0}, PositionFlag.ZERO_ISLAND),
        ({"lat": 0, "lon": 104}, PositionFlag.NONE),
        ({"lat": 90.5}, PositionFlag.OUT_OF_RANGE),
        ({"lon": -181}, PositionFlag.OUT_OF_RANGE),
        ({"lat": -90, "lon": 180}, PositionFlag.NONE),
        ({"speed": -0.1}, PositionFlag.BAD_SPEED),
        ({"speed": 400.1}, PositionFlag.BAD_SPEED),
        ({"speed": 400}, PositionFlag.NONE),
        ({"course": 360.5}, PositionFlag.BAD_COURSE),
        ({"course": 360}, PositionFlag.NONE),
        ({"ts": "2026-11-22T04:01:00.000001Z"}, PositionFlag.FUTURE),
        ({"ts": "2026-11-22T12:05:00+08:00"}, PositionFlag.FUTURE),
        ({"ts": "2026-11-22T04:01:00Z"}, PositionFlag.NONE),
        (
            {"lat": 91, "speed": 1e6, "fix": False},
            PositionFlag.OUT_OF_RANGE | PositionFlag.BAD_SPEED | PositionFlag.NO_FIX,
        ),
    ],
)
def test_the_impossible_is_kept_and_flagged(
    decoder: PositionDecoder, changes: dict[str, Any], flags: PositionFlag
) -> None:
    assert accept(decoder, **changes)[11] == flags


def test_the_offset_of_a_time_counts(decoder: PositionDecoder) -> None:
    assert accept(decoder, ts="2026-11-22T11:59:59.25+08:00")[1] == NOW_US - 750_000 - PG_EPOCH_US


def test_unknown_fields_keep_the_whole_payload(decoder: PositionDecoder) -> None:
    row = accept(decoder, fuel=55.5, extra={"door": "open"})
    assert row[11] == PositionFlag.UNKNOWN_FIELDS
    assert row[14][:1] == b"\x01"
    assert json.loads(row[14][1:]) == GOOD | {"fuel": 55.5, "extra": {"door": "open"}}


@pytest.mark.parametrize(
    ("name", "value", "column"),
    [
        ("speed", 1e300, 5),
        ("speed", "42", 5),
        ("course", [181], 6),
        ("altitude", {"m": 498}, 7),
        ("odometer", "12345.6", 8),
        ("satellites", 40_000, 9),
        ("satellites", -1, 9),
        ("satellites", 11.5, 9),
        ("acc", 1, 10),
        ("seq", 2**63, 12),
        ("seq", -(10**40), 12),
    ],
)
def test_an_optional_field_that_does_not_fit_costs_itself_not_the_position(
    decoder: PositionDecoder, name: str, value: object, column: int
) -> None:
    good, row = accept(decoder), accept(decoder, **{name: value})
    assert row[column] is None
    assert row[11] == PositionFlag.BAD_FIELDS
    assert json.loads(row[14][1:]) == GOOD | {name: value}
    kept = [i for i in range(14) if i not in {2, 11, column}]
    assert [row[i] for i in kept] == [good[i] for i in kept]


def test_all_that_is_wrong_with_a_message_is_flagged(decoder: PositionDecoder) -> None:
    row = accept(decoder, satellites="many", fix="maybe", fuel=3, lat=91)
    assert row[11] == (
        PositionFlag.BAD_FIELDS | PositionFlag.UNKNOWN_FIELDS | PositionFlag.OUT_OF_RANGE
    )
    assert json.loads(row[14][1:])["fix"] == "maybe"


@pytest.mark.parametrize("extra", [[1], "text", 7, True])
def test_an_extra_that_is_no_object_is_kept_in_the_payload(
    decoder: PositionDecoder, extra: object
) -> None:
    row = accept(decoder, extra=extra)
    assert row[11] == PositionFlag.BAD_FIELDS
    assert json.loads(row[14][1:]) == GOOD | {"extra": extra}


def test_extra_is_kept_as_it_came(decoder: PositionDecoder) -> None:
    row = accept(decoder, extra={"燃油": 55.50, "alarm": [1, {"a": None}]})
    assert row[11] == PositionFlag.NONE
    assert json.loads(row[14][1:]) == {"燃油": 55.5, "alarm": [1, {"a": None}]}
    assert accept(decoder, extra=None)[14] is None


def payload(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


@pytest.mark.parametrize(
    ("bad", "fault", "says"),
    [
        (b"", Fault.MALFORMED, "truncated"),
        (b"{", Fault.MALFORMED, "truncated"),
        (b"\xff\xfe\x00", Fault.MALFORMED, "malformed"),
        (payload() + b" x", Fault.MALFORMED, "trailing"),
        (b"[" * 3000, Fault.INVALID, "object"),
        (b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}", Fault.OVERSIZE, "6006 bytes"),
        (b'{"x":' + b"[" * 1500 + b"]" * 1500 + b"}", Fault.MALFORMED, "recursion"),
        (b"[]", Fault.INVALID, "object"),
        (b"{}", Fault.INVALID, "ts"),
        (json.dumps({k: GOOD[k] for k in ("ts", "lon")}).encode(), Fault.INVALID, "lat"),
        (payload(lat=None), Fault.INVALID, "lat"),
        (payload(lat="30.5"), Fault.INVALID, "lat"),
        (b'{"ts":"2026-11-22T03:59:59Z","lat":1e999,"lon":1}', Fault.INVALID, "range"),
        (b'{"ts":"2026-11-22T03:59:59Z","lat":NaN,"lon":1}', Fault.MALFORMED, "malformed"),
        (payload(ts="2026-11-22T03:59:59"), Fault.INVALID, "timezone"),
        (payload(ts=1_795_320_000), Fault.INVALID, "ts"),
        (payload(ts="2026-13-01T00:00:00Z"), Fault.INVALID, "ts"),
        (payload(ts="2026-11-22T04:05:00.000001Z"), Fault.TIME, "ahead"),
        (payload(ts="9999-12-31T23:59:59-23:59"), Fault.TIME, "ahead"),
        (payload(ts="0001-01-01T00:00:00+23:59"), Fault.TIME, "old"),
        (payload(ts=1, satellites=40_000), Fault.INVALID, "ts"),
        (payload(speed="\0"), Fault.EXTRA, "U+0000"),
        (payload(extra={"a": "\0"}), Fault.EXTRA, "U+0000"),
        (payload(unknown="\0"), Fault.EXTRA, "U+0000"),
        (payload()[:-1] + b',"extra":{"a":"\xff"}}', Fault.EXTRA, "utf-8"),
        (payload()[:-1] + b',"extra":{"a":1e200000}}', Fault.EXTRA, "range"),
        (payload()[:-1] + b',"extra":{"a":"\\ud800"}}', Fault.MALFORMED, ""),
        (payload(extra={"a": "x" * 5000}), Fault.OVERSIZE, "cut off"),
    ],
)
def test_what_cannot_be_a_position_goes_to_quarantine_with_its_reason_and_bytes(
    decoder: PositionDecoder, bad: bytes, fault: Fault, says: str
) -> None:
    reason = refuse(decoder, bad)
    assert reason.startswith(f"{fault}: ")
    assert says in reason


def test_both_ends_of_the_window_are_inside(decoder: PositionDecoder) -> None:
    for ts in (NOW - timedelta(days=400), NOW + timedelta(minutes=5)):
        accept(decoder, ts=ts.isoformat())
    for ts in (NOW - timedelta(days=400, microseconds=1),):
        assert refuse(decoder, payload(ts=ts.isoformat())).startswith("time: ")


@pytest.mark.parametrize("topic", ["jieyong/v1/T-0002/position", "jieyong/v1//position", "other"])
def test_an_unknown_terminal_is_named(decoder: PositionDecoder, topic: str) -> None:
    assert refuse(decoder, payload(), topic).startswith("unknown_terminal: ")
    decoder.update({"T-0002": 8, "": 9})
    if topic != "other":
        assert one(decoder, payload(), topic)[0] is Kind.POSITION


def test_the_same_refused_message_has_the_same_key_and_another_has_another(
    decoder: PositionDecoder,
) -> None:
    keys = {
        fields(one(decoder, bad, topic)[1])[2]
        for bad, topic in [(b"x", TOPIC), (b"x", TOPIC), (b"y", TOPIC), (b"x", "a/b")]
    }
    assert len(keys) == 3


def test_case_36_messages_of_the_same_time_are_all_kept(decoder: PositionDecoder) -> None:
    same_time = [(TOPIC, payload(seq=seq)) for seq in range(5)]
    (batch,) = decoder.decode(same_time, NOW_US).batches
    keys = {tuple(read_position(row)[:3]) for row in split(batch.body)}
    assert len(keys) == 5


def test_good_and_bad_of_one_flush_are_parted(decoder: PositionDecoder) -> None:
    decoded = decoder.decode(
        [(TOPIC, payload()), (TOPIC, b"x"), (TOPIC, payload(lat=1)), ("?", payload())], NOW_US
    )
    assert [(b.kind, b.rows) for b in decoded.batches] == [
        (Kind.POSITION, 2),
        (Kind.QUARANTINE, 2),
    ]
    assert decoded.faults == {Fault.MALFORMED: 1, Fault.UNKNOWN_TERMINAL: 1}
    assert decoder.decode([], NOW_US).batches == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
near_misses = st.dictionaries(
    st.sampled_from([*GOOD, "extra", "unknown"]), json_values | st.text(), max_size=12
).map(lambda changes: json.dumps(GOOD | changes).encode("utf-8", "surrogatepass"))
broken = st.tuples(st.just(payload()), st.integers(0, 250), st.binary(max_size=6)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + len(parts[2]) :]
)


@settings(max_examples=400, deadline=None)
@given(payload=st.one_of(st.binary(max_size=300), near_misses, broken), topic=st.text(max_size=30))
@example(payload=b'{"ts":"0001-01-01T00:00:00+23:59","lat":1,"lon":1}', topic=TOPIC)
def test_nothing_escapes_the_decoder(payload: bytes, topic: str) -> None:
    decoder = PositionDecoder("jieyong/v1/+/position", {"T-0001": 7}, 4096)
    for where in (TOPIC, topic):
        decoded = decoder.decode([(where, payload)], NOW_US)
        (batch,) = decoded.batches
        (row,) = split(batch.body)
        assert Fault.INTERNAL not in decoded.faults
        if batch.kind is Kind.QUARANTINE:
            kept = fields(row)
            assert kept[4] == payload
            for text in (kept[0], kept[1], kept[3]):
                assert text is not None
                assert b"\0" not in text
                text.decode()
        else:
            read_position(row)


real = st.floats(-1e9, 1e9)
messages = st.builds(
    PositionMessage,
    ts=st.just(NOW),
    lat=st.floats(allow_nan=False, allow_infinity=False),
    lon=st.floats(allow_nan=False, allow_infinity=False),
    speed=st.none() | real,
    course=st.none() | real,
    altitude=st.none() | real,
    odometer=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    satellites=st.none() | st.integers(0, 32_767),
    acc=st.none() | st.booleans(),
    seq=st.none() | st.integers(0, 2**63 - 1),
)


@settings(max_examples=300, deadline=None)
@given(
    message=messages,
    terminal_id=st.integers(1, 2**31 - 1),
    hash_=st.integers(-(2**63), 2**63 - 1),
    flags=st.integers(0, 255),
)
def test_the_fast_packer_equals_the_reference(
    message: PositionMessage, terminal_id: int, hash_: int, flags: int
) -> None:
    seen = Seen(terminal_id, NOW_US - 5, hash_, flags, NOW_US)
    for extra in (None, b"{}"):
        assert pack(message, seen, extra) == pack_position(position(message, seen, extra))
