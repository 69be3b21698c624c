"""The figure of a month: what an institution reports of one energy, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from metering.bills.model import First
from metering.bills.month import AccountMonth, Figure, Metered, MonthFacts, Reason, Source, total
from metering.bills.share import BillFigures, How, MeterDays, Sharing, shares, spans_of

RATIO_SLACK_PERCENT: Final = 2
"""How near a bill must come to a whole multiple of the meter to raise the question of the ratio.
It only words a doubt: losses of transformers and lines stay below it."""


def account_month(
    code: str,
    days: Sequence[date],
    bills: Sequence[BillFigures],
    metered: MeterDays | None,
    meters: Sequence[int],
) -> AccountMonth:
    """Put together what an account gives to a month.

    Args:
        code: of the account.
        days: of the month, on which it is the institution's; ascending.
        bills: active bills that touch them.
        metered: what its meters counted, for the days of the bills too; None: it has none.
        meters: ids of its meters on those days.
    """
    sharing = Sharing(metered)
    return AccountMonth(
        code=code,
        days=tuple(days),
        quantity=shares(bills, lambda bill: bill.micro, days, sharing),
        amount=shares(bills, lambda bill: bill.fen, days, sharing),
        metered=_of_days(days, metered, meters) if meters else None,
        ratio=next((n for b in bills if (n := _multiple(b, sharing)) is not None), None),
    )


def figure(facts: MonthFacts, source: Source | None = None) -> Figure:
    """Say what the figure of a month is, and why.

    Args:
        facts: all there is to know.
        source: what it rests on; None: what comes first and is complete.
    """
    metered, of_accounts = facts.metered, facts.of_accounts
    told = [account.micro for account in facts.accounts]
    billed, fen = total([*told, *(bought.micro for bought in facts.purchases)]), facts.fen
    source = source or _source(facts, billed, metered)
    shared = [share for account in facts.accounts for share in account.quantity]
    micro, estimated, by_days = None, 0, 0
    if source in {Source.BILLED, Source.MIXED}:
        micro = billed
        estimated = sum(share.value for share in shared if share.estimated)
        by_days = sum(share.value for share in shared if share.how is How.DAYS)
    elif source is Source.METERED and metered is not None:
        micro, estimated = metered.micro, metered.estimated
    elif source is Source.ENTERED and facts.entered is not None:
        micro = facts.entered.micro
        fen = facts.entered.fen if fen is None else fen
    if source is Source.MIXED and facts.meters is not None:
        micro = total([micro, facts.meters.micro])
        estimated += facts.meters.estimated
    compared = total(told)
    counted = None if of_accounts is None else of_accounts.micro
    difference = None if compared is None or counted is None else compared - counted
    return Figure(
        facts=facts,
        source=source,
        micro=micro,
        fen=fen,
        estimated=estimated,
        by_days=by_days,
        billed=billed,
        metered=None if metered is None else metered.micro,
        difference=difference,
        reasons=_reasons(facts, difference, no_bill=None in told),
    )


def _source(facts: MonthFacts, billed: int | None, metered: Metered | None) -> Source:
    meters = facts.meters
    beside = facts.is_mixed and meters is not None and meters.complete
    there = {
        Source.BILLED: billed is not None and not facts.is_mixed,
        Source.MIXED: billed is not None and beside,
        Source.METERED: metered is not None and metered.complete,
        Source.ENTERED: facts.entered is not None and facts.entered.micro is not None,
        Source.NONE: True,
    }
    order = [Source.BILLED, Source.MIXED, Source.METERED, Source.ENTERED, Source.NONE]
    if facts.first is First.METER:
        order[:3] = [Source.METERED, Source.BILLED, Source.MIXED]
    return next(source for source in order if there[source])


def _of_days(days: Sequence[date], metered: MeterDays | None, meters: Sequence[int]) -> Metered:
    seen = [metered.over(*span) for span in spans_of(days)] if metered is not None else []
    return Metered(
        micro=sum(one.micro for one in seen) if any(one.known for one in seen) else None,
        estimated=sum(one.estimated for one in seen),
        complete=bool(seen) and all(one.whole for one in seen),
        meters=tuple(sorted(set(meters))),
    )


def _reasons(facts: MonthFacts, difference: int | None, *, no_bill: bool) -> tuple[Reason, ...]:
    beside = facts.meters if facts.is_mixed else None
    gap = beside is not None and not beside.complete
    if not facts.accounts or (difference == 0 and not gap):
        return ()
    metered = [account.metered for account in facts.accounts]
    lacking = {
        Reason.NO_BILL: no_bill,
        Reason.NO_METER: any(one is None for one in metered),
        Reason.METER_GAP: gap or any(one is not None and not one.complete for one in metered),
    }
    quantity = [share for account in facts.accounts for share in account.quantity]
    explaining = {
        Reason.BILL_ESTIMATED: any(share.estimated for share in quantity),
        Reason.RATIO: any(account.ratio is not None for account in facts.accounts),
        Reason.READING_DAY: any(share.how is not How.WHOLE for share in quantity),
    }
    seen = lacking if difference is None else lacking | explaining
    found = tuple(reason for reason, applies in seen.items() if applies)
    return found or (Reason.UNEXPLAINED,)


def _multiple(bill: BillFigures, sharing: Sharing) -> int | None:
    counted = sharing.counted(bill)
    if counted is None or counted <= 0 or not bill.settled or not bill.micro:
        return None
    large, small = max(bill.micro, counted), min(bill.micro, counted)
    times = (2 * large + small) // (2 * small)
    off_percent = abs(large - times * small) * 100
    if times < 2 or off_percent > RATIO_SLACK_PERCENT * times * small:
        return None
    return times if large == bill.micro else -times
