"""The list of bills (票据清单): what lies behind the figures, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from metering.bills.model import NewBill
from metering.bills.share import ONE_DAY
from metering.bills.ways import Ways
from metering.bills.words import Words
from registry.table import Column, Look, Row, Table

# A bill over a change of institutions is listed once, with the one that had the account last.
_BILLS: Final[LiteralString] = """
    SELECT * FROM (
        SELECT DISTINCT ON (b.id) b.id, 'bill' AS kind, i.code AS institution, i.name, a.energy,
            a.code AS account, a.number, a.supplier, '' AS document, '' AS consumer,
            lower(b.period) AS first, upper(b.period) AS "end", b.quantity, b.unit, b.amount,
            b.status, b.issued, b.note, b.attachment_name, b.entered_by, b.entered_at,
            (SELECT coalesce(jsonb_object_agg(p.part, p.quantity::text), '{}')
             FROM bill_part p WHERE p.bill_id = b.id) AS parts
        FROM bill b
        JOIN utility_account a ON a.id = b.account_id
        JOIN utility_account_institution o
            ON o.account_id = a.id AND o.withdrawn_at IS NULL AND o.valid && b.period
        JOIN institution i ON i.id = o.institution_id
        WHERE b.withdrawn_at IS NULL AND b.period && daterange(%(first)s, %(end)s)
        ORDER BY b.id, lower(o.valid) DESC NULLS LAST
    ) AS listed
    WHERE %(only)s::text[] IS NULL OR institution = ANY(%(only)s)
    ORDER BY institution, account, first, id
