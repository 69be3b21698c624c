"""From an inventory file to an :class:`~registry.inventory.Inventory`, or to every error in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from registry.catalogue import Catalogue
from registry.checks import check
from registry.document import Entry, InventoryError, Problem, Problems, compose
from registry.inventory import (
    ENERGIES,
    FUELS,
    TRANSPORTS,
    Binding,
    Building,
    Bus,
    Device,
    Institution,
    Inventory,
    Place,
    Room,
    Terminal,
    Vehicle,
)

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
_DAY_S: Final = 86_400
_MINUTE_MS: Final = 60_000


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
    entries = {section: _entries(root, section) for section in SECTIONS}
    codes = {SECTIONS[section]: _codes(found) for section, found in entries.items()}
    context = _Context(_zone(root, zone), _defaults(root), codes, catalogue)
    inventory = Inventory(
        source=source,
        sha256=hashlib.sha256(raw).hexdigest(),
        institutions=tuple(_institution(e, context) for e in entries["institutions"]),
        buildings=tuple(_building(e, context) for e in entries["buildings"]),
        rooms=tuple(_room(e, context) for e in entries["rooms"]),
        places=tuple(_place(e, context) for e in entries["places"]),
        buses=tuple(_bus(e, context) for e in entries["buses"]),
        devices=tuple(_device(e, context) for e in entries["devices"]),
        vehicles=tuple(_vehicle(e, context) for e in entries["vehicles"]),
        terminals=tuple(_terminal(e, context) for e in entries["terminals"]),
    )
    for entry in (root, *(e for found in entries.values() for e in found)):
        entry.finish()
    check(inventory, problems)
    problems.raise_if_any()
    return inventory


@dataclass(frozen=True, slots=True)
class _Defaults:
    interval_s: int = 60
    timeout_ms: int = 1000
    gap_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Context:
    zone: ZoneInfo
    defaults: _Defaults
    codes: Mapping[str, Collection[str]]
    catalogue: Catalogue


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


def _codes(entries: list[Entry]) -> Collection[str]:
    first: dict[str, int] = {}
    for entry in entries:
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


def _defaults(root: Entry) -> _Defaults:
    entry = root.section("defaults")
    if entry is None:
        return _Defaults()
    defaults = _Defaults(**_timing(entry, _Defaults()), gap_ms=_gap(entry, _Defaults()))
    entry.finish()
    return defaults


def _timing(entry: Entry, defaults: _Defaults) -> dict[str, int]:
    return {
        "interval_s": entry.integer("interval_s", 1, _DAY_S, defaults.interval_s),
        "timeout_ms": entry.integer("timeout_ms", 1, _MINUTE_MS, defaults.timeout_ms),
    }


def _gap(entry: Entry, defaults: _Defaults) -> int:
    return entry.integer("gap_ms", 0, _MINUTE_MS, defaults.gap_ms)


def _institution(entry: Entry, context: _Context) -> Institution:
    parent = None
    if entry.has("parent"):
        parent = entry.reference("parent", "institution", context.codes["institution"])
    return Institution(
        code=entry.text("code"),
        name=entry.text("name"),
        credit_code=entry.optional_text("credit_code"),
        parent=parent,
        lines=_lines(entry),
    )


def _building(entry: Entry, context: _Context) -> Building:
    return Building(
        code=entry.text("code"),
        name=entry.text("name"),
        institution=entry.reference("institution", "institution", context.codes["institution"]),
        floor_area_m2=entry.decimal("floor_area_m2"),
        lines=_lines(entry),
    )


def _room(entry: Entry, context: _Context) -> Room:
    return Room(
        code=entry.text("code"),
        name=entry.text("name"),
        building=entry.reference("building", "building", context.codes["building"]),
        purpose=entry.optional_text("purpose"),
        lines=_lines(entry),
    )


def _place(entry: Entry, context: _Context) -> Place:
    bindings = _bindings(entry, "room", context)
    if not bindings:
        entry.problem("room", "room is missing: say where it is")
    return Place(
        code=entry.text("code"),
        name=entry.text("name"),
        measures=entry.choice("measures", ENERGIES),
        bindings=bindings,
        lines=_lines(entry),
    )


def _bus(entry: Entry, context: _Context) -> Bus:
    return Bus(
        code=entry.text("code"),
        transport=entry.choice("transport", TRANSPORTS),
        host=entry.text("host").lower(),
        port=entry.integer("port", 1, 65_535, 502),
        gap_ms=_gap(entry, context.defaults),
        lines=_lines(entry),
    )


def _device(entry: Entry, context: _Context) -> Device:
    return Device(
        code=entry.text("code"),
        name=entry.text("name"),
        serial_no=entry.optional_text("serial_no"),
        profile=_profile(entry, context.catalogue),
        bus=entry.reference("bus", "bus", context.codes["bus"]),
        unit=entry.integer("unit", 0, 255),
        **_timing(entry, context.defaults),
        bindings=_bindings(entry, "place", context),
        lines=_lines(entry),
    )


def _vehicle(entry: Entry, context: _Context) -> Vehicle:
    return Vehicle(
        code=entry.text("code"),
        plate=entry.text("plate"),
        institution=entry.reference("institution", "institution", context.codes["institution"]),
        energy=entry.choice("energy", FUELS),
        sensitive=entry.boolean("sensitive"),
        lines=_lines(entry),
    )


def _terminal(entry: Entry, context: _Context) -> Terminal:
    return Terminal(
        code=entry.text("code"),
        bindings=_bindings(entry, "vehicle", context),
        lines=_lines(entry),
    )


def _profile(entry: Entry, catalogue: Catalogue) -> str:
    code, _, version = entry.text("profile").partition("@")
    if code and code not in catalogue:
        near = entry.nearest(code, catalogue)
        entry.problem("profile", f"there is no profile {code}{near}: see collector/profiles")
    elif code and version and version != str(catalogue[code].version):
        entry.problem(
            "profile",
            f"profile {code} is here in version {catalogue[code].version}, not {version}: "
            f"write {code}, or {code}@{catalogue[code].version}",
        )
    return code


def _bindings(entry: Entry, kind: str, context: _Context) -> tuple[Binding, ...]:
    """Read ``place: …`` with its dates, or ``places: [{place: …, since: …, until: …}, …]``."""
    several = f"{kind}s"
    if not entry.has(several):
        dated = entry.has("since") or entry.has("until")
        if entry.has(kind):
            return (_binding(entry, kind, context),)
        if dated:
            entry.problem("since", f"a date without {kind}: say which {kind} it is about")
        return ()
    if entry.has(kind):
        entry.problem(several, f"{kind} and {several} both stand here: keep one of them")
    found = entry.entries(several, f"{entry.label}, {several}")
    bindings = tuple(_binding(e, kind, context) for e in found)
    for each, binding in zip(found, bindings, strict=True):
        each.finish()
        if len(found) > 1 and binding.since is None:
            each.problem("since", "since is missing: each of several needs its own")
    return bindings


def _binding(entry: Entry, kind: str, context: _Context) -> Binding:
    since = entry.moment("since", context.zone)
    until = entry.moment("until", context.zone)
    if entry.has("until") and not entry.has("since"):
        entry.problem("until", "until without since: add since")
    if since and until and since >= until:
        entry.problem("until", "until is not after since: correct one of them")
    target = entry.reference(kind, kind, context.codes[kind])
    return Binding(target, since, until, entry.lines.get(kind, entry.line))


def _lines(entry: Entry) -> dict[str, int]:
    return {"": entry.line, **entry.lines}
