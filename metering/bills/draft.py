"""What an import would do: the file held against what stands. Reads only."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg

from metering.bills.account import Account
from metering.bills.model import NewAccount, NewBill, NewPurchase, Status
from metering.bills.rows import (
    AccountLine,
    Billed,
    BillLine,
    PurchaseLine,
    account_lines,
    bill_lines,
    purchase_lines,
)
from metering.bills.sheet import read_sheets
from metering.bills.standing import (
    StandingAccount,
    StandingBill,
    codes,
    content_of,
    key_of,
    standing_accounts,
    standing_bills,
    standing_meters,
    standing_purchases,
)
from metering.bills.words import Words, words
from registry.sheet import Refusals, Row, Sheet

_ONCE: Final = "一块表同时只能属于一个户号"


@dataclass(frozen=True, slots=True)
class Draft:
    """What an import would bring in. Nothing: everything of the file stands already.

    Attributes:
        source: name of the file.
        sha256: of its bytes.
        accounts: new accounts.
        placed: accounts that stand, and get an institution or meters.
        bills: new bills; ``account`` by code.
        purchases: new purchases, with the number among those that say the same.
        unchanged: rows that stand already.
        warnings: what deserves a look, in Chinese, with the cell.
        ignored: headings that mean nothing to us, by sheet.
    """

    source: str
    sha256: str
    accounts: tuple[AccountLine, ...]
    placed: tuple[AccountLine, ...]
    bills: tuple[BillLine, ...]
    purchases: tuple[tuple[PurchaseLine, int], ...]
    unchanged: int
    warnings: tuple[str, ...]
    ignored: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.accounts or self.placed or self.bills or self.purchases)


def draft(conn: psycopg.Connection[Any], path: Path, today: date) -> Draft:
    """Read a workbook and say what importing it would do; nothing is changed.

    Args:
        conn: in any state.
        path: our template filled in, or a supplier's sheet whose headings the words know.
        today: in the site's zone.

    Raises:
        RefusedError: with every mistake and its cell.
    """
    refusals = Refusals()
    sheets = read_sheets(path, words(), refusals)
    drafting = _Drafting(conn, words(), today, refusals, standing_accounts(conn))
    accounts = drafting.accounts(_of(sheets, "accounts"))
    bills = drafting.bills(_of(sheets, "bills"))
    purchases = drafting.purchases(_of(sheets, "purchases"))
    refusals.raise_if_any()
    return Draft(
        source=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        accounts=tuple(line for line in accounts if line.account.code not in drafting.standing),
        placed=tuple(line for line in accounts if line.account.code in drafting.standing),
        bills=tuple(bills),
        purchases=tuple(purchases),
        unchanged=drafting.unchanged,
        warnings=tuple(drafting.warnings),
        ignored=tuple(
            f"{sheet.name}：{'、'.join(sheet.ignored)}" for sheet in sheets if sheet.ignored
        ),
    )


class _Drafting:
    """One file on its way: what it says, held against what stands."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        words: Words,
        today: date,
        refusals: Refusals,
        standing: dict[str, StandingAccount],
    ) -> None:
        self.standing = standing
        self.unchanged = 0
        self.warnings: list[str] = []
        self._conn = conn
        self._words = words
        self._today = today
        self._refusals = refusals
        self._new: dict[str, NewAccount] = {}

    def accounts(self, sheets: Sequence[Sheet]) -> list[AccountLine]:
        """Return the accounts that are new or get something new."""
        lines = [
            line for sheet in sheets for line in account_lines(sheet, self._words, self._refusals)
        ]
        self._refuse_unknown((line.row, line.account.institution) for line in lines)
        self._refuse_meters(lines)
        found = []
        rows: dict[str, Row] = {}
        for line in lines:
            account = line.account
            if account.code in rows:
                line.row.refuse("number", f"与 {rows[account.code].where} 重复，请只保留一行")
                continue
            rows[account.code] = line.row
            if account.code not in self.standing:
                self._new[account.code] = account
                found.append(line)
            elif self._changes(line, self.standing[account.code]):
                found.append(line)
            else:
                self.unchanged += 1
        return found

    def bills(self, sheets: Sequence[Sheet]) -> list[BillLine]:
        """Return the bills that are new."""
        known = self._known()
        lines = [
            line
            for sheet in sheets
            for line in bill_lines(sheet, known, self._words, self._today, self._refusals)
        ]
        named = {line.bill.account for line in lines}
        accounts = {c: s.account for c, s in self.standing.items() if c in named}
        there = standing_bills(self._conn, accounts, self._words)
        new = [line for line in lines if not self._stands(line, there.get(line.bill.account, []))]
        self._refuse_overlaps(new)
        self._warn(new, there)
        return new

    def purchases(self, sheets: Sequence[Sheet]) -> list[tuple[PurchaseLine, int]]:
        """Return the purchases that are new, each with its number among those that say the same."""
        lines = [
            line
            for sheet in sheets
            for line in purchase_lines(sheet, self._words, self._today, self._refusals)
        ]
        self._refuse_unknown((line.row, line.purchase.institution) for line in lines)
        there = standing_purchases(self._conn, [line.purchase for line in lines])
        seen: Counter[tuple[object, ...]] = Counter()
        new = []
        for line in lines:
            key = key_of(line.purchase)
            seen[key] += 1
            if seen[key] <= there[key]:
                self.unchanged += 1
            else:
                new.append((line, seen[key]))
                self._warn_to_explain(line.row, line.purchase)
        return new

    def _changes(self, line: AccountLine, there: StandingAccount) -> bool:
        account, known = line.account, there.account
        for name in ("number", "supplier", "energy", "reading_day", "prepaid", "name"):
            written, stands = getattr(account, name), getattr(known, name)
            if written != stands:
                message = f"户号 {known.code} 登记为“{stands}”，与“{written}”不同"
                line.row.refuse(name, f"{message}；更正请用 jieyong bill account 命令")
        owner = there.owner(account.since)
        if owner is not None and owner != account.institution:
            message = f"户号 {known.code} 在 {account.since} 归属 {owner}"
            line.row.refuse("institution", f"{message}；变更归属请用 jieyong bill assign 命令")
        return owner is None or not set(account.meters) <= there.meters

    def _known(self) -> dict[str, list[Billed]]:
        known: dict[str, list[Billed]] = defaultdict(list)
        every: list[Account | NewAccount] = [s.account for s in self.standing.values()]
        every.extend(self._new.values())
        for account in every:
            for word in {account.code, account.number}:
                known[word].append(account)
        return known

    def _stands(self, line: BillLine, there: Sequence[StandingBill]) -> bool:
        bill = line.bill
        touching = [
            one
            for one in there
            if one.status == bill.status and one.first < bill.end and bill.first < one.end
        ]
        energy = self._energy(bill.account)
        same = (bill.first, bill.end, content_of(bill, energy, self._words))
        if any((one.first, one.end, one.content) == same for one in touching):
            self.unchanged += 1
            return True
        for one in touching:
            said = f"与账单 {one.id}（{one.first} 起，至 {one.end} 不含）时段重叠而内容不同"
            line.row.refuse("account", f"{said}；更正请先执行 jieyong bill withdraw {one.id}")
        return False

    def _energy(self, code: str) -> str:
        standing = self.standing.get(code)
        return self._new[code].energy if standing is None else standing.account.energy

    def _refuse_overlaps(self, lines: Iterable[BillLine]) -> None:
        ordered = sorted(lines, key=lambda one: (one.bill.account, one.bill.status, one.bill.first))
        reaching: dict[tuple[str, Status], BillLine] = {}
        for line in ordered:
            kind = (line.bill.account, line.bill.status)
            other = reaching.setdefault(kind, line)
            if other is not line and line.bill.first < other.bill.end:
                line.row.refuse("account", f"与 {other.row.where} 的账单时段重叠，请核对起止日期")
            if line.bill.end > other.bill.end:
                reaching[kind] = line

    def _refuse_meters(self, lines: Sequence[AccountLine]) -> None:
        named = [(line, meter) for line in lines for meter in line.account.meters]
        known = standing_meters(self._conn, [meter for _, meter in named])
        taken: dict[str, AccountLine] = {}
        for line, code in named:
            meter, account = known.get(code), line.account
            unit = self._words.energies[account.energy].unit
            first = taken.setdefault(code, line)
            if meter is None:
                line.row.refuse("meters", f"计量表 {code} 不存在，请核对编码")
            elif (meter.energy, meter.unit) != (account.energy, unit):
                said = f"计量表 {code}（{meter.energy}，{meter.unit}）"
                line.row.refuse("meters", f"{said}与户号（{account.energy}，{unit}）不一致，请核对")
            elif (other := meter.other(account.code, account.since)) is not None:
                line.row.refuse("meters", f"计量表 {code} 已属于户号 {other}，{_ONCE}")
            elif first.account.code != account.code:
                line.row.refuse("meters", f"计量表 {code} 已写在 {first.row.where}，{_ONCE}")

    def _refuse_unknown(self, named: Iterable[tuple[Row, str]]) -> None:
        every = list(named)
        known = codes(self._conn, "institution", sorted({code for _, code in every}))
        for row, code in every:
            if code not in known:
                row.refuse("institution", f"机构 {code} 不存在，请核对编码")

    def _warn(self, lines: Sequence[BillLine], there: dict[str, list[StandingBill]]) -> None:
        for line in lines:
            self._warn_to_explain(line.row, line.bill)
            parts = [part.quantity for part in line.bill.parts if part.quantity is not None]
            quantity = line.bill.quantity
            if parts and quantity is not None and sum(parts) != quantity:
                message = f"分时用量合计 {sum(parts)} 与用量 {quantity} 不等，请说明"
                self.warnings.append(f"{line.row.cell('quantity')}：{message}")
        for code in sorted({line.bill.account for line in lines}):
            standing = [(b.first, b.end) for b in there.get(code, ())]
            new = [(line.bill.first, line.bill.end) for line in lines if line.bill.account == code]
            self.warnings.extend(f"户号 {code}：{text}" for text in _gaps([*standing, *new]))

    def _warn_to_explain(self, row: Row, entry: NewBill | NewPurchase) -> None:
        if entry.note:
            return
        if entry.amount is None:
            self.warnings.append(f"{row.cell('amount')}：有用量而无金额，待说明")
        if entry.quantity is None:
            self.warnings.append(f"{row.cell('quantity')}：有金额而无用量，待说明")


def _gaps(periods: list[tuple[date, date]]) -> list[str]:
    found, reached = [], min(periods)[0]
    for first, end in sorted(periods):
        if first > reached:
            found.append(f"{reached} 至 {first}（不含）之间没有账单，请核对是否缺漏")
        reached = max(reached, end)
    return found


def _of(sheets: Sequence[Sheet], kind: str) -> list[Sheet]:
    return [sheet for sheet in sheets if sheet.kind == kind]
