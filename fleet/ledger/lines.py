"""What rows of sheets become: lines of tables, each with what it speaks of and what it says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from fleet.ledger.holders import Holders
from fleet.ledger.words import Papers
from registry.sheet import Row
from registry.years import not_yet

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "fuel_consumer": ("code", "kind"),
    "consumer_fact": ("name", "value", "since"),
    "fuel_card_fact": ("card", "main_card", "since"),
    "fleet_spending": (
        *("kind", "card", "at", "timed", "product", "quantity", "unit", "fen", "odometer_hm"),
        *("full_tank", "missed", "own_premises", "merchant", "part", "transaction_id"),
        *("provider", "document", "note"),
    ),
    "dispatch_order": (
        *("number", "day", "driver", "reason", "passenger", "approver", "destination"),
        *("out_at", "back_at", "odometer_out_hm", "odometer_back_hm", "note"),
    ),
    "fleet_party": ("kind", "name", "since", "until", "chain", "detail"),
    "fleet_budget": ("year", "fen"),
    "fleet_fence": (
        *("code", "name", "purpose", "kind", "datum", "original", "wgs84", "radius_m"),
        *("margin_m", "dwell_s", "since", "until", "note"),
    ),
    "fleet_yard": ("fence", "days", "from_time", "to_time", "since", "until", "note"),
    "fleet_sealed": (
        *("class", "tail", "days", "from_time", "to_time", "since", "until", "reason"),
    ),
    "fleet_duty": ("from_at", "to_at", "reason"),
}
"""Table → what its lines say, besides whose they are: see :data:`REFERS`."""

REFERS: Final[Mapping[str, tuple[str, ...]]] = {
    "fuel_consumer": ("institution",),
    "consumer_fact": ("consumer",),
    "fuel_card_fact": ("consumer",),
    "fleet_spending": ("consumer",),
    "dispatch_order": ("consumer",),
    "fleet_party": ("institution",),
    "fleet_budget": ("institution", "consumer"),
    "fleet_fence": ("institution",),
    "fleet_yard": ("vehicle", "institution"),
    "fleet_sealed": ("vehicle", "institution"),
    "fleet_duty": ("vehicle",),
}
"""Table → what its lines refer to by code."""

_LOST: Final = re.compile(r"\d(?:\.\d+)?[eE]\+\d+")
_EXACT: Final = 10**15
"""Excel keeps 15 digits of a number; a card has up to 19."""

Said = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line on its way into a table.

    Attributes:
        row: where it stands.
        table: which.
        key: what it speaks of; stands once.
        values: what it says, by column; times as ISO texts in UTC, days as ISO texts.
    """

    row: Row
    table: str
    key: str
    values: Mapping[str, Said]

    @property
    def content(self) -> str:
        """Digest of what it says."""
        return digest(self.values)


@dataclass(frozen=True, slots=True)
class Reading:
    """What rows are read with: the words, the site's zone, its day, and who is who."""

    papers: Papers
    zone: ZoneInfo
    today: date
    holders: Holders


def digest(values: Mapping[str, Said]) -> str:
    """Return the SHA-256 of what a line says."""
    text = json.dumps(values, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def utc(moment: datetime) -> str:
    """Write a moment the same way whatever zone it came in."""
    return moment.astimezone(UTC).isoformat()


def number_text(row: Row, name: str) -> str:
    """Return a long number as text; refuse one whose last digits a spreadsheet has lost."""
    value, text = row.value(name), row.text(name)
    if _LOST.fullmatch(text) or (isinstance(value, (int, float)) and abs(value) >= _EXACT):
        row.refuse(name, "号码在表格中按数字保存，末几位已丢失，请设为文本格式后重新填写")
        return ""
    return text


def consumer(row: Row, reading: Reading, day: date, *, needed: bool = True) -> str | None:
    """Return the code of the consumer that a row names by code or plate; None after a refusal."""
    word = row.needed("consumer") if needed else row.text("consumer")
    if not word:
        return None
    found = reading.holders.find(word, day)
    if len(found) == 1:
        return found[0]
    if found:
        row.refuse("consumer", f"{word} 在 {day} 指 {'、'.join(found)} 几辆，请改写车辆编码")
    else:
        row.refuse("consumer", f"{word} 在 {day} 没有登记，请先在“车辆”表中登记，或核对")
    return None


def refuse_later(row: Row, name: str, day: date | None, today: date) -> None:
    """Note a day that has not come, of what is said to have happened."""
    if day is not None and day > today:
        row.refuse(name, not_yet(day, today))


def choice(row: Row, name: str, found: str | None, known: list[str]) -> str | None:
    """Note a word that is none of a list; return what it means."""
    if found is None:
        row.refuse(name, f"“{row.text(name)}”不认识，请从这些中选：{'、'.join(known)}")
    return found
