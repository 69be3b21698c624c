"""Simulated ledgers as rules take them: what was missing, as it stood when somebody looked.

A figure that is entered leaves no trace of having been missing. So all is looked at when a month
begins and whenever something is entered or taken back, with what is known at that moment, as the
database path is; a doubt is there from one look on to the next one that does not show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Final

import numpy as np

from jieyong.evaluation.city.places import Basis, Laid, laid
from jieyong.evaluation.city.score import Doubt
from rules.kinds.missing import CADENCES
from rules.kinds.model import Sort
from rules.ruleset.model import Rule
from rules.subjects.institutions import missing
from rules.subjects.institutions.missing import Begun, Figures, Told, later
from rules.timeline.overlay import Windows
from simulators.city.ledgers import MONTHS, Figure, Ledger
from simulators.city.spans import union
from storage.times import at_us, midnight, us_of

_SECOND_US: Final = 1_000_000
_MILLI: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Look:
    """A ledger, and from when until when nobody looks again, s UTC."""

    ledger: Ledger
    since_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known at each look; its subjects are looks."""

    looks: Mapping[str, _Look]
    laid: Laid

    def doubts(self, rules: Sequence[Rule]) -> list[Doubt]:
        """Return what rules find, as long as it was there.

        Raises:
            ValueError: see :func:`rules.derive.evaluate.evaluate`.
        """
        seen: dict[tuple[str, str, str, int], list[Doubt]] = {}
        for one in self.laid.doubts(rules):
            look = self.looks[one.subject]
            shown = max(one.confirmed_s, look.since_s), min(one.until_s, look.until_s)
            if shown[0] < shown[1]:
                key = look.ledger.code, one.kind, one.rule, one.since_s
                seen.setdefault(key, []).append(
                    replace(one, subject=key[0], confirmed_s=shown[0], until_s=shown[1])
                )
        return [doubt for those in seen.values() for doubt in _while_there(those)]


def doubts(ledgers: Sequence[Ledger], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated ledgers in the year that is looked at.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    return lay(ledgers, basis).doubts(basis.rules) if ledgers else []


def lay(ledgers: Sequence[Ledger], basis: Basis) -> Looked:
    """Return what was missing at each look."""
    looks = [look for one in ledgers for look in _looks(one, basis)]
    codes = {f"{one.ledger.code}@{one.since_s}": one for one in looks}
    year = ledgers[0].year
    bounds = date(year, 1, 1), date(year, 12, 31)
    wanted = {name for rule in basis.rules for name in rule.kind.inputs}
    periods = {
        cadence.layer: {
            number: [*missing.over(*bounds, cadence.months, _begun(one))]
            for number, one in enumerate(looks)
        }
        for cadence in CADENCES
        if cadence.layer in wanted
    }
    figures = {number: _figures(one) for number, one in enumerate(looks)}
    begin, end = (us_of(midnight(date(y, 1, 1), basis.zone)) for y in (year, year + 1))
    windows = Windows(np.arange(len(looks)), np.full(len(looks), begin), np.full(len(looks), end))
    subjects = [replace(one.ledger, code=code) for code, one in codes.items()]
    inputs = missing.laid(periods, figures, basis.zone)
    return Looked(codes, laid(Sort.INSTITUTION, subjects, inputs, windows, basis.rules))


def _looks(one: Ledger, basis: Basis) -> Iterator[_Look]:
    first = date(one.year, 1, 1)
    begin, end = (
        us_of(midnight(date(year, 1, 1), basis.zone)) // _SECOND_US
        for year in (one.year, one.year + 1)
    )
    months = [datetime.combine(later(first, n), datetime.min.time(), UTC) for n in range(12)]
    moments = {us_of(month) // _SECOND_US for month in months}
    moments |= {
        at for its in one.figures.values() for told in its for span in told.known for at in span
    }
    inside = sorted(at for at in moments if begin < at < end)
    for since, until in pairwise([begin, *inside, end]):
        yield _Look(one, since, until)


def _begun(look: _Look) -> Begun:
    """The month of the look; the program began to be used with the year before."""
    day = at_us(look.since_s * _SECOND_US).date()
    return Begun(day.replace(day=1), date(look.ledger.year - 1, 1, 1))


def _figures(look: _Look) -> Figures:
    first = date(look.ledger.year - 2, 1, 1)
    return {
        energy: {later(first, month): _told(its[month], look.since_s) for month in range(MONTHS)}
        for energy, its in look.ledger.figures.items()
    }


def _told(one: Figure, at_s: int) -> Told:
    if any(since <= at_s < until for since, until in one.known):
        return Told(one.used * _MILLI, one.account)
    gone = max((until for _, until in one.known if until <= at_s), default=None)
    return Told(None, one.account, None if gone is None else gone * _SECOND_US)


def _while_there(shown: Sequence[Doubt]) -> Iterator[Doubt]:
    """Join what one look showed with what the next one still did."""
    spans = union((one.confirmed_s, one.until_s) for one in shown)
    for number, (since, until) in enumerate(spans):
        begun = shown[0].since_s if number == 0 else since
        yield replace(shown[0], since_s=begun, confirmed_s=since, until_s=until)
