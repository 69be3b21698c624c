"""Standard coal of month totals. What is not wholly known has no figure, and says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from metering.factors.convert import convert
from metering.factors.library import Library
from metering.factors.rounding import total
from metering.factors.sets import Measure
from metering.tree.report import SUM, Report, Row


@dataclass(frozen=True, slots=True)
class Coal:
    """Kilograms of standard coal (kgce).

    Attributes:
        known: of all that is known, exact.
        why: what is unknown, in Chinese; empty: nothing is.
        counts: False for what is no comprehensive energy use, as water.
    """

    known: Decimal = Decimal(0)
    why: tuple[str, ...] = ()
    counts: bool = True

    @property
    def kilograms(self) -> Decimal | None:
        """The exact figure; None when anything is unknown or it does not count."""
        return self.known if self.counts and not self.why else None


@dataclass(frozen=True, slots=True)
class HolderCoal:
    """All energies of a holder.

    Attributes:
        code: of the holder; empty for what has none.
        name: for people.
        coal: the sum.
    """

    code: str
    name: str
    coal: Coal


@dataclass(frozen=True, slots=True)
class Factors:
    """What quantities are multiplied with.

    Attributes:
        library: kinds and factor sets.
        jurisdiction: whose factors hold; one the library knows.
    """

    library: Library
    jurisdiction: str


def row_coal(row: Row, month: date, factors: Factors) -> Coal:
    """Return the standard coal of a row.

    Args:
        row: of a report.
        month: its first day; it chooses the factor.
        factors: to multiply with.
    """
    kind = factors.library.kinds.get(row.energy)
    if kind is None:
        return Coal(why=(f"没有能源 {row.energy}：请更正计量表的能源",))
    if not kind.counts:
        return Coal(counts=False)
    micro = row.figure.micro
    if micro is None:
        return Coal(why=(f"{kind.name}用量未知",))
    try:
        quantity = kind.in_unit(Decimal(micro).scaleb(-6), row.unit)
    except ValueError:
        return Coal(why=(f"{kind.name}的单位 {row.unit} 无法换算成 {kind.unit}",))
    converted = convert(
        factors.library, Measure.STANDARD_COAL, {row.energy: quantity}, month, factors.jurisdiction
    )
    gaps = (converted.why, _gaps(row, kind.name))
    return Coal(converted.known_kilograms, tuple(gap for gap in gaps if gap))


def holders_coal(report: Report, coals: Iterable[Coal]) -> tuple[HolderCoal, ...]:
    """Add the rows of each holder up.

    Args:
        report: a month.
        coals: of its rows, in their order.
    """
    found: dict[tuple[str, str], list[Coal]] = {}
    for row, coal in zip(report.rows, coals, strict=True):
        if coal.counts:
            found.setdefault((row.code, row.name), []).append(coal)
    return tuple(HolderCoal(*key, _added(those)) for key, those in found.items())


def _added(coals: Iterable[Coal]) -> Coal:
    those = list(coals)
    why = dict.fromkeys(reason for one in those for reason in one.why)
    return Coal(total(one.known for one in those), tuple(why))


def _gaps(row: Row, name: str) -> str:
    figure = row.figure
    if figure.complete:
        return ""
    whose = "其中" if row.name == SUM else ""
    words = []
    if figure.unknown:
        words.append(f"{figure.unknown} 次用量未知")
    if figure.partial:
        words.append(f"{figure.partial} 次只知道部分时段")
    return f"{name}：{whose}计量表共计入 {figure.meters} 次，{'、'.join(words)}"
