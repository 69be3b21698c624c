"""Asks the commands of `jieyong total`, and reads what they print."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from typer.testing import Result

Run = Callable[..., Result]

JUNE = date(2026, 6, 1)
KWH = 10**6


def month(run: Run, *words: object) -> dict[str, Any]:
    done = run("month", "2026-06", "--json", *words)
    assert done.exit_code == 0
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def totals(run: Run, *words: object) -> list[tuple[str, str, str | None]]:
    """(name, energy, total) of each row."""
    return [(row["name"], row["energy"], row["total"]) for row in month(run, *words)["totals"]]


def kwh(text: str | None) -> float | None:
    return None if text is None else float(text)


def line(output: str, *words: str) -> list[str]:
    """The cells of the one printed row that holds all words."""
    found = [row for row in output.splitlines() if all(word in row for word in words)]
    assert len(found) == 1, output
    return [cell.strip() for cell in found[0].strip("│ ").split("│")]
