"""For whom a place counts: reporting relations followed to the end, day by day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Final

from metering.tree.timeline import Timeline, always, filled, mapped, then

NOBODY: Final = 0
"""Holder of what hangs nowhere."""
OUTSIDE: Final = -1
"""Holder of what is excluded or supplied to outsiders."""

_RING: Final = -10
"""This less its id: an institution that was met again on the way."""

Holder = tuple[tuple[int, Fraction], ...]
"""(id, share) ascending by id; the shares add up to 1."""
Subject = tuple[str, int]
"""(``institution``, ``building``, ``room`` or ``meter``; its id)."""


def sole(holder_id: int) -> Holder:
    """Return a holder that is one alone."""
    return ((holder_id, Fraction(1)),)


def parts_of(holder: Holder) -> list[tuple[int, int]]:
    """Return (id, its share) of each in the least whole parts."""
    whole = math.lcm(*(share.denominator for _, share in holder))
    return [(id_, int(share * whole)) for id_, share in holder]


NOBODY_KNOWN: Final = sole(NOBODY)
OUTSIDERS: Final = sole(OUTSIDE)


@dataclass(frozen=True, slots=True)
class Places:
    """What stands in what.

    Attributes:
        building: of each room.
        institution: of each building.
    """

    building: Mapping[int, int]
    institution: Mapping[int, int]


@dataclass(slots=True)
class Reporters:
    """Follows reporting relations; the most particular one decides, then those of its institutions.

    Attributes:
        relations: on the days when there is one, to whom the subject counts; of an institution's
            own relation ``own`` is itself, excluded is :data:`OUTSIDERS`.
        places: rooms, buildings, institutions.
        rings: institutions found to report for each other in a ring some day; then they count for
            themselves.
    """

    relations: Mapping[Subject, Timeline[Holder]]
    places: Places
    rings: set[int] = field(default_factory=set)
    _closed: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _institutions: dict[int, Timeline[Holder]] = field(default_factory=dict)
    _rooms: dict[int, Timeline[Holder]] = field(default_factory=dict)

    def of_institution(self, institution: int) -> Timeline[Holder]:
        """For whom an institution's energy counts."""
        known = self._institutions.get(institution)
        if known is None:
            known = mapped(self._follow(institution, ()), self._settled)
            self._institutions[institution] = known
        return known

    def of_room(self, room: int) -> Timeline[Holder]:
        """For whom what is measured in a room counts."""
        known = self._rooms.get(room)
        if known is None:
            building = self.places.building[room]
            institution = self.of_institution(self.places.institution[building])
            known = filled(self._stated(("building", building)), institution)
            known = filled(self._stated(("room", room)), known)
            self._rooms[room] = known
        return known

    def of_meter(self, meter: int, rooms: Timeline[int]) -> Timeline[Holder]:
        """For whom a meter counts; days on which it hangs nowhere have no value.

        Args:
            meter: its id.
            rooms: where it hangs.
        """
        return filled(self._stated(("meter", meter)), then(rooms, self.of_room))

    def particular(self, meter: int, rooms: Timeline[int]) -> Timeline[Holder]:
        """For whom a meter counts by a relation of its own, its room's, or its building's.

        Days on which its institution decides have no value.
        """
        return filled(self._stated(("meter", meter)), then(rooms, self._of_premises))

    def _of_premises(self, room: int) -> Timeline[Holder]:
        building = self._stated(("building", self.places.building[room]))
        return filled(self._stated(("room", room)), building)

    def _stated(self, subject: Subject) -> Timeline[Holder]:
        return then(self.relations.get(subject, ()), lambda holder: self._resolved(holder, ()))

    def _follow(self, institution: int, path: tuple[int, ...]) -> Timeline[Holder]:
        if institution in path:
            # Whether it is a ring on any day shows when the days are put together.
            self._closed[institution] = path[path.index(institution) :]
            return always(sole(_RING - institution))
        stated = self.relations.get(("institution", institution), ())
        onward = then(stated, lambda holder: self._resolved(holder, (*path, institution)))
        return filled(onward, always(sole(institution)))

    def _settled(self, holder: Holder) -> Holder:
        """Let whoever closes a ring count for itself, and remember the ring."""
        closing = [_RING - id_ for id_, _ in holder if id_ <= _RING]
        for institution in closing:
            self.rings.update(self._closed[institution])
        if not closing:
            return holder
        return _sum((), [(_RING - id_ if id_ <= _RING else id_, share) for id_, share in holder])

    def _resolved(self, holder: Holder, path: tuple[int, ...]) -> Timeline[Holder]:
        """Replace each of the holders by those it counts for."""
        found: Timeline[Holder] = always(())
        for target, share in holder:
            line = always(sole(target)) if target <= NOBODY else self._target(target, path)
            found = then(found, partial(_plus, line, share))
        return found

    def _target(self, institution: int, path: tuple[int, ...]) -> Timeline[Holder]:
        if path and institution == path[-1]:  # what it keeps when it shares out
            return always(sole(institution))
        return self._follow(institution, path) if path else self.of_institution(institution)


def _plus(line: Timeline[Holder], share: Fraction, held: Holder) -> Timeline[Holder]:
    """Add a share of each of a timeline's holders to a holder."""
    return mapped(line, lambda holder: _sum(held, [(id_, part * share) for id_, part in holder]))


def _sum(one: Iterable[tuple[int, Fraction]], other: Iterable[tuple[int, Fraction]]) -> Holder:
    sums: dict[int, Fraction] = {}
    for id_, share in (*one, *other):
        sums[id_] = sums.get(id_, Fraction(0)) + share
    return tuple(sorted(sums.items()))
