"""A simulated terminal's clock is told as the database tells it of the same reports."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from jieyong.evaluation.city import clocks
from jieyong.evaluation.city.places import Basis as SimulatedBasis
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.kinds.model import TerminalLayer
from simulators.city.model import Series, Subject
from storage.times import us_of
from tests.integration.rules.test_clocks import (
    DAY,
    HOUR,
    Report,
    add_terminal,
    follow,
    kept,
    live,
    store,
)
from tests.integration.rules.world import GAUGES, ZONE, Conn, at


@pytest.mark.parametrize("seed", range(4))
def test_a_simulated_terminal_tells_the_same_as_its_positions(conn: Conn, seed: int) -> None:
    random = Random(seed)
    add_terminal(conn)
    reports: list[Report] = []
    for first in range(2, 40, 3):
        last, late = first + random.choice([1, 2, 3]), random.choice([0.05, 4.0, 30.0, 8 * HOUR])
        reports += random.choice([kept(first, last, last), live(first, last, late)])
    # Minutes that were told twice are one report here and several there: each is told once.
    reports = [*{made: (made, came) for made, came in reports}.values()]
    store(conn, reports)
    follow(conn)
    stored = conn.execute("SELECT hour, off_s FROM terminal_clock ORDER BY hour").fetchall()

    made, came = (
        np.array([us_of(at(moment)) for moment in column], np.int64)
        for column in zip(*sorted(reports), strict=True)
    )
    series = Series("report", made, np.arange(len(made)).astype(np.float64), came, 0, 0)
    subject = Subject("t", (series,), (), (), (), {}, ())
    begin, end = (us_of(at(minute)) // 10**6 for minute in (-DAY, 4 * DAY))
    basis = SimulatedBasis((), GAUGES, DatedCalendar(published_days()), ZONE, begin, end)
    (held,) = clocks.lay([subject], basis).layers.inputs[TerminalLayer.CLOCK]
    rows = zip(held.since.tolist(), held.value.tolist(), strict=True)
    assert [*rows] == [(us_of(hour), off) for hour, off in stored], seed
