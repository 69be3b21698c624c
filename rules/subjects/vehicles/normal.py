"""What vehicles used, paid and were mended for, month by month, as layers. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fleet.ledger.window import later
from fleet.norms.compare import Bound, Compared
from fleet.norms.upkeep import Upkeep
from rules.subjects.vehicles.laid import Event
from storage.times import midnight, us_of

NORM: Final[Mapping[str, Callable[[Compared], Bound | None]]] = {
    "own": lambda one: one.own,
    "class": lambda one: one.class_,
    "fleet": lambda one: one.fleet,
}


def norm_events(
    what: str, months: Mapping[date, Iterable[Compared]], ids: Mapping[str, int], zone: ZoneInfo
) -> Mapping[str, list[Event]]:
    """Return what was used above norms, by layer; of a month's windows the one that shows most.

    Args:
        what: ``rate`` or ``cost``.
        months: first day → vehicles against their norms.
        ids: code → id; others are left out.
        zone: of months.
    """
    found: dict[str, list[Event]] = defaultdict(list)
    for month, compared in months.items():
        by_code: dict[str, list[Compared]] = defaultdict(list)
        for one in compared:
            by_code[one.code].append(one)
        span = month_us(month, zone)
        for code in by_code.keys() & ids.keys():
            for norm, bound_of in NORM.items():
                bounds = [b for one in by_code[code] if (b := bound_of(one)) is not None]
                if bounds:
                    least, most = max(b.least for b in bounds), max(b.most for b in bounds)
                    found[f"{what}_{norm}_least"].append(Event(ids[code], *span, least))
                    found[f"{what}_{norm}_most"].append(Event(ids[code], *span, most))
    return found


def most_above(its: Sequence[Compared], above: Mapping[str, float]) -> tuple[str, Compared] | None:
    """Return the norm and the window that show most, and so what a rule rests on; None: none do.

    Args:
        its: windows of a vehicle that end with a month.
        above: from how many per cent on a rule asks, by norm.
    """
    found = [
        (bound.least - above[norm], norm, one)
        for norm, bound_of in NORM.items()
        for one in its
        if (bound := bound_of(one)) is not None
    ]
    best = max(found, key=lambda one: one[0], default=None)
    return None if best is None else best[1:]


def upkeep_events(
    months: Mapping[date, Iterable[Upkeep]], ids: Mapping[str, int], zone: ZoneInfo
) -> list[Event]:
    """Return what upkeep cost above what is normal."""
    return [
        Event(ids[one.code], *month_us(month, zone), one.over)
        for month, its in months.items()
        for one in its
        if one.code in ids and one.over is not None
    ]


def month_us(month: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return the begin of a month and of the next one, µs UTC."""
    return us_of(midnight(month, zone)), us_of(midnight(later(month, 1), zone))
