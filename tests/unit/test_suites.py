from __future__ import annotations

from pathlib import Path

import pytest

from tests.suites import Case, collected_modules, demo_faults, faults, main, read_report

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="4" skipped="1">
<testcase classname="tests.integration.test_a" name="test_one[pg15-big]" time="0.1"/>
<testcase classname="tests.integration.test_a" name="test_one[timescale-big]" time="0.1"/>
<testcase classname="tests.unit.test_b.TestGroup" name="test_two" time="0.1"/>
<testcase classname="tests.unit.test_c" name="test_three" time="0.1">
  <skipped type="pytest.skip" message="mosquitto is not installed">test_c.py:3</skipped>
</testcase>
</testsuite></testsuites>
"""
MODULES = ["tests.integration.test_a", "tests.unit.test_b"]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.xml"
    path.write_text(REPORT, encoding="utf-8")
    return path


def test_a_report_is_read_with_modules_and_reasons(report: Path) -> None:
    cases = read_report(report)
    assert cases[2] == Case("tests.unit.test_b", "test_two", None)
    assert cases[3].skipped == "mosquitto is not installed"


def test_a_skip_is_a_fault(report: Path) -> None:
    assert list(faults(read_report(report), MODULES, ["pg15", "timescale"])) == [
        "skipped: tests.unit.test_c::test_three: mosquitto is not installed"
    ]


def test_what_another_run_did_is_no_fault(report: Path) -> None:
    other = [Case("tests.unit.test_c", "test_three", None)]
    both = [*read_report(report), *other]
    assert list(faults(both, MODULES, ["pg15", "timescale"])) == []


def test_a_module_that_only_skipped_and_an_engine_that_did_not_run_are_faults(
    report: Path,
) -> None:
    found = list(faults(read_report(report), [*MODULES, "tests.unit.test_c"], ["wheel", "pg15"]))
    assert found[1:] == ["no test ran in tests.unit.test_c", "no test ran on engine wheel"]


def test_an_empty_report_misses_everything() -> None:
    assert list(faults([], ["tests.unit.test_b"], ["wheel"])) == [
        "no test ran in tests.unit.test_b",
        "no test ran on engine wheel",
    ]


def test_the_modules_are_those_of_this_checkout() -> None:
    assert "tests.unit.test_suites" in collected_modules()
    assert not [name for name in collected_modules() if name.startswith("tests.soak")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"lost": 3}, ["the demo says lost = 3, expected 0"]),
        ({"duplicated": None}, ["the demo says duplicated = None, expected 0"]),
        ({"refused": 1}, ["the demo says refused = 1, expected 0"]),
        ({"accepted": 0}, ["the demo accepted 0 rows, expected more than none"]),
    ],
)
def test_a_demo_must_store_and_lose_nothing(change: dict[str, object], expected: list[str]) -> None:
    summary = {"accepted": 100, "lost": 0, "duplicated": 0, "refused": 0, **change}
    assert list(demo_faults(summary)) == expected


def test_the_command_fails_when_something_is_missing(
    report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reports", str(report), str(report)]) == 1
    said = capsys.readouterr().out
    assert "no test ran in tests.unit.test_suites" in said
    assert "no test ran on engine wheel" in said
    summary = report.with_name("summary.json")
    summary.write_text('{"accepted": 5, "lost": 0, "duplicated": 0, "refused": 0}')
    assert main(["demo", str(summary)]) == 0
