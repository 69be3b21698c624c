"""Meters with quarter hours of weeks, as metering leaves them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from metering.counter.model import GRAIN_US
from metering.derive.rollup import Window, roll_up
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load
from storage.times import us_of
from tests.integration.metering.tree.town import Town
from tests.integration.rules.world import ACT, ZONE, Conn

MONDAY = date(2026, 6, 1)
HEAD = "code: figures\ntitle: 测试\nrules:\n"
Hours = npt.NDArray[np.float64]


def midnight(day: int) -> datetime:
    """So many days after the first Monday."""
    return datetime.combine(MONDAY + timedelta(days=day), datetime.min.time(), ZONE)


def put(town: Town, meter: str, first: int, hours: Hours, estimated: bool = False) -> Window:
    """Replace whole days of a meter; in units an hour, by day and hour; NaN: unknown."""
    id_ = town.ids[meter]
    begin = midnight(first)
    window = Window(id_, us_of(begin), us_of(begin + timedelta(days=len(hours))))
    slots = np.arange(window.from_us, window.to_us, GRAIN_US)
    quarters = np.repeat(hours.ravel() / 4, 4)
    with town.conn.transaction():
        town.conn.execute(
            "DELETE FROM consumption WHERE meter_id = %s AND slot >= %s AND slot < %s",
            [id_, begin, begin + timedelta(days=len(hours))],
        )
        with (
            town.conn.cursor() as cursor,
            cursor.copy(
                "COPY consumption (meter_id, slot, micro, estimated, covered_s, flags) FROM STDIN"
            ) as copy,
        ):
            for slot, value in zip(slots.tolist(), quarters.tolist(), strict=True):
                if np.isfinite(value):
                    micro = round(value * 1e6)
                    at = datetime.fromtimestamp(slot / 1e6, ZONE)
                    copy.write_row((id_, at, micro, micro if estimated else 0, 900, 0))
        roll_up(town.conn, [window], ZONE)
    return window


def load_rules(conn: Conn, *rules: str) -> None:
    """Rules given as lines of YAML mappings; they hold for ever."""
    lines = "".join(
        f"  - {{title: t, severity: notice, source: s, from: 2020-01-01, {rule}}}\n"
        for rule in rules
    )
    load(conn, ACT, read_rule_set(HEAD + lines, "figures.yaml", ZONE))


def found(conn: Conn) -> list[tuple[str, str, float, float]]:
    """Rule, subject, and from when to when in days after the first Monday."""
    rows = conn.execute(
        "SELECT rule.code, known.code, since, until FROM episode"
        " JOIN rule ON rule.id = rule_id"
        " JOIN rules_subject AS known ON known.sort = episode.sort AND known.id = subject_id"
        " ORDER BY 1, 2, 3"
    )
    day = timedelta(days=1)
    return [
        (rule, code, *((at - midnight(0)) / day for at in (since, until)))
        for rule, code, since, until in rows
    ]
