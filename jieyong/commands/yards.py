"""`jieyong fleet yards` and `jieyong fleet sealed`: doubts about where vehicles stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from fleet.track.rules import SECOND_US
from fleet.yards import load
from fleet.yards.look import Asked, Found, at_rest, in_yards
from fleet.yards.model import Vehicle as Its
from fleet.yards.source import Source, Stored
from fleet.yards.verdicts import CannotTell, Doubt, Why
from jieyong.commands import yard_tables
from jieyong.commands.giving import give
from jieyong.commands.options import (
    AsJson,
    File,
    First,
    Institutions,
    Last,
    Month,
    Vehicle,
    institutions_named,
    window,
)
from jieyong.commands.screen import counting
from jieyong.commands.session import Config, Reader, Reason, Session, session, tracks_of
from registry.calendar_store import load_calendar
from registry.table import Table
from registry.vehicles import find_vehicle

All = Annotated[bool, typer.Option("--all", help="也列出相符的；缺省只列疑点和无法判断的。")]

_BLIND: Final = frozenset({Why.NO_POSITIONS, Why.NO_FENCE, Why.CALENDAR, Why.SENSITIVE})
"""Said without having seen a position."""

_SHOWN: Final = (Doubt, CannotTell)
"""Verdicts that are shown without ``--all``."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of vehicles: its name, its action in the audit log, who answers, the table."""

    name: str
    action: str
    look: Callable[[Source, Asked, Sequence[Its]], Iterator[list[Found]]]
    tabled: Callable[[Sequence[Found], str, ZoneInfo], Table]


_NIGHTS: Final = _Question("定点停放", "yards.read", in_yards, yard_tables.nights)
_SEALED: Final = _Question("封存停驶", "sealed.read", at_rest, yard_tables.sealed)


def yards(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    reason: Reason,
    file: File = None,
    month: Month = None,
    first: First = None,
    last: Last = None,
    vehicle: Vehicle = None,
    institution: Institutions = None,
    everything: All = False,
    as_json: AsJson = False,
    by: Reader = None,
    config: Config = None,
) -> None:
    """Show which vehicles were not in their yards."""
    with session(config, by) as at:
        what = _asked(at, window(month, first, last))
        whose = _vehicles(at, vehicle, institution)
        said = _answer(at, _NIGHTS, what, whose, reason, everything=everything)
    _give(said, file, as_json=as_json)


def sealed(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    reason: Reason,
    file: File = None,
    month: Month = None,
    first: First = None,
    last: Last = None,
    vehicle: Vehicle = None,
    institution: Institutions = None,
    everything: All = False,
    as_json: AsJson = False,
    by: Reader = None,
    config: Config = None,
) -> None:
    """Show which sealed vehicles moved."""
    with session(config, by) as at:
        what = _asked(at, window(month, first, last))
        whose = _vehicles(at, vehicle, institution)
        said = _answer(at, _SEALED, what, whose, reason, everything=everything)
    _give(said, file, as_json=as_json)


def _asked(at: Session, days: tuple[date, date]) -> Asked:
    trips, fences = at.settings.trips, at.settings.fences
    return Asked(
        first=days[0],
        last=days[1],
        zone=at.zone,
        now=at.now,
        calendar=load_calendar(at.conn),
        rules=trips.rules(),
        silence=fences.silence(trips.gap_s),
        tolerance_us=fences.tolerance_min * 60 * SECOND_US,
        around_order_us=fences.around_order_min * 60 * SECOND_US,
        limits=fences.limits(trips.fastest_kmh),
    )


def _vehicles(
    at: Session, vehicle: str | None, institutions: list[str] | None
) -> tuple[list[Its], str]:
    """Return the vehicles that are asked for, and in a word which they are, for the record."""
    one = None if vehicle is None else find_vehicle(at.conn, vehicle, "--vehicle")
    institutions_named(at.conn, institutions)
    its = load.vehicles(at.conn, institutions, None if one is None else [one.id])
    return its, "、".join(institutions or ("全部车辆",)) if one is None else one.code


def _answer(  # noqa: PLR0913 - who is asked what of whom, and why
    at: Session,
    question: _Question,
    what: Asked,
    whose: tuple[Sequence[Its], str],
    reason: str,
    *,
    everything: bool,
) -> tuple[Table, str]:
    """Return the verdicts that are shown, and how many of each kind there are; it is recorded."""
    its, named = whose
    found, without = list[Found](), 0
    days = {"from": what.first.isoformat(), "to": what.last.isoformat()}
    with (
        tracks_of(at, question.action, named, reason, **days) as shown,
        counting(len(its)) as done,
    ):
        for verdicts in question.look(Stored(at.conn), what, its):
            found += verdicts
            without += not verdicts
            done()
        shown.update(one.vehicle.code for one in found if _tells(one, everything))
    told = [one for one in found if everything or isinstance(one.verdict, _SHOWN)]
    title = f"{what.first} 至 {what.last} {question.name}"
    return question.tabled(told, title, at.zone), _counted(found, without)


def _counted(found: Sequence[Found], without: int) -> str:
    counts = Counter(type(one.verdict) for one in found)
    doubts, unknown = counts[Doubt], counts[CannotTell]
    agree = len(found) - doubts - unknown
    return f"疑点 {doubts}，无法判断 {unknown}，相符 {agree}；{without} 辆车没有相关要求。"


def _tells(one: Found, everything: bool) -> bool:
    """Whether a line is shown that tells where a vehicle was, or when it moved."""
    match one.verdict:
        case CannotTell(why=why):
            return why not in _BLIND
        case Doubt():
            return True
    return everything


def _give(said: tuple[Table, str], file: Path | None, *, as_json: bool) -> None:
    table, counts = said
    give([table], file, as_json=as_json)
    if not as_json:
        typer.echo(counts)
