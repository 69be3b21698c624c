"""Reading a YAML file so that every value still knows its line.

The reader collects problems instead of raising: whoever fixes a file wants all of them at once.
After a problem it hands out a harmless value, and whoever started it raises what was found.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Never
from zoneinfo import ZoneInfo

import yaml

from registry import yaml_nodes
from registry.yaml_nodes import YamlError

_NULL: Final = "tag:yaml.org,2002:null"
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}
_INTEGER: Final = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL: Final = re.compile(r"(0|[1-9]\d{0,9})(\.\d{1,2})?")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
_SUGGESTIONS: Final = 50
"""Looking for near words costs milliseconds among thousands of codes: the first ones get it."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong in one line, and what to do."""

    line: int
    message: str


class InventoryError(ValueError):
    """The inventory cannot be used; nothing was changed.

    Attributes:
        source: the file.
        problems: every problem found, by line.
    """

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(f"{source}:{p.line}: {p.message}" for p in self.problems))


class Problems:
    """The problems of one file, as they are found."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._found: list[Problem] = []

    def add(self, line: int, message: str) -> None:
        """Note one problem."""
        self._found.append(Problem(line, message))

    def nearest(self, word: str, options: Iterable[str]) -> str:
        """Return `` (did you mean …?)``, or nothing when no option is near."""
        if len(self._found) >= _SUGGESTIONS:
            return ""
        near = difflib.get_close_matches(word, options, n=1)
        return f" (did you mean {near[0]}?)" if near else ""

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises:
            InventoryError: there was at least one problem.
        """
        if self._found:
            self.fail()

    def fail(self) -> Never:
        """Raise what was found.

        Raises:
            InventoryError: always.
        """
        raise InventoryError(self.source, self._found)


