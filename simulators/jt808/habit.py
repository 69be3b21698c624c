"""How a terminal behaves, how far its log-in is, and what it counts."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field

from simulators.jt808 import header
from simulators.jt808.report import Fuel


class State(enum.Enum):
    """How far the log-in is."""

    OFFLINE = "offline"
    REGISTERING = "registering"
    REFUSED = "refused"
    AUTHENTICATING = "authenticating"
    READY = "ready"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class Habit:
    """How a terminal behaves.

    Attributes:
        heartbeat_s: silence after which it gives a sign of life.
        reply_s: how long it waits for an answer the first time.
        tries: how often it says the same.
        window: positions unanswered at once; more are kept for catching up.
        capacity: positions kept; the oldest make room.
        batch: positions in one 0x0704.
        newest_first: it catches up from the newest backwards.
        late_s: a kept position is not sent before it is so old.
        most_body: bytes of a body in one frame; a longer one is cut.
        retry_s: pause after a refused registration, and before what failed is said again.
        fuel: what it says of fuel.
        awkward_every: every so many positions carry bytes that must be escaped; 0: none.
    """

    heartbeat_s: int = 60
    reply_s: int = 10
    tries: int = 3
    window: int = 8
    capacity: int = 20_000
    batch: int = 10
    newest_first: bool = False
    late_s: int = 0
    most_body: int = header.LONGEST_BODY
    retry_s: int = 30
    fuel: Fuel = Fuel.ABSENT
    awkward_every: int = 7


@dataclass(slots=True)
class Stats:
    """Counts since the start.

    Attributes:
        overwritten: positions that gave way to newer ones before they were answered.
        wrong: what the platform sent amiss, by reason.
    """

    measured: int = 0
    repeated: int = 0
    overwritten: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
