"""Reads scenarios of the simulated city, and tells every mistake at once with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from registry.document import Entry, Problems, compose
from simulators.city.law import EXEMPT
from simulators.city.plan import (
    DEVICE_TROUBLES,
    DISTURBANCES,
    FAILURES,
    HARMLESS,
    KINDS,
    LEDGER_HARMLESS,
    REGISTER_TROUBLES,
    REPORT_HARMLESS,
    RESPONDENT_HARMLESS,
    TERMINAL_TROUBLES,
    UNUSUAL,
    USES,
    VEHICLE_HARMLESS,
    VEHICLE_TROUBLES,
    VEHICLE_USES,
    By,
    Plan,
    Spell,
    Wanted,
)

FOLDER: Final = Path(__file__).parents[3] / "simulators" / "scenarios"
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_EPOCH: Final = date(1970, 1, 1)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SIZE: Final = re.compile(r"\d{1,5}(\.\d{1,2})?")
_TAGS: Final = sorted(frozenset().union(*EXEMPT.values()))
_MOST_DAYS: Final = 366


def known() -> dict[str, Path]:
    """Return the scenarios that come with the program, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def read_plan(text: str, source: str) -> Plan:
    """Read a scenario.

    Args:
        text: YAML.
        source: the file's name, for what is said about it.

    Raises:
        InventoryError: something is wrong: every problem with its line.
    """
    problems = Problems(source)
    top = compose(text, "scenario", problems)
    code, title = top.text("code"), top.text("title")
    first = _day(top, "first")
    days = top.integer("days", 2, _MOST_DAYS)
    holidays, makeup = (_days(top, key) for key in ("holidays", "makeup"))
    opens, closes = (_minute(top, key) for key in ("opens", "closes"))
    if closes <= opens:
        top.problem("closes", "closes is not behind opens")
    institutions, rooms = (top.integer(key, 1, 10_000) for key in ("institutions", "rooms"))
    power_only = top.integer("power_only", 0, 10_000, 0)
    exempt = _counts(top, "exempt", _TAGS)
    buildings, circuits = (top.integer(key, 0, 10_000, 0) for key in ("buildings", "circuits"))
    uses, unusual = _counts(top, "uses", USES), _counts(top, "unusual", UNUSUAL)
    failures = _counts(top, "failures", FAILURES)
    vehicles = top.integer("vehicles", 0, 10_000, 0)
    vehicle_uses = _counts(top, "vehicle_uses", VEHICLE_USES)
    vehicle_harmless = _counts(top, "vehicle_harmless", VEHICLE_HARMLESS)
    vehicle_troubles = _counts(top, "vehicle_troubles", VEHICLE_TROUBLES)
    buses = top.integer("buses", 0, 10_000, 0)
    device_troubles = _counts(top, "device_troubles", DEVICE_TROUBLES)
    registers = top.integer("registers", 0, 10_000, 0)
    register_troubles = _counts(top, "register_troubles", REGISTER_TROUBLES)
    reporters = top.integer("reporters", 0, 10_000, 0)
    report_harmless = _counts(top, "report_harmless", REPORT_HARMLESS)
    reported_holidays, reported_makeup = (
        _days(top, f"reported_{key}") for key in ("holidays", "makeup")
    )
    terminals, ledgers, respondents = (
        top.integer(key, 0, 10_000, 0) for key in ("terminals", "ledgers", "respondents")
    )
    terminal_troubles = _counts(top, "terminal_troubles", TERMINAL_TROUBLES)
    ledger_harmless = _counts(top, "ledger_harmless", LEDGER_HARMLESS)
    respondent_harmless = _counts(top, "respondent_harmless", RESPONDENT_HARMLESS)
    harmless = _counts(top, "harmless", HARMLESS)
    disturbances = _counts(top, "disturbances", DISTURBANCES)
    spells = [_spell(entry) for entry in _entries(top, "spells", "spell")]
    wanted = [_wanted(entry) for entry in _entries(top, "cases", "case")]
    top.finish()
    problems.raise_if_any()
    return Plan(
        code,
        title,
        first,
        days,
        holidays,
        makeup,
        opens,
        closes,
        institutions,
        rooms,
        exempt,
        power_only,
        tuple(one for one in wanted if one is not None),
        harmless,
        disturbances,
        tuple(spells),
        buildings,
        uses,
        unusual,
        failures,
        circuits,
        vehicles,
        vehicle_uses,
        vehicle_harmless,
        vehicle_troubles,
        buses,
        device_troubles,
        registers,
        register_troubles,
        reporters,
        report_harmless,
        reported_holidays,
        reported_makeup,
        terminals,
        terminal_troubles,
        ledgers,
        ledger_harmless,
        respondents,
        respondent_harmless,
    )


def _entries(top: Entry, key: str, label: str) -> Sequence[Entry]:
    return top.entries(key, label) if top.has(key) else []


def _wanted(entry: Entry) -> Wanted | None:
    kind = entry.choice("kind", sorted(KINDS))
    by = entry.choice("by", [one.value for one in By])
    sizes = [_number(entry, "sizes", written) for written in entry.texts("sizes")]
    each = entry.integer("each", 1, 10_000)
    if not sizes or sizes != sorted(set(sizes)):
        entry.problem("sizes", "sizes are to be some numbers, ascending, each once")
    if kind in KINDS and by in set(By) and By(by) not in KINDS[kind]:
        those = ", ".join(KINDS[kind])
        entry.problem("by", f"{kind} is not measured by {by}: use one of {those}")
    entry.finish()
    return Wanted(kind, By(by), tuple(sizes), each) if by in set(By) and sizes else None


def _spell(entry: Entry) -> Spell:
    first, last = _day(entry, "from"), _day(entry, "to")
    degrees = _number(entry, "degrees", entry.text("degrees").removeprefix("-"))
    colder = entry.text("degrees").startswith("-")
    entry.finish()
    return Spell(first, last, -degrees if colder else degrees)


def _counts(top: Entry, key: str, names: Sequence[str]) -> Mapping[str, int]:
    section = top.section(key)
    if section is None:
        return {}
    found = {name: section.integer(name, 0, 100_000) for name in names if section.has(name)}
    section.finish()
    return found


def _number(entry: Entry, key: str, written: str) -> float:
    if not _SIZE.fullmatch(written):
        entry.problem(key, f"{key}: {written} is no number like 0.6 or 240")
        return 0.0
    return float(written)


def _day(entry: Entry, key: str) -> int:
    found = entry.moment(key, _ZONE) if entry.has(key) else None
    if not entry.has(key):
        entry.problem(key, f"{key} is missing: a day, like 2026-09-01")
    return 0 if found is None else _number_of(found)


def _number_of(moment: datetime) -> int:
    return (moment.astimezone(_ZONE).date() - _EPOCH).days


def _days(top: Entry, key: str) -> frozenset[int]:
    found: set[int] = set()
    for written in top.texts(key):
        try:
            found.add((date.fromisoformat(written) - _EPOCH).days)
        except ValueError:
            top.problem(key, f"{key}: {written} is no day, like 2026-10-01")
    return frozenset(found)


def _minute(top: Entry, key: str) -> int:
    written = top.text(key)
    match = _TIME.fullmatch(written)
    if match is None:
        top.problem(key, f"{key} is {written}: write a time of the day, like 07:30")
        return 0
    return int(match[1]) * 60 + int(match[2])