"""
_PURCHASES: Final[LiteralString] = """
    SELECT p.id, 'purchase' AS kind, i.code AS institution, i.name, p.energy, '' AS account,
        '' AS number, p.supplier, p.document, p.consumer, p.bought_on AS first,
        p.bought_on + 1 AS "end", p.quantity, p.unit, p.amount, 'settled' AS status,
        NULL::date AS issued, p.note, p.attachment_name, p.entered_by, p.entered_at,
        '{}'::jsonb AS parts
    FROM purchase p JOIN institution i ON i.id = p.institution_id
    WHERE p.withdrawn_at IS NULL AND p.bought_on >= %(first)s AND p.bought_on < %(end)s
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY i.code, p.bought_on, p.id
"""
_FINE: Final = frozenset({"t", "GJ", "tce"})
_PARTS: Final = {"sharp": "尖", "peak": "峰", "flat": "平", "valley": "谷", "deep": "深谷"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A bill or a purchase in the list.

    Attributes:
        id: of the bill or the purchase.
        kind: ``bill`` or ``purchase``.
        institution: code.
        name: of the institution.
        energy: code.
        account: code of the account; of a purchase empty.
        number: 户号.
        supplier: who sent it.
        document: number of the receipt; of a bill empty.
        consumer: what burns it; of a bill empty.
        first: first day.
        end: the day after its last.
        quantity: in ``unit``, as written.
        unit: as written.
        amount: yuan.
        status: settled or estimated.
        issued: date of issue.
        note: explanation.
        attachment_name: of the scan.
        entered_by: who entered it.
        entered_at: when.
        parts: 尖峰平谷 → quantity in ``unit``.
    """

    id: int
    kind: str
    institution: str
    name: str
    energy: str
    account: str
    number: str
    supplier: str
    document: str
    consumer: str
    first: date
    end: date
    quantity: Decimal | None
    unit: str
    amount: Decimal | None
    status: str
    issued: date | None
    note: str
    attachment_name: str | None
    entered_by: str
    entered_at: datetime
    parts: dict[str, str | None]

    def part(self, name: str) -> Decimal | None:
        """Return the quantity of a part, in ``unit``."""
        stated = self.parts.get(name)
        return None if stated is None else Decimal(stated)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What has to be explained, in Chinese; nothing of it blocks."""
        parts = [value for name in _PARTS if (value := self.part(name)) is not None]
        return _doubts(self.quantity, self.amount, parts)

    @property
    def explained(self) -> bool:
        """Whether a note explains what has to be explained."""
        return not self.doubts or bool(self.note)


def bill_doubts(bill: NewBill) -> tuple[str, ...]:
    """Return what has to be explained of a bill, in Chinese; nothing of it blocks."""
    parts = [part.quantity for part in bill.parts if part.quantity is not None]
    return _doubts(bill.quantity, bill.amount, parts)


def _doubts(
    quantity: Decimal | None, amount: Decimal | None, parts: Sequence[Decimal]
) -> tuple[str, ...]:
    found = (
        (quantity is None, "有金额无用量"),
        (amount is None, "有用量无金额"),
        (bool(parts) and sum(parts) != quantity, "分时合计与用量不等"),
    )
    return tuple(text for applies, text in found if applies)


def listed(
    conn: psycopg.Connection[Any],
    days: tuple[date, date],
    institutions: Sequence[str] | None = None,
) -> list[Listed]:
    """Return active bills and purchases that touch some days; each once.

    Args:
        conn: in any state.
        days: first day, the day after the last.
        institutions: codes; None: all.
    """
    only = None if institutions is None else list(institutions)
    named = {"first": days[0], "end": days[1], "only": only}
    with conn.cursor(row_factory=class_row(Listed)) as cursor:
        bills = cursor.execute(_BILLS, named).fetchall()
        return bills + cursor.execute(_PURCHASES, named).fetchall()


def list_tables(
    rows: Sequence[Listed], particulars: str, words: Words, ways: Ways | None = None
) -> list[Table]:
    """Return the list as tables, one for each energy.

    Args:
        rows: of the list.
        particulars: whose it is and of which time, for the line below the title.
        words: names and units.
        ways: who reports for whom, if that is to be said.
    """
    return [
        _told(_table(those, energy, particulars, words), those, ways)
        for energy in words.energies
        if (those := [row for row in rows if row.energy == energy])
    ]


def _told(table: Table, rows: Sequence[Listed], ways: Ways | None) -> Table:
    """Say of each row who reports it, where that is another for any of them."""
    if ways is None:
        return table
    said = [
        ways.said(row.institution, [row.account] if row.account else [], row.first, row.end)
        for row in rows
    ]
    if not any(said):
        return table
    return replace(
        table,
        columns=(*table.columns, Column("goes_to", "由谁上报", width=20)),
        rows=tuple({**row, "goes_to": text} for row, text in zip(table.rows, said, strict=True)),
    )


def _table(rows: Sequence[Listed], energy: str, particulars: str, words: Words) -> Table:
    name = words.energies[energy].name
    waiting = sum(not row.explained for row in rows)
    silent = sum(row.quantity is None for row in rows), sum(row.amount is None for row in rows)
    remarks = (
        [f"合计不含未填写的项：{silent[0]} 张无用量，{silent[1]} 张无金额。"] if any(silent) else []
    )
    if waiting:
        remarks.append(f"其中 {waiting} 张待说明，请补充说明。")
    return Table(
        name=name,
        title=f"票据清单（{name}）",
        particulars=particulars,
        columns=_columns(rows, words.energies[energy].unit),
        rows=tuple(_row(number, row, words) for number, row in enumerate(rows, 1)),
        remarks=tuple(remarks),
        sign=("审核人：", "填表人：", "日期："),
    )


def _columns(rows: Sequence[Listed], unit: str) -> tuple[Column, ...]:
    look = Look.FINE if unit in _FINE else Look.QUANTITY
    bills = any(row.kind == "bill" for row in rows)
    bought = any(row.kind == "purchase" for row in rows)
    billed = [Column("account", "户号编码", width=14), Column("number", "户号", width=14)]
    parts = [
        Column(name, title, look, 11, summed=True, unit=unit)
        for name, title in _PARTS.items()
        if any(row.part(name) is not None for row in rows)
    ]
    purchased = [Column("document", "单据号", width=14), Column("consumer", "用途", width=8)]
    return (
        Column("number_in_list", "序号", Look.COUNT, 6),
        Column("institution", "机构编码"),
        Column("name", "机构名称", width=20),
        *(billed if bills else ()),
        *(purchased if bought else ()),
        Column("supplier", "供应单位", width=18),
        Column("first", "起始日期", Look.DAY),
        Column("last", "截止日期（含）", Look.DAY),
        Column("days", "天数", Look.COUNT, 6),
        Column("quantity", "用量", look, 14, summed=True, unit=unit),
        *parts,
        Column("amount", "金额", Look.MONEY, 14, summed=True, unit="元"),
        Column("status", "状态", width=8),
        Column("issued", "开票日期", Look.DAY),
        Column("doubts", "待说明事项", width=18),
        Column("note", "说明", width=24),
        Column("attachment", "附件", width=16),
        Column("entered_by", "录入人"),
        Column("entered_on", "录入日期", Look.DAY),
        Column("id", "票据编号", width=10),
    )


def _row(number: int, row: Listed, words: Words) -> Row:
    factor = words.factor(row.energy, row.unit) or Decimal(1)
    consumer = words.consumers[row.consumer].words[0] if row.consumer else ""
    parts: Mapping[str, Decimal | None] = {name: row.part(name) for name in _PARTS}
    state = "" if not row.doubts else "（已说明）" if row.explained else "（待说明）"
    return {
        "number_in_list": number,
        "institution": row.institution,
        "name": row.name,
        "account": row.account,
        "number": row.number,
        "document": row.document,
        "consumer": consumer,
        "supplier": row.supplier,
        "first": row.first,
        "last": row.end - ONE_DAY,
        "days": (row.end - row.first).days,
        "quantity": _times(row.quantity, factor),
        **{name: _times(value, factor) for name, value in parts.items() if value is not None},
        "amount": row.amount,
        "status": words.statuses[row.status][0],
        "issued": row.issued,
        "doubts": "、".join(row.doubts) + state,
        "note": row.note,
        "attachment": row.attachment_name or "",
        "entered_by": row.entered_by,
        "entered_on": row.entered_at.date(),
        "id": f"{'Z' if row.kind == 'bill' else 'G'}{row.id}",
    }


def _times(quantity: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if quantity is None else quantity * factor
