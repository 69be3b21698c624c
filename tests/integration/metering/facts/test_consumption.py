"""What facts mark as due is enough: computed from it, and from scratch, is the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jieyong.settings import Settings
from jieyong.workers.metering import parts_of
from metering.derive.worker import Worker
from metering.facts.acts import withdraw_act
from metering.facts.entry import enter_entry
from metering.facts.entry_check import Entry
from metering.facts.move import Move
from metering.facts.ratio import RatioFact, enter_ratio
from metering.facts.register import RegisterFact, enter_register
from metering.facts.replace import Replacement, Values, replace
from metering.facts.span import Span
from registry.refusal import RefusedError
from tests.integration.metering.facts.test_sequences import (
    Fact,
    Standing,
    correct,
    enter,
    step,
    withdraw,
)
from tests.integration.metering.facts.world import ACT, NOW, Conn, at, effective, polled

DAYS = 130
TABLES = ("consumption", "consumption_hour", "consumption_day", "consumption_month")


def compute(conn: Conn) -> None:
    settings = Settings()
    zone = ZoneInfo(settings.time_zone)
    worker = Worker(conn, settings.metering, zone, parts_of(settings), lambda: NOW)
    while worker.step().done:
        pass
    failures = conn.execute("SELECT * FROM metering_failure").fetchall()
    assert not failures, failures[0]
    assert worker.failed == 0
    assert conn.execute("SELECT count(*) FROM metering_due").fetchone() == (0,)


def everything_due(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO metering_due (kind, subject, ts_from, ts_to, why)"
        " SELECT 'meter', id, '1970-01-01Z', 'infinity', 'test' FROM meter"
    )


def from_scratch(conn: Conn) -> None:
    for table in (*TABLES, "counter_finding"):
        conn.execute(f"TRUNCATE {table}".encode())
    everything_due(conn)
    compute(conn)


def dump(conn: Conn) -> dict[str, list[tuple[Any, ...]]]:
    tables = (*TABLES, "counter_finding")
    return {t: sorted(conn.execute(f"SELECT * FROM {t}".encode()), key=repr) for t in tables}


def total(conn: Conn, since: datetime, until: datetime) -> Decimal:
    row = conn.execute(
        "SELECT coalesce(sum(micro), 0) FROM consumption c JOIN meter m ON m.id = c.meter_id"
        " WHERE m.code = 'p-1' AND slot >= %s AND slot < %s",
        [since, until],
    ).fetchone()
    assert row is not None
    return Decimal(row[0]) / 1_000_000


def rising(device: int) -> list[tuple[float, float]]:
    """A reading every six hours; 10 kWh a day, each device from its own value on."""
    return [(i / 4, 1000.0 * device + i * 2.5) for i in range(DAYS * 4)]


@pytest.fixture
def metered(conn: Conn) -> Conn:
    """The small world with readings of all four devices, computed."""
    for number, device in enumerate(("m-1", "m-2", "m-8", "m-9")):
        polled(conn, device, rising(number))
    everything_due(conn)
    compute(conn)
    return conn


def test_a_replacement_is_counted_exactly_with_both_ratios(metered: Conn) -> None:
    off, on = at(50), at(50.5)
    values = Values("p-1", Decimal("500.75"), Decimal("3504.25"))
    enter_ratio(metered, ACT, RatioFact("p-1", Decimal(80), Decimal(1), Span(None, on)))
    enter_ratio(metered, ACT, RatioFact("p-1", Decimal(60), Decimal(1), Span(on)))
    compute(metered)
    number = replace(metered, ACT, Replacement("p-1", "m-9", off, on, (values,)))
    compute(metered)
    # m-1 from 0 to its last value; m-9 from its first value, which is below what it is polled with.
    last = Decimal(str(rising(3)[-1][1]))
    expected = Decimal("500.75") * 80 + (last - Decimal("3504.25")) * 60
    assert total(metered, at(0), at(DAYS)) == expected
    withdraw_act(metered, ACT, number)
    compute(metered)
    assert total(metered, at(0), at(DAYS)) == (
        Decimal(500) * 80 + Decimal(5) * 80 + (Decimal(str(rising(0)[-1][1])) - 505) * 60
    )


def test_a_reading_entered_into_a_gap_moves_only_what_lies_in_it(metered: Conn) -> None:
    metered.execute(
        "DELETE FROM reading WHERE ts > %s AND ts < %s AND point_id ="
        " (SELECT min(p.id) FROM point p JOIN device d ON d.id = p.device_id WHERE d.code = 'm-1')",
        [at(20), at(40)],
    )
    from_scratch(metered)
    assert total(metered, at(20), at(40)) == 200
    enter_entry(metered, ACT, Entry("p-1", at(30), Decimal(350)))
    compute(metered)
    assert total(metered, at(20), at(30)) == 150
    assert total(metered, at(30), at(40)) == 50


def facts_of(rng: random.Random) -> list[Callable[[], Fact]]:
    """Ways to make a fact, each as likely."""

    def span() -> Span:
        day = rng.randrange(0, 120, 10)
        return Span(at(day), None if rng.random() < 0.3 else at(day + rng.choice([10, 20])))

    def meter() -> str:
        return rng.choice(["p-1", "p-2"])

    def replaced() -> Fact:
        code, day = meter(), rng.randrange(10, 110)
        values = (Values(code, None, None),)
        device = rng.choice(["m-8", "m-9"])
        return Replacement(code, device, at(day), at(day + rng.choice([0, 0.4])), values)

    def read() -> Fact:
        return Entry(meter(), at(rng.randrange(1, 120) + 0.3), Decimal(rng.randrange(0, 4000)))

    return [
        lambda: RatioFact(meter(), Decimal(rng.choice([60, 80])), Decimal(1), span()),
        lambda: RegisterFact(
            rng.choice(["m-1", "m-9"]), "energy", Decimal("0.01"), Decimal(10000), span=span()
        ),
        replaced,
        read,
    ]


@pytest.mark.parametrize("seed", range(6))
def test_computed_from_what_is_due_is_as_from_scratch(metered: Conn, seed: int) -> None:
    rng = random.Random(seed)
    ways = facts_of(rng)
    standing = Standing()
    changed = 0
    for _ in range(14):
        how = rng.choice(["enter", "enter", "correct", "withdraw"])
        changed += step(metered, standing, how, rng.choice(ways)(), rng.randrange(100))
        if rng.random() < 0.4:
            compute(metered)
    compute(metered)
    assert changed > 3
    incremental = dump(metered)
    from_scratch(metered)
    assert dump(metered) == incremental


def one_day(*, right: bool) -> list[Fact]:
    """A meter replaced behind other transformers and moved, on one day; or what was mistaken."""
    on = at(50.5 if right else 50.75)
    values = Values("p-1", Decimal("500.75" if right else "502.5"), Decimal("3504.25"))
    return [
        Replacement("p-1", "m-9", at(50), on, (values,)),
        RatioFact("p-1", Decimal(80), Decimal(1), Span(None, at(50.5))),
        RatioFact("p-1", Decimal(60 if right else 40), Decimal(1), Span(at(50.5))),
        Move("p-1", "r-2", at(50.25 if right else 49)),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_one_day_of_changes_entered_late_in_any_order_is_as_entered_at_once(
    metered: Conn, seed: int
) -> None:
    rng = random.Random(seed)
    untouched = effective(metered), dump(metered)
    standing: list[tuple[int, Fact]] = []
    pairs = list(zip(one_day(right=True), one_day(right=False), strict=True))
    for fact, mistaken in rng.sample(pairs, len(pairs)):
        how = rng.choice(["right", "corrected", "withdrawn"]) if fact != mistaken else "right"
        first = enter(metered, ACT, fact if how == "right" else mistaken)
        if rng.random() < 0.5:
            compute(metered)
        if how == "corrected":
            first = correct(metered, ACT, first, fact)
        elif how == "withdrawn":
            withdraw(metered, ACT, first, mistaken)
            compute(metered)
            first = enter(metered, ACT, fact)
        standing.append((first, fact))
    compute(metered)
    late = effective(metered), dump(metered)
    for number, fact in reversed(standing):
        withdraw(metered, ACT, number, fact)
    compute(metered)
    assert (effective(metered), dump(metered)) == untouched
    for fact in one_day(right=True):
        enter(metered, ACT, fact)
    from_scratch(metered)
    assert (effective(metered), dump(metered)) == late


def test_a_refused_fact_leaves_nothing_due(metered: Conn) -> None:
    with pytest.raises(RefusedError):
        enter_register(metered, ACT, RegisterFact("m-1", "energy", Decimal(0)))
    assert metered.execute("SELECT count(*) FROM metering_due").fetchone() == (0,)
