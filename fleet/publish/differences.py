"""What the books say now against what was published (更正)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fleet.publish.content import FIGURES, Content, Vehicle

OTHERS: Final = "其他车辆"
TOTALS: Final = "合计"
_WORDS: Final = {"plate": "车牌号", "group": "类别", "use": "用途", "source": "里程来源"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Attributes:
        code: of the vehicle; empty: of a line of sums.
        whose: plate, or the name of the line.
        item: name of a figure, of a word, or ``line``: the whole line came or went.
        was: as published; None: not known.
        now: as the books say; None: not known.
    """

    code: str
    whose: str
    item: str
    was: Decimal | str | None
    now: Decimal | str | None


def differences(
    published: Content, now: Content, hidden: Collection[str], *, same_others: bool
) -> list[Difference]:
    """Return what differs, line by line.

    Args:
        published: as it was posted.
        now: the same month as the books have it.
        hidden: codes whose plate may not be published now; they are passed over.
        same_others: the sums of unlisted vehicles are of the same vehicles; otherwise the
            difference would be what one of them used, and is not told.
    """
    was = {one.code: one for one in published.vehicles if one.code not in hidden}
    has = {one.code: one for one in now.vehicles}
    found: list[Difference] = []
    for code in sorted({*was, *has}):
        found += _of_vehicle(code, was.get(code), has.get(code))
    listed_then = {one.code for one in published.vehicles}
    if same_others and listed_then == {*was}:
        found += _of_figures("", OTHERS, published.others or {}, now.others or {})
        found += _of_figures("", TOTALS, published.totals, now.totals)
    if published.budget != now.budget:
        found.append(Difference("", "本单位", "budget", published.budget, now.budget))
    return found


def _of_vehicle(code: str, was: Vehicle | None, now: Vehicle | None) -> Iterator[Difference]:
    if was is None or now is None:
        one = was or now
        plate = one.plate if one else code
        yield Difference(code, plate, "line", "列出" if was else "未列", "列出" if now else "未列")
        return
    for name in _WORDS:
        if getattr(was, name) != getattr(now, name):
            yield Difference(code, was.plate, name, getattr(was, name), getattr(now, name))
    yield from _of_figures(code, was.plate, was.figures, now.figures)


def _of_figures(
    code: str, whose: str, was: Mapping[str, Decimal | None], now: Mapping[str, Decimal | None]
) -> Iterator[Difference]:
    for name in FIGURES:
        if was.get(name) != now.get(name):
            yield Difference(code, whose, name, was.get(name), now.get(name))


def word(item: str) -> str | None:
    """Return what a sheet calls an item that is no figure; None: it is one."""
    return "本行" if item == "line" else _WORDS.get(item)
