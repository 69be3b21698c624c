"""Drivers' cards: the body of 0x0702 in the forms of 2011, 2013 and 2019.

2011 has name, identity number (20 bytes), qualification (40) and issuer; neither event nor time.
2013 begins with the event and its time; a card put in has a result, and where that is 0 name,
qualification (20), issuer and validity. 2019 adds the identity number (20) at the end. What follows
the form's last field decides nothing: terminals of 2013 send it, too.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from typing import Final

from collector.jt808 import bcd
from collector.jt808.messages import MessageError, text

_IN: Final = 1
_OUT: Final = 2
_READABLE: Final = 0
_IDENTITY: Final = 20
_QUALIFICATION_2011: Final = 40
_QUALIFICATION: Final = 20
_VALIDITY: Final = 4


class CardTimeError(MessageError):
    """The time that a card names does not exist."""


class Event(enum.StrEnum):
    """What happened to a card."""

    IN = "in"
    OUT = "out"
    READ = "read"  # the form of 2011 knows no more


@dataclass(frozen=True, slots=True)
class Card:
    """What a terminal told of a card; None: it did not tell, or could not read it.

    Attributes:
        event: what happened.
        at_us: when, Unix microseconds; None: the form tells no time.
        result: 0: it could be read; 1: its key was not accepted, 2: it is locked, 3: it was pulled
            out, 4: its data is damaged.
        name, qualification, issuer: what stands on it.
        valid_until: the last day; None also where it is no day.
    """

    event: Event
    at_us: int | None = None
    result: int | None = None
    name: str | None = None
    qualification: str | None = None
    issuer: str | None = None
    valid_until: date | None = None


def parse(body: bytes) -> Card:
    """Read the body of a 0x0702.

    A body that begins with 1 or 2 is of 2013 or 2019, for no name is so short. Another one is of
    2011 when it is exactly as long as its two lengths say.

    Raises:
        CardTimeError: its time does not exist.
        MessageError: it has none of the three forms.
    """
    if not body or body[0] not in {_IN, _OUT}:
        return _of_2011(body)
    if len(body) < 7:
        raise MessageError(f"{len(body)} bytes are too few for an event and its time")
    try:
        at_us = bcd.utc_us(body[1:7])
    except ValueError as error:
        raise CardTimeError(str(error)) from None
    if body[0] == _OUT:
        return Card(Event.OUT, at_us)
    if len(body) < 8:
        raise MessageError("a card was put in, and nothing says whether it could be read")
    result = body[7]
    if result != _READABLE:
        return Card(Event.IN, at_us, result)  # what follows means nothing
    rest = _Rest(body[8:])
    return Card(
        *(Event.IN, at_us, result),
        name=rest.counted("name"),
        qualification=rest.fixed(_QUALIFICATION, "qualification"),
        issuer=rest.counted("issuer"),
        valid_until=_day(rest.take(_VALIDITY, "validity")),
    )


def _of_2011(body: bytes) -> Card:
    rest = _Rest(body)
    name = rest.counted("name")
    rest.take(_IDENTITY, "identity number")
    qualification = rest.fixed(_QUALIFICATION_2011, "qualification")
    issuer = rest.counted("issuer")
    if rest.data:
        raise MessageError(
            f"it does not begin with 1 or 2, and the form of 2011 ends {len(rest.data)} bytes early"
        )
    return Card(Event.READ, name=name, qualification=qualification, issuer=issuer)


@dataclass(slots=True)
class _Rest:
    """What has not been read yet."""

    data: bytes

    def take(self, size: int, what: str) -> bytes:
        """Return the next bytes."""
        if len(self.data) < size:
            raise MessageError(f"the {what} has {len(self.data)} of its {size} bytes")
        found, self.data = self.data[:size], self.data[size:]
        return found

    def fixed(self, size: int, what: str) -> str | None:
        """Return a text padded to a size; None: empty."""
        return text(self.take(size, what)) or None

    def counted(self, what: str) -> str | None:
        """Return a text behind its length; None: empty."""
        (size,) = self.take(1, f"length of the {what}")
        return self.fixed(size, what)


def _day(bcd_digits: bytes) -> date | None:
    """Return YYYYMMDD as a day; None: it is none, as where a card says zeros."""
    digits = bcd_digits.hex()
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
