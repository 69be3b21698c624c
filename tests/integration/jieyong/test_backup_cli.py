"""`jieyong backup` and `jieyong restore`."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from jieyong import cli
from storage.backup.programs import BackupError


def test_there_and_back(
    database: str, blank_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    with psycopg.connect(database) as conn:
        conn.execute("INSERT INTO institution (code, name) VALUES ('czj', '财政局')")
    done = CliRunner().invoke(cli.app, ["backup", "节用.dump"])
    assert done.exit_code == 0, done.output
    assert "至 节用.dump，清单 节用.dump.json" in done.output
    again = CliRunner().invoke(cli.app, ["backup", "节用.dump"])
    assert isinstance(again.exception, BackupError)
    monkeypatch.setenv("DATABASE_URL", blank_database)
    back = CliRunner().invoke(cli.app, ["restore", "节用.dump"])
    assert back.exit_code == 0, back.output
    assert "逐表核对一致" in back.output
    with psycopg.connect(blank_database) as conn:
        assert conn.execute("SELECT name FROM institution").fetchone() == ("财政局",)
