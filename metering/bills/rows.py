"""Rows of a sheet as entries: what was written, not yet whether it fits what is there."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from metering.bills.checks import account_faults, bill_faults, purchase_faults
from metering.bills.model import Band, FieldFault, NewAccount, NewBill, NewPurchase, Part, Status
from metering.bills.share import ONE_DAY
from metering.bills.words import Words
from registry.sheet import Refusals, Row, Sheet, parse_day

_SEPARATORS: Final = re.compile(r"[,，、;；\s]+")
_DATES: Final = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{8}")
_NO_YUAN: Final = re.compile("[万千百亿]|美元")

_CELLS: Final = {
    "code": ("number",),
    "first": ("first", "period", "month"),
    "end": ("last", "end", "period", "month"),
}
"""What is wrong → where it may be written."""


class Billed(Protocol):
    """What a row of bills must know of its account."""

    @property
    def code(self) -> str:
        """Ours."""

    @property
    def energy(self) -> str:
        """Code of the kind of energy."""

    @property
    def prepaid(self) -> bool:
        """Whether it is paid before it is used."""

    @property
    def reading_day(self) -> int | None:
        """Day of the month on which the meter is read."""


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account and the row it stands in."""

    row: Row
    account: NewAccount


@dataclass(frozen=True, slots=True)
class BillLine:
    """A bill, its ``account`` by code, and the row it stands in."""

    row: Row
    bill: NewBill


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """A purchase and the row it stands in."""

    row: Row
    purchase: NewPurchase


def account_lines(sheet: Sheet, words: Words, refusals: Refusals) -> Iterator[AccountLine]:
    """Yield the accounts of a sheet; rows with mistakes are noted and left out."""
    for row in sheet.lines(refusals):
        before = len(refusals.found)
        number, since = row.needed("number"), row.day("since")
        if since is None and not row.has("since"):
            row.refuse("since", "没有填写，请补上该户号归属此机构的起始日期")
        account = NewAccount(
            code=row.text("account") or number,
            number=number,
            supplier=row.needed("supplier"),
            energy=words.energy(row.needed("energy")) or row.text("energy"),
            institution=row.needed("institution"),
            since=since or date.min,
            name=row.text("name"),
            reading_day=row.whole("reading_day"),
            prepaid=row.yes("prepaid", words),
            meters=tuple(filter(None, _SEPARATORS.split(row.text("meters")))),
        )
        if len(refusals.found) == before:
            _refuse(row, account_faults(account, words))
        if len(refusals.found) == before:
            yield AccountLine(row, account)


def bill_lines(
    sheet: Sheet,
    accounts: Mapping[str, list[Billed]],
    words: Words,
    today: date,
    refusals: Refusals,
) -> Iterator[BillLine]:
    """Yield the bills of a sheet; rows with mistakes are noted and left out.

    Args:
        sheet: of the kind ``bills``.
        accounts: code or number → the accounts that it means.
        words: units and words.
        today: in the site's zone.
        refusals: where mistakes are noted.
    """
    _refuse_other_money(sheet, refusals)
    for row in sheet.lines(refusals):
        if row.text("account") in words.totals:
            continue
        before = len(refusals.found)
        account = _account(row, accounts)
        bill = None if account is None else _bill(row, account, words)
        if bill is not None and account is not None and len(refusals.found) == before:
            _refuse(
                row,
                bill_faults(bill, account.energy, words, today, prepaid=account.prepaid),
            )
        if bill is not None and len(refusals.found) == before:
            yield BillLine(row, bill)


def purchase_lines(
    sheet: Sheet, words: Words, today: date, refusals: Refusals
) -> Iterator[PurchaseLine]:
    """Yield the purchases of a sheet; rows with mistakes are noted and left out."""
    _refuse_other_money(sheet, refusals)
    for row in sheet.lines(refusals):
        if row.text("institution") in words.totals:
            continue
        before = len(refusals.found)
        purchase = _purchase(row, words)
        if purchase is not None and len(refusals.found) == before:
            _refuse(row, purchase_faults(purchase, words, today))
        if purchase is not None and len(refusals.found) == before:
            yield PurchaseLine(row, purchase)


def period_of_month(month: date, reading_day: int | None) -> tuple[date, date]:
    """Return the period of the bill of a month: from reading day to reading day.

    Without a reading day, or with the first of a month, it is the month itself.
    """
    if reading_day in {None, 1}:
        return month, _later(month, 1)
    day = reading_day or 1
    return _on(_later(month, -1), day), _on(month, day)


