"""`jieyong calendar` as officers use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.refusal import RefusedError

Conn = psycopg.Connection
Run = Callable[..., Result]


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty directory; an expected refusal is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(
        cli.app, ["calendar", *map(str, words)], catch_exceptions=False
    )


def test_the_calendar_comes_from_a_csv_with_its_lines_named(
    run: Run, conn: Conn, tmp_path: Path
) -> None:
    file = tmp_path / "days.csv"
    file.write_text("2026-10-01,节假日\n2026-10-10,工作日\n", encoding="utf-8")
    done = run(file, "--source", "国办发明电〔2025〕1号")
    assert "读入 2 天，其中 2 天为新增或变更" in done.output
    rows = conn.execute("SELECT day, kind FROM calendar_day ORDER BY day").fetchall()
    assert rows == [(date(2026, 10, 1), "holiday"), (date(2026, 10, 10), "workday")]
    file.write_text("2026-10-01,休息\n", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"days.csv 第 1 行"):
        run(file, "--source", "x")


def test_a_calendar_that_excel_saved_on_a_chinese_windows_is_read(
    run: Run, conn: Conn, tmp_path: Path
) -> None:
    file = tmp_path / "days.csv"
    file.write_text("2026/10/01,节假日\r\n2026/10/10,工作日\r\n", encoding="gbk")
    assert "读入 2 天" in run(file, "--source", "x").output
    rows = conn.execute("SELECT day, kind FROM calendar_day ORDER BY day").fetchall()
    assert rows == [(date(2026, 10, 1), "holiday"), (date(2026, 10, 10), "workday")]
    file.write_bytes(b"\xff\x00\xfe")
    with pytest.raises(RefusedError, match=r"days.csv：不是文本文件"):
        run(file, "--source", "x")
