from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import xlsxwriter
from rich.console import Console
from typer.testing import CliRunner, Result

from jieyong import cli
from jieyong.commands.meter_tables import overview
from metering.facts.listing import current
from metering.facts.sheet import AT, CODE, SHEET, VALUE
from registry.refusal import RefusedError

ROOT = Path(__file__).parents[3]
INVENTORY = ROOT / "registry" / "examples" / "county.yaml"
METERS = ROOT / "metering" / "examples" / "county-meters.yaml"

Run = Callable[..., str]


@pytest.fixture
def invoke(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in an empty directory against a database that knows the example."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()

    def words(*given: object) -> Result:
        return runner.invoke(cli.app, [str(word) for word in given])

    assert words("inventory", "apply", INVENTORY).exit_code == 0
    return words


@pytest.fixture
def run(invoke: Callable[..., Result]) -> Run:
    """Run a command that must succeed."""

    def words(*given: object) -> str:
        result = invoke("meter", *given)
        assert result.exit_code == 0, f"{result.output}{result.exception}"
        return result.output

    return words


def fill(path: Path, *rows: tuple[object, ...]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet(SHEET)
        for number, row in enumerate(((CODE, AT, VALUE), *rows)):
            sheet.write_row(number, 0, row)
    return path


def test_an_inventory_brings_the_meters_of_its_places(run: Run) -> None:
    listed = run("list")
    for code in ("czj-1-main", "czj-1-water", "czj-1-305-ac", "czj-1-305-light"):
        assert code in listed
    assert "czj-1-main" not in run("list", "--energy", "water")
    assert "czj-1-main" in run("list", "--institution", "czj")
    assert "czj-1-main" not in run("list", "--institution", "jgj")


def test_the_list_speaks_chinese_and_keeps_codes_whole(run: Run) -> None:
    run("apply", METERS)
    listed = run("list")
    assert "electricity" not in listed
    (line,) = [line for line in listed.splitlines() if line.startswith("czj-1-main ")]
    assert "电 kWh" in line
    assert "用入" in line


def test_the_list_fits_a_terminal_of_80_columns(run: Run, database: str) -> None:
    run("apply", METERS)
    with psycopg.connect(database) as conn:
        rows = current(conn, datetime(2026, 11, 22, tzinfo=UTC))
    terminal = Console(file=io.StringIO(), width=80, record=True)
    terminal.print(overview(rows))
    lines = terminal.export_text().splitlines()
    for row in rows:
        assert any(line.startswith(f"{row.code} ") for line in lines)
    assert len(lines) <= 4 * len(rows)


def test_the_example_of_meters_is_checked_applied_and_then_changes_nothing(run: Run) -> None:
    assert "没有错误；5 块计量表" in run("check", METERS)
    applied = run("apply", METERS)
    assert "新增计量表 czj-1-main-export" in applied
    assert "登记变比" in applied
    assert "没有改动" in run("apply", METERS)
    shown = run("show", "czj-1-main")
    assert "m-0017" in shown
    assert "60" in shown


def test_a_ratio_is_entered_shown_and_withdrawn(run: Run) -> None:
    assert "已登记变比 #1" in run(
        "ratio", "czj-1-main", "--ct", "400/5", "--since", "2026-06-20", "--by", "李敏"
    )
    shown = run("show", "czj-1-main")
    assert "│ 80" in shown
    assert "登记变比" in shown
    assert "编号 1，CT 80，PT 1，自 2026-06-20" in shown
    assert "已撤销变比 #1" in run("withdraw", "ratio", 1)
    shown = run("show", "czj-1-main")
    assert "│ 80" not in shown
    assert "撤销变比" in shown


def test_a_ratio_that_ends_says_what_counts_behind_it(run: Run) -> None:
    days = ("--since", "2026-06-20", "--until", "2026-07-01")
    said = run("ratio", "czj-1-main", "--ct", "80", *days)
    assert "注意：自 2026-07-01 00:00 起没有变比，按 1 计算" in said
    run("withdraw", "ratio", 1)
    run("ratio", "czj-1-main", "--ct", "60", "--since", "2026-07-01")
    assert "注意" not in run("ratio", "czj-1-main", "--ct", "80", *days)


def test_figures_are_computed_again_when_somebody_asks(
    invoke: Callable[..., Result], run: Run, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("DELETE FROM metering_due")
        assert "已安排重新计算：czj-1-main" in run("recompute", "czj-1-main", "--by", "李敏")
        rows = conn.execute(
            "SELECT code FROM metering_due JOIN meter ON meter.id = subject"
        ).fetchall()
        assert rows == [("czj-1-main",)]
        conn.execute("DELETE FROM metering_due")
        (count,) = conn.execute("SELECT count(*) FROM meter WHERE formula IS NULL").fetchone() or ()
        assert f"{count} 块计量表、0 个瞬时量和状态" in run("recompute", "--all")
        assert conn.execute("SELECT count(*) FROM metering_due").fetchone() == (count,)
        said = conn.execute(
            "SELECT principal, subject FROM audit_log WHERE action LIKE %s", ["%rec%"]
        )
        assert said.fetchall()[0] == ("李敏", "czj-1-main")
    for words in ((), ("czj-1-main", "--all")):
        assert "写 --all" in str(invoke("meter", "recompute", *words).exception)


def test_a_refusal_names_times_as_the_site_has_them(
    invoke: Callable[..., Result], run: Run, tmp_path: Path
) -> None:
    run("ratio", "czj-1-main", "--ct", "80", "--since", "2026-01-01", "--until", "2026-02-01")
    words = ("ratio", "czj-1-main", "--ct", "60", "--since", "2026-01-15", "--until", "2026-03-01")
    assert "（2026-01-01 00:00 至 2026-02-01 00:00）" in str(invoke("meter", *words).exception)
    file = tmp_path / "m.yaml"
    mains = "[{main: czj-1-main, since: 2026-01-01}, {main: czj-1-305-ac, since: 2026-02-01}]"
    file.write_text(f"meters: [{{code: czj-1-305-light, mains: {mains}}}]", encoding="utf-8")
    message = str(invoke("meter", "apply", file).exception)
    assert "czj-1-305-ac（自 2026-02-01 00:00）与 czj-1-main 时间重叠" in message


def test_a_correction_keeps_both_and_counts_the_second(run: Run, database: str) -> None:
    since = ("--since", "2026-06-20")
    run("ratio", "czj-1-main", "--ct", "8", *since)
    run("ratio", "czj-1-main", "--ct", "80", *since, "--instead-of", 1)
    run("read", "czj-1-main", "5", "--at", "2026-07-01")
    run("read", "czj-1-main", "50", "--at", "2026-07-01", "--instead-of", 1)
    run("move", "czj-1-305-ac", "--room", "czj-1-pump", "--since", "2026-05-01")
    run("move", "czj-1-305-ac", "--room", "czj-1-pump", "--since", "2026-05-02", "--instead-of", 1)
    times = ("--removed", "2026-06-18 10:30", "--installed", "2026-06-18 11:15")
    run("replace", "czj-1-main", "--device", "m-0017", *times, "--final", "8")
    run("replace", "czj-1-main", "--device", "m-0017", *times, "--final", "9", "--instead-of", 3)
    with psycopg.connect(database) as conn:
        ratios = conn.execute("SELECT ct, withdrawn_at IS NULL FROM meter_ratio ORDER BY id")
        assert ratios.fetchall() == [(8, False), (80, True)]
        read = conn.execute("SELECT value, withdrawn_at IS NULL FROM counter_entry ORDER BY id")
        assert read.fetchall() == [(5, False), (50, True), (8, False), (9, True)]
        acts = conn.execute("SELECT kind, withdrawn_at IS NULL FROM fact_act ORDER BY id")
        assert acts.fetchall() == [
            *(("move", False), ("move", True), ("replace", False), ("replace", True))
        ]


def test_a_reading_is_entered_and_says_who(run: Run, database: str) -> None:
    run(
        "read",
        "czj-1-main",
        "1,234.5",
        "--at",
        "2026-07-01 08:30",
        "--by",
        "李敏",
        "--note",
        "月抄",
    )
    with psycopg.connect(database) as conn:
        row = conn.execute("SELECT value, entered_by, note FROM counter_entry").fetchone()
    assert row == (1234.5, "李敏", "月抄")
    assert "月抄" in run("show", "czj-1-main")


def test_a_replacement_says_what_to_write_into_the_inventory(run: Run) -> None:
    said = run(
        *("replace", "czj-1-main", "--device", "m-0017"),
        *("--removed", "2026-06-18 10:30", "--installed", "2026-06-18 11:15"),
        *("--final", "88123.4", "--initial", "0"),
    )
    assert "已登记换表 #1" in said
    assert "since: 2026-06-18 11:15" in said
    shown = run("show", "czj-1-main")
    assert "拆表止数" in shown
    assert "换表" in shown
    assert "已撤销操作 #1" in run("withdraw", "act", 1)


def test_a_place_moves_to_another_room(run: Run) -> None:
    said = run("move", "czj-1-305-ac", "--room", "czj-1-pump", "--since", "2026-05-01")
    assert "已登记移位 #1" in said


def test_readings_travel_by_excel(run: Run, tmp_path: Path) -> None:
    assert "共 5 块表" in run("template", tmp_path / "抄表.xlsx")
    assert "共 0 块表" in run("template", tmp_path / "无.xlsx", "--institution", "jgj")
    filled = fill(tmp_path / "filled.xlsx", ("czj-1-main", "2026-07-01 08:30", 1234.5))
    assert "以上为预览" in run("import", filled, "--dry-run")
    assert "已导入 #1：新录入 1 个读数" in run("import", filled)
    assert "都已录入过，没有改动" in run("import", filled)
    run("withdraw", "act", 1)
    assert "已导入 #2" in run("import", filled)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "czj-1-mian"), "（是不是 czj-1-main？）"),
        (
            ("ratio", "czj-1-main", "--ct", "400/7", "--since", "2026-01-01"),
            "--ct：变比“400/7”除不尽",
        ),
        (("ratio", "czj-1-main", "--ct", "0", "--since", "2026-01-01"), "必须大于 0"),
        (("ratio", "czj-1-main", "--ct", "80", "--since", "昨天"), "--since：“昨天”不是时间"),
        (("read", "czj-1-main", "-5", "--at", "2026-07-01"), None),
        (("read", "czj-1-main", "5 kWh", "--at", "2026-07-01"), "“5 kWh”不是读数"),
        (("list", "--institution", "czi"), "没有编码为 czi 的单位（是不是 czj？）"),
        (("withdraw", "entry", 7), "读数 #7：没有这条读数"),
    ],
)
def test_a_refusal_says_what_is_wrong(
    invoke: Callable[..., Result], words: tuple[object, ...], message: str | None
) -> None:
    result = invoke("meter", *words)
    assert result.exit_code != 0
    if message is not None:
        assert isinstance(result.exception, RefusedError)
        assert message in str(result.exception)


def test_a_sheet_with_one_wrong_cell_is_refused_whole(
    invoke: Callable[..., Result], tmp_path: Path, database: str
) -> None:
    filled = fill(
        tmp_path / "filled.xlsx",
        ("czj-1-main", "2026-07-01 08:30", 1234.5),
        ("czj-1-water", "2026-07-01 08:30", "十二"),
    )
    result = invoke("meter", "import", filled)
    assert isinstance(result.exception, RefusedError)
    assert str(result.exception) == (
        "抄表!C3：“十二”不是数字；请填写表上显示的数，不带单位，小数点写成“.”"
    )
    with psycopg.connect(database) as conn:
        assert conn.execute("SELECT count(*) FROM counter_entry").fetchone() == (0,)
