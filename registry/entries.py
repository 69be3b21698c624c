"""Reading one entry of each kind from an inventory file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from registry import tag_words
from registry.catalogue import Catalogue
from registry.document import Entry
from registry.inventory import (
    BY_HAND,
    ENERGIES,
    FUELS,
    TRANSPORTS,
    Binding,
    Building,
    Bus,
    Device,
    Institution,
    Place,
    Room,
    Terminal,
    Vehicle,
)
from registry.tag_words import Misuse

_DAY_S: Final = 86_400
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an entry does not say itself."""

    interval_s: int = 60
    timeout_ms: int = 1000
    gap_ms: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """What reading one entry needs of the rest.

    Attributes:
        zone: of dates without an offset.
        codes: kind → codes that stand in the file.
        catalogue: the device profiles an entry may name.
    """

    zone: ZoneInfo
    defaults: Defaults
    codes: Mapping[str, Collection[str]]
    catalogue: Catalogue


def timing(entry: Entry, defaults: Defaults) -> dict[str, int]:
    """Read ``interval_s`` and ``timeout_ms``."""
    return {
        "interval_s": entry.integer("interval_s", 1, _DAY_S, defaults.interval_s),
        "timeout_ms": entry.integer("timeout_ms", 1, _MINUTE_MS, defaults.timeout_ms),
    }


def gap(entry: Entry, defaults: Defaults) -> int:
    """Read ``gap_ms``."""
    return entry.integer("gap_ms", 0, _MINUTE_MS, defaults.gap_ms)


def institution(entry: Entry, context: Context) -> Institution:
    """Read an institution."""
    parent = None
    if entry.has("parent"):
        parent = entry.reference("parent", "institution", context.codes["institution"])
    return Institution(
        code=entry.text("code"),
        name=entry.text("name"),
        credit_code=entry.optional_text("credit_code"),
        parent=parent,
        tags=_tags(entry, "institution", context),
        lines=_lines(entry),
    )


def building(entry: Entry, context: Context) -> Building:
    """Read a building."""
    return Building(
        code=entry.text("code"),
        name=entry.text("name"),
        institution=entry.reference("institution", "institution", context.codes["institution"]),
        floor_area_m2=entry.decimal("floor_area_m2"),
        tags=_tags(entry, "building", context),
        lines=_lines(entry),
    )


def room(entry: Entry, context: Context) -> Room:
    """Read a room."""
    return Room(
        code=entry.text("code"),
        name=entry.text("name"),
        building=entry.reference("building", "building", context.codes["building"]),
        purpose=entry.optional_text("purpose"),
        tags=_tags(entry, "room", context),
        lines=_lines(entry),
    )


def place(entry: Entry, context: Context) -> Place:
    """Read a place."""
    bindings = _bindings(entry, "room", context)
    if not bindings:
        entry.problem("room", "room is missing: say where it is")
    return Place(
        code=entry.text("code"),
        name=entry.text("name"),
        measures=entry.choice("measures", ENERGIES),
        bindings=bindings,
        tags=_tags(entry, "place", context),
        lines=_lines(entry),
    )


def bus(entry: Entry, context: Context) -> Bus:
    """Read a bus."""
    transport = entry.choice("transport", TRANSPORTS)
    host, port = _by_hand(entry) if transport == BY_HAND else _address(entry)
    return Bus(
        code=entry.text("code"),
        transport=transport,
        host=host,
        port=port,
        gap_ms=gap(entry, context.defaults),
        lines=_lines(entry),
    )


def _address(entry: Entry) -> tuple[str, int]:
    return entry.text("host").lower(), entry.integer("port", 1, 65_535, 502)


def _by_hand(entry: Entry) -> tuple[str, int]:
    for key in ("host", "port"):
        if entry.has(key):
            entry.problem(key, f"nobody is asked on a bus {BY_HAND}: leave {key} out")
            entry.text(key)
    return "", 0


def device(entry: Entry, context: Context) -> Device:
    """Read a device."""
    return Device(
        code=entry.text("code"),
        name=entry.text("name"),
        serial_no=entry.optional_text("serial_no"),
        profile=_profile(entry, context.catalogue),
        bus=entry.reference("bus", "bus", context.codes["bus"]),
        unit=entry.integer("unit", 0, 255, 0),  # who needs one: registry.checks
        **timing(entry, context.defaults),
        bindings=_bindings(entry, "place", context),
        lines=_lines(entry),
    )


def vehicle(entry: Entry, context: Context) -> Vehicle:
    """Read a vehicle."""
    return Vehicle(
        code=entry.text("code"),
        plate=entry.text("plate"),
        institution=entry.reference("institution", "institution", context.codes["institution"]),
        energy=entry.choice("energy", FUELS),
        sensitive=entry.boolean("sensitive"),
        tags=_tags(entry, "vehicle", context),
        lines=_lines(entry),
    )


def terminal(entry: Entry, context: Context) -> Terminal:
    """Read a terminal."""
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


def _bindings(entry: Entry, kind: str, context: Context) -> tuple[Binding, ...]:
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


def _binding(entry: Entry, kind: str, context: Context) -> Binding:
    since, until = _dates(entry, context)
    target = entry.reference(kind, kind, context.codes[kind])
    return Binding(target, since, until, entry.lines.get(kind, entry.line))


def _dates(entry: Entry, context: Context) -> tuple[datetime | None, datetime | None]:
    since = entry.moment("since", context.zone)
    until = entry.moment("until", context.zone)
    if entry.has("until") and not entry.has("since"):
        entry.problem("until", "until without since: add since")
    if since and until and since >= until:
        entry.problem("until", "until is not after since: correct one of them")
    return since, until


def _tags(entry: Entry, kind: str, context: Context) -> tuple[Binding, ...]:
    """Read ``tags: [word, {tag: word, since: …, until: …}, …]``."""
    if not entry.has("tags"):
        return ()
    found = entry.entries("tags", f"{entry.label}, tags", short="tag")
    return tuple(_tag(each, kind, context) for each in found)


def _tag(entry: Entry, kind: str, context: Context) -> Binding:
    word = entry.text("tag")
    wrong = tag_words.misuse(word, kind) if word else None
    if wrong is not None:
        entry.problem("tag", _misuse(entry, word, wrong))
    since, until = _dates(entry, context)
    entry.finish()
    return Binding(word, since, until, entry.lines.get("tag", entry.line))


def _misuse(entry: Entry, word: str, wrong: Misuse) -> str:
    known = tag_words.known()
    if wrong is Misuse.FORM:
        return f"tag {word}: a tag is a word of a-z, 0-9 and -, at most 64: change it"
    if wrong is Misuse.ELSEWHERE:
        return f"tag {word} stands at {', '.join(known[word].of)} only: move it there"
    near = entry.nearest(word, known)
    return (
        f"tag {word} is not known{near}: `jieyong tag words` lists them; "
        f"one of your own begins with {tag_words.OWN}"
    )


def _lines(entry: Entry) -> dict[str, int]:
    return {"": entry.line, **entry.lines}
