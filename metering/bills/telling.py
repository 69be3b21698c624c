"""What of an institution's month is reported from papers, and what from meters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metering.bills.figure import figure
from metering.bills.month import Figure, Metered, Source
from metering.tree.origin import Line


@dataclass(frozen=True, slots=True)
class Told:
    """What tells of a month.

    Attributes:
        papers: what accounts, purchases and earlier records give; None: nothing.
        lines: what meters give.
        fen: cost of what they counted; None: nobody knows it.
    """

    papers: Figure | None
    lines: Sequence[Line]
    fen: int | None = None


def told(
    papers: Figure | None, meters: Metered | None, lines: Sequence[Line], *, buys: bool
) -> Told:
    """Return what gives to the figures that are reported.

    It is what the own figure rests on, so that what is reported adds up to that.

    Args:
        papers: what accounts, purchases and earlier records make of it; None: there are none.
        meters: what meters counted on the days without an account.
        lines: the same by who reports it, and what was generated or passed on beside bills.
        buys: the institution bought some in the year: a month without is not known.
    """
    if papers is None:
        return Told(None, lines)
    facts = papers.facts
    whole = papers if meters is None else figure(facts.beside(meters))
    if whole.source is Source.ENTERED:
        # Earlier records are of all that was used: nothing is added to them, or taken off.
        return Told(figure(facts, Source.ENTERED), ())
    if not facts.accounts and not facts.purchases:
        # Who has no account any more has nothing to say.
        silent = facts.is_empty and not buys
        return Told(None if lines or silent else papers, lines)
    if not facts.accounts and whole.source is Source.METERED:
        fen = None if facts.fen is None else 0  # all of it stands with the purchases
        return Told(replace(figure(facts, Source.METERED), micro=0), lines, fen)
    if whole.facts.is_mixed:
        return Told(papers, lines)
    return Told(papers, [line for line in lines if not line.in_bills])
