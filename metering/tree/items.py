"""Sub-items: what each institution used for what, by the same rule as the tree.

A meter without an item belongs to that of its main meter. One with another item than its main is
added to its own and taken off the main's, so that all items of an institution, the unclassified
rest included, add up to its total.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from metering.tree.attribution import Attribution, Scope
from metering.tree.holders import NOBODY, OUTSIDE, Holder
from metering.tree.timeline import Timeline, always, filled, mapped, then

_CODE: Final = re.compile(r"[0-9]{2}[0-9A-Z]{3}")
_MIXED: Final = "\0"
"""No code: what a virtual meter is made of has different ones."""


def wider(item: str) -> tuple[str, ...]:
    """Return the items that contain one, itself first: ``01A10`` → ``01A10, 01A00, 01000``.

    Codes of another shape contain each other by no rule: they stand alone.
    """
    if not _CODE.fullmatch(item):
        return (item,)
    cuts = (item[:length] + "0" * (5 - length) for length in range(5, 1, -1))
    return tuple(dict.fromkeys(cuts))


def by_item(items: Mapping[int, str], attribution: Attribution) -> Iterator[tuple[str, Scope]]:
    """Yield for whom and for which item each meter counts.

    Args:
        items: code of each meter; empty: none.
        attribution: to institutions.
    """
    pairs = _Pairs(items, attribution)
    held = {meter: pairs.held(meter) for meter in attribution.meters}
    # Whom it counts for is known for virtual meters too, and so is their item.
    for scope in Attribution(attribution.meters, attribution.mains, held).scopes():
        holder, item = pairs.known(scope.holder)
        yield item, replace(scope, holder=holder)


@dataclass(slots=True)
class _Pairs:
    """Pairs of institution and item, numbered so that they can be holders."""

    items: Mapping[int, str]
    attribution: Attribution
    _numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _pairs: list[tuple[int, str]] = field(default_factory=lambda: [(NOBODY, "")])
    _lines: dict[int, Timeline[str]] = field(default_factory=dict)

    def held(self, meter: int) -> Timeline[Holder]:
        line = self._line(meter)
        return then(
            self.attribution.place(meter),
            lambda holder: mapped(line, partial(self._numbered, holder)),
        )

    def known(self, number: int) -> tuple[int, str]:
        return (OUTSIDE, "") if number == OUTSIDE else self._pairs[number]

    def _line(self, meter: int) -> Timeline[str]:
        known = self._lines.get(meter)
        if known is None:
            known = always(self.items.get(meter, ""))
            if not self.items.get(meter):
                known = filled(then(self.attribution.above(meter), self._inherited), always(""))
            if self.attribution.meters[meter].sources:
                # It stands for what it is made of; its own item only where those differ.
                known = self._of_sources(meter, known)
            self._lines[meter] = known
        return known

    def _of_sources(self, meter: int, own: Timeline[str]) -> Timeline[str]:
        common = self.attribution.agreed(meter, self._line, _MIXED)
        return then(common, lambda item: own if item == _MIXED else always(item))

    def _inherited(self, main: int | None) -> Timeline[str]:
        return always("") if main is None else self._line(main)

    def _numbered(self, holder: Holder, item: str) -> Holder:
        return tuple(sorted((self._number(id_, item), share) for id_, share in holder))

    def _number(self, holder: int, item: str) -> int:
        if holder == OUTSIDE:
            return OUTSIDE
        number = self._numbers.get((holder, item))
        if number is None:
            number = self._numbers[holder, item] = len(self._pairs)
            self._pairs.append((holder, item))
        return number
