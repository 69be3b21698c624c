"""What the doctor finds."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # works, but not as well or as safely as it could
    PROBLEM = "problem"  # does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: how bad it is.
        what: what was found, in words.
        where: the part, file, address or device.
        advice: what to do; empty only when all is well.
    """

    level: Level
    what: str
    where: str
    advice: str = ""

    def __post_init__(self) -> None:
        if self.level is not Level.OK and not self.advice:
            raise ValueError(f"{self.where}: {self.what}: a {self.level} wants advice")


Check = Callable[[], Iterable[Finding]]
"""Looks at one thing. What it can foresee it reports; what it raises is reported for it."""


def ok(what: str, where: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Level.OK, what, where)


def warning(what: str, where: str, advice: str) -> Finding:
    """Return a finding that could be better."""
    return Finding(Level.WARNING, what, where, advice)


def problem(what: str, where: str, advice: str) -> Finding:
    """Return a finding that does not work."""
    return Finding(Level.PROBLEM, what, where, advice)


def examine(checks: Iterable[tuple[str, Check]]) -> list[Finding]:
    """Make every check; one that fails is a problem of its own and stops no other.

    Args:
        checks: where each looks, and the check.
    """
    findings: list[Finding] = []
    for where, check in checks:
        try:
            findings.extend(check())
        except Exception as error:  # noqa: BLE001 - reported as a finding
            what = f"could not be checked: {type(error).__name__}: {error}"
            findings.append(problem(what, where, "see the message; it may be a fault of ours"))
    return findings


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 when there is a problem, else 0."""
    return int(any(finding.level is Level.PROBLEM for finding in findings))
