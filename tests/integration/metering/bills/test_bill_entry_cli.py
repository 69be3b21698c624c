"""Entering, correcting, withdrawing and reading back one bill or purchase at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.refusal import RefusedError
from tests.integration.metering.bills.world import Conn, actions, active, open_account

Run = Callable[..., Result]
JANUARY = ("--from", "2026-01-01", "--to", "2026-01-31")
FILLING = ("purchase", "enter", "czj", "92号汽油", "2026-01-09", "--quantity", "50")


@pytest.fixture
def run(conn: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong bill …` in an empty directory as 王会计; an expected refusal is raised."""
    open_account(conn)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    reading = {"show", "scan", "list", "meters"}

    def invoke(*words: object) -> Result:
        texts = [str(word) for word in words]
        by = [] if reading.intersection(texts) else ["--by", "王会计"]
        return CliRunner().invoke(cli.app, ["bill", *texts, *by], catch_exceptions=False)

    return invoke


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_a_bill_is_entered_and_shown(run: Run) -> None:
    parts = ("--time-of-use", "峰=60:50.5", "--time-of-use", "valley=40")
    done = said(run("enter", "510001", *JANUARY, "--quantity", "100", "--amount", "80", *parts))
    assert done.splitlines() == [
        "已录入账单 1：户号 510001，2026-01-01 至 2026-01-31（含），用量 100 kWh，金额 80 元。",
        "附扫描件：jieyong bill attach 1 文件",
        "查看：jieyong bill show 1",
    ]
    shown = said(run("show", 1))
    assert "峰：60.000000 kWh，50.50 元" in shown
    assert "谷：40.000000 kWh，未知" in shown
    assert "户号：510001（国网供电，电）" in shown
    assert "录入：王会计，" in shown
    assert "附件：无" in shown


def test_what_has_to_be_explained_is_said_with_the_next_step(run: Run) -> None:
    done = said(run("enter", "510001", *JANUARY, "--amount", "80", "--estimated"))
    assert "用量 未知" in done
    assert "待说明：有金额无用量。请补：jieyong bill correct 1 --note 说明" in done
    assert "状态：估算" in said(run("show", 1))


def test_a_correction_changes_what_is_named_and_keeps_the_rest(
    run: Run, conn: Conn, tmp_path: Path
) -> None:
    scan = tmp_path / "一月.pdf"
    scan.write_bytes(b"%PDF\x00\xff")
    bill = ("--quantity", "100", "--amount", "80", "--time-of-use", "峰=100", "--scan", scan)
    said(run("enter", "510001", *JANUARY, *bill))
    done = said(run("correct", 1, "--quantity", "90", "--note", "抄错"))
    assert "已更正：账单 1 撤销，由 2 代替：户号 510001，" in done
    assert "用量 90 kWh，金额 80.00 元" in done
    new, old = said(run("show", 2)), said(run("show", 1))
    assert "更正自：1（jieyong bill show 1）" in new
    assert "峰：100.000000 kWh" in new
    assert "附件：一月.pdf" in new
    assert "已更正：王会计，" in old
    assert "现为 2（jieyong bill show 2）" in old
    assert active(conn, "bill") == 1
    assert actions(conn)[-2:] == ["bill.enter", "bill.correct"]
    # Not known is written as a dash, and is not zero.
    assert "用量 90.000000 kWh，金额 未知" in said(run("correct", 2, "--amount", "-"))


def test_a_withdrawn_bill_says_by_whom_and_why(run: Run) -> None:
    said(run("enter", "510001", *JANUARY, "--quantity", "100"))
    assert "记录仍可查：jieyong bill show 1" in said(run("withdraw", 1, "--reason", "重复录入"))
    shown = said(run("show", 1))
    assert "已撤销：王会计，" in shown
    assert "王会计：撤销，原因：重复录入" in shown


