"""Reading tariffs: whatever leaves an instant of the year without exactly one price is refused."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final

from metering.factors.basic_file import read_basic
from metering.factors.files import (
    DATA,
    code,
    first_of_month,
    listed,
    number,
    positive_number,
    provenance,
    reading,
    required_number,
    signed_number,
    top,
)
from metering.factors.library import Library
from metering.factors.rounding import product
from metering.factors.season_file import read_seasons
from metering.factors.tariff import (
    Flat,
    Scheme,
    Tariff,
    Tier,
    Tiered,
    TieredTimeOfUse,
    TierSpan,
    TimeOfUse,
)
from registry.document import Entry

_MICRO: Final = Decimal(1_000_000)
_MOST_VERSIONS: Final = 999
_KINDS: Final = ("flat", "tiered", "time-of-use", "tiered-time-of-use")


def load_tariff(path: Path, library: Library) -> Tariff:
    """Read one tariff.

    Raises:
        DataFileError: with every problem and its line.
        OSError: it cannot be read.
    """
    with reading(path.name) as problems:
        document = top(path, "tariff", problems)
        kind = document.choice("kind", _KINDS)
        energy = document.reference("energy", "kind of energy", library.kinds)
        tariff = Tariff(
            code=code(document),
            version=document.integer("version", 1, _MOST_VERSIONS),
            name=document.text("name"),
            energy=energy,
            unit=library.kinds[energy].unit if energy in library.kinds else "",
            jurisdiction=document.reference("jurisdiction", "jurisdiction", library.parents),
            since=first_of_month(document, "from"),
            scheme=_scheme(document, kind),
            basic=read_basic(document),
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


def _scheme(document: Entry, kind: str) -> Scheme:
    if kind == "tiered":
        return _tiered(document)
    if kind == "time-of-use":
        return _time_of_use(document)
    if kind == "tiered-time-of-use":
        return _tiered_time_of_use(document)
    return Flat(required_number(document, "price"))


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
    seasons = read_seasons(document, number)
    return TimeOfUse(tuple(r.season for r in seasons), multiplies, tuple(bases), surcharge)


def _tiered_time_of_use(document: Entry) -> TieredTimeOfUse:
    adds = document.choice("rates", ["multiplier", "difference"]) == "difference"
    seasons = read_seasons(document, signed_number if adds else number)
    scheme = TieredTimeOfUse(
        seasons=tuple(r.season for r in seasons),
        tiered=_tiered(document),
        multiplies=not adds,
        surcharge=number(document, "surcharge") or Decimal(0),
    )
    for index, read in enumerate(seasons):
        for period in read.season.rates:
            prices = [scheme.price(tier, index, period) for tier in scheme.tiered.tiers]
            if prices and min(prices) < 0:
                what = f"{period.word} costs {min(prices)} in a tier: a price is not below 0"
                read.entry.problem("rates", what)
    return scheme
