"""The ledger where institutions report for each other: own figures, and what is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from metering.bills.ledger import (
    amount_of,
    ledger_table,
    ledger_tables,
    quantity_of,
    sources_text,
)
from metering.bills.month import Figure
from metering.bills.reported import Reported
from metering.bills.ways import Ways
from metering.bills.words import Words
from metering.derive.times import next_month
from registry.table import Column, Look, Row, Table

_KEYS: Final = 3
"""Month, code and name stand before who reports it."""
_Key = tuple[str, date]
_TWICE: Final = (
    "有转供的，转出单位的票据含转供的用量，没有户号的受电单位的“用量”里也有，"
    "所以“用量”和“计量用量”不合计；合计看“上报用量”。"
)
_TWICE_IN: Final = frozenset({"quantity", "metered"})
_REMARK: Final = (
    "“用量”是本单位户号和购入的数；“上报用量”是该单位上报的数，含代报、合署、分摊而来的和自发的，"
    "不含由别家上报的和转供的；两列不可相加。"
)


def told_ledger(
    figures: Sequence[Figure],
    reported: Sequence[Reported],
    ways: Ways,
    particulars: str,
    words: Words,
) -> list[Table]:
    """Return the ledger as tables, one for each energy.

    Where everybody reports its own figure and nothing else it is the plain one. Else each row says
    who reports it, and the row of who reports says whose it contains. What is excluded is in its
    own row alone.

    Args:
        figures: own ones, of whole months.
        reported: of the same months.
        ways: who reports for whom.
        particulars: whose it is and of which time, for the line below the title.
        words: names and units.
    """
    rows = [_goes(ways, one) for one in figures]
    if not any(rows) and not any(ways.contained(one) for one in reported):
        return ledger_tables(figures, ways.names, particulars, words)
    there = {one.facts.energy for one in figures} | {one.energy for one in reported}
    return [
        _table(
            ledger_table(
                energy,
                own := [f for f in figures if f.facts.energy == energy],
                ways.names,
                particulars,
                words,
            ),
            own,
            [one for one in reported if one.energy == energy],
            ways,
            words.energies[energy].unit,
        )
        for energy in words.energies
        if energy in there
    ]


def _table(
    plain: Table, own: Sequence[Figure], given: Sequence[Reported], ways: Ways, unit: str
) -> Table:
    goes = {(f.facts.institution, f.facts.month): _goes(ways, f) for f in own}
    keys = [(f.facts.institution, f.facts.month) for f in own]
    rows = dict(zip(keys, plain.rows, strict=True))
    look = next(c.look for c in plain.columns if c.key == "quantity")
    own_columns = [
        replace(c, summed=False) if c.key in _TWICE_IN and _is_twice(own, given) else c
        for c in plain.columns
    ]
    return replace(
        plain,
        columns=(
            *own_columns[:_KEYS],
            Column("goes_to", "由谁上报", width=20),
            *own_columns[_KEYS:],
            Column("reported", "上报用量", look, 14, summed=True, unit=unit),
            Column("reported_known", "上报中已知", look, 14, unit=unit),
            Column("reported_amount", "上报金额", Look.MONEY, 14, summed=True, unit="元"),
            Column("reported_source", "上报数据来源", width=12),
            Column("contains", "上报包含", width=24),
        ),
        rows=tuple(_rows(rows, goes, given, ways)),
        remarks=(*plain.remarks, *_remarks(own, given)),
    )


def _is_twice(own: Sequence[Figure], given: Sequence[Reported]) -> bool:
    """Tell whether own figures have what a bill of others, from which it passed on, has too."""
    parts = (part for one in given for part in one.parts if part.passed_on)
    passed = {meter for part in parts for meter in part.figure.meter_ids}
    beside = (one.facts.meters for one in own if one.facts.meters is not None)
    return any(not passed.isdisjoint(counted.meters) for counted in beside)


def _remarks(own: Sequence[Figure], given: Sequence[Reported]) -> Iterator[str]:
    unknown = sum(one.micro is None for one in given if one.institution is not None)
    if unknown:
        yield f"上报用量合计不含未知的月份：{unknown} 个月。"
    if _is_twice(own, given):
        yield _TWICE
    yield _REMARK


def _rows(
    rows: Mapping[_Key, Row], goes: Mapping[_Key, str], given: Sequence[Reported], ways: Ways
) -> Iterator[Row]:
    told = {(one.institution, one.month): one for one in given if one.institution is not None}
    for key in sorted({*rows, *told}):
        code, month = key
        lacking: Row = {"month": month, "institution": code, "name": ways.names.get(code, "")}
        row = rows.get(key, lacking)
        yield {**row, "goes_to": goes.get(key, ""), **_given(told.get(key), ways)}


def _given(one: Reported | None, ways: Ways) -> Row:
    if one is None:
        return {}
    return {
        "reported": quantity_of(one.micro),
        "reported_known": quantity_of(one.known),
        "reported_amount": amount_of(one.fen),
        "reported_source": sources_text(one.sources, one.by_source),
        "contains": ways.contained(one),
    }


def _goes(ways: Ways, one: Figure) -> str:
    accounts = [account.code for account in one.facts.accounts]
    month = one.facts.month
    return ways.said(one.facts.institution, accounts, month, next_month(month))
