"""A cost as people read it: lines in whole fen that add up, and the same for programs. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from metering.factors.meter_basic import BasicLine
from metering.factors.meter_cost import MeterCost
from metering.factors.rounding import balanced, of_micro, rounded, total

_FEN: Final = 2
ENERGY: Final = "电度电费"
OTHER: Final = "用量费用"
BASIC: Final = "基本电费"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill.

    Attributes:
        item: :data:`ENERGY` (of other meters than of electricity :data:`OTHER`) or :data:`BASIC`.
        time: month, year, or the days it is for, in Chinese.
        tariff: full name.
        label: period, tier, or what the basic charge is taken on.
        quantity: None: unknown.
        unit: of the quantity.
        price: yuan per unit; None: unknown.
        yuan: whole fen, so that the lines of an item add up; None: unknown.
        exact: before rounding.
        why: why the amount is unknown, in Chinese; else empty.
    """

    item: str
    time: str
    tariff: str
    label: str
    quantity: Decimal | None
    unit: str
    price: Decimal | None
    yuan: Decimal | None
    exact: Decimal | None
    why: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What a meter's time costs, in whole fen.

    Attributes:
        item: what the lines of energy are called.
        lines: energy, then the basic charge.
        energy: rounded once from the exact sum; None: unknown.
        basic: the same of the basic charge; 0 without one.
        known: the sum of the lines that are known.
        why: why a sum is unknown, in Chinese; else empty.
        missing_quarters: quarter hours of which nothing is known; they are not in the lines.
        notes: what else the figures rest on, in Chinese.
    """

    item: str
    lines: tuple[BillLine, ...]
    energy: Decimal | None
    basic: Decimal | None
    known: Decimal
    why: str
    missing_quarters: int
    notes: tuple[str, ...]

    @property
    def yuan(self) -> Decimal | None:
        """Energy and basic charge together; None when either is unknown."""
        both = [part for part in (self.energy, self.basic) if part is not None]
        return total(both) if len(both) == 2 else None

    def of(self, item: str) -> tuple[BillLine, ...]:
        """Return the lines of an item."""
        return tuple(line for line in self.lines if line.item == item)


def bill(cost: MeterCost, unit: str) -> Bill:
    """Lay out a cost as a bill.

    Args:
        cost: of a meter and a time.
        unit: of the meter.
    """
    item = ENERGY if unit == "kWh" else OTHER
    lines = (*_in_fen(_energy_lines(cost, item, unit)), *_in_fen(_basic_lines(cost)))
    return Bill(
        item=item,
        lines=lines,
        energy=_fen(cost.yuan),
        basic=_fen(cost.basic_yuan),
        known=total(line.yuan for line in lines if line.yuan is not None),
        why=cost.why,
        missing_quarters=cost.missing_quarters,
        notes=cost.notes,
    )


def to_json(meter: str, begin: date, end: date, one: Bill) -> str:
    """Return a bill for programs: figures as text, exactly; null: unknown.

    Args:
        meter: its code.
        begin: first day.
        end: day after the last.
        one: the bill.
    """
    content = {
        "meter": meter,
        "begin": begin.isoformat(),
        "end": end.isoformat(),
        "energy": [_plain(line) for line in one.of(one.item)],
        "basic": [_plain(line) for line in one.of(BASIC)],
        "energy_yuan": _text(one.energy),
        "basic_yuan": _text(one.basic),
        "total_yuan": _text(one.yuan),
        "known_yuan": _text(one.known),
        "why": one.why,
        "missing_quarters": one.missing_quarters,
        "notes": list(one.notes),
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def _energy_lines(cost: MeterCost, item: str, unit: str) -> list[BillLine]:
    return [
        BillLine(
            item=item,
            time=f"{part.begin:%Y} 年" if part.yearly else f"{part.begin:%Y-%m}",
            tariff=one.tariff,
            label=part.label,
            quantity=of_micro(part.micro),
            unit=unit,
            price=part.price,
            yuan=None,
            exact=part.yuan,
            why="" if part.yuan is not None else one.why,
        )
        for one in cost.costs
        for part in one.parts
    ]


def _basic_lines(cost: MeterCost) -> list[BillLine]:
    return [
        BillLine(
            item=BASIC,
            time=_time(line),
            tariff=line.tariff,
            label=f"{line.charge.label}（{line.demand}）" if line.demand else line.charge.label,
            quantity=line.charge.quantity,
            unit=line.charge.unit,
            price=line.charge.price,
            yuan=None,
            exact=line.yuan,
            why=line.charge.why,
        )
        for line in cost.basic
    ]


def _in_fen(lines: Sequence[BillLine]) -> list[BillLine]:
    """Round the lines so that they add up, unless one is unknown: then each by itself."""
    exact = [line.exact for line in lines if line.exact is not None]
    whole = len(exact) == len(lines)
    shown = list(balanced(exact, _FEN)) if whole else [rounded(one, _FEN) for one in exact]
    return [replace(line, yuan=None if line.exact is None else shown.pop(0)) for line in lines]


def _time(line: BasicLine) -> str:
    if line.days == line.of_days:
        return f"{line.begin:%Y-%m}"
    return f"{line.begin} 至 {line.end - timedelta(days=1)}（{line.days}/{line.of_days} 月）"


def _fen(exact: Decimal | None) -> Decimal | None:
    return None if exact is None else rounded(exact, _FEN)


def _plain(line: BillLine) -> dict[str, str | None]:
    return {
        "time": line.time,
        "tariff": line.tariff,
        "label": line.label,
        "quantity": _text(line.quantity),
        "unit": line.unit,
        "price": _text(line.price),
        "yuan": _text(line.yuan),
        "exact": _text(line.exact),
        "why": line.why,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
