"""What an entry may not say. Pure; every mistake is found, none stops the looking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from metering.bills.model import (
    LARGEST_ATTACHMENT,
    Attachment,
    FieldFault,
    NewAccount,
    NewBill,
    NewPurchase,
    Status,
)
from metering.bills.share import ONE_DAY
from metering.bills.words import Words
from registry.years import not_yet, sensible, wrong_year

_MICRO: Final = Decimal("0.000001")
_FEN: Final = Decimal("0.01")
_LARGEST: Final = Decimal(10) ** 12
"""More of anything is a slip of the pen; sums of millionths then stay far below 2**63."""

LONGEST_DAYS: Final = 2 * 366
"""Suppliers settle by the month, quarter, or year; a longer bill has a wrong year in it."""


def to_micro(quantity: Decimal, factor: Decimal) -> int:
    """Return millionths of the unit of figures.

    Args:
        quantity: as written.
        factor: how many of the unit of figures one of the written unit is.

    Raises:
        ValueError: it is no whole number of millionths.
    """
    exact = quantity * factor / _MICRO
    if exact != exact.to_integral_value():
        raise ValueError(f"{quantity} × {factor} is finer than a millionth")
    return int(exact)


def to_fen(amount: Decimal) -> int:
    """Return hundredths of a yuan; an amount has two decimals at most."""
    return int(amount / _FEN)


def account_faults(account: NewAccount, words: Words) -> Iterator[FieldFault]:
    """Yield what is wrong with an account by itself."""
    for field in ("code", "number", "supplier", "institution"):
        if not getattr(account, field).strip():
            yield FieldFault(field, "没有填写，请补上")
    if account.energy not in words.energies:
        known = "、".join(energy.name for energy in words.energies.values())
        yield FieldFault("energy", f"能源“{account.energy}”不认识，请从这些中选：{known}")
    yield from _year_faults("since", account.since)
    if account.reading_day is not None and not 1 <= account.reading_day <= 31:
        yield FieldFault("reading_day", f"抄表例日 {account.reading_day} 应为 1 到 31")


def bill_faults(
    bill: NewBill, energy: str, words: Words, today: date, *, prepaid: bool = False
) -> Iterator[FieldFault]:
    """Yield what is wrong with a bill by itself.

    Args:
        bill: the bill.
        energy: of its account.
        words: units.
        today: in the site's zone; nobody has read a meter later.
        prepaid: its account is: a top-up lasts into days to come.
    """
    yield from _year_faults("first", bill.first)
    yield from _year_faults("end", bill.end - ONE_DAY)
    if bill.end <= bill.first:
        yield FieldFault("end", f"账单止于 {bill.end}（不含），不晚于起始日 {bill.first}，请核对")
    if (days := (bill.end - bill.first).days) > LONGEST_DAYS:
        said = f"账单从 {bill.first} 起长达 {days} 天，超过 {LONGEST_DAYS} 天"
        yield FieldFault("end", f"{said}，请核对年份；确实如此请分段录入")
    if bill.issued is not None:
        yield from _not_yet_faults("issued", bill.issued, today)
    if bill.quantity is not None and not prepaid:
        yield from _ahead_faults(bill, today)
    yield from _figure_faults(bill.quantity, bill.unit, bill.amount, (energy, words))
    yield from _part_faults(bill, energy, words)
    yield from _scan_faults(bill.attachment)


def purchase_faults(purchase: NewPurchase, words: Words, today: date) -> Iterator[FieldFault]:
    """Yield what is wrong with a purchase by itself; ``today``: in the site's zone."""
    yield from _year_faults("bought_on", purchase.bought_on)
    yield from _not_yet_faults("bought_on", purchase.bought_on, today)
    if purchase.consumer not in words.consumers:
        known = "、".join(consumer.words[0] for consumer in words.consumers.values())
        yield FieldFault("consumer", f"用途“{purchase.consumer}”不认识，请从这些中选：{known}")
    if purchase.energy in words.energies:
        kind = (purchase.energy, words)
        yield from _figure_faults(purchase.quantity, purchase.unit, purchase.amount, kind)
    else:
        known = "、".join(energy.name for energy in words.energies.values())
        yield FieldFault("energy", f"能源“{purchase.energy}”不认识，请从这些中选：{known}")
    yield from _scan_faults(purchase.attachment)


