from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from jieyong import cli
from tests.integration.jieyong.total.ask import JUNE, KWH, Run
from tests.integration.metering.tree.town import Town, month_of


@pytest.fixture
def town(database: str) -> Iterator[Town]:
    """A takes in 1000 kWh, 100 of them estimated, and passes 300 on to B; B's water is unknown."""
    with psycopg.connect(database, autocommit=True) as conn:
        made = Town(conn)
        made.house("A", "B")
        made.meter("M", "r-A", item="01A00")
        made.meter("S", "r-B")
        made.meter("W", "r-B", energy="water", unit="m3")
        made.hang("S", "M")
        made.days("M", month_of(1000 * KWH, JUNE))
        made.days("S", month_of(300 * KWH, JUNE))
        conn.execute(
            "UPDATE consumption_month SET estimated = %s WHERE meter_id = %s",
            [100 * KWH, made.ids["M"]],
        )
        yield made


@pytest.fixture
def run(database: str, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty directory; an expected refusal is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(
        cli.app, ["total", *map(str, words)], catch_exceptions=False
    )
