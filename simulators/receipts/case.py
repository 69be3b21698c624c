"""What is handed in: kinds of untrue papers, and papers with some of a kind among them."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.receipts.orders import Request
from simulators.receipts.papers import Invoice, Receipt


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of untrue paper.

    Attributes:
        name: of the doubt it should raise; what follows a colon tells two ways apart.
        unit: of its sizes.
        sizes: ascending.
        each: how many are made up of each size.
    """

    name: str
    unit: str
    sizes: tuple[int, ...]
    each: int


@dataclass(frozen=True, slots=True)
class Case:
    """Papers with some that are not true.

    Attributes:
        receipts, invoices: all that are handed in.
        untrue: number of a paper → the group that counts as one.
        orders: those that are handed in; none: they are not kept.
        driven: (vehicle, from s, to s) → the group that counts as one: what no true order covers.
        apart: true papers of which what is asked is true as well: two pumps within two hours.
    """

    receipts: tuple[Receipt, ...]
    invoices: tuple[Invoice, ...]
    untrue: dict[int, int]
    apart: frozenset[int] = frozenset()
    orders: tuple[Request, ...] = ()
    driven: dict[tuple[str, int, int], int] = field(default_factory=dict)
