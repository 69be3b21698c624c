"""From a file of meters to what it says, or to every error in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from metering.facts import written
from metering.facts.file_model import DIRECTIONS, MetersFile, MeterSpec, ProfileSpec
from metering.facts.ratio import RatioFact
from metering.facts.register import RegisterFact
from metering.facts.span import Span
from metering.facts.sync import UNITS
from metering.tree.formula import FormulaError, parse
from registry.document import Entry, InventoryError, Problem, Problems, compose
from registry.inventory import Binding
from registry.reading import DEFAULT_ZONE
from registry.refusal import RefusedError
from registry.years import YEARS, sensible

_CODE: Final = re.compile(r"[^\s/+#@{}]{1,64}")
_ITEM: Final = re.compile(r"[0-9A-Z]{5}")
_PROFILE: Final = re.compile(r"[^\s/+#@]{1,64}@[1-9][0-9]{0,5}")
_SECTIONS: Final = ("meters", "registers", "load_profiles")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS: Final = {"workdays": _DAYS[:5], "weekend": _DAYS[5:]}
_HEAVIEST: Final = 10_000


def read_meters(path: Path, zone: str = DEFAULT_ZONE) -> MetersFile:
    """Read and check a meters' file.

    Args:
        path: the YAML file, UTF-8.
        zone: time zone of its dates when it names none itself.

    Raises:
        InventoryError: it cannot be used; holds every problem with its line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        words = f"the meters' file cannot be read: {error.strerror}; name a file that exists"
        raise InventoryError(str(path), [Problem(1, words)]) from error
    return parse_meters(raw, str(path), zone)


def parse_meters(raw: bytes, source: str, zone: str = DEFAULT_ZONE) -> MetersFile:
    """Check a meters' file given as its bytes.

    Raises:
        InventoryError: it cannot be used; holds every problem with its line.
    """
    problems = Problems(source)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(raw.count(b"\n", 0, error.start) + 1, "this is not UTF-8: save it as UTF-8")
        problems.fail()
    root = compose(text, "meters' file", problems)
    local = _zone(root, zone)
    found = {s: root.entries(s, s[:-1]) if root.has(s) else [] for s in _SECTIONS}
    stated = MetersFile(
        source=source,
        sha256=hashlib.sha256(raw).hexdigest(),
        meters=tuple(_meter(entry, local) for entry in found["meters"]),
        registers=tuple((_register(e, local), e.line) for e in found["registers"]),
        profiles=tuple(_profile(entry) for entry in found["load_profiles"]),
    )
    for entry in (root, *(e for listed in found.values() for e in listed)):
        entry.finish()
    _unique(stated, problems)
    problems.raise_if_any()
    return stated


def _zone(root: Entry, default: str) -> ZoneInfo:
    name = root.text("time_zone") if root.has("time_zone") else default
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        root.problem("time_zone", f"time_zone {name} is not known: write one like Asia/Shanghai")
        return ZoneInfo(DEFAULT_ZONE)


def _meter(entry: Entry, zone: ZoneInfo) -> MeterSpec:
    code = entry.text("code")
    if code and not _CODE.fullmatch(code):
        entry.problem("code", "a code has at most 64 characters, no spaces, none of / + # @ { }")
    spec = MeterSpec(
        code=code,
        name=entry.optional_text("name"),
        energy=entry.choice("energy", UNITS) if entry.has("energy") else None,
        unit=entry.optional_text("unit"),
        direction=entry.choice("direction", DIRECTIONS) if entry.has("direction") else None,
        item=entry.optional_text("item"),
        place=entry.optional_text("place"),
        register=entry.optional_text("register"),
        formula=entry.optional_text("formula"),
        ratios=_ratios(entry, code, zone),
        mains=_bindings(entry, "main", zone),
        profiles=_bindings(entry, "load_profile", zone),
        lines={"": entry.line, **entry.lines},
    )
    _sound(entry, spec)
    return spec


def _sound(entry: Entry, spec: MeterSpec) -> None:
    """Report what does not go together in one meter."""
    if spec.item is not None and not _ITEM.fullmatch(spec.item):
        entry.problem("item", f"item {spec.item} is no sub-item code: five characters, like 01A00")
    if spec.unit and spec.energy in UNITS and spec.unit not in UNITS[spec.energy]:
        known = ", ".join(UNITS[spec.energy])
        entry.problem("unit", f"{spec.energy} is not counted in {spec.unit}: write {known}")
    if spec.unit and not spec.energy:
        entry.problem("unit", "unit without energy: add energy")
    for binding in spec.profiles or ():
        if binding.target and not _PROFILE.fullmatch(binding.target):
            entry.problem("load_profile", f"{binding.target}: write code@version, like office@1")
    if spec.formula is not None:
        _virtual(entry, spec)
    elif spec.register and not spec.place:
        entry.problem("register", "register without place: say where the device hangs")


def _virtual(entry: Entry, spec: MeterSpec) -> None:
    for key in ("place", "register", "ratio", "ratios", "load_profile", "load_profiles"):
        if entry.has(key):
            entry.problem(
                key, f"{key} beside formula: a virtual meter has none; remove one of them"
            )
    if not spec.energy:
        entry.problem("formula", "energy is missing: a virtual meter has no place to take it from")
    try:
        parse(spec.formula or "")
    except FormulaError as error:
        entry.problem("formula", str(error))


