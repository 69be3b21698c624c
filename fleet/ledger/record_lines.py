"""Rows of records: dispatch orders, and lines of statements and of lists of costs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fleet.ledger import cells
from fleet.ledger.lines import (
    Line,
    Reading,
    Said,
    choice,
    consumer,
    digest,
    number_text,
    refuse_later,
    utc,
)
from fleet.ledger.words import Unit
from registry.sheet import Refusals, Row, Sheet

_SMALL: Final = {"ml": "毫升", "wh": "瓦时", "dm3": "立方分米", "g": "克"}
_UNITS: Final = {
    "": "",
    **dict.fromkeys(("l", "升", "公升"), "ml"),
    **dict.fromkeys(("kwh", "千瓦时", "度"), "wh"),
    **dict.fromkeys(("m3", "m³", "立方米", "方"), "dm3"),
    **dict.fromkeys(("kg", "千克", "公斤"), "g"),
}
_NO_YUAN: Final = re.compile("[万千百亿]|美元")
_MEASURED: Final = frozenset({"filling", "refund", "charging", "adblue"})
"""Kinds of lines whose quantity is one of energy or of AdBlue."""


@dataclass(frozen=True, slots=True)
class _What:
    """What a line is: its kind, what was filled, and how much of it in whole units."""

    kind: str
    product: str
    quantity: int | None
    unit: Unit | None
    fen: int | None


def check_units(sheet: Sheet, refusals: Refusals) -> None:
    """Note headings whose units are not ours."""
    if _NO_YUAN.search(unit := sheet.units.get("amount", "")):
        refusals.add(sheet.heading_cell("amount"), f"金额的单位是“{unit}”，请换算成元后再导入")
    unit = sheet.units.get("quantity", "")
    if unit.casefold() not in _UNITS:
        said = f"数量的单位“{unit}”不认识，请换算成升、千瓦时、立方米或千克后再导入"
        refusals.add(sheet.heading_cell("quantity"), said)


def order_lines(row: Row, reading: Reading) -> Iterator[Line]:
    """Yield a dispatch order; what is missing stays empty and lowers its score."""
    before = len(row.refusals.found)
    out, back = (_clock(row, reading, name) for name in ("out_at", "back_at"))
    day = row.day("day") or (out.date() if out else None)
    if day is None and not row.has("day"):
        row.refuse("day", "没有填写，请补上用车日期或出车时间")
    hm_out, hm_back = (cells.odometer(row, f"odometer_{way}") for way in ("out", "back"))
    for way, hm in (("out", hm_out), ("back", hm_back)):
        if hm is not None:  # an order may be of a day to come, what a dashboard showed is not
            refuse_later(row, f"odometer_{way}", day, reading.today)
    if out and back and back < out:
        row.refuse("back_at", "回车时间早于出车时间，请核对")
    if hm_out is not None and hm_back is not None and hm_back < hm_out:
        row.refuse("odometer_back", "回车里程小于出车里程，请核对")
    code = consumer(row, reading, day) if day else None
    number = number_text(row, "number") or row.needed("number")
    if len(row.refusals.found) > before or day is None:
        return
    texts = ("driver", "reason", "passenger", "approver", "destination", "note")
    values: dict[str, Said] = {
        "number": number,
        "consumer": code,
        "day": day.isoformat(),
        **{name: row.text(name) for name in texts},
        "out_at": utc(out) if out else None,
        "back_at": utc(back) if back else None,
        "odometer_out_hm": hm_out,
        "odometer_back_hm": hm_back,
    }
    yield Line(row, "dispatch_order", f"{code}|{number}", values)


def spending_lines(row: Row, reading: Reading, same: Counter[str]) -> Iterator[Line]:
    """Yield a line of a statement or of a list of costs.

    Args:
        row: where it stands.
        reading: what it is read with.
        same: how often each line without a transaction id stood in the file before.
    """
    before = len(row.refusals.found)
    when = cells.moment(row, reading.zone, "day", "at")
    if when is None and not (row.has("day") or row.has("at")):
        row.refuse("day", "没有填写，请补上日期")
    if when is None:
        return
    at, timed = when
    refuse_later(row, "day" if row.has("day") else "at", at.date(), reading.today)
    card = number_text(row, "card")
    code = consumer(row, reading, at.date(), needed=not row.has("card"))
    what = _what(row, reading, code, at)
    odometer = cells.odometer(row, "odometer")
    words = reading.papers.words
    own = row.yes("own_premises", words)
    if own and what is not None and what.kind != "charging":
        row.refuse("own_premises", "只有充电才填本单位充电，请改为否或留空")
    full, missed = row.yes("full", words), row.yes("missed", words)
    identity = number_text(row, "transaction_id")
    if what is None or len(row.refusals.found) > before:
        return
    values: dict[str, Said] = {
        "kind": what.kind,
        "consumer": code,
        "card": card,
        "at": utc(at),
        "timed": timed,
        "product": what.product,
        "quantity": what.quantity,
        "unit": what.unit,
        "fen": what.fen,
        "odometer_hm": odometer,
        "full_tank": full,
        "missed": missed,
        "own_premises": own,
        "transaction_id": identity,
        "provider": reading.papers.provider,
        **{name: row.text(name) for name in ("merchant", "part", "document", "note")},
    }
    yield Line(row, "fleet_spending", _key(identity, values, same), values)


def _key(identity: str, values: dict[str, Said], same: Counter[str]) -> str:
    """Two lines that say the same without an id are two, the first and the second of them."""
    if identity:
        return f"{values['provider']}|{identity}"
    said = digest(values)
    same[said] += 1
    return f"#{said}|{same[said]}"


def _what(row: Row, reading: Reading, code: str | None, at: datetime) -> _What | None:
    papers = reading.papers
    kind = _kind(row, reading)
    product = _product(row, reading, kind, code, at)
    fen = cells.fen(row, "amount")
    if kind is None or product is None:
        return None
    known = papers.words.products.get(product)
    if kind == "filling" and fen is not None and fen < 0:
        kind = "refund"
    if kind == "refund":
        fen = None if fen is None else -abs(fen)
    if known and known.kind and (kind == "filling" or known.kind == "goods"):
        kind = known.kind
    if not papers.may(kind):
        name = papers.words.name("transactions", kind)
        row.refuse("kind", f"{papers.provider} 不能导入“{name}”，请从文件中删去，或核对对照文件")
    unit = known.unit if known and kind in _MEASURED else None
    quantity = cells.whole(row, "quantity", 1000, _SMALL[unit]) if unit else None
    if unit:
        _refuse_other_unit(row, unit)
    if quantity is None and fen is None:
        row.refuse("amount", "金额和数量都没有填写，请至少补上一项")
    if kind == "refund":
        quantity = None if quantity is None else -abs(quantity)
    else:
        cells.not_negative(row, "quantity", quantity)
        if fen is not None and papers.words.transactions[kind].money == "cost":
            cells.not_negative(row, "amount", fen)
    return _What(kind, product, quantity, unit if quantity is not None else None, fen)


def _refuse_other_unit(row: Row, unit: Unit) -> None:
    heading = _UNITS.get(row.sheet.units.get("quantity", "").casefold(), "")
    if heading not in {"", unit}:
        row.refuse("quantity", f"表头的单位是{_SMALL[heading]}一类，与油品不符，请核对")


def _kind(row: Row, reading: Reading) -> str | None:
    words = reading.papers.words
    known = [one.words[0] for one in words.transactions.values()]
    if row.has("kind"):
        return choice(row, "kind", reading.papers.transaction(row.text("kind")), known)
    usual = words.default_transaction.get(row.sheet.name.strip())
    if usual is None:
        row.refuse("kind", f"没有填写，请从这些中选：{'、'.join(known)}")
    return usual


def _product(
    row: Row, reading: Reading, kind: str | None, code: str | None, at: datetime
) -> str | None:
    """Return what was filled, "" where that is no question, None after a refusal."""
    words = reading.papers.words
    if row.has("product") and kind in {"filling", "refund", "charging", "adblue"}:
        known = [one.words[0] for one in words.products.values()]
        return choice(row, "product", reading.papers.product(row.text("product")), known)
    if kind == "charging":
        return "electricity"
    if kind == "adblue":
        return "adblue"
    if kind != "filling":
        return ""
    energy = code and reading.holders.fact(code, "energy", at.date())
    statistics = words.energies[energy].statistics if energy in words.energies else None
    fuels = [name for name, one in words.products.items() if one.statistics == statistics]
    if statistics is None or len(fuels) != 1:
        row.refuse("product", "没有填写油品，车辆登记的能源也不能说明加的是什么，请补上")
        return None
    return fuels[0]


def _clock(row: Row, reading: Reading, name: str) -> datetime | None:
    """Return a moment whose time of day is known; a day alone is no time."""
    found = cells.moment(row, reading.zone, "day", name) if row.has(name) else None
    if found is None or found[1]:
        return found[0] if found else None
    row.refuse(name, f"“{row.text(name)}”没有钟点，请写成 2026-01-31 08:30")
    return None
