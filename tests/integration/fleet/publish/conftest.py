from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from tests.integration.fleet.ledger.world import a_month, bring, settle

Run = Callable[..., Result]


@pytest.fixture
def conn(database: str, tmp_path: Path) -> Iterator[psycopg.Connection[Any]]:
    """January of two institutions in the books."""
    with psycopg.connect(database, autocommit=True) as connection:
        settle(connection)
        bring(connection, tmp_path / "一月.xlsx", **a_month())
        yield connection


@pytest.fixture
def run(
    conn: psycopg.Connection[Any], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run `jieyong …` in an empty directory."""
    del conn
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "240")
    return lambda *words: CliRunner().invoke(cli.app, [str(word) for word in words])
