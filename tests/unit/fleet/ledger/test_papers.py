"""What the sheet of accounts shows of one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from fleet.ledger.account import Account, account
from fleet.ledger.events import Dashboard, Event, Stretch
from fleet.ledger.load import Consumer
from fleet.ledger.mileage import First
from fleet.ledger.papers import account_tables, figures, list_table
from fleet.ledger.window import months
from fleet.ledger.words import words

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 1, 9, 9, tzinfo=ZONE)


class Terminal:
    """An odometer that always knows."""

    def stretch(self, *_: object) -> Stretch:
        return Stretch("terminal", 500, AT, AT)


def test_a_dashboard_that_makes_no_sense_is_marked_where_the_terminal_counts_instead() -> None:
    its = Consumer(1, "A", "vehicle", "czj", "财政局", {"plate": "沪A"})
    first = Event(AT, 1, "reading", odometer_hm=5_000)
    lower = Event(AT + timedelta(days=1), 2, "reading", odometer_hm=4_000)
    for events, marked in (((first, lower), True), ((first,), True), ((), False)):
        month = months(date(2026, 1, 1), 1)
        one = account(its, month, ZONE, events, [], First(Dashboard(), Terminal()))
        shown = figures(one, words())
        assert shown["span"] == f"{'※' if marked else ''}终端里程 2026-01-09～2026-01-09"
        assert str(shown["note"]).startswith("里程表读数没有采用：") is marked
        for table in (list_table([one], "", words()), account_tables([one], words(), ZONE)[0]):
            assert any(text.startswith("※ ") for text in table.remarks) is marked
    assert "由 500.0 降到 400.0 公里" in str(
        figures(
            account(its, month, ZONE, (first, lower), [], First(Dashboard(), Terminal())), words()
        )["note"]
    )


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
