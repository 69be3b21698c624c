"""`jieyong fleet yards` and `jieyong fleet sealed`: doubts about where vehicles stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer

from fleet.track.rules import SECOND_US
from fleet.yards import load
from fleet.yards.load import Vehicle as Its
from fleet.yards.look import Asked, Found, at_rest, in_yards
from fleet.yards.verdicts import CannotTell, Doubt, Why
from jieyong.commands import fence_tables
from jieyong.commands.giving import give
from jieyong.commands.options import AsJson, File, First, Institutions, Last, Month, Vehicle, window
from jieyong.commands.screen import counting
from jieyong.commands.session import Config, Reader, Reason, Session, session, tracks_of
from registry.calendar_store import load_calendar
from registry.refusal import refuse
from registry.table import Table
from registry.vehicles import find_vehicle

All = Annotated[bool, typer.Option("--all", help="也列出相符的；缺省只列疑点和无法判断的。")]

_BLIND: Final = frozenset({Why.NO_POSITIONS, Why.NO_FENCE, Why.CALENDAR, Why.SENSITIVE})
"""Said without having seen a position."""

Look = Callable[[psycopg.Connection[Any], Asked, Sequence[Its]], Iterator[list[Found]]]


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
        what = _asked(at, month, first, last)
        its, asked_for = _vehicles(at, vehicle, institution)
        days = {"from": what.first.isoformat(), "to": what.last.isoformat()}
        with tracks_of(at, "yards.read", asked_for, reason, **days) as shown:
            found, whole = _look(at, what, in_yards, its)
            shown.update(one.vehicle.code for one in found if _tells(one, everything))
    title = f"{what.first} 至 {what.last} 定点停放"
    _give(fence_tables.nights, found, (title, whole), at, file, (everything, as_json))


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
        what = _asked(at, month, first, last)
        its, asked_for = _vehicles(at, vehicle, institution)
        days = {"from": what.first.isoformat(), "to": what.last.isoformat()}
        with tracks_of(at, "sealed.read", asked_for, reason, **days) as shown:
            found, whole = _look(at, what, at_rest, its)
            shown.update(one.vehicle.code for one in found if _tells(one, everything))
    title = f"{what.first} 至 {what.last} 封存停驶"
    _give(fence_tables.sealed, found, (title, whole), at, file, (everything, as_json))


def _asked(at: Session, month: str | None, first: str | None, last: str | None) -> Asked:
    begin, end = window(month, first, last)
    trips, fences = at.settings.trips, at.settings.fences
    return Asked(
        first=begin,
        last=end,
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
    known = {code for (code,) in at.conn.execute("SELECT code FROM institution")}
    strange = sorted(set(institutions or ()) - known)
    if strange:
        refuse("--institution", f"机构 {'、'.join(strange)} 不存在，请核对编码")
    its = load.vehicles(at.conn, institutions, None if one is None else one.id)
    return its, "、".join(institutions or ("全部车辆",)) if one is None else one.code


def _look(at: Session, what: Asked, look: Look, its: Sequence[Its]) -> tuple[list[Found], int]:
    """Return the verdicts, and of how many vehicles there are none."""
    found, without = list[Found](), 0
    with counting(len(its)) as done:
        for verdicts in look(at.conn, what, its):
            found += verdicts
            without += not verdicts
            done()
    return found, without


def _tells(one: Found, everything: bool) -> bool:
    """Whether a line is shown that tells where a vehicle was, or when it moved."""
    match one.verdict:
        case CannotTell(why=why):
            return why not in _BLIND
        case Doubt():
            return True
    return everything


def _give(  # noqa: PLR0913, PLR0917 - what is shown, and how
    tabled: Callable[[Sequence[Found], str, Any], Table],
    found: Sequence[Found],
    said: tuple[str, int],
    at: Session,
    file: Path | None,
    how: tuple[bool, bool],
) -> None:
    title, without = said
    everything, as_json = how
    kinds = (Doubt, CannotTell)
    shown = [one for one in found if everything or isinstance(one.verdict, kinds)]
    give([tabled(shown, title, at.zone)], file, as_json=as_json)
    if as_json:
        return
    counts = Counter(type(one.verdict) for one in found)
    doubts, unknown = counts[Doubt], counts[CannotTell]
    agree = len(found) - doubts - unknown
    typer.echo(f"疑点 {doubts}，无法判断 {unknown}，相符 {agree}；{without} 辆车没有相关要求。")
