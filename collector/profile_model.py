"""The shape of a device profile: which registers a device has and what they mean."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

ADDRESSES: Final = 65_536
"""Addresses of one table: 0..65535."""

MAX_REGISTERS: Final = 125
"""Registers one Modbus reply can carry."""

MAX_BITS: Final = 2_000
"""Coils or discrete inputs one Modbus reply can carry."""


class Table(enum.StrEnum):
    """One of the four address spaces of a Modbus device."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def holds_bits(self) -> bool:
        """Whether one address is one bit, not one 16-bit register."""
        return self in {Table.COIL, Table.DISCRETE}


class Type(enum.StrEnum):
    """How the registers of a point are read; words and bytes come in the point's :class:`Order`."""

    BIT = "bit"
    U16 = "u16"
    S16 = "s16"
    U32 = "u32"
    S32 = "s32"
    U64 = "u64"
    S64 = "s64"
    F32 = "f32"
    F64 = "f64"

    @property
    def bits(self) -> int:
        """Width of the value in bits: 1, 16, 32 or 64."""
        return 1 if self is Type.BIT else int(self.value[1:])

    @property
    def lowest(self) -> int:
        """The lowest whole number it can hold."""
        return -(1 << (self.bits - 1)) if self.value[0] == "s" else 0

    @property
    def is_float(self) -> bool:
        """Whether the registers hold an IEEE 754 number."""
        return self.value[0] == "f"


class Order(enum.StrEnum):
    """Order of the bytes on the wire; A is the most significant of a 32-bit value.

    64-bit values follow the same two choices: words forward or backward, the bytes of each word
    forward or swapped.
    """

    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


def _decimal(value: object) -> object:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


Address = Annotated[StrictInt, Field(ge=0, lt=ADDRESSES)]
Number = Annotated[Decimal, BeforeValidator(_decimal), Field(strict=True, allow_inf_nan=False)]


class Point(_Model):
    """One measured quantity and where it lies.

    Attributes:
        name: identity inside the profile; never changes meaning.
        label: what officers read.
        unit: unit after scaling; "1" for a ratio, empty only for a state.
        class_: counter (only grows), gauge or state.
        address: first wire address, from 0.
        bit: for a bit inside a register: its number, 0 is the least significant.
        scale: value = register x scale; an exact decimal.
        sentinels: register values that mean "not available", before scaling; a signed type takes
            them as they look in the register (0x8000) or as numbers (-32768).
        states: meaning of a state's values.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    label: str = Field(min_length=1)
    unit: str = ""
    class_: Literal["counter", "gauge", "state"] = Field(alias="class")
    table: Table
    address: Address
    type: Type
    order: Order = Order.ABCD
    bit: Annotated[StrictInt, Field(ge=0, le=15)] | None = None
    scale: Annotated[Number, Field(gt=0)] = Decimal(1)
    sentinels: tuple[Number, ...] = ()
    states: dict[StrictInt, str] = {}

    @property
    def size(self) -> int:
        """Addresses it takes: bits in a bit table, else registers."""
        return max(1, self.type.bits // 16)

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.size


class Range(_Model):
    """Addresses that must never be read, first and last included."""

    table: Table
    first: Address
    last: Address

    def meets(self, table: Table, first: int, end: int) -> bool:
        """Whether it shares an address with ``first`` .. ``end - 1`` of a table."""
        return table is self.table and first <= self.last and self.first < end


class Profile(_Model):
    """A device's register map, one version of it.

    Attributes:
        max_registers: most registers the device answers in one request.
        max_bits: most coils or discrete inputs it answers in one request.
        max_hole: unread addresses worth bridging to save a request.
        forbidden: ranges no request may touch, not even to bridge a hole.
        text: the YAML it was read from; the loader sets it.
    """

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: Annotated[StrictInt, Field(ge=1)]
    brand: str
    model: str
    measures: str
    source: str = Field(min_length=1)
    max_registers: Annotated[StrictInt, Field(ge=1, le=MAX_REGISTERS)] = MAX_REGISTERS
    max_bits: Annotated[StrictInt, Field(ge=1, le=MAX_BITS)] = MAX_BITS
    max_hole: Annotated[StrictInt, Field(ge=0, le=MAX_REGISTERS)] = 16
    forbidden: tuple[Range, ...] = ()
    points: tuple[Point, ...] = Field(min_length=1)
    text: str = Field(default="", repr=False)
