from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from jieyong import cli
from registry.refusal import RefusedError
from tests.integration.metering.gauge.test_outdoor import add_sensor, constant
from tests.integration.metering.gauge.world import add_device, add_point
from tests.unit.metering.gauge.test_temperature_sheet import workbook

SITE = "县政府大院"

Run = Callable[..., str]


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong temperature …` in an empty directory against an empty database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "200")

    def words(*given: object) -> str:
        result = CliRunner().invoke(cli.app, ["temperature", *map(str, given)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return words


def refusal(run: Run, *given: object) -> str:
    with pytest.raises(RefusedError) as caught:
        run(*given)
    return str(caught.value)


def line_of(shown: str, day: str) -> list[str]:
    (line,) = [line for line in shown.splitlines() if line.startswith(f"│ {day}")]
    return [cell.strip() for cell in line.strip("│").split("│")]


def entries(database: str) -> int:
    with psycopg.connect(database) as conn:
        row = conn.execute(
            "SELECT (SELECT count(*) FROM outdoor_day) + (SELECT count(*) FROM outdoor_temperature)"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_day_below_zero_is_entered_shown_and_taken_back(run: Run, database: str) -> None:
    assert "还没有任何站点" in run("list")
    said = run("enter", SITE, "2026-01-15", "-3.5", "--source", "气象公报", "--by", "李敏")
    assert f"{SITE}：录入 1 个气温。" in said
    with psycopg.connect(database) as conn:
        row = conn.execute("SELECT day, celsius, source, entered_by FROM outdoor_day").fetchone()
    assert row == (date(2026, 1, 15), -3.5, "气象公报", "李敏")
    assert run("list").strip() == SITE

    shown = run("show", SITE, "--from", "2026-01-15", "--to", "2026-01-15")
    assert line_of(shown, "2026-01-15") == [
        *("2026-01-15", "-3.5", "录入的日平均", "", "21.5", "0.0", "采暖季")
    ]
    assert "采暖度日 HDD18 合计 21.5 ℃·d" in shown
    assert "制冷度日 CDD26 合计 0.0 ℃·d" in shown

    assert f"已撤回 {SITE} 2026-01-15 的录入" in run("withdraw", SITE, "2026-01-15")
    assert "没有改动" in run("withdraw", SITE, "2026-01-15")
    shown = run("show", SITE, "--from", "2026-01-15", "--to", "2026-01-15")
    assert line_of(shown, "2026-01-15")[1] == "未知"


def test_an_unknown_day_makes_the_sum_unknown_and_is_named(run: Run) -> None:
    run("enter", SITE, "2026-01-15", "8")
    shown = run("show", SITE, "--from", "2026-01-15", "--to", "2026-01-16")
    assert line_of(shown, "2026-01-16") == [
        *("2026-01-16", "未知", "", "00–23 时", "未知", "未知", "采暖季")
    ]
    assert "采暖度日 HDD18 合计未知；仅就已知的 1 天为 10.0 ℃·d" in shown
    assert "气温未知的 1 天：2026-01-16；补录后即可得出合计。" in shown


def test_the_same_again_changes_nothing(run: Run, database: str) -> None:
    run("enter", SITE, "2026-06-01 08:00", "25.5")
    assert "录入 0 个气温，另有 1 个与已录入的相同" in run(
        "enter", SITE, "2026-06-01 08:00", "25.5"
    )
    assert entries(database) == 1


def test_four_observations_make_a_day_and_the_missing_hours_are_named(run: Run) -> None:
    for hour, celsius in ((2, 24), (8, 26), (14, 34), (20, 28)):
        run("enter", SITE, f"2026-07-01 {hour:02}:00", celsius)
    shown = run("show", SITE, "--from", "2026-07-01", "--to", "2026-07-01")
    assert line_of(shown, "2026-07-01") == [
        *("2026-07-01", "28.0", "四次定时平均", "00–01、03–07、09–13、15–19、21–23 时"),
        *("0.0", "2.0", "制冷季"),
    ]


def test_seasons_can_go_by_the_temperature(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_SEASONS__MODE", "temperature")
    monkeypatch.setenv("JIEYONG_SEASONS__RUNNING_DAYS", "2")
    for day, celsius in (("2026-04-01", 6), ("2026-04-02", 4), ("2026-04-03", 20)):
        run("enter", SITE, day, celsius)
    shown = run("show", SITE, "--from", "2026-04-01", "--to", "2026-04-03")
    seasons = [line_of(shown, f"2026-04-0{day}")[-1] for day in (1, 2, 3)]
    assert seasons == ["未知", "采暖季", "过渡季"]


def test_without_days_the_month_of_yesterday_is_shown(run: Run) -> None:
    run("enter", SITE, "2026-01-15", "8")
    shown = run("show", SITE)
    days = [line.split("│")[1].strip() for line in shown.splitlines() if line.startswith("│ 2")]
    assert days[0].endswith("-01")
    assert days[-1][:7] == days[0][:7]
    assert int(days[-1][-2:]) == len(days)


def test_a_sheet_is_previewed_imported_and_changes_nothing_the_second_time(
    run: Run, database: str, tmp_path: Path
) -> None:
    file = tmp_path / "气温.xlsx"
    file.write_bytes(workbook((date(2026, 6, 1), None, 24.5), (date(2026, 6, 2), time(8), 26.0)))
    looked = run("import", SITE, file, "--dry-run")
    assert "气温!A2" in looked
    assert "2026-06-01 全天平均" in looked
    assert "2026-06-02 08:00" in looked
    assert "没有录入" in looked
    assert entries(database) == 0
    assert "录入 2 个气温。" in run("import", SITE, file)
    assert "录入 0 个气温，另有 2 个" in run("import", SITE, file)
    with psycopg.connect(database) as conn:
        assert conn.execute("SELECT source FROM outdoor_day").fetchall() == [("气温.xlsx",)]


def test_a_sheet_with_a_wrong_cell_is_refused_whole_with_its_cell(
    run: Run, database: str, tmp_path: Path
) -> None:
    file = tmp_path / "气温.xlsx"
    file.write_bytes(workbook((date(2026, 6, 1), None, 24.5), (date(2026, 6, 2), None, 245)))
    assert "气温!C3" in refusal(run, "import", SITE, file)
    assert entries(database) == 0


def test_the_template_comes_back_empty_and_is_refused(run: Run, tmp_path: Path) -> None:
    assert "已生成 气温.xlsx" in run("template", "气温.xlsx")
    assert "没有一行数据" in refusal(run, "import", SITE, tmp_path / "气温.xlsx")


def test_a_sensor_is_assigned_shown_and_withdrawn(run: Run, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        add_sensor(conn, *constant(29.0))  # on 1 June 2026
    assert "已登记气温传感器 #1" in run(
        "sensor", SITE, "d1/outdoor", "--since", "2026-05-01", "--until", "2026-07-01"
    )
    shown = run("show", SITE, "--from", "2026-06-01", "--to", "2026-06-01")
    assert line_of(shown, "2026-06-01")[1:6] == ["29.0", "逐时平均", "", "0.0", "3.0"]
    (sensor,) = [line for line in shown.splitlines() if "d1/outdoor" in line]
    assert [cell.strip() for cell in sensor.split("│")[1:5]] == [
        *("1", "d1/outdoor", "2026-05-01 00:00", "2026-07-01 00:00")
    ]
    assert "已撤销气温传感器 #1" in run("withdraw-sensor", 1)
    assert f"站点“{SITE}”：没有它的气温" in refusal(run, "show", SITE)


def test_a_point_that_does_not_exist_is_refused_with_the_nearest(run: Run, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        add_point(conn, add_device(conn), "outdoor", unit="°C")
    said = refusal(run, "sensor", SITE, "d1/outdor")
    assert "测点“d1/outdor”：没有这个测点（是不是 d1/outdoor？）" in said


def test_a_point_of_another_unit_is_refused(run: Run, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        add_point(conn, add_device(conn), "power", unit="kW")
    assert "请选气温测点" in refusal(run, "sensor", SITE, "d1/power")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("enter", SITE, "2026-06-31", "20"), "“2026-06-31”不是时间"),
        (("enter", SITE, "2026-06-01", "二十"), "“二十”不是数"),
        (("enter", SITE, "2026-06-01", "nan"), "不是数"),
        (("enter", SITE, "2026-06-01", "-61"), "应在 -60 至 60 ℃ 之间"),
        (("enter", SITE, "2999-01-01", "20"), "只录入实测气温"),
        (("show", SITE), "目前没有任何站点"),
        (("withdraw", SITE, "2026-06-01"), "目前没有任何站点"),
        (("withdraw-sensor", "7"), "没有这条记录"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_officers(
    run: Run, database: str, given: tuple[str, ...], words: str
) -> None:
    assert words in refusal(run, *given)
    assert entries(database) == 0


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (("--from", "2026-06-02", "--to", "2026-06-01"), "早于第一天"),
        (("--from", "1990-01-01"), "超过十年"),
        (("--from", "2026年"), "“2026年”不是日期"),
    ],
)
def test_days_that_make_no_sense_are_refused(run: Run, days: tuple[str, ...], words: str) -> None:
    run("enter", SITE, "2026-01-15", "8")
    assert words in refusal(run, "show", SITE, *days)


def test_a_site_written_differently_is_noticed(run: Run) -> None:
    run("enter", SITE, "2026-01-15", "8")
    assert f"“县政府”是新站点；已有站点：{SITE}" in run("enter", "县政府", "2026-01-16", "8")
    assert "注意" not in run("enter", SITE, "2026-01-16", "8")
    assert f"（是不是 {SITE}？）" in refusal(run, "show", "县政府大楼")
