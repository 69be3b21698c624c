"""Reading the seasons of a tariff: every moment of the year has exactly one period, or a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Final

from metering.factors.files import code, listed, months
from metering.factors.tariff import EVERY_DAY, QUARTERS, Period, Season, day_of_year
from registry.day_kind import DayKind
from registry.document import Entry

_HOURS: Final = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_MINUTES: Final = (0, 15, 30, 45)
_DATES: Final = re.compile(r"(\d{2})-(\d{2})(?:\s*\.\.\s*(\d{2})-(\d{2}))?")

ReadRate = Callable[[Entry, str], Decimal | None]


@dataclass(frozen=True, slots=True)
class ReadSeason:
    """A season and where it stands."""

    season: Season
    entry: Entry


def read_seasons(document: Entry, rate: ReadRate) -> list[ReadSeason]:
    """Read ``seasons``; a day without a season, or with two, is a problem of the document.

    Args:
        document: the tariff.
        rate: reads one rate.
    """
    seasons = [_season(entry, rate) for entry in listed(document, "seasons", "season")]
    _check_year(document, seasons)
    return seasons


def _season(entry: Entry, rate: ReadRate) -> ReadSeason:
    name, of_year, days = code(entry), _of_year(entry), _days(entry)
    hours, rates = _section(entry, "hours"), _section(entry, "rates")
    periods = _periods(hours) if hours is not None else {}
    prices = _rates(rates, set(periods.values()), rate) if rates is not None else {}
    entry.finish()
    filled = tuple(periods.get(quarter, Period.FLAT) for quarter in range(QUARTERS))
    return ReadSeason(Season(name, of_year, days, filled, prices), entry)


def _section(entry: Entry, key: str) -> Entry | None:
    if not entry.has(key):
        entry.problem(key, f"{key} is missing: add it")
    return entry.section(key)


def _rates(rates: Entry, wanted: set[Period], rate: ReadRate) -> dict[Period, Decimal]:
    found = {p: value for p in Period if (value := rate(rates, p.word)) is not None}
    rates.finish()
    for period in sorted(wanted - found.keys()):
        rates.problem(period.word, f"{period.word} has hours and no rate: add it")
    for period in sorted(found.keys() - wanted):
        rates.problem(period.word, f"{period.word} has a rate and no hours: remove one")
    return found


def _of_year(entry: Entry) -> frozenset[int]:
    """Read ``months``, ``dates`` or both."""
    found: set[int] = set()
    if entry.has("dates"):
        found |= _dates(entry)
    if entry.has("months") or not entry.has("dates"):
        wanted = months(entry, "months")
        found |= {day for day in EVERY_DAY if day // 100 in wanted}
    return frozenset(found)


def _dates(entry: Entry) -> set[int]:
    """Read ``06-15..09-15, 12-20..02-10, 10-01``: the second reaches over the new year."""
    written = entry.text("dates")
    found: set[int] = set()
    for piece in written.split(",") if written else []:
        match = _DATES.fullmatch(piece.strip())
        first = day_of_year(int(match[1]), int(match[2])) if match else 0
        last = day_of_year(int(match[3]), int(match[4])) if match and match[3] else first
        if first not in EVERY_DAY or last not in EVERY_DAY:
            what = f"dates is {written}: write days as 07-01..08-31, 12-20..02-10 or 10-01"
            entry.problem("dates", what)
            return set()
        over = first > last
        found |= {d for d in EVERY_DAY if (d >= first or d <= last if over else first <= d <= last)}
    return found


def _days(entry: Entry) -> frozenset[DayKind]:
    written = entry.text("days")
    if written == "all":
        return frozenset(DayKind)
    words = [word.strip() for word in written.split(",")] if written else []
    unknown = [word for word in words if word not in set(DayKind)]
    if unknown:
        options = ", ".join(DayKind)
        entry.problem("days", f"days {unknown[0]} is not known: use all, or some of {options}")
    return frozenset(DayKind(word) for word in words if word in set(DayKind))


def _periods(hours: Entry) -> dict[int, Period]:
    """Read which period each quarter hour of the day is in; every one exactly once."""
    claims: list[list[Period]] = [[] for _ in range(QUARTERS)]
    for period in Period:
        for quarter in _quarters(hours, period):
            claims[quarter].append(period)
    hours.finish()
    for first, last in _runs(claims):
        if len(claims[first]) > 1:
            words = " and in ".join(period.word for period in claims[first])
            what = f"{_clock(first)}-{_clock(last)} is in {words}: keep one"
            hours.problem(claims[first][-1].word, what)
        elif not claims[first]:
            what = f"no period holds {_clock(first)}-{_clock(last)}: every moment needs one"
            hours.problem("", what)
    return {quarter: claim[0] for quarter, claim in enumerate(claims) if claim}


def _quarters(hours: Entry, period: Period) -> list[int]:
    """Read ``08:00-11:00, 22:00-06:00``: the second reaches over midnight, within the same day."""
    written = hours.optional_text(period.word)
    found: list[int] = []
    for piece in written.split(",") if written else []:
        match = _HOURS.fullmatch(piece.strip())
        clock = [int(part) for part in match.groups()] if match else [0, 0, 0, 0]
        first, last = 4 * clock[0] + clock[1] // 15, 4 * clock[2] + clock[3] // 15
        on_grid = clock[1] in _MINUTES and clock[3] in _MINUTES
        if not (on_grid and first < QUARTERS and last <= QUARTERS and first != last):
            hours.problem(
                period.word,
                f"{period.word} is {written}: write 08:00-11:00, 18:00-21:00, at quarter hours",
            )
            return []
        found += range(first, last if first < last else QUARTERS)
        found += range(last) if last < first else ()
    return found


def _runs(claims: list[list[Period]]) -> Iterator[tuple[int, int]]:
    """Yield first and end of neighbouring quarters with the same claims."""
    first = 0
    for quarter in range(1, len(claims) + 1):
        if quarter == len(claims) or claims[quarter] != claims[first]:
            yield first, quarter
            first = quarter


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"


def _check_year(document: Entry, seasons: list[ReadSeason]) -> None:
    """Refuse a day and day type that no season holds, or two."""
    for kind in DayKind:
        held: dict[int, str] = {}
        for read in (one for one in seasons if kind in one.season.days):
            twice = {day for day in read.season.dates if day in held}
            for other in sorted({held[day] for day in twice}):
                both = {day for day in twice if held[day] == other}
                what = f"{kind} of {_named(both)} is in {other} too: keep it in one"
                read.entry.problem("dates" if read.entry.has("dates") else "months", what)
            held |= dict.fromkeys(read.season.dates, read.season.code)
        missing = {day for day in EVERY_DAY if day not in held}
        if missing:
            what = f"no season holds {kind} of {_named(missing)}: every moment needs one"
            document.problem("seasons", what)


def _named(days: set[int]) -> str:
    """Name days of the year: ``month 7, 8 and 09-01..09-15``."""
    whole = [m for m in range(1, 13) if {d for d in EVERY_DAY if d // 100 == m} <= days]
    places = [i for i, day in enumerate(EVERY_DAY) if day in days and day // 100 not in whole]
    # Places that follow one another keep their distance from their number: they are one run.
    runs = [[i for _, i in run] for _, run in groupby(enumerate(places), lambda p: p[1] - p[0])]
    parts = [f"month {', '.join(map(str, whole))}"] if whole else []
    parts += [", ".join(_run(EVERY_DAY[r[0]], EVERY_DAY[r[-1]]) for r in runs)] if runs else []
    return " and ".join(parts)


def _run(first: int, last: int) -> str:
    words = [f"{day // 100:02}-{day % 100:02}" for day in (first, last)]
    return words[0] if first == last else "..".join(words)
