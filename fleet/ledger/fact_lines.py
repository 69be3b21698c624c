"""Rows of facts: consumers and what is true of them, cards, people and places, budgets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from fleet.ledger import cells
from fleet.ledger.lines import Line, Reading, Said, choice, consumer, number_text, refuse_later, utc
from fleet.ledger.words import Words, meant
from registry.sheet import Row
from registry.years import YEARS, wrong_year

FACTS: Final = (
    *("plate", "energy", "class", "use", "displacement", "tank", "battery", "bought_on", "price"),
    *("establishment", "state", "secrecy"),
)
"""What is known of a consumer, in the order of sheets."""
WHOLE: Final = {
    "displacement": (1000, "毫升"),
    "tank": (1000, "毫升"),
    "battery": (1000, "瓦时"),
    "price": (100, "分"),
}
"""Fact → small units in one of the sheet's, and what the small one is called."""


def consumer_lines(row: Row, reading: Reading) -> Iterator[Line]:
    """Yield a consumer, and each fact of its row."""
    words = reading.papers.words
    code, since = row.needed("code"), row.day("since")
    if since is None and not row.has("since"):
        row.refuse("since", "没有填写，请补上这些情况自何日起")
    kind = _kind(row, words)
    institution = row.needed("institution")
    if not (code and since and kind and institution):
        return
    said: dict[str, Said] = {"code": code, "kind": kind, "institution": institution}
    yield Line(row, "fuel_consumer", code, said)
    for name in FACTS:
        value = fact_value(row, name, words, reading.today) if row.has(name) else None
        if value is not None:
            yield fact_line(row, code, name, since, value)


def fact_line(row: Row, code: str, name: str, since: date, value: str) -> Line:
    """Return the line of one fact."""
    day = since.isoformat()
    values: dict[str, Said] = {"consumer": code, "name": name, "value": value, "since": day}
    return Line(row, "consumer_fact", f"{code}|{name}|{day}", values)


def fact_value(row: Row, name: str, words: Words, today: date) -> str | None:
    """Return a fact as it is kept, or None after a refusal."""
    if name == "energy":
        known = [one.words[0] for one in words.energies.values()]
        return choice(row, name, words.energy(row.text(name)), known)
    if name in words.choices:
        options = words.choices[name]
        known = [one[0] for one in options.values()]
        return choice(row, name, meant(options, row.text(name)), known)
    if name in WHOLE:
        value = cells.not_negative(row, name, cells.whole(row, name, *WHOLE[name]))
        return None if value is None else str(value)
    if name == "bought_on":
        day = row.day(name)
        refuse_later(row, name, day, today)
        return None if day is None else day.isoformat()
    return row.text(name)


def card_lines(row: Row, reading: Reading) -> Iterator[Line]:
    """Yield whose card it is from a moment on; without a vehicle: nobody's."""
    card, since = number_text(row, "card"), cells.moment(row, reading.zone, "since", "")
    if not row.has("card"):
        row.needed("card")
    if since is None and not row.has("since"):
        row.refuse("since", "没有填写，请补上自何时起绑定")
    if not card or since is None:
        return
    moment, timed = since
    # A day begins at midnight: the card is bound for all of it.
    at = moment if timed else moment.replace(hour=0)
    values: dict[str, Said] = {
        "card": card,
        "main_card": number_text(row, "main_card"),
        "consumer": consumer(row, reading, at.date(), needed=False),
        "since": utc(at),
    }
    yield Line(row, "fuel_card_fact", f"{card}|{utc(at)}", values)


def party_lines(row: Row, words: Words) -> Iterator[Line]:
    """Yield a driver or a designated place."""
    known = [one[0] for one in words.parties.values()]
    kind = choice(row, "kind", meant(words.parties, row.needed("kind")), known)
    name, since, last = row.needed("name"), row.day("since"), row.day("last")
    if since is None and not row.has("since"):
        row.refuse("since", "没有填写，请补上起始日期")
    if since is not None and last is not None and last < since:
        row.refuse("last", f"{last} 早于起始日期 {since}，请核对")
    if kind is None or since is None:
        return
    institution = row.text("institution")
    values: dict[str, Said] = {
        "kind": kind,
        "name": name,
        "institution": institution or None,
        "since": since.isoformat(),
        "until": None if last is None else (last + timedelta(days=1)).isoformat(),
        "chain": row.yes("chain", words),
        "detail": row.text("detail"),
    }
    yield Line(row, "fleet_party", f"{kind}|{name}|{institution}|{since}", values)


def budget_lines(row: Row, reading: Reading) -> Iterator[Line]:
    """Yield what running costs may come to in a year."""
    institution, year = row.needed("institution"), row.whole("year")
    fen = cells.not_negative(row, "amount", cells.fen(row, "amount"))
    if year is None and not row.has("year"):
        row.needed("year")
    if year is not None and year not in YEARS:
        row.refuse("year", wrong_year(year))
        return
    if fen is None and not row.has("amount"):
        row.needed("amount")
    if year is None or fen is None:
        return
    code = consumer(row, reading, date(year, 12, 31), needed=False)
    if code is not None and reading.holders.institutions[code] != institution:
        row.refuse("consumer", f"{code} 不属于机构 {institution}，请核对")
    values: dict[str, Said] = {
        "institution": institution,
        "consumer": code,
        "year": year,
        "fen": fen,
    }
    yield Line(row, "fleet_budget", f"{institution}|{code or ''}|{year}", values)


def _kind(row: Row, words: Words) -> str | None:
    if not row.has("kind"):
        return "vehicle"
    known = [one.words[0] for one in words.consumers.values()]
    return choice(row, "kind", words.consumer(row.text("kind")), known)
