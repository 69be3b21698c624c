from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.document import InventoryError
from storage.quarantine import NotInQuarantineError
from storage.records import Batch, Kind, pack_quarantine
from storage.writer import BulkWriter

EXAMPLE = Path(__file__).parents[3] / "registry" / "examples" / "county.yaml"
NOW_US = 1_795_000_000_000_000

Run = Callable[..., Result]


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty directory against a migrated database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(cli.app, [str(word) for word in words])


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as conn:
        return conn.execute(query.encode()).fetchall()


def test_migrate_makes_a_blank_database_ready(
    blank_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", blank_database)
    done = CliRunner().invoke(cli.app, ["migrate"])
    assert done.exit_code == 0, done.output
    assert "up to date: PostgreSQL 1" in done.output
    assert rows(blank_database, "SELECT count(*) FROM reading") == [(0,)]


def test_an_inventory_is_checked_tried_applied_and_then_changes_nothing(
    run: Run, database: str
) -> None:
    assert run("inventory", "check", EXAMPLE).exit_code == 0
    tried = run("inventory", "apply", EXAMPLE, "--dry-run")
    assert "device: 6 created: m-0001" in tried.output
    assert "ac-0305 @ czj-1-305-ac (valid since 2024-04-30T16:00:00+00:00)" in tried.output
    assert "start them again" not in tried.output
    assert rows(database, "SELECT count(*) FROM device") == [(0,)]
    applied = run("inventory", "apply", EXAMPLE)
    assert applied.exit_code == 0, applied.output
    assert "start them again" in applied.output
    assert rows(database, "SELECT count(*) > 0 FROM device") == [(True,)]
    assert "nothing changes" in run("inventory", "apply", EXAMPLE).output


def test_a_wrong_inventory_is_refused_whole_with_its_lines(
    run: Run, database: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(EXAMPLE.read_text(encoding="utf-8") + "surprise: 1\n", encoding="utf-8")
    result = run("inventory", "apply", broken)
    assert isinstance(result.exception, InventoryError)
    assert f"{broken}:" in str(result.exception)
    assert rows(database, "SELECT count(*) FROM institution") == [(0,)]


def test_quarantine_is_listed_and_exported(run: Run, database: str, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"x").digest()
    row = pack_quarantine("mqtt", "jieyong/v1/t/position", digest, "no lat", b"\x00{", NOW_US)
    assert "Nothing is in quarantine" in run("quarantine", "list").output
    with closing(BulkWriter(database)) as writer:
        writer.write([Batch(Kind.QUARANTINE, 1, row)])
    listed = run("quarantine", "list").output
    assert digest.hex() in listed
    assert "no lat" in listed
    assert "+08:00" in listed
    export = ("quarantine", "export", "--reason", "终端调试")
    assert run(*export, digest.hex(), tmp_path / "bytes").exit_code == 0
    assert (tmp_path / "bytes").read_bytes() == b"\x00{"
    wrong = run(*export, "no-digest", tmp_path / "other")
    assert isinstance(wrong.exception, NotInQuarantineError)
    assert not (tmp_path / "other").exists()


def test_doctor_names_what_is_wrong_and_says_so_by_its_exit_code(run: Run, tmp_path: Path) -> None:
    (tmp_path / "jieyong.toml").write_text(
        textwrap.dedent(
            """
            [mqtt]
            port = 1
            """
        ),
        encoding="utf-8",
    )
    run("inventory", "apply", EXAMPLE)
    result = run("doctor")
    assert result.exit_code == 1
    assert "broker at 127.0.0.1:1" in result.output
    assert "problem" in result.output


def test_without_a_database_the_message_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["jieyong", "migrate"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "DATABASE_URL" in told
    assert "Traceback" not in told


def test_a_database_that_is_away_is_told_with_what_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hidden@127.0.0.1:1/x")
    monkeypatch.setattr("sys.argv", ["jieyong", "migrate"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "port 1 failed" in told
    assert "jieyong doctor" in told
    assert "hidden" not in told