def _year_faults(field: str, day: date) -> Iterator[FieldFault]:
    if not sensible(day):
        yield FieldFault(field, wrong_year(day))


def _not_yet_faults(field: str, day: date, today: date) -> Iterator[FieldFault]:
    if sensible(day) and day > today:
        yield FieldFault(field, not_yet(day, today))


def _ahead_faults(bill: NewBill, today: date) -> Iterator[FieldFault]:
    """Yield what is measured too early; money alone may be paid ahead, as for a winter's heat."""
    if bill.status is Status.SETTLED:
        yield from _not_yet_faults("end", bill.end - ONE_DAY, today)
    else:
        yield from _not_yet_faults("first", bill.first, today)


def _figure_faults(
    quantity: Decimal | None, unit: str, amount: Decimal | None, kind: tuple[str, Words]
) -> Iterator[FieldFault]:
    energy, words = kind
    if quantity is None and amount is None:
        yield FieldFault("quantity", "用量和金额都没有填写，至少填写一项（确实为零请填 0）")
    factor = words.factor(energy, unit)
    if factor is None:
        known = "、".join(words.units_of(energy))
        yield FieldFault(
            "unit", f"“{unit}”不是{words.energies[energy].name}的计量单位，可用：{known}"
        )
    if quantity is not None:
        yield from _quantity_faults("quantity", quantity, factor)
    if amount is not None:
        yield from _amount_faults("amount", amount)


def _part_faults(bill: NewBill, energy: str, words: Words) -> Iterator[FieldFault]:
    factor = words.factor(energy, bill.unit)
    named = [part.part for part in bill.parts]
    for name in sorted({one for one in named if named.count(one) > 1}):
        yield FieldFault(name, "同一时段出现了两次，请只保留一次")
    for part in bill.parts:
        if part.quantity is not None:
            yield from _quantity_faults(part.part, part.quantity, factor)
        if part.amount is not None:
            yield from _amount_faults(part.part, part.amount)


def _quantity_faults(field: str, quantity: Decimal, factor: Decimal | None) -> Iterator[FieldFault]:
    if not quantity.is_finite() or not 0 <= quantity < _LARGEST:
        yield FieldFault(field, f"用量 {quantity} 应为不小于 0 的数；退补请撤销原账单后重新录入")
    elif quantity % _MICRO or (factor is not None and (quantity * factor) % _MICRO):
        yield FieldFault(field, f"用量 {quantity} 的小数位太多，换算后最多六位小数")


def _amount_faults(field: str, amount: Decimal) -> Iterator[FieldFault]:
    if not amount.is_finite() or abs(amount) >= _LARGEST:
        yield FieldFault(field, f"金额 {amount} 不是合理的数，请核对")
    elif amount % _FEN:
        yield FieldFault(field, f"金额 {amount} 最多两位小数（元）")


def _scan_faults(attachment: Attachment | None) -> Iterator[FieldFault]:
    if attachment is not None:
        yield from attachment_faults(attachment)


def attachment_faults(attachment: Attachment) -> Iterator[FieldFault]:
    """Yield what is wrong with a scan."""
    if not attachment.name.strip():
        yield FieldFault("attachment", "附件没有文件名")
    if not 0 < len(attachment.content) <= LARGEST_ATTACHMENT:
        most = LARGEST_ATTACHMENT // 1024 // 1024
        yield FieldFault("attachment", f"附件 {attachment.name} 是空文件或超过 {most} MB，请压缩")