def _bill(row: Row, account: Billed, words: Words) -> NewBill | None:
    period = _period(row, account)
    status = words.status(row.text("status") or Status.SETTLED)
    if status is None:
        known = "、".join(names[0] for names in words.statuses.values())
        row.refuse("status", f"“{row.text('status')}”不认识，请填 {known}")
    parts = [(part, row.number_of(part)) for part in Band]
    bill = NewBill(
        account=account.code,
        first=period[0] if period else date.min,
        end=period[1] if period else date.max,
        quantity=row.number_of("quantity"),
        unit=_unit(row, account.energy, words),
        amount=row.number_of("amount"),
        status=Status(status or Status.SETTLED),
        issued=row.day("issued"),
        parts=tuple(Part(part, quantity) for part, quantity in parts if quantity is not None),
        note=row.text("note"),
    )
    return bill if period else None


def _purchase(row: Row, words: Words) -> NewPurchase | None:
    word = row.needed("energy")
    energy = words.energy(word)
    bought_on = row.day("bought_on")
    if bought_on is None and not row.has("bought_on"):
        row.refuse("bought_on", "没有填写，请补上购入日期")
    if word and energy is None:
        known = "、".join(one.name for one in words.energies.values())
        row.refuse("energy", f"“{word}”不认识，请从这些中选：{known}")
    if energy is None or bought_on is None:
        return None
    return NewPurchase(
        institution=row.needed("institution"),
        energy=energy,
        bought_on=bought_on,
        quantity=row.number_of("quantity"),
        unit=_unit(row, energy, words),
        amount=row.number_of("amount"),
        consumer=_consumer(row, energy, words),
        supplier=row.text("supplier"),
        document=row.text("document"),
        note=row.text("note"),
    )


def _account(row: Row, accounts: Mapping[str, list[Billed]]) -> Billed | None:
    word = row.needed("account")
    found = accounts.get(word, [])
    by_code = [account for account in found if account.code == word]
    if by_code or len(found) == 1:
        return (by_code or found)[0]
    if found:
        codes = "、".join(account.code for account in found)
        row.refuse("account", f"户号 {word} 有多家供应单位使用，请改写编码：{codes}")
    elif word:
        row.refuse("account", f"户号 {word} 没有登记，请先在“户号”表中登记，或核对号码")
    return None


def _period(row: Row, account: Billed) -> tuple[date, date] | None:
    before = len(row.refusals.found)
    first, last, end = row.day("first"), row.day("last"), row.day("end")
    if len(row.refusals.found) > before:
        return None
    if last is not None:
        end = last + ONE_DAY
    if first is not None and end is not None:
        return first, end
    if row.has("period"):
        return _period_of_text(row)
    month = row.month("month")
    if month is not None:
        return period_of_month(month, account.reading_day)
    if not row.has("month"):
        lacking = "first" if first is None else "last"
        row.refuse(lacking, "没有账单的起止日期，请填写起始日期和截止日期，或账单月份")
    return None


def _period_of_text(row: Row) -> tuple[date, date] | None:
    text = row.text("period")
    if not text:
        return None  # it holds no value, and is refused
    days = [parse_day(found) for found in _DATES.findall(re.sub(r"\s", "", text))]
    known = [day for day in days if day is not None]
    if len(known) != 2 or len(days) != 2:
        row.refuse("period", f"“{text}”不是起止日期，请写成 2026-01-01至2026-01-31（含首尾两日）")
        return None
    first, last = (row.likely("period", day) for day in known)
    return None if first is None or last is None else (first, last + ONE_DAY)


def _unit(row: Row, energy: str, words: Words) -> str:
    written = row.text("unit")
    if written:
        return written
    heading = row.sheet.units.get("quantity", "")
    if heading and words.factor(energy, heading) is None:
        known = "、".join(words.units_of(energy))
        name = words.energies[energy].name
        message = f"表头单位“{heading}”不是{name}的计量单位，可用：{known}"
        row.refusals.add(row.sheet.heading_cell("quantity"), message)
    return heading or words.energies[energy].unit


def _consumer(row: Row, energy: str, words: Words) -> str:
    written = row.text("consumer")
    if not written and energy not in words.ask_consumer:
        return "other"
    found = words.consumer(written)
    if found is None:
        known = "、".join(one.words[0] for one in words.consumers.values())
        row.refuse("consumer", f"用途“{written}”不认识，请填：{known}")
    return found or "other"


def _refuse(row: Row, faults: Iterable[FieldFault]) -> None:
    for fault in faults:
        names = _CELLS.get(fault.field, (fault.field,))
        row.refuse(next(filter(row.has, names), names[0]), fault.message)


def _refuse_other_money(sheet: Sheet, refusals: Refusals) -> None:
    unit = sheet.units.get("amount", "")
    if _NO_YUAN.search(unit):
        refusals.add(sheet.heading_cell("amount"), f"金额的单位是“{unit}”，请换算成元后再导入")


def _later(month: date, by: int) -> date:
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def _on(month: date, day: int) -> date:
    return month.replace(day=min(day, calendar.monthrange(month.year, month.month)[1]))