def _several(entry: Entry, key: str) -> list[Entry]:
    """Return the entries of ``keys: [{…}, …]``."""
    if entry.has(key):
        entry.problem(f"{key}s", f"{key} and {key}s both stand here: keep one of them")
    return entry.entries(f"{key}s", f"{entry.label}, {key}s")


def _ratios(entry: Entry, code: str, zone: ZoneInfo) -> tuple[tuple[RatioFact, int], ...] | None:
    if entry.has("ratios"):
        stated = _several(entry, "ratio")
    elif entry.has("ratio"):
        stated = [section for section in [entry.section("ratio")] if section]
    else:
        return None
    found = []
    for each in stated:
        ct = _number(each, "ct", written.ratio, "a ratio above 0: 80, or 400/5")
        pt = _number(each, "pt", written.ratio, "a ratio above 0: 1, or 10000/100")
        fact = RatioFact(code, ct or Decimal(1), pt or Decimal(1), _span(each, zone))
        if not each.has("ct"):
            each.problem("ct", "ct is missing: write 1 when there is no current transformer")
        each.finish()
        found.append((fact, each.line))
    return tuple(found)


def _bindings(entry: Entry, key: str, zone: ZoneInfo) -> tuple[Binding, ...] | None:
    """Read ``main: CODE`` with its dates, or ``mains: [{main: CODE, since: …}, …]``."""
    if entry.has(f"{key}s"):
        found = []
        for each in _several(entry, key):
            span = _span(each, zone)
            found.append(Binding(each.text(key), span.since, span.until, each.line))
            if span.since is None:
                each.problem("since", "since is missing: each of several needs its own")
            each.finish()
        return tuple(found)
    target = entry.optional_text(key)
    return None if target is None else (Binding(target, None, None, entry.lines[key]),)


def _span(entry: Entry, zone: ZoneInfo) -> Span:
    since, until = _local(entry, "since", zone), _local(entry, "until", zone)
    if since and until and since >= until:
        entry.problem("until", "until is not after since: correct one of them")
        return Span(since)
    return Span(since, until)


def _local(entry: Entry, key: str, zone: ZoneInfo) -> datetime | None:
    """Return a time in the zone of the file: refusals show it to people."""
    moment = entry.moment(key, zone)
    if moment is None:
        return None
    local = moment.astimezone(zone)
    if not sensible(local):
        entry.problem(key, f"{key} is of {local.year}: write a year from {YEARS[0]} to {YEARS[-1]}")
    return local


def _register(entry: Entry, zone: ZoneInfo) -> RegisterFact:
    resolution = _number(entry, "resolution", written.number, "a number above 0, like 0.01")
    if not entry.has("resolution"):
        entry.problem("resolution", "resolution is missing: what the last digit stands for")
    return RegisterFact(
        device=entry.text("device"),
        register=entry.text("register"),
        resolution=resolution or Decimal(1),
        capacity=_number(entry, "capacity", written.number, "a number above 0, like 1000000"),
        max_per_hour=_number(entry, "max_per_hour", written.number, "a number above 0"),
        reversible=entry.boolean("reversible"),
        span=_span(entry, zone),
    )


def _number(
    entry: Entry, key: str, read: Callable[[str, str], Decimal], wanted: str
) -> Decimal | None:
    text = entry.optional_text(key)
    if not text:
        return None
    try:
        value = read(text, key)
    except RefusedError:
        value = Decimal(0)
    if value:
        return value
    entry.problem(key, f"{key} is {text}: write {wanted}")
    return None


def _profile(entry: Entry) -> ProfileSpec:
    hours = entry.section("hours")
    if hours is None:
        entry.problem("hours", "hours is missing: workdays, weekend, or each day by its name")
    return ProfileSpec(
        code=entry.text("code"),
        version=entry.integer("version", 1, 999_999),
        weights=_week(hours) if hours else (),
        source=entry.text("source"),
        line=entry.line,
    )


def _week(hours: Entry) -> tuple[int, ...]:
    """Read 24 weights for each day; a quarter has the weight of its hour."""
    week: dict[str, tuple[int, ...]] = {}
    for key, days in (*_GROUPS.items(), *((day, (day,)) for day in _DAYS)):
        if hours.has(key):
            week.update(dict.fromkeys(days, _day(hours, key)))
    missing = [day for day in _DAYS if day not in week]
    if missing:
        hours.problem("", f"{', '.join(missing)}: no hours are given; add them")
    hours.finish()
    return tuple(w for day in _DAYS for hour in week.get(day, ()) for w in (hour,) * 4)


def _day(hours: Entry, key: str) -> tuple[int, ...]:
    words = hours.text(key).split()
    weights = [int(w) if w.isascii() and w.isdigit() and len(w) < 6 else 0 for w in words]
    if len(weights) != 24 or not all(1 <= w <= _HEAVIEST for w in weights):
        hours.problem(
            key,
            f"{key}: write 24 whole numbers from 1 to {_HEAVIEST}, one for each hour from 0:00; "
            "1 and not 0 where little is used: a gap can lie there wholly",
        )
        return (1,) * 24
    return tuple(weights)


def _unique(stated: MetersFile, problems: Problems) -> None:
    first: dict[tuple[str, ...], int] = {}
    named: list[tuple[tuple[str, ...], int]] = [
        *((("meter", m.code), m.line("code")) for m in stated.meters),
        *((("load profile", p.code, str(p.version)), p.line) for p in stated.profiles),
    ]
    for key, line in named:
        other = first.setdefault(key, line)
        if other != line:
            words = f"{' '.join(key)} stands in line {other} already: codes are unique"
            problems.add(line, words)
