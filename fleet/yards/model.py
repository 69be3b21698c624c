"""Vehicles, their yards and their seals, as the inventory and the ledger have them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from fleet.yards.days import Window
from storage.times import at_us, us_of

_BOUND_TO_NO_DAY: Final = frozenset({"confidential", "emergency", "law", "special"})
"""Uses, as the ledger has them."""


@dataclass(frozen=True)
class Vehicle:
    """A vehicle of the inventory, with what the ledger says of it.

    Attributes:
        facts: name → (days from which on, values), ascending.
        sensitive: days on which nobody may know where it was, from the first to before the second.
    """

    id: int
    code: str
    plate: str
    institution_id: int
    institution: str
    since: datetime | None
    until: datetime | None
    facts: dict[str, tuple[list[date], list[str]]] = field(default_factory=dict)
    sensitive: list[tuple[date, date]] = field(default_factory=list)

    def fact(self, name: str, day: date) -> str:
        """Return what the ledger says on a day; empty: nothing."""
        days, values = self.facts.get(name, ([], []))
        before = bisect_right(days, day)
        return values[before - 1] if before else ""

    @property
    def ever_sealed(self) -> bool:
        """Whether the ledger says of some day that it is sealed."""
        return "sealed" in self.facts.get("state", ([], []))[1]

    def sensitive_between(self, first: date, last: date) -> bool:
        """Whether nobody may know where it was on a day of some, both ends included."""
        return any(since <= last and first < until for since, until in self.sensitive)

    def sensitive_in(self, window: Window, zone: ZoneInfo) -> bool:
        """Whether that holds of a day that a window touches."""
        first, last = (
            at_us(us).astimezone(zone).date() for us in (window.from_us, window.to_us - 1)
        )
        return self.sensitive_between(first, last)

    def tail(self, day: date) -> str:
        """Return the last digit of the plate: one of a new energy may end in a letter."""
        digits = [one for one in self.fact("plate", day) or self.plate if one in "0123456789"]
        return digits[-1] if digits else ""

    def special(self, day: date) -> bool:
        """Whether days by the plate do not bind it."""
        return self.fact("class", day) == "special" or self.fact("use", day) in _BOUND_TO_NO_DAY

    def there(self, window: Window) -> bool:
        """Whether it was in use in a window: of the inventory, and not disposed of."""
        begun = self.since is None or us_of(self.since) < window.to_us
        ended = self.until is not None and us_of(self.until) <= window.from_us
        return begun and not ended and self.fact("state", window.day) != "disposed"


@dataclass(frozen=True, slots=True)
class Yard:
    """Where vehicles must be; see storage/migrations/0017_fences.sql."""

    fence: str
    vehicle_id: int | None
    institution_id: int | None
    days: str
    from_time: time
    to_time: time
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """When vehicles must not move; see storage/migrations/0017_fences.sql."""

    vehicle_id: int | None
    institution_id: int | None
    kind: str
    tail: str
    days: str
    from_time: time | None
    to_time: time | None
    since: date
    until: date | None
    reason: str
