"""Findings as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from jieyong.doctor.finding import Finding, Level

_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
_COUNTED: Final = (Level.PROBLEM, Level.WARNING)
_MARKS: Final = {Level.OK: "✓ ok", Level.WARNING: "! warning", Level.PROBLEM: "✗ problem"}


def table(findings: Sequence[Finding]) -> Table:
    """Return the findings, as they were made, with what to do under what was found."""
    shown = Table(box=SIMPLE_HEAD, caption=_summary(findings), caption_justify="left")
    shown.add_column("", no_wrap=True)
    shown.add_column("where", overflow="fold")
    shown.add_column("what, and what to do", overflow="fold", ratio=1)
    for finding in findings:
        mark = Text(_MARKS[finding.level], style=_STYLES[finding.level])
        # Text, not markup: names and messages may hold square brackets.
        words = Text(finding.what)
        if finding.advice:
            words.append(f"\n→ {finding.advice}", style="italic")
        shown.add_row(mark, Text(finding.where), words)
    return shown


def _summary(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.level for finding in findings)
    told = [f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}" for level in _COUNTED]
    return ", ".join([*told, f"{counts[Level.OK]} ok"])
