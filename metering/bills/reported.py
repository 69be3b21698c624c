"""What an institution reports: its own figure, and those that count for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from metering.bills.figure import figure
from metering.bills.month import Figure, MonthFacts, Reason, Source, total
from metering.tree.holders import Holder, parts_of
from metering.tree.shares import largest_remainder

Route = Callable[[str | None, date], Sequence[Holder]]
"""(code of an account, or None for what hangs at none; day) → for whom it counts: several where
an account is divided."""
Restrict = Callable[[Holder], MonthFacts]
"""For whom → the facts of a month that count for them."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Whole numbers of a figure, as far as they count for somebody. None is "not known".

    Attributes:
        micro: millionths of the unit.
        known: millionths; of an unknown figure what bills and purchases say of a part of it.
        fen: hundredths of a yuan.
        estimated: the part of ``micro`` that is estimated.
        by_days: the part of ``micro`` that was shared out by days alone.
        billed: by bills and purchases.
        metered: by meters, as far as known.
        difference: bills of accounts − meters.
    """

    micro: int | None
    known: int | None
    fen: int | None
    estimated: int
    by_days: int
    billed: int | None
    metered: int | None
    difference: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """What one institution gives to a figure that is reported.

    Attributes:
        share: of ``figure``; 1 unless it is shared out.
        figure: its own, of the days and accounts that go this way, before sharing out.
        amounts: the share of them.
        generated: it is what meters saw generated (PV): own use that no bill tells of.
        undivided: codes of accounts whose meters go several ways, but do not know enough to divide
            their bills: all of them is here.
    """

    share: Fraction
    figure: Figure
    amounts: Amounts
    generated: bool = False
    undivided: tuple[str, ...] = ()

    @property
    def institution(self) -> str:
        """Code of whose it is."""
        return self.figure.facts.institution

    @property
    def accounts(self) -> tuple[str, ...]:
        """Codes of its accounts."""
        return tuple(account.code for account in self.figure.facts.accounts)

    @property
    def passed_on(self) -> bool:
        """Whether it is what meters saw leave for others."""
        return (self.amounts.known or 0) < 0

    @property
    def unknown_accounts(self) -> tuple[str, ...]:
        """Codes of those of which bills do not tell all, while the figure is unknown."""
        known = self.figure.micro is not None
        accounts = () if known else self.figure.facts.accounts
        return tuple(account.code for account in accounts if account.micro is None)


@dataclass(frozen=True, slots=True)
class Reported:
    """What is reported of an energy and a month.

    Attributes:
        institution: code of who reports it; None: excluded, nobody does.
        energy: code.
        month: its first day.
        parts: by code of the institution.
    """

    institution: str | None
    energy: str
    month: date
    parts: tuple[Part, ...]

    @property
    def micro(self) -> int | None:
        """Millionths; None while any part is unknown, there is none, or it would be below 0."""
        micro = total(part.amounts.micro for part in self.parts)
        return None if micro is None or micro < 0 else micro

    @property
    def known(self) -> int | None:
        """Millionths of what is known; None: nothing is."""
        found = [p.amounts.known for p in self.parts if p.amounts.known is not None]
        return total(found)

    @property
    def fen(self) -> int | None:
        """Hundredths of a yuan; None while any part is unknown.

        What is passed on is not taken off, what is generated not added: no bill says its cost.
        """
        bought = [part for part in self.parts if not part.passed_on and not part.generated]
        return total(part.amounts.fen for part in bought)

    @property
    def known_fen(self) -> int | None:
        """Hundredths of a yuan of the parts that are known; None: none is."""
        return total(p.amounts.fen for p in self.parts if p.amounts.fen is not None)

    @property
    def estimated(self) -> int:
        """Millionths that are estimated."""
        return sum(part.amounts.estimated for part in self.parts)

    @property
    def by_days(self) -> int:
        """Millionths that were shared out by days alone."""
        return sum(part.amounts.by_days for part in self.parts)

    @property
    def billed(self) -> int | None:
        """Millionths by bills and purchases; None when they do not say all.

        Beside a part that rests on meters alone it is None: ``by_source`` says what bills tell of.
        """
        return total(part.amounts.billed for part in self.parts)

    @property
    def by_source(self) -> Mapping[Source, int]:
        """Millionths of what is known by what its parts rest on; they add up to ``known``.

        Under ``Source.NONE`` stands what is known of parts that are unknown as a whole.
        """
        found: dict[Source, int] = {}
        for part in self.parts:
            if part.amounts.known is not None:
                source = part.figure.source
                found[source] = found.get(source, 0) + part.amounts.known
        return {source: found[source] for source in Source if source in found}

    @property
    def metered(self) -> int | None:
        """Millionths by meters, as far as known."""
        found = [p.amounts.metered for p in self.parts if p.amounts.metered is not None]
        return total(found)

    @property
    def difference(self) -> int | None:
        """Bills − meters of all accounts; None while those of a part cannot be compared."""
        return total(part.amounts.difference for part in self.parts if part.accounts)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why bills and meters of the parts differ or cannot be compared."""
        seen = {reason for part in self.parts for reason in part.figure.reasons}
        if (total(part.amounts.micro for part in self.parts) or 0) < 0:
            seen.add(Reason.BELOW_ZERO)
        return tuple(reason for reason in Reason if reason in seen)

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the parts rest on, each once."""
        seen = {part.figure.source for part in self.parts}
        return tuple(source for source in Source if source in seen)

    @property
    def members(self) -> tuple[str, ...]:
        """Codes of the institutions it contains."""
        return tuple(dict.fromkeys(part.institution for part in self.parts))

    @property
    def unknown_members(self) -> tuple[str, ...]:
        """Codes of those of which something is unknown."""
        unknown = (p.institution for p in self.parts if p.amounts.micro is None)
        return tuple(dict.fromkeys(unknown))

    @property
    def accounts(self) -> tuple[str, ...]:
        """Codes of the accounts it contains, as a whole or a share of them."""
        return tuple(sorted({code for part in self.parts for code in part.accounts}))

    @property
    def undivided_accounts(self) -> tuple[str, ...]:
        """Codes of those whose meters go several ways and whose bills are here as a whole.

        That is a doubt: their meters do not know enough to divide the bills.
        """
        return tuple(sorted({code for part in self.parts for code in part.undivided}))

    @property
    def unknown_accounts(self) -> tuple[str, ...]:
        """Codes of those of which it is not known what they used."""
        return tuple(sorted({code for part in self.parts for code in part.unknown_accounts}))

    @property
    def bill_ids(self) -> tuple[int, ...]:
        """The bills it rests on."""
        return _ids(part.figure.bill_ids for part in self.parts)

    @property
    def purchase_ids(self) -> tuple[int, ...]:
        """The purchases it rests on."""
        return _ids(part.figure.purchase_ids for part in self.parts)

    @property
    def meter_ids(self) -> tuple[int, ...]:
        """The meters it is compared with or rests on."""
        return _ids(part.figure.meter_ids for part in self.parts)


def routed(own: Figure, route: Route, restrict: Restrict) -> Iterator[tuple[Holder, Figure]]:
    """Split a figure by for whom its accounts and days count.

    Where the figure is known its parts rest on the same source, and add up to it exactly: bills
    and metering are additive by days, earlier records are shared out by days. Where it is not
    known each part stands for itself.

    Args:
        own: of the institution.
        route: for whom what counts.
        restrict: the same facts, in part.
    """
    facts = own.facts
    days = [*facts.days()]
    among = {holder for day in days for holder in route(None, day)}
    for account in facts.accounts:
        among |= {holder for day in account.days for holder in route(account.code, day)}
    if len(among) == 1:
        yield among.pop(), own
        return
    for holder in sorted(among):
        part = restrict(holder)
        if not facts.is_empty and part.is_empty:
            continue
        yield holder, _part(own, part)


def _part(own: Figure, facts: MonthFacts) -> Figure:
    if own.source is Source.NONE:
        found = figure(facts)
        return found if own.fen is None else replace(found, fen=facts.fen or 0)
    found = figure(facts, own.source)
    fen = found.fen
    if own.facts.fen is not None:
        fen = facts.fen or 0
    elif own.fen is not None:
        fen = facts.entered.fen if facts.entered is not None else 0
    # Of a figure that is known nothing is unknown: what says nothing here adds nothing.
    return replace(found, micro=found.micro or 0, fen=fen)


def shared(found: Figure, holder: Holder) -> Iterator[tuple[int, Part]]:
    """Give a figure to those it counts for; what they get adds up to it exactly."""
    values = _values(found)
    if len(holder) == 1:
        yield holder[0][0], Part(holder[0][1], found, _amounts(values))
        return
    parts = [part for _, part in parts_of(holder)]
    columns = [_shared(value, parts) for value in values]
    for (target, share), *given in zip(holder, *columns, strict=True):
        yield target, Part(share, found, _amounts(given))


def _amounts(values: Sequence[int | None]) -> Amounts:
    micro, known, fen, estimated, by_days, billed, metered, difference = values
    return Amounts(micro, known, fen, estimated or 0, by_days or 0, billed, metered, difference)


def _values(found: Figure) -> tuple[int | None, ...]:
    return (
        *(found.micro, found.known, found.fen, found.estimated, found.by_days),
        *(found.billed, found.metered, found.difference),
    )


def _shared(value: int | None, parts: Sequence[int]) -> Sequence[int | None]:
    return [None] * len(parts) if value is None else largest_remainder(value, parts)


def _ids(several: Iterator[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sorted({one for ids in several for one in ids}))
