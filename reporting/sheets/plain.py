"""A report as CSV and as JSON: every line with its code, numbers as they are reported."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from registry.table import csv_cell
from reporting.sheets.paper import Paper

_HEADINGS: Final = ("机构", "报告期", "表", "代码", "指标", "计量单位", "数值", "状态", "说明")


def write_csv(path: Path, paper: Paper) -> None:
    """Write a CSV that Excel opens: UTF-8 with its mark.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADINGS)
        writer.writerows(_rows(paper))


def write_json(path: Path, paper: Paper) -> None:
    """Write JSON; numbers are texts, so that they stay exact.

    Raises:
        OSError: it cannot be written.
    """
    path.write_text(as_json(paper) + "\n", encoding="utf-8")


def as_json(paper: Paper) -> str:
    """Return the report as JSON."""
    draft = paper.draft
    said = {
        "institution": draft.institution,
        "name": paper.name,
        "credit_code": paper.credit_code,
        "period": draft.period.code,
        "edition": draft.edition,
        "revision": draft.number,
        "state": draft.state.value,
        "sha256": paper.sha256,
        "signatures": {
            role.value: {"name": one.name, "day": one.day.isoformat()}
            for role, one in paper.signatures.items()
        },
        "cells": {
            code: {
                "value": None if cell.value is None else f"{cell.value:f}",
                "standing": cell.standing.value,
                "why": cell.why,
            }
            for code, cell in draft.cells.items()
        },
        "findings": [
            {
                "rule": found.rule,
                "severity": found.severity.value,
                "lines": list(found.cells),
                "said": found.said,
                "explained": paper.explained.get((found.rule, found.cells)),
            }
            for found in draft.findings
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=1)


def _rows(paper: Paper) -> Iterator[list[str]]:
    draft = paper.draft
    for form in paper.edition.forms:
        for line in form.lines:
            cell = draft.cells[line.code]
            named = line.code, line.name, line.unit, cell.value, cell.standing.value, cell.why
            row = draft.institution, draft.period.code, form.title, *named
            yield [csv_cell(value) for value in row]
