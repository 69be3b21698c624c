"""The basic charge of a two-part tariff: by transformers, by contract, by measured demand. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from metering.factors.files import Provenance
from metering.factors.rounding import product, rounded, total


class Basis(enum.StrEnum):
    """What the basic charge of a meter is taken on."""

    CAPACITY = "capacity"
    CONTRACT = "contract"
    MEASURED = "measured"

    @property
    def chinese(self) -> str:
        """The word on a bill."""
        return {
            Basis.CAPACITY: "变压器容量",
            Basis.CONTRACT: "合同最大需量",
            Basis.MEASURED: "实际最大需量",
        }[self]

    @property
    def unit(self) -> str:
        """What its size is in."""
        return "kVA" if self is Basis.CAPACITY else "kW"


class Below(enum.StrEnum):
    """What is charged once when the demand is over the limit."""

    CONTRACT = "contract"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Over:
    """What a demand over the contract costs.

    Attributes:
        limit: up to this share of the contract the contract itself is charged, for example 1.05.
        times: how often what is above the limit is charged.
        below: what is charged once besides.
        provenance: the rule's source.
    """

    limit: Decimal
    times: Decimal
    below: Below
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Basic:
    """Prices of the basic charge.

    Attributes:
        capacity: yuan per month and kVA; None: the tariff has no such price.
        demand: yuan per month and kW; None: the tariff has no such price.
        over: what a demand over the contract costs.
    """

    capacity: Decimal | None
    demand: Decimal | None
    over: Over


@dataclass(frozen=True, slots=True)
class Load:
    """The greatest demand of a time.

    Attributes:
        kilowatts: the greatest that is known; None: none is.
        missing_quarters: quarter hours whose demand is not known; the greatest may lie there.
        entered: people entered it from a bill.
    """

    kilowatts: Decimal | None
    missing_quarters: int
    entered: bool = False

    @property
    def said(self) -> str:
        """The greatest demand and where it comes from, in Chinese; empty when it is unknown."""
        if self.why or self.kilowatts is None:
            return ""
        return f"需量 {self.kilowatts:f} kW，{'录入' if self.entered else '计量'}"

    @property
    def why(self) -> str:
        """Why the greatest demand is unknown, in Chinese; else empty."""
        if not self.missing_quarters and self.kilowatts is not None:
            return ""
        least = "" if self.kilowatts is None else f"，已知部分最大 {self.kilowatts:f} kW"
        return f"{self.missing_quarters} 个刻钟的需量未知{least}"


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the basic charge, for a whole month.

    Attributes:
        label: in Chinese.
        quantity: kVA or kW; None: unknown.
        price: yuan per month and unit; None: the tariff has none.
        why: why the charge is unknown, in Chinese; else empty.
        unit: kVA or kW.
    """

    label: str
    quantity: Decimal | None
    price: Decimal | None
    why: str = ""
    unit: str = "kW"

    @property
    def yuan(self) -> Decimal | None:
        """Exact, of a whole month; None: unknown."""
        if self.why or self.quantity is None or self.price is None:
            return None
        return product(self.quantity, self.price)


def charges(basic: Basic, basis: Basis, size: Decimal | None, load: Load) -> tuple[Charge, ...]:
    """Return the lines of a month's basic charge.

    Args:
        basic: prices of the month.
        basis: what the charge is taken on.
        size: kVA of the transformers or kW of the contract; None by measured demand.
        load: of the month; it does not matter by capacity.

    Raises:
        ValueError: a size is missing, or there is one by measured demand.
    """
    if (size is None) != (basis is Basis.MEASURED):
        raise ValueError(f"{basis} has size {size}: capacity and contract have one, measured none")
    price = basic.capacity if basis is Basis.CAPACITY else basic.demand
    if price is None:
        why = f"电价文件没有{basis.chinese}的基本电价"
        return (Charge(basis.chinese, size, None, why, basis.unit),)
    if basis is Basis.MEASURED:
        known = None if load.why else load.kilowatts
        return (Charge(basis.chinese, known, price, load.why),)
    if basis is Basis.CAPACITY or size is None:
        return (Charge(basis.chinese, size, price, unit=basis.unit),)
    return _by_contract(basic.over, price, size, load)


def _by_contract(over: Over, price: Decimal, contract: Decimal, load: Load) -> tuple[Charge, ...]:
    limit = product(contract, over.limit)
    if load.why:
        # The greatest demand may lie in the gap, above the limit: the charge is at least this.
        return (Charge(Basis.CONTRACT.chinese, contract, price, load.why),)
    if load.kilowatts is None or load.kilowatts <= limit:
        return (Charge(Basis.CONTRACT.chinese, contract, price),)
    once = contract if over.below is Below.CONTRACT else limit
    above = total([load.kilowatts, -limit])
    share = f"{rounded(product(over.limit, Decimal(100)), 2).normalize():f}%"
    return (
        Charge(Basis.CONTRACT.chinese, once, price),
        Charge(f"超过合同 {share} 部分", above, product(price, over.times)),
    )
