"""Faults on the wire: what may go wrong with one request, and when it does."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from simulators import noise


class Kind(enum.StrEnum):
    """What goes wrong; the value is the outcome in the truth file."""

    DELAY = "delay"  # the reply comes late, and later replies wait behind it
    LATE = "late"  # the reply comes late, and later replies overtake it
    DROP = "drop"
    EXCEPTION = "exception"
    TRUNCATE = "truncate"  # the reply breaks off before the length it announced
    OVERSIZE = "oversize"  # more bytes than the byte count says
    WRONG_UNIT = "wrong-unit"
    WRONG_TRANSACTION = "wrong-transaction"  # the one before
    WRONG_PROTOCOL = "wrong-protocol"
    RESET = "reset"  # the connection, instead of a reply
    SENTINEL = "sentinel"  # the named points, or all, are "not available"
    REFUSE = "refuse"  # the port is closed: for a whole bus, by time only


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When something goes wrong, and with whom.

    A request is hit when its number stands in ``requests`` (if given), its time lies in the window
    and the seeded chance says so.

    Attributes:
        target: code of a device, or of a bus: then all its devices.
        kind: what happens.
        probability: share of the requests in the window.
        requests: numbers of the device's requests, from 1; empty: all.
        from_s: seconds since the simulator's start.
        to_s: end of the window, exclusive; None: for ever.
        seconds: of delay or lateness.
        code: of the exception, 1..11.
        points: that show their sentinel; empty: all that have one.
    """

    target: str
    kind: Kind
    probability: float = 1.0
    requests: tuple[int, ...] = ()
    from_s: float = 0.0
    to_s: float | None = None
    seconds: float = 0.0
    code: int = 4
    points: tuple[str, ...] = ()

    def within(self, elapsed_s: float) -> bool:
        """Tell whether the window is open."""
        return self.from_s <= elapsed_s and (self.to_s is None or elapsed_s < self.to_s)


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Registers of one table, both ends included."""

    table: str
    first: int
    last: int

    def touches(self, table: str, address: int, count: int) -> bool:
        """Tell whether a read of ``count`` registers from ``address`` meets the span."""
        return table == self.table and address <= self.last and address + count > self.first


class Traits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a device cannot do, ever.

    Attributes:
        max_registers: most registers of one request.
        over_limit: exception code it answers a longer request with.
        holes: registers it has not: exception 2.
        poison: reserved registers: reading them corrupts the *next* reply.
    """

    max_registers: int = 125
    over_limit: int = 3
    holes: tuple[Span, ...] = ()
    poison: tuple[Span, ...] = ()


def pick(
    faults: Sequence[Fault], seed: int, device: str, number: int, elapsed_s: float
) -> Fault | None:
    """Return the first fault that hits a request; a pure function of its arguments."""
    for place, fault in enumerate(faults):
        if fault.requests and number not in fault.requests:
            continue
        if not fault.within(elapsed_s):
            continue
        if fault.probability >= 1.0:
            return fault
        if noise.chance(seed, device, place, number) < fault.probability:
            return fault
    return None
