"""Reading the rules of the audit: whole, every mistake with its line."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Final

from metering.factors.files import Confidence, listed, number, provenance, reading, top
from registry.document import Entry
from reporting.audit.model import Kind, Of, Rule, Severity

DATA: Final = Path(__file__).parent / "data" / "rules.yaml"


def load_rules(lines: Collection[str], path: Path = DATA) -> tuple[Rule, ...]:
    """Read the rules.

    Args:
        lines: codes that any edition has.
        path: of the file.

    Raises:
        DataFileError: with every problem and its line.
        OSError: it cannot be read.
    """
    with reading(path.name) as problems:
        document = top(path, "file of audit rules", problems)
        usual = provenance(document)
        seen: set[str] = set()
        rules = []
        for entry in listed(document, "rules", "rule"):
            code = entry.text("code")
            if code in seen:
                entry.problem("code", f"{code} stands there twice: rename one")
            seen.add(code)
            rule = _rule(code, entry, lines, Rule(code, Kind.PARTS, Severity.NOTE, usual))
            entry.finish()
            rules.append(rule)
        document.finish()
    return tuple(rules)


def _rule(code: str, entry: Entry, lines: Collection[str], usual: Rule) -> Rule:
    kind = entry.choice("kind", [*Kind])
    severity = entry.choice("severity", [*Severity])
    source = provenance(entry, usual.provenance)
    if severity == Severity.BLOCK and source.confidence is Confidence.LOW:
        entry.problem("severity", "what is not known for sure blocks nobody: use explain or note")
    of = entry.choice("of", [*Of]) if kind == Kind.MISSING else None
    by_line = kind in {Kind.CHANGE, Kind.SUM, Kind.PARTS}
    named = _known(entry, "lines", entry.texts("lines"), lines) if by_line else []
    return Rule(
        code,
        Kind(kind) if kind in set(Kind) else usual.kind,
        Severity(severity) if severity in set(Severity) else usual.severity,
        source,
        Of(of) if of in set(Of) else None,
        tuple(named),
        _pairs(entry, lines) if kind in {Kind.WITHIN, Kind.BOTH, Kind.PRICE} else (),
        _share(entry, "above")
        if kind in {Kind.CHANGE, Kind.ESTIMATED, Kind.METERED}
        else Decimal(0),
        *(_share(entry, key) if kind == Kind.PRICE else Decimal(0) for key in ("low", "high")),
    )


def _share(entry: Entry, key: str) -> Decimal:
    found = number(entry, key)
    if found is None:
        entry.problem(key, f"{key} is missing: add a number")
    return found or Decimal(0)


def _known(entry: Entry, key: str, codes: list[str], lines: Collection[str]) -> list[str]:
    for code in codes:
        if code not in lines:
            entry.problem(key, f"no edition has a line {code}")
    return codes


def _pairs(entry: Entry, lines: Collection[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for written in entry.texts("pairs"):
        one, _, other = written.partition("/")
        _known(entry, "pairs", [one, other], lines)
        found.append((one, other))
    if not found:
        entry.problem("pairs", "pairs is missing: add codes, as [240/110]")
    return tuple(found)
