"""Holding a draft against the rules of the audit. Pure.

A finding words a doubt: it says what stands there, what was expected and how to mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from metering.factors.rounding import product, quotient, rounded, total
from reporting.audit.model import Drafted, Finding, Kind, Of, Rule, Severity
from reporting.draft.cells import Cell, Standing
from reporting.forms.model import Basis, Cost, Fact, Line, Quantity

_BASES: Final[Mapping[Of, type[Basis]]] = {
    Of.QUANTITY: Quantity,
    Of.COST: Cost,
    Of.FACT: Fact,
}
_MENDS: Final[Mapping[Of, str]] = {
    Of.QUANTITY: "补录账单或购入，确未使用的录入 0",
    Of.COST: "补录金额",
    Of.FACT: "补录单位情况",
}
_Said = Iterator[tuple[tuple[str, ...], str, str]]
"""Codes of lines, what was found, what to do."""


def audited(rules: Iterable[Rule], drafted: Drafted) -> tuple[Finding, ...]:
    """Return what rules find in a draft, in their order."""
    return tuple(
        Finding(rule.code, rule.severity, codes, said, mend)
        for rule in rules
        for codes, said, mend in _CHECKS[rule.kind](rule, drafted)
    )


def _missing(rule: Rule, drafted: Drafted) -> _Said:
    of = rule.of or Of.QUANTITY
    for line in _lines(drafted):
        cell = drafted.cells[line.code]
        if isinstance(line.basis, _BASES[of]) and cell.standing is Standing.MISSING:
            mend = _MENDS[of] + ("" if rule.severity is Severity.BLOCK else "，或说明原因")
            yield (line.code,), f"{_name(line)}未知：{cell.why}", mend


def _parts(rule: Rule, drafted: Drafted) -> _Said:
    lines = _by_code(drafted)
    for whole, parts in drafted.edition.parts().items():
        value = drafted.cells[whole].value
        known = [one for part in parts if (one := drafted.cells[part.code].value) is not None]
        if whole not in rule.lines or value is None or not known:
            continue
        added = total(known)
        incomplete = rule.kind is Kind.SUM and len(known) == len(parts) and added < value
        if added > value or incomplete:
            codes = (whole, *(part.code for part in parts))
            said = f"{_name(lines[whole])}为 {value}，其中各项合计 {added}"
            yield codes, said, "核对总数和其中项"


def _within(rule: Rule, drafted: Drafted) -> _Said:
    lines = _by_code(drafted)
    for part, whole, inner, outer in _pairs(rule, drafted):
        if inner is not None and (outer or Decimal(0)) < inner:
            shown = "未填" if outer is None else str(outer)
            said = f"{_name(lines[part])}为 {inner}，多于{_name(lines[whole])}（{shown}）"
            yield (part, whole), said, "核对两项，后者应包含前者"


def _both(rule: Rule, drafted: Drafted) -> _Said:
    lines = _by_code(drafted)
    for quantity, cost, used, paid in _pairs(rule, drafted):
        if used is not None and paid is not None and (used > 0) != (paid > 0):
            there, other = (quantity, cost) if used > 0 else (cost, quantity)
            said = f"有{_name(lines[there])}而{_name(lines[other])}为 0"
            yield (quantity, cost), said, "补录缺少的一项，或说明原因（如自备井、光伏、预付费）"


def _change(rule: Rule, drafted: Drafted) -> _Said:
    for line in _lines(drafted):
        if line.code not in rule.lines:
            continue
        now, before = drafted.cells[line.code].value, _value(drafted.before, line.code)
        if now is None or before is None or before == now:
            continue
        change = quotient(abs(now - before), before) if before else None
        if change is None or change > rule.above:
            shown = "上年同期为 0" if change is None else f"变化 {_percent(change)}"
            said = f"{_name(line)}为 {now}，上年同期 {before}，{shown}"
            yield (line.code,), said, f"变化超过 {_percent(rule.above)} 的，核对后说明原因"


def _price(rule: Rule, drafted: Drafted) -> _Said:
    lines = _by_code(drafted)
    for quantity, cost, used, paid in _pairs(rule, drafted):
        if not used or paid is None:
            continue
        price = quotient(paid, used)
        if not rule.low <= price <= rule.high:
            unit = lines[quantity].unit
            said = f"{_name(lines[quantity])}单价 {rounded(price, 4)} 元/{unit}"
            expected = f"，一般在 {rule.low} 至 {rule.high} 之间"
            yield (quantity, cost), said + expected, "核对用量和费用的单位与期间"


def _estimated(rule: Rule, drafted: Drafted) -> _Said:
    for line, cell, value in _known_quantities(drafted):
        estimated = total(one.estimated for one in cell.traces)
        if estimated > product(value, rule.above):
            share = _percent(quotient(estimated, value))
            yield (line.code,), f"{_name(line)}的 {share} 为估算", "以结算票据或抄表补正，或说明"


def _metered(rule: Rule, drafted: Drafted) -> _Said:
    for line, cell, value in _known_quantities(drafted):
        differences = [one.difference for one in cell.traces]
        difference = total(one for one in differences if one is not None)
        if None not in differences and abs(difference) > product(value, rule.above):
            shown = f"{rounded(difference, line.digits):+}"
            said = f"{_name(line)}为 {value}，票据与计量相差 {shown}"
            yield (line.code,), said, "核对倍率、抄表日和计量缺口，说明差异原因"


_CHECKS: Final[Mapping[Kind, Callable[[Rule, Drafted], _Said]]] = {
    Kind.MISSING: _missing,
    Kind.SUM: _parts,
    Kind.PARTS: _parts,
    Kind.WITHIN: _within,
    Kind.BOTH: _both,
    Kind.CHANGE: _change,
    Kind.PRICE: _price,
    Kind.ESTIMATED: _estimated,
    Kind.METERED: _metered,
}


def _lines(drafted: Drafted) -> Iterator[Line]:
    return drafted.edition.lines()


def _by_code(drafted: Drafted) -> Mapping[str, Line]:
    return {line.code: line for line in _lines(drafted)}


def _name(line: Line) -> str:
    return f"{line.name}（{line.code}）"


def _value(cells: Mapping[str, Cell], code: str) -> Decimal | None:
    return cells[code].value if code in cells else None


def _pairs(
    rule: Rule, drafted: Drafted
) -> Iterator[tuple[str, str, Decimal | None, Decimal | None]]:
    """Yield the pairs of which the edition has both lines, with their values."""
    for one, other in rule.pairs:
        if one in drafted.cells and other in drafted.cells:
            yield one, other, drafted.cells[one].value, drafted.cells[other].value


def _known_quantities(drafted: Drafted) -> Iterator[tuple[Line, Cell, Decimal]]:
    """Yield lines of whole energies, each with its cell, of which something was used."""
    for line in _lines(drafted):
        cell = drafted.cells[line.code]
        if isinstance(line.basis, Quantity) and line.basis.consumer is None and cell.value:
            yield line, cell, cell.value


def _percent(share: Decimal) -> str:
    return f"{rounded(share * 100, 1):f}%"
