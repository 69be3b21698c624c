"""From accounts to what is published: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeGuard

from fleet.ledger.account import Account
from fleet.ledger.consumption import Consumption, together, yuan_per_km
from fleet.ledger.events import Stretch, Unknown
from fleet.ledger.load import Change
from fleet.ledger.papers import SOURCES, UNITS, hundredths, thousandths
from fleet.ledger.words import Words
from fleet.publish import others
from fleet.publish.content import ADDED, FIGURES, Content, Note, Vehicle

POSTED: Final = frozenset({"vehicle", "motorcycle"})
"""Kinds of consumers that stand on the sheet; generators and boilers do not drive."""
_SUMS: Final = {
    "fuel": ("filling",),
    "charging": ("charging",),
    "maintenance": ("maintenance",),
    "insurance": ("insurance",),
    "road": ("toll", "parking"),
}
_RATIOS: Final = {"ml": "per_100_km", "wh": "kwh_per_100_km"}
_NEAR: Final = timedelta(days=7)
"""Readings seldom fall on the ends of a month; the sheet says so once."""
_LIQUID: Final = ("petrol", "diesel")


@dataclass(frozen=True, slots=True)
class Posted:
    """What the sheet of one institution is made of.

    Attributes:
        institution: its code.
        name: its name.
        first: the first day of the month.
        month: the accounts of the month.
        so_far: vehicle → running cost in fen since the year began; a vehicle without a line is not
            in it.
        budgets: vehicle → fen of the year.
        budget: of the institution, fen; None: none is entered.
        doubts: vehicle → where sources of its kilometres contradict each other.
        hidden: vehicles whose plate may not be published.
        changes: of their plates and states, until the end of the month, by day.
    """

    institution: str
    name: str
    first: date
    month: Sequence[Account]
    so_far: Mapping[str, int]
    budgets: Mapping[str, int]
    budget: int | None
    doubts: Mapping[str, str]
    hidden: Collection[str]
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A sheet, and what whoever publishes it should know and the sheet must not say.

    Attributes:
        content: of the sheet.
        withheld: vehicles whose plate is not published.
        left_out: their sum was asked for, and could not be added.
    """

    content: Content
    withheld: int
    left_out: bool


def content(posted: Posted, words: Words, at_least: int | None) -> Made:
    """Return what the sheet of an institution says.

    Args:
        posted: its accounts, all of one institution and month.
        words: what codes are called.
        at_least: sensitive vehicles stand as one line where so many have a part in every figure;
            None: they are left out.
    """
    shown = [one for one in posted.month if _shown(one)]
    listed = [one for one in shown if one.consumer.code not in posted.hidden]
    hidden = [one for one in shown if one.consumer.code in posted.hidden]
    vehicles = tuple(_vehicle(one, posted, words) for one in listed)
    sums = None
    if at_least is not None:
        sums = others.together([_figures(one, posted) for one in hidden], at_least)
    made = Content(
        institution=posted.institution,
        name=posted.name,
        month=f"{posted.first:%Y-%m}",
        vehicles=vehicles,
        others=sums,
        totals=_totals(vehicles, listed, sums),
        budget=hundredths(posted.budget),
    )
    return Made(made, len(hidden), bool(hidden) and at_least is not None and sums is None)


def _shown(one: Account) -> bool:
    """Tell whether a consumer has a line: a vehicle, unless it was gone or not in the books yet."""
    told = one.events or (isinstance(one.stretch, Stretch) and one.stretch.hm > 0)
    gone = one.consumer.facts.get("state") == "disposed" and not told
    not_yet = not one.consumer.begun and not one.events
    return one.consumer.kind in POSTED and not gone and not not_yet


def _vehicle(one: Account, posted: Posted, words: Words) -> Vehicle:
    facts = one.consumer.facts
    figures = _figures(one, posted)
    doubt = posted.doubts.get(one.consumer.code)
    part = _part(one)
    return Vehicle(
        code=one.consumer.code,
        plate=one.consumer.plate,
        group=words.name("class", facts["class"]) if "class" in facts else "",
        use=words.name("use", facts["use"]) if "use" in facts else "",
        source=SOURCES[one.stretch.source] if isinstance(one.stretch, Stretch) else "",
        figures=figures,
        notes=(
            *_renamed(one, posted),
            *_missing(one, figures),
            *_after_disposal(one, posted),
            *([Note("km", doubt)] if doubt else []),
            *([Note("km", part)] if part else []),
        ),
    )


def _figures(one: Account, posted: Posted) -> dict[str, Decimal | None]:
    code = one.consumer.code
    fuel = [n for (p, _), n in one.quantities.items() if p in _LIQUID]
    power = [n for (p, _), n in one.quantities.items() if p == "electricity"]
    spent, budget = posted.so_far.get(code), posted.budgets.get(code)
    found: dict[str, Decimal | None] = dict.fromkeys(FIGURES)
    found |= {
        "km": Decimal(one.stretch.hm).scaleb(-1) if isinstance(one.stretch, Stretch) else None,
        "litres": thousandths(sum(fuel)) if fuel else None,
        "kwh": thousandths(sum(power)) if power else None,
        **{name: _paid(one, kinds) for name, kinds in _SUMS.items()},
        "rest": _rest(one),
        "cost": hundredths(one.cost) if one.priced else None,
        "yuan_per_km": one.yuan_per_km if one.stretch_fen else None,
        "budget": hundredths(budget),
        "spent": hundredths(spent),
        "share": _share(spent, budget),
    }
    for unit, name in _RATIOS.items():
        used = one.used.get(unit)
        found[name] = used.per_100_km if _filled(used) else None
    return found


