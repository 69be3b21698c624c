"""Bytes written by hand from the tables of JT/T 808-2011, -2013 and -2019."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.jt808 import frame, header, location, messages
from simulators.jt808.frame import FrameError, Splitter
from simulators.jt808.header import Header, HeaderError, Version
from simulators.jt808.location import Location, LocationError
from simulators.jt808.messages import Answer, Driver, Identity, MessageError, Registered

PHONE = "013912345678"
NOON_S = 1_785_556_800  # 2026-08-01 12:00:00 in UTC+8
PLATE = "B4A8 41 3132333435"  # 川A12345 in GBK


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


# Frames.


def test_the_check_vector_of_escapes() -> None:
    assert frame.escape(hexed("30 7e 08 7d 55")) == hexed("30 7d02 08 7d01 55")
    assert frame.unescape(hexed("30 7d02 08 7d01 55")) == hexed("30 7e 08 7d 55")


def test_a_heartbeat_on_the_wire() -> None:
    content = header.encode(Header(0x0002, PHONE, 1, Version.V2013), b"")
    assert content == hexed("0002 0000 013912345678 0001")
    # 02^01^39^12^34^56^78^01
    assert frame.wrap(content) == hexed("7e 0002 0000 013912345678 0001 33 7e")


def test_a_checksum_that_must_be_escaped_is() -> None:
    assert frame.wrap(hexed("7e")) == hexed("7e 7d02 7d02 7e")
    assert frame.wrap(hexed("7c01")) == hexed("7e 7c01 7d01 7e")


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("0002 0000 013912345678 0001 34", "checksum 34, but it is 33"),
        ("0102 7d 03", "7D followed by 03"),
        ("0102 03 7d", "7D followed by nothing"),
        ("00", "a frame of 1 bytes"),
        ("", "a frame of 0 bytes"),
    ],
)
def test_what_is_no_frame_is_refused(inside: str, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        frame.unwrap(hexed(inside))


@given(st.binary(min_size=1, max_size=60))
def test_frames_come_back(content: bytes) -> None:
    whole = frame.wrap(content)
    assert whole.count(frame.FLAG) == 2
    assert frame.unwrap(whole[1:-1]) == content


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=5), st.data())
def test_frames_come_out_whole_however_the_stream_is_cut(
    contents: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(map(frame.wrap, contents))
    edges = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    splitter = Splitter()
    pieces = itertools.pairwise([0, *edges, len(stream)])
    found = [inside for begin, end in pieces for inside in splitter.feed(stream[begin:end])]
    assert list(map(frame.unwrap, found)) == contents


def test_garbage_between_frames_costs_no_frame() -> None:
    good = frame.wrap(hexed("0102"))
    found = Splitter().feed(good + hexed("aa bb 7e cc") + good)
    assert [inside.hex() for inside in found] == ["010203", "aabb", "cc", "010203"]


# Headers.


def test_headers_of_2013_and_2019() -> None:
    body = bytes(28)
    older = header.encode(Header(0x0200, PHONE, 10, Version.V2013), body)
    newer = header.encode(Header(0x0200, PHONE.zfill(20), 10, Version.V2019), body)
    assert older == hexed("0200 001c 013912345678 000a") + body
    assert newer == hexed("0200 401c 01 00000000013912345678 000a") + body


def test_a_message_in_two_frames() -> None:
    head = Header(0x0704, PHONE, 0xFFFF, Version.V2013)
    first, second = header.cut(head, hexed("0102030405"), most=3)
    assert first == hexed("0704 2003 013912345678 ffff 0002 0001 010203")
    assert second == hexed("0704 2002 013912345678 0000 0002 0002 0405")


def test_a_header_with_encryption_is_read() -> None:
    head, body = header.decode(hexed("0200 0402 4eb6fb4afd9e 0001 aabb"))
    assert head == Header(0x0200, "4eb6fb4afd9e", 1, Version.V2013, encryption=1)
    assert body == hexed("aabb")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("0200 0002 013912345678 0001 aa", "1 bytes of body, 2 told"),
        ("0200 0000 013912345678 0001 aa", "1 bytes of body, 0 told"),
        ("0200 0000 013912345678 00", "ends too soon"),
        ("0200 2000 013912345678 0001 0002", "ends too soon"),
        ("0200 4000 01 013912345678 0001", "ends too soon"),
        ("02", "ends too soon"),
    ],
)
def test_a_header_that_is_none_is_refused(content: str, why: str) -> None:
    with pytest.raises(HeaderError, match=why):
        header.decode(hexed(content))


@given(
    message=st.integers(0, 0xFFFF),
    phone=st.binary(min_size=6, max_size=6),
    serial=st.integers(0, 0xFFFF),
    version=st.sampled_from([Version.V2013, Version.V2019]),
    body=st.binary(max_size=1023),
    part=st.integers(0, 0xFFFF),
)
def test_headers_come_back(  # noqa: PLR0917
    message: int, phone: bytes, serial: int, version: Version, body: bytes, part: int
) -> None:
    digits = header.phone_of(phone.hex(), version)
    head = Header(message, digits, serial, version, part, part and 1)
    assert header.decode(header.encode(head, body)) == (head, body)


@given(body=st.binary(max_size=3000), serial=st.integers(0, 0xFFFF), most=st.integers(9, 1023))
@settings(deadline=None)
def test_a_cut_body_is_whole_again(body: bytes, serial: int, most: int) -> None:
    cut = header.cut(Header(0x0704, PHONE, serial, Version.V2013), body, most)
    read = [header.decode(content) for content in cut]
    assert b"".join(part for _, part in read) == body
    assert [head.serial for head, _ in read] == [(serial + n) % 65536 for n in range(len(read))]
    if len(read) > 1:
        assert [(h.total, h.index) for h, _ in read] == [
            (len(read), n + 1) for n in range(len(read))
        ]


@pytest.mark.parametrize("phone", [PHONE, PHONE.zfill(20)])
def test_what_does_not_fit_a_header_is_refused(phone: str) -> None:
    version = Version.V2019 if len(phone) == 12 else Version.V2013
    with pytest.raises(ValueError, match="does not fit"):
        header.encode(Header(2, phone, 0, version), b"")
    with pytest.raises(ValueError, match="1024 bytes"):
        header.encode(Header(2, PHONE, 0, Version.V2013), bytes(1024))


# Locations.

HERE = Location(
    alarm=0,
    status=location.ACC | location.FIXED | location.GPS | location.BEIDOU,
    lat=30_572_000,
    lon=104_066_000,
    altitude=496,
    speed=432,
    direction=73,
    time_s=NOON_S,
    items=((location.MILEAGE, hexed("00061a81")), (location.SATELLITES, b"\x09")),
)
HERE_BYTES = hexed(
    "00000000"  # no alarm
    "000c0003"  # ignition, fixed, GPS, Beidou
    "01d27de0"  # 30.572000
    "0633ebd0"  # 104.066000
    "01f0"  # 496 m
    "01b0"  # 43.2 km/h
    "0049"  # 73 degrees
    "260801120000"
    "01 04 00061a81"  # 40000.1 km
    "31 01 09"
)


def test_a_location() -> None:
    assert location.encode(HERE) == HERE_BYTES
    assert location.decode(HERE_BYTES) == HERE


@pytest.mark.parametrize(
    ("time_s", "digits"),
    [
        (NOON_S, "260801120000"),
        (1_798_732_799, "261231235959"),
        (1_798_732_800, "270101000000"),
        (1_709_136_000, "240229000000"),
    ],
)
def test_times_are_those_of_utc_plus_8(time_s: int, digits: str) -> None:
    assert location.bcd_time(time_s) == hexed(digits)
    assert location.read_bcd_time(hexed(digits)) == time_s


@pytest.mark.parametrize("digits", ["260230000000", "26ab01000000", "260001000000", "260801240000"])
def test_a_time_that_is_none_is_refused(digits: str) -> None:
    with pytest.raises(LocationError, match=digits):
        location.read_bcd_time(hexed(digits))


@pytest.mark.parametrize("cut", [1, 6, 8, 20])
def test_a_location_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(LocationError):
        location.decode(HERE_BYTES[:-cut])


WORD, DWORD = st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)


@given(
    st.builds(
        Location,
        *(DWORD, DWORD, DWORD, DWORD, WORD, WORD, WORD),
        st.integers(946_656_000, 3_102_415_999),  # 2000 to 2068, as local years have two digits
        st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=6).map(tuple),
    )
)
def test_locations_come_back(where: Location) -> None:
    assert location.decode(location.encode(where)) == where


# Other messages.

WHO = {v: Identity("13912345678", v, "川A12345") for v in Version}


@pytest.mark.parametrize(
    ("version", "names"),
    [
        (Version.V2011, "4a59383038 53494d2d31000000 30303030303031"),
        (Version.V2013, "4a59383038 53494d2d31" + "00" * 15 + "30303030303031"),
        (
            Version.V2019,
            *("4a59383038" + "00" * 6 + "53494d2d31" + "00" * 25 + "30303030303031" + "00" * 23,),
        ),
    ],
)
def test_a_registration(version: Version, names: str) -> None:
    # Province 51, city 100, the three names, blue plate.
    assert messages.register(WHO[version]) == hexed("0033 0064" + names + "01" + PLATE)


def test_a_name_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="its 5 bytes"):
        messages.register(Identity("1", Version.V2013, "x", maker="sixsix"))


def test_authentication() -> None:
    assert messages.authenticate(WHO[Version.V2011], b"code") == b"code"
    assert messages.authenticate(WHO[Version.V2013], b"code") == b"code"
    newer = messages.authenticate(WHO[Version.V2019], b"code")
    assert newer == b"\x04code" + b"860000000000001" + b"1.0.0" + bytes(15)
    prefixed = Identity("1", Version.V2019, "x", software_prefixed=True)
    assert messages.authenticate(prefixed, b"code") == b"\x04code860000000000001\x051.0.0"


def test_positions_caught_up_with() -> None:
    body = messages.locations([hexed("aabbcc"), hexed("dd")])
    assert body == hexed("0002 01 0003 aabbcc 0001 dd")
    assert messages.read_locations(body) == (1, [hexed("aabbcc"), hexed("dd")])


@pytest.mark.parametrize("body", ["", "0001", "0001 01", "0001 01 0002 aa", "0001 01 0001 aabb"])
def test_a_batch_that_does_not_add_up_is_refused(body: str) -> None:
    with pytest.raises(MessageError):
        messages.read_locations(hexed(body))


@given(st.lists(st.binary(max_size=60), max_size=9), st.integers(0, 255))
def test_batches_come_back(bodies: list[bytes], kind: int) -> None:
    assert messages.read_locations(messages.locations(bodies, kind)) == (kind, bodies)


def test_small_bodies() -> None:
    assert messages.general_reply(7, 0x8103, 3) == hexed("0007 8103 03")
    assert messages.on_demand(7, hexed("aa")) == hexed("0007 aa")


CARD = Driver("王强", "510100198000000001", "51010000000001", "交通局", "20301231")
NAME, ISSUER = "04 cdf5c7bf", "06 bdbbcda8bed6"  # GBK with its length
QUALIFICATION = b"51010000000001".hex()


def test_a_drivers_card_of_2013() -> None:
    assert messages.driver(Version.V2013, CARD, NOON_S) == hexed(
        "01 260801120000 00" + NAME + QUALIFICATION + "00" * 6 + ISSUER + "20301231"
    )
    out = messages.driver(Version.V2013, CARD, NOON_S, leaves=True)
    assert out == hexed("02 260801120000")


def test_a_drivers_card_of_2019_ends_with_the_identity_number() -> None:
    older = messages.driver(Version.V2013, CARD, NOON_S)
    newer = messages.driver(Version.V2019, CARD, NOON_S)
    assert newer == older + b"510100198000000001" + bytes(2)


def test_a_drivers_card_of_2011_has_no_time() -> None:
    identity = b"510100198000000001".hex() + "00" * 2
    assert messages.driver(Version.V2011, CARD, NOON_S) == hexed(
        NAME + identity + QUALIFICATION + "00" * 26 + ISSUER
    )


def test_what_the_platform_says() -> None:
    assert messages.read_answer(hexed("000a 0200 01")) == Answer(10, 0x0200, 1)
    assert messages.read_registered(hexed("000a 00 616263")) == Registered(10, 0, b"abc")
    assert messages.read_registered(hexed("000a 04")) == Registered(10, 4, b"")
    assert send_again_2013(hexed("000a 02 0001 0003")) == (10, (1, 3))
    assert send_again_2019(hexed("000a 0002 0001 0003")) == (10, (1, 3))


send_again_2013 = partial(messages.read_send_again, Version.V2013)
send_again_2019 = partial(messages.read_send_again, Version.V2019)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        *((messages.read_answer, body) for body in ("", "000a 0200", "000a 0200 01 00")),
        *((messages.read_registered, body) for body in ("", "000a")),
        *((send_again_2013, body) for body in ("", "000a", "000a 02 0001", "000a 00 00")),
        *((send_again_2019, body) for body in ("", "000a 00", "000a 0002 0001", "000a 00 00 00")),
    ],
)
def test_what_the_platform_says_cut_short_is_refused(
    read: Callable[[bytes], object], body: str
) -> None:
    with pytest.raises(MessageError):
        read(hexed(body))


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    readers = (
        *(frame.unwrap, header.decode, location.decode, messages.read_answer),
        *(messages.read_registered, send_again_2013, send_again_2019, messages.read_locations),
    )
    for read in readers:
        try:
            read(raw)
        except (FrameError, HeaderError, LocationError, MessageError):
            continue
