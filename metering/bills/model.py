"""What bills speak of. Days are local and whole; a stretch of days is ``[first, end)``."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

LARGEST_ATTACHMENT: Final = 20 * 1024 * 1024
"""Bytes; the table refuses more."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A mistake in one field of an entry.

    Attributes:
        field: name of the field, so that an import can name the cell.
        message: what is wrong and what to do, in Chinese.
    """

    field: str
    message: str


class Status(enum.StrEnum):
    """Whether the supplier has read the meter."""

    SETTLED = "settled"
    ESTIMATED = "estimated"


class Band(enum.StrEnum):
    """A part of a time-of-use bill: 尖、峰、平、谷、深谷."""

    SHARP = "sharp"
    PEAK = "peak"
    FLAT = "flat"
    VALLEY = "valley"
    DEEP = "deep"


class First(enum.StrEnum):
    """What the reported figure rests on when both are there."""

    BILL = "bill"
    METER = "meter"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a time-of-use bill.

    Attributes:
        part: which.
        quantity: in the bill's unit; None: not stated.
        amount: yuan; None: not stated.
    """

    part: Band
    quantity: Decimal | None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A scan.

    Attributes:
        name: name of the file.
        content: its bytes, at most :data:`LARGEST_ATTACHMENT`.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A utility account (户号) to be entered.

    Attributes:
        code: ours; the number itself unless two suppliers share it.
        number: 户号, as on the bill.
        supplier: who sends the bills.
        energy: code of the kind of energy.
        institution: code of whose account it is.
        since: from which day on.
        name: 户名, may be empty.
        reading_day: day of the month on which the meter is read (抄表例日); None: not known.
        prepaid: paid before it is used.
        meters: codes of the meters that count it, from ``since`` on.
    """

    code: str
    number: str
    supplier: str
    energy: str
    institution: str
    since: date
    name: str = ""
    reading_day: int | None = None
    prepaid: bool = False
    meters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewBill:
    """A bill to be entered.

    Attributes:
        account: code or number of the account.
        first: first day of the period.
        end: the day after its last.
        quantity: in ``unit``; None: not stated.
        unit: as written on the bill.
        amount: yuan; None: not stated.
        status: whether the meter was read.
        issued: date of issue.
        parts: 尖峰平谷.
        note: explains what is not ordinary, such as an amount without a quantity.
        attachment: the scan.
    """

    account: str
    first: date
    end: date
    quantity: Decimal | None
    unit: str
    amount: Decimal | None
    status: Status = Status.SETTLED
    issued: date | None = None
    parts: tuple[Part, ...] = ()
    note: str = ""
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class NewPurchase:
    """Energy bought: petrol, diesel, gas in bottles, coal.

    Attributes:
        institution: code of who bought it.
        energy: code of the kind of energy.
        bought_on: the day.
        quantity: in ``unit``; None: not stated; 0 says that none was bought.
        unit: as written on the receipt.
        amount: yuan; None: not stated.
        consumer: what burns it, for example ``vehicle``.
        supplier: where it was bought.
        document: number of the receipt.
        note: explains what is not ordinary.
        attachment: the scan.
    """

    institution: str
    energy: str
    bought_on: date
    quantity: Decimal | None
    unit: str
    amount: Decimal | None
    consumer: str
    supplier: str = ""
    document: str = ""
    note: str = ""
    attachment: Attachment | None = None
