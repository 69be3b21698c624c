"""Judges what a run left behind; `.ci/run` calls it.

``python -m tests.suites reports JUNIT.xml …`` fails when a test was skipped in every run of which
it has the reports, a test file had no test run, or no test ran on one of the engines.
``python -m tests.suites demo SUMMARY.json`` fails when the demo lost, doubled or refused anything,
or stored nothing.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.engines import ENGINES

TESTS = Path(__file__).resolve().parent
RUN_BY_MAKE_TEST = ("unit", "integration", "e2e")


@dataclass(frozen=True)
class Case:
    """One test of a report: module as ``tests.unit.test_x``, and why it was skipped."""

    module: str
    name: str
    skipped: str | None


def read_report(path: Path) -> list[Case]:
    """Read a JUnit file as pytest writes it."""
    return [_case(element) for element in ET.parse(path).getroot().iter("testcase")]


def _case(element: ET.Element) -> Case:
    skip = element.find("skipped")
    why = None if skip is None else skip.get("message", "no reason given")
    # A test in a class has the class's name behind the module's.
    parts = element.get("classname", "").split(".")
    module = ".".join(part for part in parts if not part[:1].isupper())
    return Case(module or element.get("name", ""), element.get("name", ""), why)


def faults(cases: Sequence[Case], modules: Sequence[str], engines: Sequence[str]) -> Iterator[str]:
    """Yield what should have run and did not.

    Args:
        cases: of all reports; what one run skipped and another ran, did run.
        modules: test modules that must each have run a test.
        engines: database engines; the name stands in the brackets of a test's name.
    """
    ran = [case for case in cases if case.skipped is None]
    tests = {(case.module, case.name) for case in ran}
    for case in cases:
        if (case.module, case.name) not in tests:
            yield f"skipped: {case.module}::{case.name}: {case.skipped}"
    seen = {case.module for case in ran}
    for module in modules:
        if module not in seen:
            yield f"no test ran in {module}"
    for engine in engines:
        if not any(engine in _parameters(case.name) for case in ran):
            yield f"no test ran on engine {engine}"


def _parameters(name: str) -> list[str]:
    _, bracket, inside = name.partition("[")
    return inside.rstrip("]").split("-") if bracket else []


def collected_modules() -> list[str]:
    """Return the modules that ``make test`` collects."""
    files = [file for part in RUN_BY_MAKE_TEST for file in (TESTS / part).rglob("test_*.py")]
    return sorted(".".join(("tests", *f.relative_to(TESTS).with_suffix("").parts)) for f in files)


def demo_faults(summary: Mapping[str, object]) -> Iterator[str]:
    """Yield what a demo's summary must not say."""
    for key in ("lost", "duplicated", "refused"):
        if summary.get(key) != 0:
            yield f"the demo says {key} = {summary.get(key)!r}, expected 0"
    accepted = summary.get("accepted")
    if not isinstance(accepted, int) or accepted <= 0:
        yield f"the demo accepted {accepted!r} rows, expected more than none"


def main(arguments: Sequence[str]) -> int:
    """Print the faults; return 1 when there are any."""
    what, *names = arguments
    paths = [Path(name) for name in names]
    if what == "demo":
        found = list(demo_faults(json.loads(paths[0].read_text(encoding="utf-8"))))
    else:
        cases = [case for path in paths for case in read_report(path)]
        found = list(faults(cases, collected_modules(), ENGINES))
    print("\n".join(found) or f"{what}: nothing missing")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