class Entry:
    """One mapping of the file.

    It remembers which keys were asked for, so that :meth:`finish` can name those nobody knows.
    """

    def __init__(self, node: yaml.MappingNode, label: str, problems: Problems) -> None:
        self.label = f"{label} {_code(node)}".strip()
        self.line = node.start_mark.line + 1
        self.lines: dict[str, int] = {}
        self._problems = problems
        self._values: dict[str, yaml.Node] = {}
        self._asked: set[str] = set()
        for key, value in node.value:
            self._take(key, value)

    def _take(self, key: yaml.Node, value: yaml.Node) -> None:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            self._problems.add(line, f"{self.label}: a key must be a plain word")
        elif key.value in self._values:
            first = self.lines[key.value]
            self._problems.add(
                line,
                f"{self.label}: {key.value} stands here twice (first in line {first}): keep one",
            )
        else:
            self.lines[key.value] = line
            self._values[key.value] = value

    def has(self, key: str) -> bool:
        """Tell whether the key is there; asking makes it a known key."""
        self._asked.add(key)
        return key in self._values

    def nearest(self, word: str, options: Iterable[str]) -> str:
        """Return `` (did you mean …?)``, or nothing when no option is near."""
        return self._problems.nearest(word, options)

    def problem(self, key: str, message: str) -> None:
        """Note a problem at the line of ``key``."""
        self._problems.add(self.lines.get(key, self.line), f"{self.label}: {message}")

    def text(self, key: str) -> str:
        """Return a required text; ``""`` after a problem."""
        if not self.has(key):
            self.problem(key, f"{key} is missing: add it")
            return ""
        return self.optional_text(key) or ""

    def optional_text(self, key: str) -> str | None:
        """Return a text exactly as written (``0017`` keeps its zeros), or None without the key."""
        written = self._scalar(key)
        if written is None:
            return None
        text = written.strip()
        if not text or any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
            self.problem(key, f"{key} is empty or holds control characters: write plain text")
        return text

    def choice(self, key: str, options: Collection[str]) -> str:
        """Return a required word out of a few."""
        word = self.text(key)
        if word and word not in options:
            near = self._problems.nearest(word, options)
            self.problem(key, f"{key} {word} is not known{near}: use one of {', '.join(options)}")
        return word

    def reference(self, key: str, kind: str, codes: Collection[str]) -> str:
        """Return a required code of another entry."""
        code = self.text(key)
        if code and code not in codes:
            near = self._problems.nearest(code, codes)
            self.problem(key, f"{key} {code}: there is no {kind} with this code{near}")
        return code

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number within bounds; required when there is no default."""
        if not self.has(key) and default is not None:
            return default
        written = self.text(key)
        if not written:
            return low
        if not _INTEGER.fullmatch(written):
            self.problem(key, f"{key} is {written}: write a whole number in decimal")
        elif not low <= int(written) <= high:
            self.problem(key, f"{key} is {written}: it must be between {low} and {high}")
        else:
            return int(written)
        return low

    def decimal(self, key: str) -> Decimal | None:
        """Return a number ≥ 0 with up to two decimals, or None without the key."""
        written = self.optional_text(key)
        if not written:
            return None
        if not _DECIMAL.fullmatch(written):
            self.problem(key, f"{key} is {written}: write a number with at most two decimals")
            return None
        return Decimal(written)

    def boolean(self, key: str) -> bool:
        """Return true or false; false without the key."""
        written = self.optional_text(key)
        if not written:
            return False
        if written.lower() not in _BOOLEANS:
            self.problem(key, f"{key} is {written}: write true or false")
        return _BOOLEANS.get(written.lower(), False)

    def moment(self, key: str, zone: ZoneInfo) -> datetime | None:
        """Return a date (its midnight) or a date and time as UTC, or None without the key.

        Args:
            key: the key.
            zone: whose clock is meant when the text names no offset.
        """
        written = self.optional_text(key)
        if not written:
            return None
        moment = _parse_moment(written, zone)
        if moment is None:
            self.problem(key, f"{key} is {written}: write a date, 2026-03-01 or 2026-03-01 08:30")
        return moment

    def section(self, key: str) -> Entry | None:
        """Return a mapping below this one, or None without the key."""
        if not self.has(key):
            return None
        node = self._values[key]
        if isinstance(node, yaml.MappingNode):
            return Entry(node, key, self._problems)
        self.problem(key, f"{key} must be a mapping: key: value, one below the other")
        return None

    def texts(self, key: str) -> list[str]:
        """Return the plain texts of a list, as they are written; none without the key."""
        if not self.has(key):
            return []
        node = self._values[key]
        if not isinstance(node, yaml.SequenceNode):
            self.problem(key, f"{key} must be a list: [one, another], or [] for none")
            return []
        found = []
        for item in node.value:
            if isinstance(item, yaml.ScalarNode) and str(item.value).strip():
                found.append(str(item.value).strip())
            else:
                line = item.start_mark.line + 1
                self._problems.add(line, f"{self.label}: {key} holds something that is no text")
        return found

    def entries(self, key: str, label: str, *, short: str = "") -> list[Entry]:
        """Return the mappings of a list; empty after a problem.

        Args:
            key: the key.
            label: what to call one in messages.
            short: a plain ``word`` in the list stands for ``{short: word}``; empty: none may.
        """
        node = self._values[key]
        self._asked.add(key)
        if not isinstance(node, yaml.SequenceNode):
            self.problem(
                key, f"{key} must be a list of entries; write {key}: [] when there are none"
            )
            return []
        found = []
        for written in node.value:
            item = _spelled_out(written, short) if short else written
            if isinstance(item, yaml.MappingNode):
                found.append(Entry(item, label, self._problems))
            else:
                line = item.start_mark.line + 1
                self._problems.add(line, f"{label}: an entry must be a mapping, {{code: …, …}}")
        return found

    def finish(self) -> None:
        """Report every key that nobody asked for."""
        for key in self._values.keys() - self._asked:
            near = self._problems.nearest(key, self._asked)
            known = "" if near else f"; known are {', '.join(sorted(self._asked))}"
            self.problem(key, f"{key} is not a key that is known here{near}{known}")

    def _scalar(self, key: str) -> str | None:
        if not self.has(key):
            return None
        node = self._values[key]
        if not isinstance(node, yaml.ScalarNode):
            self.problem(key, f"{key} must be a single value, not a list or a mapping")
            return None
        if node.tag == _NULL and not node.style:
            self.problem(key, f"{key} has no value: give one, or leave the key out")
            return None
        return str(node.value)


def compose(text: str, label: str, problems: Problems) -> Entry:
    """Parse YAML text whose top is a mapping.

    Raises:
        InventoryError: it is no YAML, or no mapping.
    """
    try:
        node = yaml_nodes.compose(text)
    except YamlError as error:
        problems.add(error.line, error.what)
        problems.fail()
    if not isinstance(node, yaml.MappingNode):
        problems.add(1, f"the {label} is empty or no mapping: see docs/inventory.md")
        problems.fail()
    return Entry(node, label, problems)


def _spelled_out(node: yaml.Node, key: str) -> yaml.Node:
    """Turn a plain word into a mapping of one key, at the same line."""
    if not isinstance(node, yaml.ScalarNode):
        return node
    name = yaml.ScalarNode("tag:yaml.org,2002:str", key, node.start_mark, node.start_mark)
    marks = node.start_mark, node.end_mark
    return yaml.MappingNode("tag:yaml.org,2002:map", [(name, node)], *marks)


def _code(node: yaml.MappingNode) -> str:
    return next(
        (
            value.value
            for key, value in node.value
            if key.value == "code" and isinstance(value, yaml.ScalarNode)
        ),
        "",
    )


def _parse_moment(written: str, zone: ZoneInfo) -> datetime | None:
    if not _DAY.fullmatch(written):
        return None
    try:
        moment = datetime.fromisoformat(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
