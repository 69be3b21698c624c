"""Which accounts of a month are divided between several who report, and which cannot be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from metering.bills.division import Slice, Ways, is_divisible
from metering.bills.load import Loaded
from metering.bills.meter_days import Counted
from metering.bills.month import MonthFacts
from metering.bills.routes import Routes
from metering.tree.holders import Holder


@dataclass(frozen=True, slots=True)
class Division:
    """For whom the accounts of an institution's month count.

    Attributes:
        institution: code.
        routes: for whom what counts that is not divided.
        ways: (code of an account, day) → for whom it counts, where it is divided.
        undivided: codes of accounts that go several ways, but whose meters do not know enough.
    """

    institution: str
    routes: Routes
    ways: Mapping[tuple[str | None, date], Ways]
    undivided: tuple[str, ...]

    @classmethod
    def of(cls, loaded: Loaded, routes: Routes, facts: MonthFacts) -> Division:
        """Look at the accounts of a month."""
        divided: dict[tuple[str | None, date], Ways] = {}
        undivided: list[str] = []
        held = loaded.held.get((facts.institution, facts.energy), ())
        ids = {one.code: one.account_id for one in held}
        for account in facts.accounts if routes.accounts else ():
            by_ways: dict[Ways, list[date]] = defaultdict(list)
            for day in account.days:
                if ways := routes.several(facts.institution, account.code, day):
                    by_ways[ways].append(day)
            counted = loaded.counted.get(ids[account.code])
            for ways, days in by_ways.items():
                if counted is not None and _is_divisible(ways, counted, days):
                    divided |= dict.fromkeys(((account.code, day) for day in days), ways)
                elif account.code not in undivided:
                    undivided.append(account.code)
        return cls(facts.institution, routes, divided, tuple(undivided))

    def route(self, account: str | None, day: date) -> Sequence[Holder]:
        """Return for whom something counts on a day; see ``reported.Route``."""
        if ways := self.ways.get((account, day)):
            return [holder for holder, _ in ways]
        return [self.routes.of(self.institution, account, day)]

    def payer(self, account: str, meter: int, day: date) -> Holder:
        """Return for whom that part of an account's bills counts that one of its meters counts."""
        for holder, meters in self.ways.get((account, day), ()):
            if meter in meters:
                return holder
        return self.routes.of(self.institution, account, day)

    def part(self, holder: Holder, account: str | None, day: date) -> bool | Slice:
        """Return what of something counts for a holder on a day; see ``figures.Keep``."""
        ways = self.ways.get((account, day))
        if not ways:
            return self.routes.of(self.institution, account, day) == holder
        holders = [one for one, _ in ways]
        return Slice(holders.index(holder), ways) if holder in holders else False


def _is_divisible(ways: Ways, counted: Counted, days: Sequence[date]) -> bool:
    """Tell whether an account can be divided on some days; its own figures rest on these meters."""
    among = [meters for _, meters in ways]
    every = frozenset[int]().union(*among)
    same = all(every == frozenset(counted.counting_on([day])) for day in days)
    return same and is_divisible(among, counted.each, days)
