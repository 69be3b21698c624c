"""For whom each meter counts, so that nothing counts twice.

A meter is added for its holder and taken off from the holder of its main meter. Where both are the
same nothing remains of it: the main has counted it. So what all holders have together is what the
top meters measured, whoever hangs below whom.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from metering.tree.holders import NOBODY_KNOWN, OUTSIDERS, Holder
from metering.tree.timeline import Span, Timeline, always, filled, is_always, mapped, then, within

_T = TypeVar("_T")
_Pair = tuple[Holder, Holder]
"""Whom a meter is added for, whom it is taken off from; empty: nobody."""
_MIXED: Final[Holder] = ()
_NONE: Final[Timeline[int | None]] = always(None)


class Role(StrEnum):
    """As what a figure counts."""

    IN = "in"  # taken in
    GENERATED = "generated"  # made and used on the premises
    SUPPLIED = "supplied"  # passed on: to another holder, or to outsiders


@dataclass(frozen=True, slots=True)
class Metered:
    """A meter as the tree sees it.

    Attributes:
        direction: ``in``, ``out`` (leaves to outsiders) or ``generated``.
        begin: first day on which it counts.
        end: the day behind the last.
        sources: of a virtual meter, whom its formula adds; it is never counted itself, and stands
            for those of them that there are.
    """

    direction: str
    begin: date
    end: date
    sources: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A meter counts for a holder on some days.

    Attributes:
        sign: 1 added, -1 taken off.
        parts: the holder's share of it: parts of ``whole``.
        begin: first day.
        end: the day behind the last.
    """

    meter: int
    holder: int
    sign: int
    role: Role
    parts: int
    whole: int
    begin: date
    end: date


@dataclass(slots=True)
class Attribution:
    """One level of the tree: rooms, buildings or institutions.

    Attributes:
        meters: all, by id.
        mains: the main meter of each that has one; no rings, not even through ``sources``.
        held: by whom each is held where it hangs; a virtual meter that has none is held by whoever
            holds its sources.
        mixed: (meter, its main) where the main is virtual and its sources are held by different
            ones: the meter counts within the sources.
    """

    meters: Mapping[int, Metered]
    mains: Mapping[int, Timeline[int]]
    held: Mapping[int, Timeline[Holder]]
    mixed: set[tuple[int, int]] = field(default_factory=set)
    _mains: dict[int, Timeline[int | None]] = field(default_factory=dict)
    _there: dict[int, Timeline[bool]] = field(default_factory=dict)
    _placed: dict[int, Timeline[Holder]] = field(default_factory=dict)

    def scopes(self) -> Iterator[Scope]:
        """Yield for whom each meter counts."""
        for meter, metered in self.meters.items():
            if metered.sources:
                continue
            # What is generated is not measured by the main again.
            mains = _NONE if metered.direction == "generated" else self.above(meter)
            counted = then(mains, partial(self._pair, meter))
            for span in within(counted, metered.begin, metered.end):
                yield from _rows(meter, metered.direction, span)

    def above(self, meter: int) -> Timeline[int | None]:
        """Return its main meter, None on days without a valid one."""
        known = self._mains.get(meter)
        if known is None:
            mains = then(self.mains.get(meter, ()), self._valid)
            known = self._mains[meter] = filled(mains, _NONE)
        return known

    def _valid(self, main: int) -> Timeline[int | None]:
        return mapped(self.there(main), lambda _: main)

    def there(self, meter: int) -> Timeline[bool]:
        """Return when there is a meter; a virtual one: when there is one of its sources."""
        known = self._there.get(meter)
        if known is None:
            metered = self.meters[meter]
            line: Timeline[bool] = () if metered.sources else always(True)
            for source in metered.sources:
                line = filled(line, self.there(source))
            known = self._there[meter] = within(line, metered.begin, metered.end)
        return known

    def agreed(self, meter: int, say: Callable[[int], Timeline[_T]], mixed: _T) -> Timeline[_T]:
        """Return what all sources say of themselves on the days when there are any.

        Args:
            meter: a virtual one.
            say: of a source.
            mixed: where they differ.
        """
        common: Timeline[_T] = ()
        for source in self.meters[meter].sources:
            line = self._while_there(source, say(source))
            both = then(common, partial(_same, line, mixed))
            common = filled(both, filled(common, line))
        return common

    def _while_there(self, meter: int, line: Timeline[_T]) -> Timeline[_T]:
        return then(self.there(meter), lambda _: line)

    def _pair(self, meter: int, main: int | None) -> Timeline[_Pair]:
        below = self._holder(meter)
        if main is not None:
            above = self._holder(main)
            if any(span.value == _MIXED for span in above):
                self.mixed.add((meter, main))
        elif self.meters[meter].direction == "out":
            above = self.place(meter)
        else:
            # What is generated below mixed sources is not in them: it must not get lost.
            return mapped(below, lambda holder: (holder or NOBODY_KNOWN, ()))
        # Below sources that different ones hold nobody can say from whom to take it off.
        return then(
            above,
            lambda taken: mapped(
                below, lambda added: (added, taken) if taken != _MIXED else ((), ())
            ),
        )

    def _holder(self, meter: int) -> Timeline[Holder]:
        """Whose energy it is that a meter counts."""
        metered = self.meters[meter]
        if metered.direction == "out" and not metered.sources:
            return always(OUTSIDERS)
        return self.place(meter)

    def place(self, meter: int) -> Timeline[Holder]:
        """Who holds a meter where it hangs; where that is unknown, as its main meter."""
        known = self._placed.get(meter)
        if known is None:
            virtual = self.meters[meter].sources and meter not in self.held
            known = self.agreed(meter, self._holder, _MIXED) if virtual else self._hung(meter)
            self._placed[meter] = known
        return known

    def _hung(self, meter: int) -> Timeline[Holder]:
        held = self.held.get(meter, ())
        if is_always(held):
            return held
        return filled(held, then(self.above(meter), self._inherited))

    def _inherited(self, main: int | None) -> Timeline[Holder]:
        return always(NOBODY_KNOWN) if main is None else self._holder(main)


def _same(line: Timeline[_T], mixed: _T, value: _T) -> Timeline[_T]:
    return mapped(line, lambda other: value if other == value else mixed)


def _rows(meter: int, direction: str, span: Span[_Pair]) -> Iterator[Scope]:
    below, above = span.value
    if below == above:
        return
    role = Role.GENERATED if direction == "generated" else Role.IN
    yield from _shares(meter, (1, role), below, span)
    yield from _shares(meter, (-1, Role.SUPPLIED), above, span)


def _shares(
    meter: int, how: tuple[int, Role], holder: Holder, span: Span[_Pair]
) -> Iterator[Scope]:
    sign, role = how
    whole = math.lcm(*(share.denominator for _, share in holder))
    for id_, share in holder:
        parts = int(share * whole)
        yield Scope(meter, id_, sign, role, parts, whole, span.begin, span.end)
