"""The commands of an officer who prepares a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.refusal import RefusedError
from reporting.draft.due import last_over
from reporting.forms.model import Cadence
from tests.integration.metering.bills.world import Conn, open_account
from tests.integration.reporting.test_drafts import billed

Run = Callable[..., Result]


@pytest.fixture
def run(conn: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong report …` in an empty directory against the county's database."""
    open_account(conn)
    conn.execute(
        "INSERT INTO utility_account_meter (account_id, meter_id, valid, entered_by, entered_at)"
        " SELECT 1, id, '[2025-01-01,)', 'x', now() FROM meter WHERE code = 'm-3'"
    )
    billed(conn, date(2026, 1, 1), "1234.5")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(cli.app, ["report", *words])


def refused(result: Result) -> str:
    assert isinstance(result.exception, RefusedError), result.output
    return str(result.exception)


def test_a_report_is_compiled_completed_and_signed(run: Run) -> None:
    done = run("run", "--period", "2026-01")
    assert done.exit_code == 0, done.output
    assert "已编制 2026年1月报表草稿 2 份。" in done.output
    whose = ("czj", "2026-01")
    shown = run("show", *whose)
    assert "1,234.50" in shown.output
    assert "fact-missing" in shown.output
    told = run("lineage", *whose, "110")
    assert "票据 1,234.5" in told.output
    assert "m-3" in told.output

    entered = run("enter", *whose, "210", "73", "--by", "王会计")
    assert "写入草稿：jieyong report run --period 2026-01 --institution czj" in entered.output
    run("run", "--period", "2026-01", "--institution", "czj")
    assert "73 │" in run("show", *whose).output

    assert "尚不能签字" in refused(run("sign", *whose, "filler", "--by", "王会计"))
    said = run("explain", *whose, "fact-missing", "--reason", "待核实面积", "--by", "王会计")
    assert "已说明：建筑面积（101）未知" in said.output
    run("explain", *whose, "price-of-electricity", "--reason", "x")
    for role, name in (("filler", "王会计"), ("lead", "李科长"), ("head", "赵局长")):
        signed = run("sign", *whose, role, "--by", name)
        assert signed.exit_code == 0, signed.output
    assert "赵局长 已作为单位负责人签字；czj 2026年1月报表：已签" in signed.output
    assert "另有 1 份已提交签字或已签，未重新编制。" in run("run", "--period", "2026-01").output
    assert "已签" in run("list", "--period", "2026-01").output
    assert "不能录入" in refused(run("enter", *whose, "210", "13"))


def test_what_is_signed_is_written_submitted_returned_and_revised(run: Run) -> None:
    whose = ("czj", "2026-01")
    run("enter", *whose, "210", "73")
    run("run", "--period", "2026-01")
    for rule in ("fact-missing", "price-of-electricity"):
        run("explain", *whose, rule, "--reason", "待核实")
    for role, name in (("filler", "王会计"), ("lead", "李科长"), ("head", "赵局长")):
        run("sign", *whose, role, "--by", name)
    assert "应以 .xlsx、.csv、.json 结尾" in refused(run("write", *whose, "x.doc"))
    assert "已写入 报表.xlsx" in run("write", *whose, "报表.xlsx").output
    run("write", *whose, "报表.json")
    kept = json.loads(Path("报表.json").read_text("utf-8"))
    assert (kept["state"], kept["cells"]["110"]["value"]) == ("signed", "1234.50")
    assert kept["signatures"]["head"]["name"] == "赵局长"
    assert len(kept["sha256"]) == 64
    Path("报送").mkdir()
    assert "已签报表 1 份在 报送；未签 1 份" in run("folders", "报送", "--period", "2026-01").output
    (made,) = Path("报送").iterdir()
    assert made.name == f"czj_2026-01_r1_{kept['sha256'][:16]}"
    assert "没有修订过" in refused(run("difference", *whose))
    assert "已报送" in run("submit", *whose).output
    assert "报表审核通过 0 份：无" in run("accept", "2026-01").output
    assert "须说明原因" in refused(run("return", *whose, "--reason", " "))
    assert "已退回" in run("return", *whose, "--reason", "机柜数有误").output
    assert "草稿" in run("revise", *whose, "--reason", "漏填").output
    run("write", *whose, "第一版.json", "--revision", "1")
    before = json.loads(Path("第一版.json").read_text("utf-8"))
    assert before == {**kept, "state": "returned"}
    assert "没有第 3 版：共 2 版" in refused(run("write", *whose, "x.csv", "--revision", "3"))
    run("enter", *whose, "210", "70")
    run("run", "--period", "2026-01", "--institution", "czj")
    changed = run("difference", *whose).output
    assert "第 1 版 → 第 2 版（草稿）" in changed
    assert "-3" in changed
    assert "110" not in changed
    run("sign", *whose, "filler")
    assert "草稿" in run("take-back", *whose, "--reason", "再核对").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--period", "2026-1"), "不是报告期"),
        (("run", "--period", "2099"), "尚未结束"),
        (("run", "--period", "2026-01", "--institution", "x"), "x 不上报 2026年1月"),
        (("show", "czj", "2026-01"), "jieyong report run --period 2026-01 --institution czj"),
        (("write", "czj", "2026-01", "x.xlsx"), "没有 2026年1月的报表草稿"),
        (("lineage", "czj", "2026-01", "110"), "没有 2026年1月的报表草稿"),
        (("enter", "czj", "2026-01", "110", "5"), "由账单、计量或单位情况得出"),
        (("enter", "czj", "2025", "210", "5"), "请录入到季度"),
        (("enter", "czj", "2026-01", "999", "5"), "没有指标 999"),
        (("enter", "czj", "2026-01", "210", "1.5"), "最多 0 位小数"),
        (("enter", "czj", "2026-01", "210", "1,000,000,000,000,000"), "小于 10^15"),
        (("enter", "x", "2026-01", "210", "1"), "没有编码为 x 的机构"),
    ],
)
def test_what_cannot_be_is_refused(run: Run, words: tuple[str, ...], said: str) -> None:
    assert said in refused(run(*words))


def test_what_is_not_compiled_yet_is_named(run: Run) -> None:
    run("run", "--period", "2026-01", "--institution", "jgj")
    listed = run("list", "--period", "2026-01")
    assert "1 个单位尚未编制（czj）：运行 jieyong report run --period 2026-01" in listed.output


def test_an_entry_is_withdrawn(run: Run) -> None:
    whose = ("czj", "2026-01")
    run("enter", *whose, "210", "73")
    assert "已撤销" in run("enter", *whose, "210", "-").output
    run("run", "--period", "2026-01", "--institution", "czj")
    assert "73 │" not in run("show", *whose).output


def test_without_a_period_what_is_lacking_is_compiled(run: Run, conn: Conn) -> None:
    (today,) = conn.execute("SELECT now() AT TIME ZONE 'Asia/Shanghai'").fetchone() or (None,)
    assert today is not None
    last = last_over(Cadence.MONTH, today.date())
    conn.execute("UPDATE bill SET period = daterange(%s, %s)", [last.first, last.end])
    done = run("run", "--institution", "czj")
    assert done.exit_code == 0, done.output
    assert f"已编制 {last.name}报表草稿 1 份" in done.output
    assert "没有缺少草稿的报告期" in run("run", "--institution", "czj").output
    assert f"已编制 {last.name}报表草稿 1 份" in run("run").output
    assert "没有缺少草稿的报告期" in run("run").output
    assert "状态" in run("list").output
    assert "机构 x 不存在" in refused(run("run", "--institution", "x"))
