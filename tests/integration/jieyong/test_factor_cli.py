from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import xlsxwriter
from typer.testing import CliRunner

from jieyong import cli
from metering.factors.files import DataFileError
from metering.plan.earlier_rows import HEADINGS, SHEET
from registry.refusal import RefusedError

Run = Callable[..., str]
BAD = "code: x\n"


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong factor …` against a database with one institution and its meter."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("INSERT INTO institution (code, name) VALUES ('i-1', '试验局')")
        conn.execute(
            "INSERT INTO meter (code, name, energy, unit, formula)"
            " VALUES ('m-1', '总表', 'electricity', 'kWh', 'm-2')"
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "240")

    def words(*given: str) -> str:
        result = CliRunner().invoke(cli.app, ["factor", *given])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return words


ENTER = ("enter", "i-1", "floor-area", "5000.5", "--since", "2026-01-01", "--source", "房产证")


def test_what_ships_has_no_mistakes(run: Run) -> None:
    assert "没有错误：13 套系数与因子，3 个电价方案" in run("check")
    assert "sh-two-part" in run("tariffs")


def test_factors_of_a_day_and_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_FACTORS__JURISDICTION", "31")
    listed = run("list", "--day", "2026-10-01")
    assert "0.1229" in listed
    assert "cn-east-co2-grid-2023@1（可信：高）" in listed
    assert "cn-co2-grid-2022@1" in run("list", "--day", "2022-06-01")
    assert "cn-" in run("list")


def test_files_of_ones_own_are_read_and_refused_with_the_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIEYONG_FACTORS__DIRECTORY", str(tmp_path / "own"))
    with pytest.raises(NotADirectoryError, match="there is no such directory"):
        run("check")
    (tmp_path / "own" / "sets").mkdir(parents=True)
    assert "13 套" in run("check")
    (tmp_path / "own" / "sets" / "city.yaml").write_text(BAD, encoding="utf-8")
    with pytest.raises(DataFileError, match=r"city.yaml:1: factor set x: "):
        run("check")
    monkeypatch.setenv("JIEYONG_FACTORS__JURISDICTION", "99")
    (tmp_path / "own" / "sets" / "city.yaml").unlink()
    with pytest.raises(RefusedError, match=r"factors.jurisdiction 为 99：没有这个地区"):
        run("check")


def test_a_fact_is_entered_changed_shown_and_withdrawn(run: Run) -> None:
    assert "已录入 #1" in run(*ENTER)
    with pytest.raises(RefusedError, match="已有记录"):
        run(*ENTER)
    changed = ("enter", "i-1", "floor-area", "6,000", "--since", "2026-10-11", "--source", "扩建")
    number = run(*changed, "--change", "--by", "王芳").partition("#")[2].partition("。")[0]
    shown = run("show", "i-1")
    for text in ("建筑面积", "5000.5", "2026-10-11", "6000", "扩建", "王芳"):
        assert text in shown
    assert f"已撤回 fact #{number}" in run("withdraw", "fact", number)
    assert "6000" not in run("show", "i-1")
    with pytest.raises(RefusedError, match="没有编码为 i-9 的公共机构"):
        run("show", "i-9")
    with pytest.raises(RefusedError, match="“12㎡”不是数"):
        run("enter", "i-1", "floor-area", "12㎡", "--since", "2020-01-01", "--source", "x")


def test_tariffs_are_assigned_priced_and_withdrawn(run: Run) -> None:
    since = ("--since", "2026-01-01")
    assert "已指定 #1" in run("assign", "sh-two-part", "--meter", "m-1", *since)
    institution = ("--institution", "i-1", "--until", "2027-01-01")
    assert "已指定 #2" in run("assign", "sh-single", *institution, *since)
    for wrong in ((), ("--meter", "m-1", "--institution", "i-1")):
        with pytest.raises(RefusedError, match="二者之一"):
            run("assign", "sh-single", *wrong, *since)
    price = ("price", "sh-two-part", "2026-07", "0.61", "--source", "7月公告")
    assert "已录入 #1" in run(*price)
    with pytest.raises(RefusedError, match="2026-07 已有基准电价"):
        run(*price)
    with pytest.raises(RefusedError, match="2022-07 没有编码为 sh-two-part 的电价方案"):
        run("price", "sh-two-part", "2022-07", "0.61", "--source", "公告")
    assert "已撤回 price #1" in run("withdraw", "price", "1")
    assert "已撤回 tariff #2" in run("withdraw", "tariff", "2")
    with pytest.raises(RefusedError, match="没有编号为 2 的有效记录"):
        run("withdraw", "tariff", "2")


QUARTERS = """
    INSERT INTO consumption (meter_id, slot, micro, estimated, covered_s, flags)
    SELECT m.id, slot, 500000, 0, 900, 0
    FROM meter m, generate_series(
        '2026-07-01 00:00+08'::timestamptz, '2026-07-02 23:45+08', '15 minutes') AS slot
"""


def test_a_month_is_priced_by_the_tariff_assigned(run: Run, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(QUARTERS)
    unpriced = run("cost", "m-1", "--month", "2026-07")
    assert "合计 未知 元。2026-07-01 至 2026-07-31 没有电价" in unpriced
    run("assign", "sh-two-part", "--meter", "m-1", "--since", "2026-01-01")
    assert "2026-07 没有平段基准电价" in run("cost", "m-1", "--month", "2026-07")
    run("price", "sh-two-part", "2026-07", "0.6", "--source", "7月公告")
    priced = run("cost", "m-1", "--month", "2026-07")
    # Twice the day of tests/unit/metering/factors/test_cost.py, at 2 kW.
    assert "合计 67.44 元" in priced
    assert "8.00" in next(line for line in priced.splitlines() if "尖" in line)
    assert "2784 个刻钟没有用量数据，未计入" in priced
    assert "电度电费 67.44 元，基本电费没有" in priced
    with pytest.raises(RefusedError, match="没有编码为 m-9 的计量表"):
        run("cost", "m-9", "--month", "2026-07")
    with pytest.raises(RefusedError, match="9999 年不在 2000 年至 2100 年之间"):
        run("cost", "m-1", "--month", "9999-12")


TWO_PART = """\
code: city
version: 1
name: 某市两部制
energy: electricity
jurisdiction: CN
from: 2026-01-01
source: a test
confidence: high
kind: flat
price: 0.333333
basic: {capacity: 28, demand: 42}
"""


def test_a_two_part_month_as_a_bill_and_as_json(
    run: Run, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own" / "tariffs").mkdir(parents=True)
    (tmp_path / "own" / "tariffs" / "city.yaml").write_text(TWO_PART, encoding="utf-8")
    monkeypatch.setenv("JIEYONG_FACTORS__DIRECTORY", str(tmp_path / "own"))
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(QUARTERS)
    since = ("--since", "2026-01-01")
    run("assign", "city", "--meter", "m-1", *since)
    missing = run("cost", "m-1", "--month", "2026-07")
    assert "没有登记计费方式" in missing
    assert "合计 未知 元" in missing
    assert "其中已知部分 32.00 元" in missing
    assert "已登记 #1" in run(
        "basic", "m-1", "capacity", "--size", "315", "--source", "供用电合同", *since
    )
    shown = run("cost", "m-1", "--month", "2026-07")
    line = next(line for line in shown.splitlines() if "变压器容量" in line)
    for cell in ("基本电费", "2026-07", "city@2026-01-01.1", "315.00", "kVA", "28", "8,820.00"):
        assert cell in line
    assert "电度电费 32.00 元，基本电费 8,820.00 元" in shown
    assert "合计 8,852.00 元（只计已知用量）。" in shown
    found = json.loads(run("cost", "m-1", "--month", "2026-07", "--json"))
    assert found["total_yuan"] == "8852.00"
    assert found["energy"] == [
        {
            "time": "2026-07",
            "tariff": "city@2026-01-01.1",
            "label": "",
            "quantity": "96.000000",
            "unit": "kWh",
            "price": "0.333333",
            "yuan": "32.00",
            "exact": "31.999968000000",
            "why": "",
        }
    ]
    change = ("basic", "m-1", "measured", "--source", "变更申请", "--since", "2026-07-01")
    with pytest.raises(RefusedError, match="已登记基本电费计费方式"):
        run(*change)
    run(*change, "--change", "--by", "王芳")
    listed = run("basics", "m-1")
    for text in ("变压器容量", "315 kVA", "2026-07-01", "实际最大需量", "王芳"):
        assert text in listed
    unknown = json.loads(run("cost", "m-1", "--month", "2026-07", "--json"))
    assert (unknown["basic_yuan"], unknown["total_yuan"]) == (None, None)
    assert "2976 个刻钟的需量未知" in unknown["why"]
    assert "已录入 #1" in run("demand", "m-1", "2026-07", "312.5", "--source", "7月电费账单")
    assert "实际最大需量（需量 312.500 kW，录入）" in run("cost", "m-1", "--month", "2026-07")
    assert "已撤回 demand #1" in run("withdraw", "demand", "1")
    last = listed.split("实际最大需量")[0].splitlines()[-1].split("│")[1].strip()
    assert f"已撤回 basic #{last}" in run("withdraw", "basic", last)
    assert "实际最大需量" not in run("basics", "m-1")


def test_indicators_of_an_institution(run: Run, tmp_path: Path) -> None:
    months = ("indicators", "i-1", "--from", "2025-01", "--to", "2025-01")
    with pytest.raises(RefusedError, match="没有任何账单、计量或录入"):
        run(*months)
    run("enter", "i-1", "floor-area", "5000", "--since", "2025-01-01", "--source", "房产证")
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet(SHEET)
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ["i-1", "", "2025-01", "电", 10_000, "kWh", 8000, ""])
    words = ["consumption", "earlier", "import", str(tmp_path / "a.xlsx")]
    assert CliRunner().invoke(cli.app, words).exit_code == 0
    shown = {line.split("│")[1].strip(): line for line in run(*months).splitlines() if "│" in line}
    assert "1.23" in shown["综合能耗"]
    assert "0.25" in shown["单位建筑面积能耗"]
    assert "未知" in shown["人均用电量"]
    with pytest.raises(RefusedError, match="早于第一个月"):
        run("indicators", "i-1", "--from", "2025-02", "--to", "2025-01")
    with pytest.raises(RefusedError, match="没有编码为 i-9 的公共机构"):
        run("indicators", "i-9", "--from", "2025-01", "--to", "2025-01")


def test_the_power_factor_of_a_bill_is_computed_again(run: Run) -> None:
    words = ("power", "--active", "89,000", "--reactive", "45,600", "--charge", "8500")
    said = run(*words, "--standard", "0.85")
    assert "实际功率因数 0.89，标准 0.85：减收 0.40 %" in said
    assert "功率因数调整电费 -34.00 元" in said
    assert "水电财字第215号" in said
    assert "增收 0.50 %" in run(*words, "--standard", "0.9")
    with pytest.raises(RefusedError, match=r"可用 0\.90、0\.85"):
        run(*words, "--standard", "0.80")
    with pytest.raises(RefusedError, match="不同时为 0"):
        run("power", "--active", "0", "--reactive", "0", "--charge", "1", "--standard", "0.9")
