"""The cells of a month or a quarter, from what is known; those of a year, from its quarters. Pure.

What adds up is added exactly over the months and rounded once; a part and its whole are rounded so
that they add up. A year is the sum of its rounded quarters, as the statistics ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from metering.bills.reported import Reported
from metering.factors.dated import Span, on_day
from metering.factors.rounding import balanced, rounded, total
from metering.factors.size import size_of
from reporting.draft.cells import Cell, Standing
from reporting.draft.months import amount, trace
from reporting.draft.period import Period
from reporting.forms.model import Cost, Edition, Entry, Fact, Line, Quantity

_USERS: Final = "energy-users"


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known of an institution.

    Attributes:
        figures: what it reports, by energy and first day of the month.
        facts: of it, by code.
        entered: by code of the line.
        elsewhere: months in which its own energy counts for others: where none of others counts
            for it either, they add nothing.
    """

    figures: Mapping[tuple[str, date], Reported]
    facts: Mapping[str, Sequence[Span]]
    entered: Mapping[str, Decimal]
    elsewhere: frozenset[date] = frozenset()


def compiled(edition: Edition, period: Period, sources: Sources) -> tuple[Cell, ...]:
    """Return the cells of a month or a quarter, in the order of the forms."""
    found = {line.code: _cell(line, period, sources) for line in edition.lines()}
    for whole, parts in edition.parts().items():
        _balance(found, whole, parts)
    return tuple(found.values())


def added(edition: Edition, quarters: Sequence[Mapping[str, Cell]]) -> tuple[Cell, ...]:
    """Return the cells of a year.

    Args:
        edition: of the year.
        quarters: cells by code, in order; a line that a quarter's edition did not have is absent.
    """
    return tuple(
        _year(line, [quarter.get(line.code, _absent(line)) for quarter in quarters])
        for line in edition.lines()
    )


def _cell(line: Line, period: Period, sources: Sources) -> Cell:
    match line.basis:
        case Quantity() | Cost():
            return _flow(line, line.basis, period, sources)
        case Fact():
            return _fact(line, line.basis, period, sources.facts)
        case Entry():
            value = sources.entered.get(line.code)
            return _absent(line) if value is None else _known(line, value)


def _flow(line: Line, basis: Quantity | Cost, period: Period, sources: Sources) -> Cell:
    found = [(month, sources.figures.get((basis.energy, month))) for month in period.months()]
    months = [
        (month, one)
        for month, one in found
        if month not in sources.elsewhere or (one is not None and one.parts)
    ]
    traces = tuple(trace(one, basis) for _, one in months if one is not None)
    if not traces:
        return _absent(line)
    unknown = list(_unknown(months, basis))
    if unknown:
        return Cell(line.code, None, Standing.MISSING, "；".join(unknown), traces)
    exact = total(one.value for one in traces if one.value is not None)
    return Cell(line.code, rounded(exact, line.digits), Standing.KNOWN, "", traces)


def _unknown(
    months: Sequence[tuple[date, Reported | None]], basis: Quantity | Cost
) -> Iterator[str]:
    what = "用量" if isinstance(basis, Quantity) else "费用"
    for month, one in months:
        if one is None:
            yield f"{month:%Y-%m} 没有{what}"
        elif amount(one, basis) is None:
            yield f"{month:%Y-%m} {what}未知"


def _fact(line: Line, fact: Fact, period: Period, facts: Mapping[str, Sequence[Span]]) -> Cell:
    if not fact.required and not facts.get(fact.code):
        return _absent(line)
    if fact.code == _USERS:
        figure = size_of(facts, period.first, period.end).energy_users
    else:
        figure = on_day(facts.get(fact.code, ()), period.last, line.name)
    if figure.value is not None:
        return _known(line, figure.value)
    return Cell(line.code, None, Standing.MISSING, figure.why)


def _balance(cells: dict[str, Cell], whole: str, parts: Sequence[Line]) -> None:
    """Round the parts of a sum so that they add up, where all of them are known."""
    exact = [_exact(cells[part.code]) for part in parts]
    known = [value for value in exact if value is not None]
    if len(known) < len(exact) or total(known) != _exact(cells[whole]):
        return
    values = balanced(known, parts[0].digits)
    for part, value in zip(parts, values, strict=True):
        one = cells[part.code]
        cells[part.code] = Cell(part.code, value, Standing.KNOWN, "", one.traces)


def _exact(cell: Cell) -> Decimal | None:
    if cell.value is None or not cell.traces:
        return None
    return total(one.value for one in cell.traces if one.value is not None)


def _year(line: Line, quarters: Sequence[Cell]) -> Cell:
    if not line.adds:
        last = quarters[-1]
        return Cell(line.code, last.value, last.standing, last.why)
    traces = tuple(one for cell in quarters for one in cell.traces)
    unknown = [
        f"第{'一二三四'[n]}季度：{cell.why}"
        for n, cell in enumerate(quarters)
        if cell.standing is Standing.MISSING
    ]
    if unknown:
        return Cell(line.code, None, Standing.MISSING, "；".join(unknown), traces)
    known = [cell.value for cell in quarters if cell.value is not None]
    if not known:
        return _absent(line)
    return Cell(line.code, total(known), Standing.KNOWN, "", traces)


def _known(line: Line, value: Decimal) -> Cell:
    return Cell(line.code, rounded(value, line.digits), Standing.KNOWN)


def _absent(line: Line) -> Cell:
    return Cell(line.code, None, Standing.ABSENT)
