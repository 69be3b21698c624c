"""From an inventory file to an :class:`~registry.inventory.Inventory`, or to every error in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from registry import entries
from registry.catalogue import Catalogue
from registry.checks import check
from registry.document import Entry, InventoryError, Problem, Problems, compose
from registry.inventory import Inventory

SECTIONS: Final = {
    "institutions": "institution",
    "buildings": "building",
    "rooms": "room",
    "places": "place",
    "buses": "bus",
    "devices": "device",
    "vehicles": "vehicle",
    "terminals": "terminal",
}
"""The lists of the file → what one entry of each is called."""

DEFAULT_ZONE: Final = "Asia/Shanghai"
_CODE: Final = re.compile(r"[^\s/+#@]{1,64}")


def read_inventory(path: Path, catalogue: Catalogue, zone: str = DEFAULT_ZONE) -> Inventory:
    """Read and check an inventory file.

    Args:
        path: the YAML file, UTF-8.
        catalogue: the device profiles it may name.
        zone: time zone of its dates when it names none itself.

    Raises:
        InventoryError: the file cannot be used; holds every problem with its line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        words = f"the inventory cannot be read: {error.strerror}; name a file that exists"
        raise InventoryError(str(path), [Problem(1, words)]) from error
    return parse_inventory(raw, str(path), catalogue, zone)


def parse_inventory(
    raw: bytes, source: str, catalogue: Catalogue, zone: str = DEFAULT_ZONE
) -> Inventory:
    """Check an inventory given as the bytes of its file.

    Args:
        raw: YAML, UTF-8.
        source: what to call it in messages.
        catalogue: the device profiles it may name.
        zone: time zone of its dates when it names none itself.

    Raises:
        InventoryError: it cannot be used; holds every problem with its line.
    """
    problems = Problems(source)
    root = compose(_decode(raw, problems), "inventory", problems)
    found = {section: _entries(root, section) for section in SECTIONS}
    codes = {SECTIONS[section]: _codes(listed) for section, listed in found.items()}
    context = entries.Context(_zone(root, zone), _defaults(root), codes, catalogue)
    inventory = Inventory(
        source=source,
        sha256=hashlib.sha256(raw).hexdigest(),
        institutions=tuple(entries.institution(e, context) for e in found["institutions"]),
        buildings=tuple(entries.building(e, context) for e in found["buildings"]),
        rooms=tuple(entries.room(e, context) for e in found["rooms"]),
        places=tuple(entries.place(e, context) for e in found["places"]),
        buses=tuple(entries.bus(e, context) for e in found["buses"]),
        devices=tuple(entries.device(e, context) for e in found["devices"]),
        vehicles=tuple(entries.vehicle(e, context) for e in found["vehicles"]),
        terminals=tuple(entries.terminal(e, context) for e in found["terminals"]),
    )
    for entry in (root, *(e for listed in found.values() for e in listed)):
        entry.finish()
    check(inventory, problems)
    problems.raise_if_any()
    return inventory


def _decode(raw: bytes, problems: Problems) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(line, "this is not UTF-8: save the file as UTF-8 (GBK is not read)")
        problems.fail()


def _entries(root: Entry, section: str) -> list[Entry]:
    if root.has(section):
        return root.entries(section, SECTIONS[section])
    root.problem(
        section,
        f"{section} is missing, which would close every {SECTIONS[section]} of the database: "
        f"write {section}: [] when there really are none",
    )
    return []


def _codes(listed: list[Entry]) -> Collection[str]:
    first: dict[str, int] = {}
    for entry in listed:
        code = entry.text("code")
        if code and not _CODE.fullmatch(code):
            entry.problem(
                "code", "a code has at most 64 characters, no spaces and none of / + # @: change it"
            )
        elif code in first:
            entry.problem(
                "code", f"this code stands in line {first[code]} already: codes are unique"
            )
        if code:
            first.setdefault(code, entry.lines["code"])
    return first.keys()


def _zone(root: Entry, default: str) -> ZoneInfo:
    name = root.text("time_zone") if root.has("time_zone") else default
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        if name:
            root.problem(
                "time_zone", f"time_zone {name} is not known: write one like Asia/Shanghai"
            )
        return ZoneInfo(DEFAULT_ZONE)


def _defaults(root: Entry) -> entries.Defaults:
    entry = root.section("defaults")
    ours = entries.Defaults()
    if entry is None:
        return ours
    defaults = entries.Defaults(**entries.timing(entry, ours), gap_ms=entries.gap(entry, ours))
    entry.finish()
    return defaults
