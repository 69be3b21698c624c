"""Reading the editions of the forms: whole, every mistake with its line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from metering.bills.words import words
from metering.factors.files import (
    Provenance,
    first_of_month,
    listed,
    provenance,
    reading,
    top,
)
from metering.factors.kinds import load_fact_kinds, load_kinds
from registry.document import Entry
from registry.refusal import RefusedError
from reporting.forms.model import Basis, Cost, Edition, Fact, Form, Line, Quantity
from reporting.forms.model import Entry as Entered

DATA: Final = Path(__file__).parent / "data"
_MOST_DIGITS: Final = 6


def load_editions(directory: Path = DATA) -> tuple[Edition, ...]:
    """Read all editions, the oldest first.

    Raises:
        DataFileError: with every problem of the first file that has any, and their lines.
        OSError: one cannot be read.
    """
    found: dict[str, Edition] = {}
    for path in sorted(directory.glob("*.yaml")):
        edition = _edition(path, found)
        found[edition.code] = edition
    return tuple(sorted(found.values(), key=lambda one: one.since))


def edition_named(editions: Iterable[Edition], code: str) -> Edition:
    """Return the edition by which a report was made.

    Raises:
        RefusedError: its file is gone.
    """
    for one in editions:
        if one.code == code:
            return one
    raise RefusedError(f"没有 {code} 版报表：请恢复 reporting/forms/data/{code}.yaml")


def edition_of(editions: Iterable[Edition], last: date) -> Edition:
    """Return the edition by which a period is reported that ends on a day.

    Raises:
        RefusedError: it is older than the oldest edition there is.
    """
    held = [one for one in editions if one.since <= last]
    if not held:
        raise RefusedError(f"没有 {last} 适用的报表版本：请在 reporting/forms/data 中补充")
    return max(held, key=lambda one: one.since)


def _edition(path: Path, before: Mapping[str, Edition]) -> Edition:
    with reading(path.name) as problems:
        document = top(path, "edition of the forms", problems)
        usual = provenance(document)
        code, name = document.text("edition"), document.text("name")
        since = first_of_month(document, "since")
        if document.has("after"):
            after = document.reference("after", "edition before it", before)
            forms = _changed(document, before[after].forms if after in before else ())
        else:
            known = _Known(load_kinds(), load_fact_kinds(), [*words().consumers], usual)
            forms = tuple(_form(entry, known) for entry in listed(document, "forms", "form"))
        document.finish()
    return Edition(code, name, since, forms, usual)


@dataclass(frozen=True, slots=True)
class _Known:
    """What lines may name; ``lines`` are those that were read so far."""

    kinds: Collection[str]
    facts: Collection[str]
    consumers: Collection[str]
    usual: Provenance
    lines: dict[str, Line] = field(default_factory=dict)


def _form(entry: Entry, known: _Known) -> Form:
    code, title = entry.text("code"), entry.text("title")
    above: dict[str, Line] = {}
    for one in listed(entry, "lines", "line"):
        line = _line(one, known, above)
        above[line.code] = known.lines[line.code] = line
    entry.finish()
    return Form(code, title, tuple(above.values()))


def _line(entry: Entry, known: _Known, above: Mapping[str, Line]) -> Line:
    line = Line(
        entry.text("code"),
        entry.text("name"),
        entry.text("unit"),
        entry.integer("digits", 0, _MOST_DIGITS),
        entry.reference("part_of", "line above it", above) if entry.has("part_of") else None,
        _basis(entry, known),
        provenance(entry, known.usual),
    )
    if line.code in known.lines:
        entry.problem("code", f"{line.code} stands there twice: remove one")
    whole = above.get(line.part_of) if line.part_of is not None else None
    if whole is not None and (whole.unit, whole.digits) != (line.unit, line.digits):
        entry.problem("part_of", f"it differs from {whole.code} in unit or digits: make them equal")
    entry.finish()
    return line


def _basis(entry: Entry, known: _Known) -> Basis:
    named = [key for key in ("quantity", "cost", "fact", "adds") if entry.has(key)]
    if len(named) > 1:
        entry.problem(named[1], f"a line rests on one thing, not on {' and '.join(named)}")
    consumer = entry.choice("consumer", known.consumers) if entry.has("consumer") else None
    if entry.has("quantity"):
        return Quantity(entry.reference("quantity", "kind of energy", known.kinds), consumer)
    if entry.has("cost"):
        return Cost(entry.reference("cost", "kind of energy", known.kinds), consumer)
    if consumer is not None:
        entry.problem("consumer", "only a quantity or a cost has a consumer")
    if entry.has("fact"):
        fact = entry.reference("fact", "fact of an institution", known.facts)
        return Fact(fact, entry.has("required") and entry.boolean("required"))
    return Entered(entry.has("adds") and entry.boolean("adds"))


def _changed(document: Entry, forms: Sequence[Form]) -> tuple[Form, ...]:
    lines = {line.code: line for form in forms for line in form.lines}
    without = set(document.texts("without")) if document.has("without") else set()
    for code in sorted(without - lines.keys()):
        document.problem("without", f"there is no line {code} in the edition before")
    for line in lines.values():
        if line.part_of in without and line.code not in without:
            document.problem("without", f"{line.part_of} goes, but its part {line.code} stays")
    for entry in document.entries("renamed", "line") if document.has("renamed") else []:
        code = entry.reference("code", "line of the edition before", lines)
        name = entry.text("name")
        entry.finish()
        if code in lines:
            lines[code] = replace(lines[code], name=name)
    return tuple(
        replace(
            one, lines=tuple(lines[line.code] for line in one.lines if line.code not in without)
        )
        for one in forms
    )
