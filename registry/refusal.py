"""Refusing what people enter: whole, naming every place that is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Never


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        where: cell, line, option or code, as whoever entered it sees it; empty when the rest
            names it.
        what: what is wrong and what to do, in Chinese.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}：{self.what}" if self.where else self.what


class RefusedError(ValueError):
    """What was entered is refused; nothing was changed. Officers read the text: it is Chinese.

    Attributes:
        faults: everything that is wrong.
    """

    def __init__(self, *faults: Fault | str) -> None:
        self.faults = tuple(f if isinstance(f, Fault) else Fault("", f) for f in faults)
        super().__init__("\n".join(map(str, self.faults)))


def refuse(where: str, what: str) -> Never:
    """Refuse for one reason.

    Raises:
        RefusedError: always.
    """
    raise RefusedError(Fault(where, what))


def raise_if_any(faults: Iterable[Fault]) -> None:
    """Refuse when there is a fault.

    Raises:
        RefusedError: there is one.
    """
    found = tuple(faults)
    if found:
        raise RefusedError(*found)
