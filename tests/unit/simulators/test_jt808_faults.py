"""What the wire does to frames."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.jt808 import frame, header
from simulators.jt808.faults import Leaving, Wire, WireFaults
from simulators.jt808.frame import FrameError, Splitter
from simulators.jt808.header import HeaderError

CONTENT = bytes.fromhex("0200 0004 013912345678 0001 7e7d7d7e")


def leave(fault: str, held: bytes = b"", number: int = 1) -> Leaving:
    return Wire(WireFaults(**{fault: 1.0}), 3, "139").leave(  # type: ignore[arg-type]
        CONTENT, number, held
    )


def stream(leaving: Leaving) -> bytes:
    return b"".join(segment.data for segment in leaving.segments)


def contents(stream: bytes) -> list[bytes]:
    """What a reader makes of it."""
    found = []
    for inside in Splitter().feed(stream):
        try:
            content = frame.unwrap(inside)
            header.decode(content)
        except (FrameError, HeaderError):
            continue
        found.append(content)
    return found


def test_without_faults_a_frame_leaves_as_it_is() -> None:
    leaving = Wire(WireFaults(), 3, "139").leave(CONTENT, 1)
    assert (leaving.fault, stream(leaving), leaving.held) == ("", frame.wrap(CONTENT), b"")
    assert Wire(WireFaults(), 3, "139").connection(1) == ""


@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        ("bad_checksum", []),
        ("wrong_length", []),
        ("split", [CONTENT]),
        ("slow", [CONTENT]),
        ("garbage", [CONTENT]),
        ("repeated", [CONTENT, CONTENT]),
    ],
)
def test_what_arrives(fault: str, arrives: list[bytes], number: int) -> None:
    leaving = leave(fault, number=number)
    assert leaving.fault == fault
    assert contents(stream(leaving)) == arrives


def test_a_wrong_length_has_a_right_checksum() -> None:
    (inside,) = Splitter().feed(stream(leave("wrong_length")))
    with pytest.raises(HeaderError, match="4 bytes of body, 5 told"):
        header.decode(frame.unwrap(inside))


def test_segments() -> None:
    assert len(leave("split").segments) == 3
    slow = leave("slow").segments
    assert {len(segment.data) for segment in slow} == {1}
    assert all(segment.pause_s > 0 for segment in slow)


def test_a_joined_frame_leaves_with_the_next() -> None:
    first = leave("joined")
    assert (first.segments, first.held) == ((), frame.wrap(CONTENT))
    second = leave("joined", first.held)
    assert second.held == b""
    assert contents(stream(second)) == [CONTENT, CONTENT]
    assert len(second.segments) == 1


@given(
    shares=st.fixed_dictionaries(
        {
            name: st.floats(0, 0.14)
            for name in (
                *("bad_checksum", "wrong_length", "split", "joined"),
                *("garbage", "repeated", "slow"),
            )
        }
    ),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_only_damaged_frames_do_not_arrive(shares: dict[str, float], seed: int) -> None:
    wire = Wire(msgspec.convert(shares, WireFaults), seed, "139")
    sent, held, expected = b"", b"", 0
    for number in range(60):
        leaving = wire.leave(CONTENT, number, held)
        sent, held = sent + stream(leaving), leaving.held
        damaged = leaving.fault in ("bad_checksum", "wrong_length")
        expected += 0 if damaged else 2 if leaving.fault == "repeated" else 1
    assert len(contents(sent + held)) == expected


def test_fates_of_connections() -> None:
    wire = Wire(WireFaults(half_open=0.3, silent=0.3), 1, "139")
    fates = [wire.connection(n) for n in range(200)]
    assert set(fates) == {"", "half_open", "silent"}
    assert fates == [wire.connection(n) for n in range(200)]
