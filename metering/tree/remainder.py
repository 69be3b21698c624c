"""What a main meter measured beyond its sub-meters, and what may be wrong when it is less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from metering.tree.shared import Within, half_away, twice

ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Part:
    """What a meter measured in a period.

    Attributes:
        meter: its code.
        micro: millionths of the unit; None: nothing is known.
        complete: known for all the time that it belongs to the balance.
        ratio: CT × PT in force; 1 when none is entered.
    """

    meter: str
    micro: int | None
    complete: bool
    ratio: Decimal = ONE


@dataclass(frozen=True, slots=True)
class Shared:
    """A meter that several virtual sub-meters of a main contain: more than once it is taken off.

    Attributes:
        meter: its code.
        within: the virtual sub-meters that add it.
        micro: what is taken off, millionths of the unit; None: nothing is known.
        complete: known for all the time that they share it.
        generated: they are generated behind the main.
    """

    meter: str
    within: Within
    micro: int | None
    complete: bool
    generated: bool = False

    @property
    def factor(self) -> Fraction:
        """How much of the meter is taken off."""
        return twice(factor for _, factor in self.within)

    def spared(self, sub: str) -> int:
        """Return how much less is taken off without a sub-meter, millionths."""
        left = twice(factor for code, factor in self.within if code != sub)
        return half_away((self.micro or 0) * (1 - left / self.factor))


@dataclass(frozen=True, slots=True)
class Balance:
    """A main meter against its sub-meters.

    Attributes:
        begin: of the period, aware.
        main: the main meter.
        generated: what is generated behind it.
        subs: its sub-meters, those to outsiders included.
        shared: what virtual ones among these contain more than once.
        aside: codes of virtual sub-meters that were left out, for some of the period or for all:
            they add a meter that hangs below the main itself.
    """

    begin: datetime
    main: Part
    generated: Sequence[Part]
    subs: Sequence[Part]
    shared: Sequence[Shared] = ()
    aside: Sequence[str] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Whoever has a gap: as long as there is one nobody knows what remains."""
        parts: list[Part | Shared] = [self.main, *self.generated, *self.subs, *self.shared]
        gaps = (part.meter for part in parts if part.micro is None or not part.complete)
        return tuple(dict.fromkeys(gaps))

    @property
    def remainder(self) -> int | None:
        """Main + generated − subs, millionths; None while something is unknown."""
        if self.unknown:
            return None
        return self.supplied - self.taken

    @property
    def supplied(self) -> int:
        """What came in, as far as known; nothing twice."""
        return _known(self.main) + self.made

    @property
    def made(self) -> int:
        """What was generated behind the main, as far as known; nothing twice."""
        return _known(*self.generated) - _known(*self.twice(generated=True))

    @property
    def taken(self) -> int:
        """What the sub-meters measured, as far as known; nothing twice."""
        return _known(*self.subs) - _known(*self.twice(generated=False))

    def twice(self, *, generated: bool) -> tuple[Shared, ...]:
        """Return what counts twice of what is generated behind the main, or of the sub-meters."""
        return tuple(one for one in self.shared if one.generated is generated)

    def share(self, sub: Part) -> int:
        """Return how much less the sub-meters measured without one of them, millionths."""
        return (sub.micro or 0) - sum(one.spared(sub.meter) for one in self.twice(generated=False))


def _known(*parts: Part | Shared) -> int:
    return sum(part.micro or 0 for part in parts)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much less than its sub-meters a main may show: meters have errors.

    Attributes:
        share: of what came in.
        micro: at least so much, millionths.
    """

    share: Decimal = Decimal("0.02")
    micro: int = 1_000_000

    def of(self, balance: Balance) -> int:
        """Return what is tolerated in a balance, millionths."""
        return max(int(abs(balance.supplied) * self.share), self.micro)


class Cause(StrEnum):
    """What may be wrong."""

    SUB_RATIO = "sub_ratio"
    WRONG_MAIN = "wrong_main"
    MAIN_RATIO = "main_ratio"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible cause of a negative remainder: a question, not a verdict.

    Attributes:
        cause: what.
        meter: whose.
        text: Chinese, with what to look at.
    """

    cause: Cause
    meter: str
    text: str


@dataclass(frozen=True, slots=True)
class NegativeRemainder:
    """Sub-meters measured more than came in.

    Attributes:
        balance: of what.
        excess: how much more, millionths.
        candidates: what would explain it, the most particular first; never empty.
    """

    balance: Balance
    excess: int
    candidates: tuple[Candidate, ...]


def judge(balance: Balance, tolerance: Tolerance) -> NegativeRemainder | None:
    """Return what is wrong with a balance; None when nothing is, or something is unknown."""
    remainder = balance.remainder
    tolerated = tolerance.of(balance)
    if remainder is None or remainder >= -tolerated:
        return None
    needed = -remainder - tolerated
    candidates = [*_sub_ratios(balance, needed), *_strangers(balance, needed)]
    if not candidates or balance.main.ratio == ONE:
        candidates.append(_main_ratio(balance))
    return NegativeRemainder(balance, -remainder, tuple(candidates))


def _sub_ratios(balance: Balance, needed: int) -> list[Candidate]:
    """Subs whose figure without their ratio would fit."""
    return [
        Candidate(
            Cause.SUB_RATIO,
            sub.meter,
            f"分表 {sub.meter} 乘了变比 {sub.ratio.normalize():f}；不乘就对得上："
            "请核对变比是否多乘",
        )
        for sub in balance.subs
        if sub.ratio > ONE and (sub.micro or 0) * (ONE - ONE / sub.ratio) >= needed
    ]


def _strangers(balance: Balance, needed: int) -> list[Candidate]:
    """Subs without which it would fit."""
    return [
        Candidate(
            Cause.WRONG_MAIN,
            sub.meter,
            f"去掉分表 {sub.meter} 就对得上：请核对它是否挂在总表 {balance.main.meter} 之下",
        )
        for sub in balance.subs
        if balance.share(sub) >= needed
    ]


def _main_ratio(balance: Balance) -> Candidate:
    main = balance.main
    if main.ratio == ONE:
        what = f"总表 {main.meter} 没有变比"
    else:
        what = f"总表 {main.meter} 的变比是 {main.ratio.normalize():f}"
    factor = ""
    if main.micro and main.micro > 0:
        factor = f"，分表之和是它的 {Decimal(balance.taken) / main.micro:.2f} 倍"
    return Candidate(Cause.MAIN_RATIO, main.meter, f"{what}{factor}：请核对总表的变比")
