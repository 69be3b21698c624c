"""Reading tariffs: whatever leaves an instant of the year without exactly one price is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from metering.day_kind import DayKind
from metering.factors.files import (
    DATA,
    code,
    first_of_month,
    listed,
    months,
    number,
    positive_number,
    provenance,
    reading,
    required_number,
    top,
)
from metering.factors.library import Library
from metering.factors.rounding import product
from metering.factors.tariff import (
    QUARTERS,
    Basic,
    BasicBy,
    Flat,
    Period,
    Season,
    Tariff,
    Tier,
    Tiered,
    TierSpan,
    TimeOfUse,
)
from registry.document import Entry

_HOURS: Final = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_MINUTES: Final = (0, 15, 30, 45)
_MICRO: Final = Decimal(1_000_000)
_MOST_VERSIONS: Final = 999


@dataclass(frozen=True, slots=True)
class _Read:
    """A season and where it stands."""

    season: Season
    entry: Entry


def load_tariff(path: Path, library: Library) -> Tariff:
    """Read one tariff.

    Raises:
        DataFileError: with every problem and its line.
        OSError: it cannot be read.
    """
    with reading(path.name) as problems:
        document = top(path, "tariff", problems)
        kind = document.choice("kind", ["flat", "tiered", "time-of-use"])
        tariff = Tariff(
            code=code(document),
            version=document.integer("version", 1, _MOST_VERSIONS),
            name=document.text("name"),
            energy=document.reference("energy", "kind of energy", library.kinds),
            jurisdiction=document.reference("jurisdiction", "jurisdiction", library.parents),
            since=first_of_month(document, "from"),
            scheme=_scheme(document, kind),
            basic=_basic(document),
            provenance=provenance(document),
        )
        document.finish()
    return tariff


def load_tariffs(
    library: Library, directory: Path = DATA / "tariffs", more: Iterable[Path] = ()
) -> tuple[Tariff, ...]:
    """Read every tariff of a directory.

    Args:
        library: kinds of energy and jurisdictions.
        directory: of the files.
        more: files of further tariffs, for example a city's own.

    Raises:
        DataFileError: a file has mistakes, or says what another one says already.
        OSError: a file cannot be read.
    """
    found: dict[str, Tariff] = {}
    for path in [*sorted(directory.glob("*.yaml")), *more]:
        tariff = load_tariff(path, library)
        with reading(path.name) as problems:
            if tariff.full_name in found:
                problems.add(1, f"{tariff.full_name} is there already: raise the version")
        found[tariff.full_name] = tariff
    return tuple(found.values())


def _scheme(document: Entry, kind: str) -> Flat | Tiered | TimeOfUse:
    if kind == "tiered":
        return _tiered(document)
    if kind == "time-of-use":
        return _time_of_use(document)
    return Flat(required_number(document, "price"))


def _basic(document: Entry) -> Basic | None:
    entry = document.section("basic")
    if entry is None:
        return None
    by = entry.choice("by", [b.value for b in BasicBy])
    price = required_number(entry, "price")
    entry.finish()
    return Basic(BasicBy(by), price) if by in set(BasicBy) else None


def _tiered(document: Entry) -> Tiered:
    span = document.choice("span", [s.value for s in TierSpan])
    entries = listed(document, "tiers", "tier")
    tiers: list[Tier] = []
    before = 0
    for entry in entries:
        bound = number(entry, "upto")
        price = required_number(entry, "price")
        micro = None if bound is None else product(bound, _MICRO)
        if micro is not None and micro % 1:
            entry.problem("upto", "upto has more than six decimals: quantities have six")
        upto = None if micro is None else int(micro)
        last = entry is entries[-1]
        if last and upto is not None:
            entry.problem("upto", "the last tier has no bound: remove upto")
        elif not last and (upto is None or upto <= before):
            entry.problem("upto", "upto must be there and grow from tier to tier")
        before = upto or before
        tiers.append(Tier(upto, price))
        entry.finish()
    if not tiers:
        document.problem("tiers", "there must be a tier")
    return Tiered(TierSpan(span) if span in set(TierSpan) else TierSpan.YEAR, tuple(tiers))


def _time_of_use(document: Entry) -> TimeOfUse:
    multiplies = document.choice("rates", ["multiplier", "price"]) == "multiplier"
    bases = []
    for entry in document.entries("bases", "base price") if document.has("bases") else []:
        bases.append((first_of_month(entry, "from"), positive_number(entry, "price")))
        entry.finish()
    if bases and not multiplies:
        document.problem("bases", "rates are prices: they multiply no base price, remove bases")
    if [since for since, _ in bases] != sorted({since for since, _ in bases}):
        document.problem("bases", "bases must be in the order of their months, each month once")
    surcharge = number(document, "surcharge") or Decimal(0)
    seasons = [_season(entry) for entry in listed(document, "seasons", "season")]
    _check_year(document, seasons)
    return TimeOfUse(tuple(r.season for r in seasons), multiplies, tuple(bases), surcharge)


def _season(entry: Entry) -> _Read:
    name, of_year, days = code(entry), months(entry, "months"), _days(entry)
    hours, rates = _section(entry, "hours"), _section(entry, "rates")
    periods = _periods(hours) if hours is not None else {}
    prices = _rates(rates, set(periods.values())) if rates is not None else {}
    entry.finish()
    filled = tuple(periods.get(quarter, Period.FLAT) for quarter in range(QUARTERS))
    return _Read(Season(name, of_year, days, filled, prices), entry)


def _section(entry: Entry, key: str) -> Entry | None:
    if not entry.has(key):
        entry.problem(key, f"{key} is missing: add it")
    return entry.section(key)


def _rates(rates: Entry, wanted: set[Period]) -> dict[Period, Decimal]:
    found = {p: value for p in Period if (value := number(rates, p.word)) is not None}
    rates.finish()
    for period in sorted(wanted - found.keys()):
        rates.problem(period.word, f"{period.word} has hours and no rate: add it")
    for period in sorted(found.keys() - wanted):
        rates.problem(period.word, f"{period.word} has a rate and no hours: remove one")
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


def _check_year(document: Entry, seasons: list[_Read]) -> None:
    """Refuse a month and day type that no season holds, or two."""
    for day in DayKind:
        held: dict[int, _Read] = {}
        for read in seasons:
            twice = [m for m in sorted(read.season.months) if m in held and day in read.season.days]
            if twice:
                other = held[twice[0]]
                what = f"{day} of month {twice[0]} is in {other.season.code} too: keep it in one"
                read.entry.problem("months", what)
            if day in read.season.days:
                held |= dict.fromkeys(read.season.months, read)
        missing = [str(month) for month in range(1, 13) if month not in held]
        if missing:
            what = f"no season holds {day} of month {', '.join(missing)}: every moment needs one"
            document.problem("seasons", what)
