"""What a frame calls for."""

from __future__ import annotations

from dataclasses import dataclass, field

from collector.jt808.rows import Fault, refused_row


@dataclass(frozen=True, slots=True)
class Step:
    """Rows to make durable, and the replies that may leave after that.

    Attributes:
        positions: packed rows of ``position``.
        refused: packed rows of ``quarantine``.
        faults: why, one for each of them.
        replies: whole frames; without any row they may leave at once.
        cards: packed rows of ``driver_card``.
    """

    positions: tuple[bytes, ...] = ()
    refused: tuple[bytes, ...] = ()
    faults: tuple[Fault, ...] = ()
    replies: tuple[bytes, ...] = ()
    cards: tuple[bytes, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return len(self.positions) + len(self.cards) + len(self.refused)


NOTHING = Step()


@dataclass(slots=True)
class Draft:
    """Rows as they are found."""

    origin: str
    now_us: int
    positions: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    cards: list[bytes] = field(default_factory=list)

    def refuse(self, fault: Fault, detail: str, payload: bytes) -> None:
        """Add a refused piece."""
        self.refused.append(refused_row(self.origin, fault, detail, payload, self.now_us))
        self.faults.append(fault)

    def step(self, *replies: bytes) -> Step:
        """Return what was found, with its replies."""
        rows = tuple(self.positions), tuple(self.refused), tuple(self.faults)
        return Step(*rows, replies, tuple(self.cards))
