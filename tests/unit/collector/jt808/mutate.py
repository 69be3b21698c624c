"""Frames gone wrong: a stream of them through the decoder, held against an own count."""

from __future__ import annotations

import random
from collections import Counter

from collector.jt808.frame import MOST_ON_WIRE, FrameError, Splitter, unwrap
from collector.jt808.rows import Fault
from collector.jt808.session import Session
from collector.jt808.step import Step
from tests.unit.collector.jt808.golden import FRAMES, NOW_US, PHONE, framed, sound, unescaped
from tests.unit.collector.jt808.test_session import CODES, message, office

_NAMES = sorted(FRAMES)


def mutated(dice: random.Random) -> bytes:
    """One frame with something wrong: bytes on the wire, or content under a right checksum."""
    wire = FRAMES[dice.choice(_NAMES)]
    if dice.random() < 0.5:
        return _spoilt(wire, dice)
    whole = unescaped(wire[1:-1])
    assert whole is not None
    return framed(_spoilt(whole[:-1], dice)[:1044])


def _spoilt(data: bytes, dice: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(6):
            case 0 if at < len(found):
                found[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(found):
                found[at] = dice.choice((0x00, 0x7D, 0x7E, 0xFF, dice.randrange(256)))
            case 2:
                found[at:at] = dice.randbytes(dice.randint(1, 5))
            case 3:
                del found[at : at + dice.randint(1, 5)]
            case 4:
                found[at:] = FRAMES[dice.choice(_NAMES)][at:]
            case _:
                del found[at:]
    return bytes(found)


def run(frames: int, seed: int) -> Counter[str]:
    """Send mutated frames; return how many were believed and how many not.

    Raises:
        AssertionError: something was believed that an own count does not hold for sound, or the
            other way round; an exception inside; more kept than one frame; a reply to nothing.
    """
    dice = random.Random(seed)
    shared = office(kept_per_hour=10**9)
    session = Session(shared, "192.0.2.1")
    splitter = Splitter()
    found: Counter[str] = Counter()
    for _ in range(frames):
        for raw in splitter.feed(mutated(dice)):
            found[_one(session, raw, dice)] += 1
        assert len(splitter._pending) <= MOST_ON_WIRE
    found["oversize"] = splitter.oversize
    return found


def _one(session: Session, raw: bytes, dice: random.Random) -> str:
    try:
        content = unwrap(raw)
    except FrameError as error:
        assert not sound(raw)
        _no_fault_of_ours(session.unsound(raw, error, NOW_US))
        return "not believed"
    assert sound(raw)
    if session.terminal is None and dice.random() < 0.5:
        session.handle(message(0x0102, CODES.code(PHONE)), NOW_US)
    _no_fault_of_ours(session.handle(content, NOW_US))
    return "believed"


def _no_fault_of_ours(step: Step) -> None:
    assert Fault.INTERNAL not in step.faults
    assert len(step.faults) == len(step.refused)
