"""What the sheet of accounts shows of one."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from fleet.ledger.account import Account, account
from fleet.ledger.events import Dashboard, Event
from fleet.ledger.load import Consumer
from fleet.ledger.papers import figures
from fleet.ledger.window import months
from fleet.ledger.words import words

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 1, 9, 9, tzinfo=ZONE)


def of(*events: Event) -> Account:
    its = Consumer(1, "A", "vehicle", "czj", "财政局", {"plate": "沪A"})
    return account(its, months(date(2026, 1, 1), 1), ZONE, events, [], Dashboard())


def test_a_cost_of_which_no_line_tells_is_not_known_and_not_zero() -> None:
    nothing = figures(of(), words())
    assert {nothing[name] for name in ("cost", "filling", "rest", "litres")} == {None}
    unpriced = Event(AT, 1, "maintenance", counted=True)
    assert figures(of(unpriced), words())["cost"] is None
    free = Event(AT, 1, "maintenance", fen=0, counted=True)
    assert figures(of(free), words())["cost"] == Decimal(0)


def test_a_refund_of_adblue_is_not_taken_off_the_fuel() -> None:
    lines = (
        Event(AT, 1, "filling", product="petrol", fen=30_000, counted=True),
        Event(AT, 2, "refund", product="petrol", fen=-1_000, counted=True),
        Event(AT, 3, "adblue", product="adblue", fen=8_000, counted=True),
        Event(AT, 4, "refund", product="adblue", fen=-3_000, counted=True),
    )
    found = figures(of(*lines), words())
    assert [found[name] for name in ("filling", "rest", "cost")] == [290, 50, 340]
