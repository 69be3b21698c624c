"""Whatever the relations: everything counts once."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from metering.bills.accounts import bind_meter
from metering.bills.entry import enter_bill, enter_purchase
from metering.bills.figures import figures
from metering.bills.model import NewPurchase
from metering.bills.month import Figure
from metering.bills.reported import Reported
from metering.bills.reporting import reported
from metering.derive.times import next_month
from metering.tree.relations import Kind, Relation, enter_relation
from registry.refusal import RefusedError
from tests.integration.metering.bills.reports import (
    FEBRUARY,
    JANUARY,
    MARCH,
    MID,
    MILLION,
    POWER,
    count_month,
    relate,
)
from tests.integration.metering.bills.world import (
    ACT,
    ZONE,
    Conn,
    bill,
    count_days,
    hang,
    house,
    open_account,
)

INSTITUTIONS = ("czj", "jgj", "xfj")
RELATIONS = st.lists(
    st.tuples(
        st.sampled_from(INSTITUTIONS),
        st.sampled_from([k for k in Kind if k is not Kind.OWN]),
        st.permutations(INSTITUTIONS),
        st.tuples(st.integers(1, 7), st.integers(1, 7)),
        st.integers(-20, 70),
        st.integers(1, 60),
    ),
    max_size=6,
)
OF_METERS = st.dictionaries(
    st.sampled_from(("m-1", "m-2", "m-3")),
    st.tuples(st.sampled_from(INSTITUTIONS), st.integers(-20, 70), st.integers(1, 60)),
)
BILLS = st.lists(st.tuples(st.integers(20, 70), st.integers(0, 10**10)), min_size=2, max_size=6)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(relations=RELATIONS, of_meters=OF_METERS, bills=BILLS, metered=st.booleans())
# One of two ways stays the same while the other changes: each stretch is rounded by itself.
@example(
    relations=[("czj", Kind.ON_BEHALF, ("czj", "jgj", "xfj"), (1, 1), 1, 47)],
    of_meters={"m-1": ("xfj", 46, 10)},
    bills=[(65, 8), (20, 0)],
    metered=True,
)
def test_whatever_the_relations_everything_counts_once(
    conn: Conn,
    relations: list[tuple[Any, ...]],
    of_meters: dict[str, tuple[str, int, int]],
    bills: list[tuple[int, int]],
    metered: bool,
) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("INSERT INTO institution (code, name) VALUES ('xfj', '信访局')")
        for number, (length, quantity) in enumerate(bills):
            code = f"5{number}"
            meters = {0: ("m-1", "m-3"), 1: ("m-2",)}.get(number, ()) if metered else ()
            open_account(conn, code, institution=INSTITUTIONS[number % 3], meters=meters)
            _bills(conn, code, length, quantity)
        if metered:
            for meter in ("m-1", "m-2", "m-3"):
                count_days(conn, meter, (JANUARY, MARCH), 3 * MILLION)
        for relation in relations:
            _enter(conn, relation)
        for meter, (to, since, length) in of_meters.items():
            first = JANUARY + timedelta(days=since)
            days = {"since": first, "until": first + timedelta(days=length)}
            relate(conn, meter, Kind.ON_BEHALF, to, subject="meter", **days)
        _buy(conn, bills)
        months = (date(2025, 12, 1), next_month(MARCH))
        found, own = reported(conn, months, ZONE), figures(conn, months, ZONE)
        assert _sums(found) == _owned(own)
        for code in INSTITUTIONS:
            alone = reported(conn, months, ZONE, [code])
            assert alone == [one for one in found if one.institution == code]
        for energy, month in {(one.energy, one.month) for one in found}:
            given = {
                (part.institution, id(part.figure)): part.figure.bill_ids
                for one in found
                if (one.energy, one.month) == (energy, month)
                for part in one.parts
            }
            mine = [f for f in own if (f.facts.energy, f.facts.month) == (energy, month)]
            assert {b for ids in given.values() for b in ids} == {
                b for f in mine for b in f.bill_ids
            }


def _bills(conn: Conn, code: str, length: int, quantity: int) -> None:
    """Bills of one length over all the time; the account is opened long before."""
    first = date(2025, 11, 20)
    while first < date(2026, 4, 1):
        end = first + timedelta(days=length)
        stated = str(Decimal(quantity) / MILLION)
        said = bill(first, end, stated, account=code, amount=Decimal(quantity) / 100)
        enter_bill(conn, ACT, said)
        first = end


def _buy(conn: Conn, bills: list[tuple[int, int]]) -> None:
    for number, (length, quantity) in enumerate(bills):
        day = JANUARY + timedelta(days=length)
        bought = NewPurchase(
            *(INSTITUTIONS[number % 3], "petrol", day, Decimal(quantity) / MILLION, "升"),
            *(Decimal(quantity) / 100, "vehicle", "", str(number)),
        )
        enter_purchase(conn, ACT, bought)


def _enter(conn: Conn, drawn: tuple[Any, ...]) -> None:
    whose, kind, order, parts, since, length = drawn
    others = [code for code in order if code != whose]
    shares = {
        Kind.ON_BEHALF: {others[0]: 1},
        Kind.MERGED: {others[0]: 1},
        Kind.SHARED: dict(zip(order, parts, strict=False)),
        Kind.EXCLUDED: {},
    }[kind]
    begin = JANUARY + timedelta(days=since)
    relation = Relation("institution", whose, kind, shares, begin, begin + timedelta(days=length))
    try:
        with conn.transaction():
            enter_relation(conn, ACT, relation)
    except RefusedError:
        pass  # two on one day, or a ring: that the relations' own tests look at


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    accounts=st.sets(st.sampled_from(INSTITUTIONS)),
    bound=st.dictionaries(st.sampled_from(("m-1", "m-3")), st.sampled_from(INSTITUTIONS)),
    since=st.sampled_from((None, MID)),
    rooms=st.dictionaries(st.sampled_from(("m-1", "m-3")), st.sampled_from(INSTITUTIONS)),
    of_meters=OF_METERS,
)
def test_own_figures_count_every_account_and_every_other_meter_once(  # noqa: PLR0917 - what is drawn
    conn: Conn,
    accounts: set[str],
    bound: dict[str, str],
    since: date | None,
    rooms: dict[str, str],
    of_meters: dict[str, tuple[str, int, int]],
) -> None:
    """Of every institution's bills, and of meters that no account tells of, each once."""
    with conn.transaction(force_rollback=True):
        conn.execute("INSERT INTO institution (code, name) VALUES ('xfj', '信访局')")
        conn.execute("DELETE FROM meter_main")
        house(conn)
        for code in sorted(accounts):
            open_account(conn, code, institution=code)
            enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "100", account=code))
        for meter in ("m-1", "m-2", "m-3"):
            count_days(conn, meter, (JANUARY, FEBRUARY), MILLION)
            count_month(conn, meter, 31 * MILLION)
            if meter in rooms:
                hang(conn, meter, rooms[meter])
            if bound.get(meter) in accounts:
                bind_meter(conn, ACT, bound[meter], meter, since or date(2025, 1, 1))
        for meter, (to, _, _) in of_meters.items():
            relate(conn, meter, Kind.ON_BEHALF, to, subject="meter")
        own = figures(conn, (JANUARY, FEBRUARY), ZONE)
        free = 0
        for meter in ("m-1", "m-2", "m-3"):
            by_bill = bound.get(meter) in accounts
            stands = rooms.get(meter) or of_meters.get(meter, (None,))[0]
            if stands is not None and stands not in accounts:
                free += 31 if not by_bill else 10 if since else 0
        total = sum(one.micro or 0 for one in own if one.facts.energy == POWER)
        given = sum(_sums(reported(conn, (JANUARY, FEBRUARY), ZONE)).get((POWER, JANUARY), [0])[:1])
        assert total == given == (100 * len(accounts) + free) * MILLION


Sums = dict[tuple[str, date], list[int]]


def _sums(found: list[Reported]) -> Sums:
    sums: Sums = defaultdict(lambda: [0, 0, 0])
    for one in found:
        for part in one.parts:
            amounts = part.amounts
            at = sums[one.energy, one.month]
            for n, value in enumerate((amounts.micro, amounts.fen, amounts.estimated)):
                at[n] += value or 0
    return {key: at for key, at in sums.items() if any(at)}


def _owned(own: list[Figure]) -> Sums:
    sums: Sums = defaultdict(lambda: [0, 0, 0])
    for one in own:
        at = sums[one.facts.energy, one.facts.month]
        for n, value in enumerate((one.micro, one.fen, one.estimated)):
            at[n] += value or 0
    return {key: at for key, at in sums.items() if any(at)}