def _filled(used: Consumption | Unknown | None) -> TypeGuard[Consumption]:
    """Tell whether something was filled on the stretch: nothing filled is not nothing used."""
    return isinstance(used, Consumption) and used.filled > 0


def _paid(one: Account, kinds: Sequence[str]) -> Decimal | None:
    """Return the running cost of some kinds; None: no line says an amount."""
    amounts = [
        event.fen
        for event in one.events
        if event.purpose in kinds and event.counted and event.fen is not None
    ]
    return hundredths(sum(amounts)) if amounts else None


def _rest(one: Account) -> Decimal | None:
    named = {kind for kinds in _SUMS.values() for kind in kinds}
    return _paid(one, [event.purpose for event in one.events if event.purpose not in named])


def _share(spent: int | None, budget: int | None) -> Decimal | None:
    if spent is None or not budget:
        return None
    return (Decimal(spent) / budget).quantize(Decimal("0.001"))


def _missing(one: Account, figures: Mapping[str, Decimal | None]) -> Iterator[Note]:
    """Say why figures are not known, and what those that are lack."""
    if isinstance(one.stretch, Unknown):
        yield Note("km", one.stretch.posted or one.stretch.why)
    for unit, used in one.used.items():
        if unit in _RATIOS and isinstance(used, Unknown):
            yield Note(_RATIOS[unit], used.posted or used.why)
        elif unit in _RATIOS and not _filled(used):
            yield Note(_RATIOS[unit], "区段内没有登记加油或充电")
        elif unit not in _RATIOS and isinstance(used, Consumption):
            yield Note("fuel", f"含燃气，百公里 {used.per_100_km} {UNITS[unit]}")
    if figures["cost"] is None:
        yield Note("cost", "期内没有登记有金额的费用")
    if one.unpriced:
        yield Note("cost", f"另有 {one.unpriced} 笔没有金额，未计入")
    blank = sum(event.energy and event.quantity is None for event in one.events)
    if blank:
        yield Note("litres", f"另有 {blank} 笔没有数量，未计入")


def _renamed(one: Account, posted: Posted) -> Iterator[Note]:
    """Say since when a vehicle bears its plate; which it bore may be that of a secret one now."""
    for its in posted.changes:
        mine = (its.code, its.name) == (one.consumer.code, "plate")
        if mine and its.since > posted.first and its.before not in {None, its.value}:
            yield Note("plate", f"自 {its.since:%m-%d} 起，此前为另一号牌")


def _after_disposal(one: Account, posted: Posted) -> Iterator[Note]:
    states = [its for its in posted.changes if (its.code, its.name) == (one.consumer.code, "state")]
    if not states or states[-1].value != "disposed":
        return
    since = states[-1].since
    late = sum(event.counted and event.at.date() >= since for event in one.events)
    if late:
        yield Note("cost", f"其中 {late} 笔在 {since} 处置以后（疑点），请核对")


def _part(one: Account) -> str:
    """Say of which days the kilometres are, where those are not about those of the month."""
    if isinstance(one.stretch, Unknown):
        return ""
    begin, end = one.stretch.since.date(), one.stretch.until.date()
    if one.stretch.last is None:  # it ends at a midnight, which is no day of it
        end -= timedelta(days=1)
    last = one.window.end - timedelta(days=1)
    if abs(begin - one.window.first) <= _NEAR and abs(end - last) <= _NEAR:
        return ""
    return f"里程自 {begin:%m-%d} 至 {end:%m-%d}，百公里能耗和每公里费用按同一区段"


def _totals(
    vehicles: Sequence[Vehicle],
    listed: Sequence[Account],
    sums: Mapping[str, Decimal | None] | None,
) -> dict[str, Decimal | None]:
    """Return Σ of what is known, Σ over Σ for ratios; of ratios the listed vehicles only."""
    found: dict[str, Decimal | None] = dict.fromkeys(FIGURES)
    lines: list[Mapping[str, Decimal | None]] = [one.figures for one in vehicles]
    for name in (*ADDED, "budget", "spent"):
        of_others = [sums] if sums is not None and name in ADDED else []
        found[name] = _sum(line[name] for line in [*lines, *of_others])
    for unit, name in _RATIOS.items():
        used = together([u for one in listed if _filled(u := one.used.get(unit))])
        found[name] = used.per_100_km if _filled(used) else None
    both = [one for one, line in zip(listed, lines, strict=True) if line["yuan_per_km"] is not None]
    hm = sum(one.stretch.hm for one in both if isinstance(one.stretch, Stretch))
    found["yuan_per_km"] = yuan_per_km(sum(one.stretch_fen for one in both), hm) if hm else None
    pairs = [line for line in lines if line["share"] is not None]
    allowed = _sum(line["budget"] for line in pairs)
    if allowed:
        spent = _sum(line["spent"] for line in pairs) or Decimal(0)
        found["share"] = (spent / allowed).quantize(Decimal("0.001"))
    return found


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None
