"""What rules would have found in a time: that of what a look at everything finds."""

from __future__ import annotations

import pytest

from registry.calendar_store import load_calendar
from rules.kinds.model import Sort
from rules.ruleset.store import versions
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from rules.subjects.places.subjects import PLACES
from rules.work.backtest import backtest
from storage.times import us_of
from tests.integration.rules.world import (
    GAUGES,
    RULES,
    ZONE,
    Conn,
    add_room,
    at,
    load_rules,
    look,
    store,
)

HOUR = 60
ALWAYS_ON = RULES + (
    "  - {code: always, kind: lighting.never_off, title: 长明灯, for: 36h, severity: notice,"
    " source: 惯例}\n"
)


def tried(conn: Conn, begin: int, end: int) -> list[tuple[str, int, int]]:
    """Code, and begin and end in minutes."""
    everything = Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes())
    basis, everyone = everything.about(Sort.PLACE), PLACES.everyone(conn)
    zero = us_of(at(0))
    portions = backtest(conn, PLACES, everyone, basis, us_of(at(begin)), us_of(at(end)))
    return sorted(
        (version.rule.code, (since - zero) // 60_000_000, (until - zero) // 60_000_000)
        for portion in portions
        for version, runs in portion.found
        for since, until in zip(runs.since.tolist(), runs.until.tolist(), strict=True)
    )


@pytest.mark.parametrize("begin", [0, 5, 23])
def test_what_began_in_time_is_found_however_long_it_must_stand(conn: Conn, begin: int) -> None:
    room = add_room(conn)
    load_rules(conn, ALWAYS_ON)
    on = [(begin * HOUR + n * HOUR, 1) for n in range(40)]
    store(conn, room.points["relay"], [*on, ((begin + 40) * HOUR, 0)])
    found = [row for row in tried(conn, 0, 24 * HOUR) if row[0] == "always"]
    assert [row[1] for row in found] == [begin * HOUR]
    assert tried(conn, begin * HOUR + 1, 24 * HOUR) == []
    look(conn)
    (since,) = conn.execute(
        "SELECT since FROM episode JOIN rule ON rule.id = rule_id WHERE code = 'always'"
    ).fetchall()
    assert since == (at(begin * HOUR),)
