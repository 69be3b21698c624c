"""Which vehicles may be replaced by their age, and which stand above their standard.

A list for people to look at: what it says is a doubt until they conclude.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import msgspec
import yaml

from fleet.ledger.load import Consumer

PATH: Final = Path(__file__).parent / "data" / "limits.yaml"
AGEING: Final = frozenset({"vehicle", "motorcycle"})


class OverAge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From so many years on a vehicle may be replaced."""

    since: date
    years: int
    source: str
    confirmed: bool


class Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a vehicle of a use or class may cost before tax (yuan), and displace (litres)."""

    since: date
    source: str
    confirmed: bool
    use: str | None = None
    class_: str | None = msgspec.field(name="class", default=None)
    price: int | None = None
    displacement: float | None = None
    more_price: int | None = None
    more_displacement: float | None = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``data/limits.yaml``."""

    over_age: list[OverAge]
    standards: list[Standard]

    def over_age_on(self, day: date) -> OverAge | None:
        """Return the rule of a day; None: there is none yet."""
        begun = [rule for rule in self.over_age if rule.since <= day]
        return max(begun, key=lambda rule: rule.since, default=None)


@dataclass(frozen=True, slots=True)
class Aged:
    """A vehicle with its age.

    Attributes:
        consumer: which.
        bought_on: when; None: not known.
        years: whole years on the day; None: not known.
        over: it has reached the age; None: not known.
        remarks: prices and displacements above the standard, in Chinese.
    """

    consumer: Consumer
    bought_on: date | None
    years: int | None
    over: bool | None
    remarks: tuple[str, ...]


@functools.cache
def limits(path: Path = PATH) -> Limits:
    """Read the limits; once.

    Raises:
        msgspec.ValidationError: the file is not of its shape; the message names the key.
    """
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Limits)


def aged(consumers: Iterable[Consumer], day: date, known: Limits) -> list[Aged]:
    """Return the vehicles that are there on a day, the oldest first, the unknown last.

    Those disposed of are not, nor those of which the books tell from a later day on.
    """
    kept = [
        _aged(one, day, known)
        for one in consumers
        if one.kind in AGEING and one.begun and one.facts.get("state") != "disposed"
    ]
    return sorted(kept, key=lambda one: (one.bought_on or date.max, one.consumer.code))


def whole_years(since: date, day: date) -> int:
    """Return the whole years between two days; who came on 29 February has them on 1 March."""
    return day.year - since.year - ((day.month, day.day) < (since.month, since.day))


def _aged(one: Consumer, day: date, known: Limits) -> Aged:
    written = one.facts.get("bought_on")
    bought = None if written is None else date.fromisoformat(written)
    years = None if bought is None else whole_years(bought, day)
    rule = known.over_age_on(day)
    over = None if years is None or rule is None else years >= rule.years
    return Aged(one, bought, years, over, tuple(_remarks(one, bought or day, known)))


def _remarks(one: Consumer, bought: date, known: Limits) -> Iterable[str]:
    for rule in known.standards:
        applies = (rule.use is None or rule.use == one.facts.get("use")) and (
            rule.class_ is None or rule.class_ == one.facts.get("class")
        )
        if applies and rule.since <= bought:
            yield from _above(one, rule)


def _above(one: Consumer, rule: Standard) -> Iterable[str]:
    price, displacement = one.whole("price"), one.whole("displacement")
    if price is not None and rule.price is not None and price > rule.price * 100:
        yield f"购置价高于 {rule.price} 元{_more(price, rule.more_price, 100)}，请核对"
    if displacement is not None and rule.displacement is not None:
        most = round(rule.displacement * 1000)
        # A 1.6 L engine displaces 1598 or 1618 cm³: plates round to tenths.
        if displacement >= most + 50:
            yield f"排量高于 {rule.displacement} 升，请核对"


def _more(value: int, more: int | None, per_unit: int) -> str:
    within = more is not None and value <= more * per_unit
    return f"（经批准可至 {more} 元）" if within else ""
