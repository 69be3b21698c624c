"""What the gateway has done, as plain counters that an exporter reads."""

from __future__ import annotations

from collections import Counter

from collector.jt808.frame import FrameFault
from collector.jt808.rows import Fault


class Jt808Stats:
    """Counters since the start; written by the source only.

    Attributes:
        listening: whether terminals can connect now.
        connections: connections that stand.
        authenticated: of these, terminals that may send.
        connects: connections that were let in.
        turned_away: connections that were not, by bound (``connections``, ``address``).
        closed: connections that ended, by cause: by the peer (``peer``), or by us (``idle``,
            ``unauthenticated``, ``slow``, ``replaced``, ``stop``).
        frames: sound frames, by message id.
        bad_frames: frames that cannot be believed, by fault.
        throttled: times a connection was not read for a moment because it sent too fast.
        refusals: registrations and authentications refused, by cause (``unknown_terminal``,
            ``code``).
        given_up: messages in packets that were never completed.
        asked_again: packets that were asked for again (0x8003), each time counted.
        positions: positions that are on disk.
        cards: drivers' cards that are on disk.
        quarantined: refused pieces that are on disk, by fault.
        dropped: refused pieces beyond the hourly bound, kept nowhere and never acknowledged, by
            fault.
        answered: replies that left after what they answer was on disk.
        orphaned: replies whose connection was gone; the terminal sends again.
        holding: rows held back now because the spool refuses them.
        held: rows that were ever held back; none of them is lost.
        flushes: hand-overs to the spool.
        last_frame_us: when the last sound frame came, Unix microseconds.
    """

    def __init__(self) -> None:
        self.listening = False
        self.connections = 0
        self.authenticated = 0
        self.connects = 0
        self.turned_away: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()
        self.bad_frames: Counter[FrameFault] = Counter()
        self.throttled = 0
        self.refusals: Counter[str] = Counter()
        self.given_up = 0
        self.asked_again = 0
        self.positions = 0
        self.cards = 0
        self.quarantined: Counter[Fault] = Counter()
        self.dropped: Counter[Fault] = Counter()
        self.answered = 0
        self.orphaned = 0
        self.holding = 0
        self.held = 0
        self.flushes = 0
        self.last_frame_us: int | None = None