def test_a_scan_comes_back_byte_for_byte_and_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5
    (tmp_path / "扫描.pdf").write_bytes(content)
    said(run("enter", "510001", *JANUARY, "--quantity", "100"))
    with pytest.raises(RefusedError, match="没有附件；附上：jieyong bill attach 1"):
        run("scan", 1, "回.pdf")
    said(run("attach", 1, "扫描.pdf"))
    assert "扫描.pdf 已写入 回.pdf，1280 字节。" in said(run("scan", 1, "回.pdf"))
    assert (tmp_path / "回.pdf").read_bytes() == content
    (tmp_path / "回.pdf").write_bytes(b"mine")
    with pytest.raises(RefusedError, match=r"回\.pdf 已存在，不覆盖"):
        run("scan", 1, "回.pdf")
    assert (tmp_path / "回.pdf").read_bytes() == b"mine"
    assert "王会计：附上扫描件 扫描.pdf" in said(run("show", 1))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("enter", "510001", "--from", "1月", "--to", "2026-01-31"), "--from：“1月”不是日期"),
        (("enter", "510001", *JANUARY, "--quantity", "x"), "--quantity：“x”不是数"),
        (("enter", "510001", *JANUARY, "--quantity", "NaN"), "--quantity：“NaN”不是数"),
        (("enter", "510001", *JANUARY, "--time-of-use", "夜=1"), "时段有 尖、峰、平、谷、深谷"),
        (
            ("enter", "510001", *JANUARY, "--time-of-use", "峰=1", "--time-of-use", "peak=2"),
            "峰写了两次",
        ),
        (("enter", "510009", *JANUARY, "--quantity", "1"), "户号 510009 没有登记"),
        (("enter", "510001", *JANUARY, "--quantity", "1", "--scan", "无.pdf"), "无.pdf：不能读取"),
        (("attach", 1, "无.pdf"), "无.pdf：不能读取"),
        (("correct", 1), "没有写要改什么"),
        (("correct", 9, "--note", "x"), "账单 9 不存在"),
        (("show", 9), "账单 9 不存在"),
        (("purchase", "show", 9), "购入记录 9 不存在"),
        (("purchase", "correct", 9), "没有写要改什么"),
        (FILLING, "--consumer：汽油须写明用途"),
        ((*FILLING, "--consumer", "飞机"), "用途“飞机”不认识"),
        (("purchase", "enter", "czj", "沼气池", "2026-01-09"), "能源：“沼气池”不认识"),
    ],
)
def test_what_is_wrong_is_named(run: Run, words: tuple[object, ...], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        run(*words)


def test_purchases_one_at_a_time(run: Run, conn: Conn, tmp_path: Path) -> None:
    (tmp_path / "票.jpg").write_bytes(b"jpg")
    filling = (*FILLING, "--amount", "400", "--consumer", "车辆")
    done = said(run(*filling, "--scan", "票.jpg"))
    assert "已录入购入 1：czj 2026-01-09 汽油 50 L，金额 400 元（车辆）。" in done
    said(run(*filling, "--nth", 2))
    corrected = said(run("purchase", "correct", 2, "--note", "当日第二次"))
    assert "购入 2 撤销，由 3 代替" in corrected
    said(run("purchase", "correct", 1, "--quantity", "45"))
    said(run("purchase", "withdraw", 3, "--reason", "作废"))
    listed = said(run("purchase", "list", "--year", 2026))
    assert "45.000000 L" in listed
    assert "已更正为" not in listed
    whole = said(run("purchase", "list", "--year", 2026, "--withdrawn"))
    assert "已更正为 3" in whole
    assert "王会计 已撤销" in whole
    assert "没有购入记录" in said(run("purchase", "list", "--year", 2025))
    shown = said(run("purchase", "show", 4))
    assert "更正自：1（jieyong bill purchase show 1）" in shown
    said(run("purchase", "scan", 4, "回.jpg"))
    assert (tmp_path / "回.jpg").read_bytes() == b"jpg"
    assert active(conn, "purchase") == 1
    with pytest.raises(RefusedError, match="已经录入"):
        run(*FILLING[:-1], "45", "--amount", "400", "--consumer", "车辆")


def test_a_meter_is_bound_to_an_account_released_and_listed(run: Run, conn: Conn) -> None:
    assert "没有计量表" in said(run("meters", "510001"))
    assert said(run("bind", "510001", "m-1", "--since", "2026-03-01")).splitlines() == [
        "计量表 m-1 自 2026-03-01 起属于户号 510001。",
        "撤销：jieyong bill release 510001 m-1 --until 2026-03-01",
    ]
    said(run("release", "510001", "m-1", "--until", "2026-06-01"))
    said(run("bind", "510001", "m-3", "--since", "2026-03-01"))
    assert said(run("meters", "510001")).splitlines() == [
        "m-1　2026-03-01 至 2026-06-01（不含）",
        "m-3　2026-03-01 至 今后",
    ]
    said(run("release", "510001", "m-3", "--until", "2026-03-01"))
    assert "m-3" not in said(run("meters", "510001"))
    assert actions(conn)[-4:] == ["account.bind", "account.release"] * 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("bind", "510001", "m-9", "--since", "2026-03-01"), "计量表 m-9 不存在"),
        (("bind", "510001", "w-1", "--since", "2026-03-01"), "不一致"),
        (("bind", "510001", "m-1", "--since", "3月"), "不是日期"),
        (("release", "510001", "m-1", "--until", "2026-03-01"), "不属于户号 510001"),
        (("release", "510001", "m-1", "--until", "2206-03-01"), "2206"),
    ],
)
def test_a_wrong_binding_is_refused(
    run: Run, conn: Conn, words: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(RefusedError, match=expected):
        run(*words)
    assert active(conn, "utility_account_meter") == 0


def test_purchases_of_an_unknown_institution_are_refused(run: Run) -> None:
    with pytest.raises(RefusedError, match="机构 x 不存在"):
        run("purchase", "list", "--year", 2026, "--institution", "x")


def test_a_meter_of_another_account_names_it_and_how_to_release_it(run: Run, conn: Conn) -> None:
    open_account(conn, "510002", meters=("m-1",))
    release = "jieyong bill release 510002 m-1 --until 2026-03-01"
    with pytest.raises(RefusedError, match=release):
        run("bind", "510001", "m-1", "--since", "2026-03-01")
