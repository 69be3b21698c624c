"""Each fault and each trait, by the bytes it makes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.modbus.codec import Request
from simulators.modbus.faults import Fault, Kind, Span, Traits, pick
from simulators.modbus.unit import Answer, Device, Unit
from simulators.truth import ModbusReply
from tests.unit.simulators.meters import FixedModel, point, profile

MADE = profile(
    point("a", 0),
    point("b", 1, "s16", scale=Fraction(1, 10), sentinels=(0x7FFF,)),
    point("c", 4, "u32"),
)
MODEL = FixedModel({"a": 7.0, "b": -1.5, "c": 65536.0})
READ_TWO = bytes.fromhex("03 0000 0002")
GOOD = bytes.fromhex("0009 0000 0007 05 03 04 0007 FFF1")


def ask(unit: Unit, pdu: bytes = READ_TWO, elapsed_s: float = 0.0) -> Answer:
    return unit.answer(Request(9, 5, pdu), 1_000, elapsed_s)


def unit(*faults: Fault, traits: Traits | None = None) -> Unit:
    return Unit(Device("m", MADE, MODEL, traits or Traits()), faults, seed=3)


def one(kind: Kind, **more: object) -> Answer:
    return ask(unit(Fault("m", kind, **more)))  # type: ignore[arg-type]


def test_an_honest_answer_and_its_truth() -> None:
    answer = ask(unit())
    assert answer.frame == GOOD
    assert answer.record == ModbusReply(
        "m", 1, 1_000, 3, "holding", 0, 2, "0007fff1", "ok", {"a": "7", "b": "-1.5"}
    )


def test_a_point_that_is_cut_is_not_in_the_truth() -> None:
    record = ask(unit(), bytes.fromhex("03 0001 0004")).record
    assert record.values == {"b": "-1.5"}


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (Kind.TRUNCATE, "0009 0000 0007 05 03 04 00"),
        (Kind.OVERSIZE, "0009 0000 002F 05 03 04 0007 FFF1" + "DEADBEEF" * 10),
        (Kind.WRONG_UNIT, "0009 0000 0007 06 03 04 0007 FFF1"),
        (Kind.WRONG_TRANSACTION, "0008 0000 0007 05 03 04 0007 FFF1"),
        (Kind.WRONG_PROTOCOL, "0009 0001 0007 05 03 04 0007 FFF1"),
        (Kind.SENTINEL, "0009 0000 0007 05 03 04 0007 7FFF"),
    ],
)
def test_faults_that_change_the_bytes(kind: Kind, frame: str) -> None:
    answer = one(kind)
    assert answer.frame == bytes.fromhex(frame)
    assert answer.record.outcome == kind


def test_a_sentinel_is_no_value_in_the_truth() -> None:
    assert one(Kind.SENTINEL).record.values == {"a": "7", "b": None}
    assert one(Kind.SENTINEL, points=("a",)).record.values == {"a": "7", "b": "-1.5"}


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
def test_every_exception(code: int) -> None:
    answer = one(Kind.EXCEPTION, code=code)
    assert answer.frame == bytes.fromhex("0009 0000 0003 05 83") + bytes([code])
    assert answer.record.outcome == f"exception-{code}"
    assert answer.record.values == {}


def test_silence_and_reset() -> None:
    dropped, reset = one(Kind.DROP), one(Kind.RESET)
    assert dropped.frame is None
    assert not dropped.reset
    assert (reset.frame, reset.reset) == (None, True)
    assert dropped.record.words == "", "nothing was sent"


def test_delay_blocks_those_behind_it_lateness_does_not() -> None:
    delayed, late = one(Kind.DELAY, seconds=0.5), one(Kind.LATE, seconds=1.5)
    assert (delayed.frame, delayed.delay_s, delayed.overtaken) == (GOOD, 0.5, False)
    assert (late.frame, late.delay_s, late.overtaken) == (GOOD, 1.5, True)


@pytest.mark.parametrize(
    "pdu", ["03 0005 0002", "03 0006 0001", "04 0000 0001", "01 0000 0001", "03 FFFF 0001"]
)
def test_an_unmapped_address_is_exception_two(pdu: str) -> None:
    frame = ask(unit(), bytes.fromhex(pdu)).frame
    assert frame is not None
    assert frame[7:] == bytes([bytes.fromhex(pdu)[0] | 0x80, 2])


def test_a_write_is_refused_and_in_the_truth() -> None:
    answer = ask(unit(), bytes.fromhex("06 0000 0001"))
    assert answer.frame == bytes.fromhex("0009 0000 0003 05 86 01")
    assert (answer.record.function, answer.record.outcome) == (6, "exception-1")


@pytest.mark.parametrize("code", [2, 3])
def test_a_device_with_a_register_limit(code: int) -> None:
    limited = unit(traits=Traits(max_registers=2, over_limit=code))
    assert ask(limited).frame == GOOD
    frame = ask(limited, bytes.fromhex("03 0000 0003")).frame
    assert frame == bytes.fromhex("0009 0000 0003 05 83") + bytes([code])


def test_a_hole_is_exception_two_when_touched() -> None:
    holed = unit(traits=Traits(holes=(Span("holding", 2, 3),)))
    assert ask(holed).frame == GOOD
    frame = ask(holed, bytes.fromhex("03 0000 0003")).frame
    assert frame == bytes.fromhex("0009 0000 0003 05 83 02")
    frame = ask(holed, bytes.fromhex("03 0004 0002")).frame
    assert frame == bytes.fromhex("0009 0000 0007 05 03 04 0001 0000")


def test_a_reserved_register_corrupts_the_next_reply_only() -> None:
    poisoned = unit(traits=Traits(poison=(Span("holding", 3, 3),)))
    first = ask(poisoned, bytes.fromhex("03 0000 0004"))
    assert first.record.outcome == "ok"
    spoilt = ask(poisoned)
    assert spoilt.frame == bytes.fromhex("0009 0000 0007 05 03 04 FFF8 000E")
    assert spoilt.record.outcome == "corrupted"
    assert ask(poisoned).frame == GOOD


def test_faults_by_number_and_by_time() -> None:
    by_number = unit(Fault("m", Kind.DROP, requests=(2, 3)))
    assert [ask(by_number).frame is None for _ in range(4)] == [False, True, True, False]
    by_time = unit(Fault("m", Kind.DROP, from_s=10.0, to_s=20.0))
    seconds = (0.0, 9.9, 10.0, 19.9, 20.0)
    assert [ask(by_time, elapsed_s=s).frame is None for s in seconds] == [0, 0, 1, 1, 0]


@given(share=st.sampled_from([0.0, 0.2, 0.8]), seed=st.integers(0, 2**32))
def test_a_seeded_share_of_the_requests_is_hit(share: float, seed: int) -> None:
    faults = [Fault("m", Kind.DROP, probability=share)]

    def drawn() -> Sequence[bool]:
        return [pick(faults, seed, "m", n, 0.0) is not None for n in range(1, 400)]

    assert drawn() == drawn()
    assert abs(sum(drawn()) / 399 - share) < 0.13


@given(pdu=st.binary(min_size=1, max_size=253), kind=st.sampled_from([None, *Kind]))
def test_no_request_whatever_breaks_a_device(pdu: bytes, kind: Kind | None) -> None:
    subject = unit(*([Fault("m", kind)] if kind else []))
    answer = ask(subject, pdu)
    assert subject.received == 1
    if answer.frame is not None and kind is None:
        assert len(answer.frame) <= 260
        assert answer.frame[7] & 0x7F == pdu[0] & 0x7F
        assert int.from_bytes(answer.frame[4:6]) == len(answer.frame) - 6
    if pdu[0] not in (1, 2, 3, 4):
        assert answer.record.values == {}


def test_numbers_count_requests_and_replies() -> None:
    counted = unit(Fault("m", Kind.DROP, requests=(1,)))
    numbers = [ask(counted).record.number for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert (counted.received, counted.replied) == (3, 2)


def test_a_model_that_lacks_a_point_is_refused() -> None:
    with pytest.raises(ValueError, match=r"device m: its model has no point 'a'"):
        Unit(Device("m", MADE, FixedModel({}), Traits()))
