"""What a posted sheet says of accounts: dashes where nothing is known, sums of what is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from fleet.ledger.account import Account, account
from fleet.ledger.events import Dashboard, Event
from fleet.ledger.load import Change, Consumer
from fleet.ledger.mileage import Day, Positions
from fleet.ledger.window import months
from fleet.ledger.words import words
from fleet.publish.content import Content, Note, packed, unpacked
from fleet.publish.differences import Difference, differences
from fleet.publish.figures import Posted, content
from fleet.publish.sheet import sheet

ZONE = ZoneInfo("Asia/Shanghai")
JANUARY = months(date(2026, 1, 1), 1)
Budgets = dict[str, int]


def spent(
    number: int,
    kind: str,
    fen: int | None,
    *,
    hm: int | None = None,
    ml: int | None = None,
    counted: bool = True,
    product: str | None = None,
) -> Event:
    at = datetime(2026, 1, number, 9, tzinfo=ZONE)
    usual = "petrol" if kind == "filling" else ""
    return Event(
        *(at, number, kind, hm),
        product=usual if product is None else product,
        unit="ml" if ml else None,
        quantity=ml,
        fen=fen,
        counted=counted,
    )


def car(
    code: str, *events: Event, kind: str = "vehicle", sensitive: bool = False, **facts: str
) -> Account:
    known = {"plate": f"沪{code}", **facts}
    its = Consumer(1, code, kind, "czj", "财政局", known, sensitive=sensitive)
    return account(its, JANUARY, ZONE, events, [], Dashboard())


def posted(
    *found: Account, at_least: int | None = None, changes: Sequence[Change] = (), **more: Budgets
) -> Content:
    so_far = {one.consumer.code: one.cost for one in found if one.cost}
    hidden = [one.consumer.code for one in found if one.consumer.sensitive]
    whose = "czj", "财政局", JANUARY.first
    made = Posted(*whose, found, so_far, more.get("budgets", {}), None, {}, hidden, changes)
    return content(made, words(), at_least).content


FILLED = (
    spent(2, "filling", 30_000, hm=1_000, ml=40_000),
    spent(30, "filling", 20_000, hm=3_500, ml=20_000),
)


def seen(millimetres: int) -> Account:
    """A vehicle that was disposed of within the month, and of which positions alone tell."""
    facts = {"plate": "沪A", "state": "disposed"}
    its = Consumer(1, "A", "vehicle", "czj", "财政局", facts)
    days = {"A": [Day(date(2026, 1, 5), millimetres, None, seen=True)]}
    return account(its, JANUARY, ZONE, [], [], Positions("gps", days, ZONE))


def unknown_yet(*events: Event) -> Account:
    """A vehicle of which the books know nothing in that month: they begin later."""
    its = Consumer(1, "A", "vehicle", "czj", "财政局", {}, begun=False)
    return account(its, JANUARY, ZONE, events, [], Dashboard())


def car_of_which_nothing_is_said() -> Account:
    its = Consumer(1, "A", "vehicle", "czj", "财政局", {})
    return account(its, JANUARY, ZONE, [], [], Dashboard())


def test_what_is_not_known_is_never_zero() -> None:
    (one,) = posted(car("A", spent(3, "topup", 9_000, counted=False))).vehicles
    assert set(one.figures.values()) == {None}
    assert {note.figure for note in one.notes} == {"km", "cost"}


def test_a_line_without_an_amount_or_litres_is_told() -> None:
    lines = (*FILLED, spent(9, "maintenance", None), spent(10, "filling", 5_000))
    (one,) = posted(car("A", *lines)).vehicles
    assert one.figures["maintenance"] is None
    assert one.figures["cost"] == Decimal("550.00")
    assert one.notes == (
        Note("per_100_km", "其间有 1 笔没有数量"),
        Note("cost", "另有 1 笔没有金额，未计入"),
        Note("litres", "另有 1 笔没有数量，未计入"),
    )


def test_where_a_wrong_reading_stands_is_for_the_officer_alone() -> None:
    wrong = (
        Event(datetime(2026, 1, 3, 9, tzinfo=ZONE), 1, "order", 5_000, where="一月.xlsx 派车单!H3"),
        Event(datetime(2026, 1, 4, 9, tzinfo=ZONE), 2, "order", 4_000, where="一月.xlsx 派车单!H4"),
    )
    (one,) = posted(car("A", *wrong)).vehicles
    assert one.notes[0] == Note("km", "里程表读数前后不一致，待核对")


@pytest.mark.parametrize(
    ("product", "figure"), [("petrol", "fuel"), ("adblue", "rest"), ("electricity", "charging")]
)
def test_a_refund_is_taken_off_where_the_money_was_spent(product: str, figure: str) -> None:
    lines = (
        spent(3, "filling", 10_000, ml=15_000),
        spent(4, "adblue", 5_000, product="adblue"),
        spent(5, "charging", 3_000, product="electricity"),
        spent(6, "refund", -1_000, product=product),
    )
    (one,) = posted(car("A", *lines)).vehicles
    paid = {name: one.figures[name] for name in ("fuel", "rest", "charging")}
    usual = {"fuel": Decimal(100), "rest": Decimal(50), "charging": Decimal(30)}
    assert paid == {**usual, figure: usual[figure] - 10}
    assert one.figures["cost"] == Decimal(170)


def test_nothing_filled_on_the_stretch_is_not_nothing_used() -> None:
    lines = (spent(2, "filling", 30_000, hm=1_000, ml=40_000), spent(28, "reading", None, hm=2_000))
    (one,) = posted(car("A", *lines)).vehicles
    assert (one.figures["litres"], one.figures["km"]) == (Decimal("40.000"), Decimal("100.0"))
    assert (one.figures["per_100_km"], one.figures["yuan_per_km"]) == (None, None)


def test_the_last_line_is_sums_of_what_is_known_and_ratios_of_sums() -> None:
    other = (
        spent(2, "filling", 1_000, hm=0, ml=1_000),
        spent(30, "filling", 9_000, hm=7_500, ml=30_000),
    )
    found = posted(car("A", *FILLED), car("B", *other), car("C"), budgets={"A": 100_000})
    assert found.totals["km"] == Decimal("1000.0")
    assert found.totals["cost"] == Decimal("600.00")
    assert found.totals["per_100_km"] == Decimal("5.00")  # (20 + 30) L over (250 + 750) km
    assert found.totals["share"] == Decimal("0.500")  # of A alone: B has no budget
    assert found.totals["insurance"] is None


@pytest.mark.parametrize(
    ("one", "stands"),
    [
        (car("A", *FILLED, kind="generator"), False),
        (car("A", state="disposed"), False),
        (car("A", *FILLED, state="disposed"), True),
        (seen(30_000_000), True),
        (seen(0), False),
        (unknown_yet(), False),
        (car_of_which_nothing_is_said(), True),
        (unknown_yet(spent(9, "toll", 500)), True),
        (car("A", *FILLED, sensitive=True), False),
        (car("A", kind="motorcycle"), True),
    ],
)
def test_who_has_a_line(one: Account, stands: bool) -> None:
    assert bool(posted(one, car("Z")).vehicles[:-1]) == stands


def test_every_line_stands_in_the_column_of_its_kind_and_in_the_cost_once() -> None:
    kinds = ("maintenance", "insurance", "toll", "parking", "charging", "adblue", "other")
    lines = [spent(3 + n, kind, 100 << n) for n, kind in enumerate(kinds)]
    (one,) = posted(car("A", *FILLED, *lines)).vehicles
    names = ("fuel", "maintenance", "insurance", "road", "charging", "rest", "cost")
    assert [one.figures[name] for name in names] == [500, 1, 2, 4 + 8, 16, 32 + 64, 627]


def test_kilometres_that_cost_nothing_known_are_in_no_yuan_a_kilometre() -> None:
    free = (spent(2, "order", None, hm=1_000), spent(30, "order", None, hm=9_000))
    found = posted(car("A", *FILLED), car("B", *free))
    assert [one.figures["yuan_per_km"] for one in found.vehicles] == [Decimal("0.80"), None]
    assert found.totals["km"] == Decimal(1_050)
    assert found.totals["yuan_per_km"] == Decimal("0.80")  # 200 yuan over 250 km


@pytest.mark.parametrize(("first", "last", "told"), [(8, 24, False), (9, 24, True), (8, 23, True)])
def test_a_stretch_a_week_off_the_ends_of_the_month_is_told(
    first: int, last: int, told: bool
) -> None:
    read = (spent(first, "order", None, hm=1_000), spent(last, "order", None, hm=9_000))
    (one,) = posted(car("A", *read)).vehicles
    assert any(note.figure == "km" for note in one.notes) == told


def test_days_of_positions_are_told_by_their_days_and_not_by_the_midnight_behind() -> None:
    (one,) = posted(seen(30_000_000), car("Z")).vehicles[:1]
    assert Note("km", "里程自 01-05 至 01-05，百公里能耗和每公里费用按同一区段") in one.notes


def test_the_sum_of_unlisted_vehicles_is_in_the_last_line_and_in_no_ratio() -> None:
    secret = [car(code, spent(9, "filling", 9_000, ml=10_000), sensitive=True) for code in "BCD"]
    found = posted(car("A", *FILLED), *secret, at_least=3, budgets={"A": 100_000})
    assert found.others is not None
    assert [found.others[name] for name in ("litres", "cost")] == [30, 270]
    names = ("litres", "cost", "per_100_km", "spent")
    assert [found.totals[name] for name in names] == [90, 770, 8, 500]


def test_what_is_kept_comes_back_to_the_letter() -> None:
    facts = {"plate": "沪A", "class": "sedan", "use": "law"}
    said = replace(one := car("A", *FILLED), consumer=replace(one.consumer, facts=facts))
    found = posted(said, car("B"))
    assert unpacked(packed(found)) == found
    assert packed(unpacked(packed(found))) == packed(found)


def test_what_is_the_same_differs_in_nothing_and_what_differs_is_told_once() -> None:
    was = posted(car("A", *FILLED), car("B", *FILLED))
    assert differences(was, was, [], same_others=True) == []
    now = posted(car("A", *FILLED, spent(20, "toll", 1_500)), car("C"))
    found = differences(was, now, ["B"], same_others=False)
    assert found[0] == Difference("A", "沪A", "road", None, Decimal("15.00"))
    assert Difference("C", "沪C", "line", "未列", "列出") in found
    assert {one.code for one in found} == {"A", "C"}


def test_footnotes_are_numbered_once_and_stand_where_the_figure_would() -> None:
    found = posted(car("A"), car("B"), car("C", *FILLED, spent(9, "toll", None)))
    table = sheet(found, "第 1 版", None, ZONE, for_print=True)
    first, second, third = table.rows
    assert (first["km"], second["km"], first["cost"]) == ("—[1]", "—[1]", "—[2]")
    assert (third["cost"], third["note"]) == (Decimal("500.00"), "[3]")
    assert "[1] 里程：期内没有里程表读数" in table.remarks
    assert sum(line.startswith("[") for line in table.remarks) == 3
    plain = sheet(found, "第 1 版", None, ZONE, for_print=False).rows[0]
    assert plain["km"] is None
    assert str(plain["note"]).startswith("里程：期内没有里程表读数；")


def test_a_vehicle_that_is_listed_has_no_code_on_the_sheet() -> None:
    found = posted(car("CODE7", *FILLED, plate="沪A1"))
    for paper in (True, False):
        assert "CODE7" not in str(sheet(found, "", None, ZONE, for_print=paper))


def test_a_plate_of_this_month_says_since_when_and_not_which_was_before() -> None:
    changes = [
        Change("A", "plate", date(2025, 1, 1), "沪A0", None),
        Change("A", "plate", date(2026, 1, 16), "沪A", "沪A0"),
        Change("B", "plate", date(2026, 1, 1), "沪B", "沪B0"),  # all of the month
        Change("C", "plate", date(2026, 1, 9), "沪C", None),  # its first
        Change("D", "plate", date(2026, 1, 9), "沪D", "沪D"),
    ]
    found = posted(*(car(code, *FILLED) for code in "ABCD"), changes=changes)
    notes = {one.code: [n.text for n in one.notes if n.figure == "plate"] for one in found.vehicles}
    assert notes == {"A": ["自 01-16 起，此前为另一号牌"], "B": [], "C": [], "D": []}
    table = sheet(found, "第 1 版", None, ZONE, for_print=True)
    assert table.rows[0]["plate"] == "沪A[1]"
    assert "沪A0" not in str(table)


def test_what_a_vehicle_cost_after_it_was_disposed_of_is_asked_about() -> None:
    lines = (*FILLED, spent(20, "toll", 1_500), spent(21, "topup", 9_000, counted=False))
    gone = car("A", *lines, state="disposed")
    changes = [
        Change("A", "state", date(2025, 1, 1), "disposed", None),
        Change("A", "state", date(2025, 3, 1), "used", "disposed"),
        Change("A", "state", date(2026, 1, 20), "disposed", "used"),
    ]
    (one,) = posted(gone, changes=changes).vehicles
    assert Note("cost", "其中 2 笔在 2026-01-20 处置以后（疑点），请核对") in one.notes
    (other,) = posted(car("A", *lines), changes=changes[:2]).vehicles
    assert not any("处置" in note.text for note in other.notes)
