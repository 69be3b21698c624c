"""How rules are listed on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from jieyong.commands import screen
from jieyong.commands.giving import give
from jieyong.commands.rule_tables import lasting, listed, parted
from registry.table import Table
from rules.ruleset.model import Version
from rules.ruleset.reading import read_rule_set
from rules.work.health import Standing
from storage.times import NEVER_US, us_of

ZONE = ZoneInfo("Asia/Shanghai")
SETS = Path(__file__).parents[3] / "rules" / "sets"
LOADED = datetime(2026, 7, 1, tzinfo=UTC)


def whole() -> Table:
    """The rules that come along, each of which ran."""
    text = (SETS / "default.yaml").read_text("utf-8")
    rules = read_rule_set(text, "default.yaml", ZONE).rules
    found = [Version(n, rule, us_of(LOADED), NEVER_US) for n, rule in enumerate(rules)]
    return listed(found, {n: ran(n, rule.code) for n, rule in enumerate(rules)}, ZONE)


def ran(number: int, code: str) -> Standing:
    return Standing(
        *(number, code, True, LOADED, 123_456, 50_000, 0, 0),
        *(0, None, None, None, None),
    )


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (90 * 60_000_000, "90 分钟"),
        (29 * 3_600_000_000, "29 小时"),
        (20 * 86_400_000_000, "20 天"),
        (0, "0 分钟"),
    ],
)
def test_how_long_is_said_in_whole_units(us: int, said: str) -> None:
    assert lasting(us) == said


def test_a_terminal_of_100_columns_shows_each_rule_on_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screen, "WIDE", 100)
    table = whole()
    what, when, scope, run = parted(table)
    give([what, when, run], None, as_json=False)
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert max(map(cell_len, lines)) <= 100
    for row in table.rows:
        told = [line for line in lines if f" {row['code']} " in line]
        assert len(told) == 3
        assert str(row["title"]) in told[0]
        assert str(row["matter"] or "") in told[0]
        assert str(row["ran_at"]) in told[2]
    give([scope], None, as_json=False)
    assert "…" not in out + capsys.readouterr().out


def test_the_parts_leave_nothing_out() -> None:
    table = whole()
    shown = {column.key for part in parted(table) for column in part.columns}
    assert shown | {"kind"} == {column.key for column in table.columns}
