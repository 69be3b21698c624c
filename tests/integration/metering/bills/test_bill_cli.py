from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import python_calamine as calamine
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.refusal import RefusedError
from tests.integration.metering.bills.world import (
    BILL_HEADINGS,
    Conn,
    active,
    full_book,
    open_account,
    workbook,
)

Run = Callable[..., Result]


@pytest.fixture
def run(conn: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong bill …` in an empty directory against the county's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(cli.app, ["bill", *(str(word) for word in words)])


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as conn:
        return conn.execute(query.encode()).fetchall()


def test_a_month_of_an_officer(run: Run, conn: Conn, tmp_path: Path) -> None:
    book = full_book(tmp_path / "一月.xlsx")
    tried = run("import", book, "--dry-run")
    assert "账单：新增 2；购入：新增 3" in tried.output
    assert "以上为预览，未导入。" in tried.output
    assert active(conn, "bill") == 0

    done = run("import", book, "--by", "王会计")
    assert done.exit_code == 0, done.output
    assert "提示 账单!E3：有用量而无金额，待说明" in done.output
    assert "撤销：jieyong bill undo 1" in done.output
    assert conn.execute("SELECT DISTINCT principal FROM audit_log").fetchall() == [("王会计",)]
    assert "内容均已入库，没有变化。" in run("import", book).output

    listed = run("list", "清单.xlsx", "--year", 2026, "--institution", "czj")
    assert "5 张票据已写入 清单.xlsx；其中待说明 1 张。" in listed.output
    written = run("ledger", "台账.xlsx", "--year", 2026)
    assert "36 行台账已写入 台账.xlsx；其中用量未知 33 行。" in written.output
    with calamine.load_workbook(tmp_path / "台账.xlsx") as opened:
        assert opened.sheet_names == ["电", "汽油", "柴油"]

    assert "一月.xlsx" in run("imports").output
    assert "撤回 8 行" in run("undo", 1).output
    assert active(conn, "bill") == 0


def test_a_refused_file_is_one_message_of_cells(run: Run, conn: Conn, tmp_path: Path) -> None:
    wrong = ("510001", "2026-02-01", "2026-01-01", 5, 5, "", "")
    book = workbook(tmp_path / "错.xlsx", 账单=[BILL_HEADINGS, wrong])
    result = run("import", book)
    assert result.exit_code == 1
    assert isinstance(result.exception, RefusedError)
    assert isinstance(result.exception, cli.EXPECTED)
    assert str(result.exception).startswith("账单!A2：户号 510001 没有登记")


def test_the_template_lists_what_is_there(run: Run, conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    assert "列出 1 个户号" in run("template", "模板.xlsx").output
    with calamine.load_workbook(tmp_path / "模板.xlsx") as opened:
        assert opened.sheet_names == ["户号", "账单", "购入", "填写说明"]
        assert opened.get_sheet_by_name("户号").to_python()[1][:2] == ["510001", "510001"]
    assert "没有变化" in run("import", "模板.xlsx").output


def test_facts_of_an_account_are_put_right(run: Run, conn: Conn, database: str) -> None:
    open_account(conn)
    assert run("account", "510001", "--reading-day", 20, "--prepaid").exit_code == 0
    assert rows(database, "SELECT reading_day, prepaid FROM utility_account") == [(20, True)]
    assert "归属 jgj" in run("assign", "510001", "jgj", "--since", "2026-03-01").output
    said = run("first", "czj", "电", "meter", "--since", "2026-03-01").output
    assert "czj 的电自 2026-03-01 起以计量为准。" in said
    assert rows(database, "SELECT energy, first FROM figure_precedence") == [
        ("electricity", "meter")
    ]


def test_a_bill_gets_its_scan_and_is_withdrawn(
    run: Run, conn: Conn, database: str, tmp_path: Path
) -> None:
    run("import", full_book(tmp_path / "一月.xlsx"))
    (tmp_path / "票.pdf").write_bytes(b"%PDF")
    assert "已附 票.pdf" in run("attach", 1, "票.pdf").output
    assert rows(database, "SELECT attachment_name FROM bill WHERE id = 1") == [("票.pdf",)]
    assert run("withdraw", 1, "--reason", "重复").exit_code == 0
    assert active(conn, "bill") == 1


def test_an_unknown_institution_is_refused(run: Run) -> None:
    result = run("ledger", "台账.xlsx", "--year", 2026, "--institution", "nobody")
    assert str(result.exception) == "--institution：机构 nobody 不存在，请核对编码"


@pytest.mark.parametrize("name", ["没有/台账.xlsx", "没有/台账.csv"])
def test_a_file_that_cannot_be_written_is_named(run: Run, name: str) -> None:
    result = run("ledger", name, "--year", 2026)
    assert isinstance(result.exception, RefusedError)
    assert str(result.exception).startswith(f"{name}：不能写入")
    assert "请核对目录" in str(result.exception)
    template = run("template", "没有/模板.xlsx")
    assert isinstance(template.exception, cli.EXPECTED)
