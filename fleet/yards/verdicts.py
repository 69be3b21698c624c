"""What can be said of a vehicle: it agrees, there is a doubt (疑点), or nobody can tell."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet.fence.datum import Degrees
from fleet.yards.days import Window
from fleet.yards.spans import Span


class DoubtKind(enum.StrEnum):
    """What the doubt is."""

    NOT_IN_YARD = "not_in_yard"
    """It was not there when it had to be."""
    LEFT_YARD = "left_yard"
    """It was there, and went away again."""
    MOVED_SEALED = "moved_sealed"
    """It moved while it was sealed."""
    IGNITION_SEALED = "ignition_sealed"
    """Its ignition was on while it was sealed; whether it moved is not known."""


class Why(enum.StrEnum):
    """Why nobody can tell."""

    NO_POSITIONS = "no_positions"
    SILENT = "silent"
    NO_FENCE = "no_fence"
    CALENDAR = "calendar"
    ORDER_OPEN = "order_open"
    PENDING = "pending"
    SENSITIVE = "sensitive"


class ExcuseKind(enum.StrEnum):
    """What exempts."""

    ORDER = "order"
    JOURNEY = "journey"
    DUTY = "duty"


EXCUSES: Final[Mapping[ExcuseKind, str]] = {
    ExcuseKind.ORDER: "派车单",
    ExcuseKind.JOURNEY: "行驶中",
    ExcuseKind.DUTY: "值班",
}
"""What officers call them."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """Time in which a vehicle may be elsewhere.

    Attributes:
        kind: by what.
        from_us, to_us: when.
        what: number of the order, or reason.
        open: the order does not say when: it may reach so far, and need not.
    """

    kind: ExcuseKind
    from_us: int
    to_us: int
    what: str
    open: bool = False

    @property
    def span(self) -> Span:
        """When."""
        return self.from_us, self.to_us

    @property
    def said(self) -> str:
        """Which, for officers."""
        return " ".join(filter(None, (EXCUSES[self.kind], self.what)))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on; times µs UTC.

    Attributes:
        window: when the vehicle had to be somewhere, or stand still.
        fences: codes of the places where it might be.
        away: when it was elsewhere, what is excused left out; or on its way while sealed.
        unknown: of which nothing is known.
        asleep: in which it said nothing, and is believed to have stood where it was left.
        excuses: that touch the window.
        place: where it stood longest while away; None: nowhere, or nobody may know.
        moved_mm: how far it went while sealed, by its positions; None: unknown.
        odometer_mm: the same by the terminal's odometer; None: unknown.
        ignition_us: how long the ignition was on; None: unknown.
    """

    window: Window
    fences: tuple[str, ...] = ()
    away: tuple[Span, ...] = ()
    unknown: tuple[Span, ...] = ()
    asleep: tuple[Span, ...] = ()
    excuses: tuple[Excuse, ...] = ()
    place: Degrees | None = field(default=None)
    moved_mm: int | None = None
    odometer_mm: int | None = None
    ignition_us: int | None = None


@dataclass(frozen=True, slots=True)
class Agrees:
    """It was where it had to be, or was excused."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Doubt:
    """Somebody should explain it."""

    kind: DoubtKind
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Not known; never the same as agreeing."""

    why: Why
    evidence: Evidence


Verdict = Agrees | Doubt | CannotTell
