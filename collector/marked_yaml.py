"""YAML whose every value remembers its line, so that an error can name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import yaml

from registry.yaml_nodes import YamlError, compose

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the document to a value."""

_SCALARS: Final = yaml.SafeLoader("")


@dataclass(frozen=True, slots=True)
class Document:
    """A document as plain Python values, with the line of each.

    Attributes:
        data: dicts, lists and scalars; decimal numbers are :class:`~decimal.Decimal`, so that 0.1
            stays one tenth.
        lines: path → line, counted from 1.
    """

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Return the line of a value, or of the nearest thing around it that exists."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


def parse(text: str) -> Document:
    """Read one YAML document.

    Raises:
        YamlError: no YAML, a key given twice, an alias, or a number that is none.
    """
    node = compose(text, aliases=False)
    lines: dict[Path, int] = {}
    data = None if node is None else _value(node, (), lines)
    return Document(data, lines)


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> object:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), lines) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str | int, object]:
    result: dict[str | int, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str | int):
            raise YamlError(line, "a key must be a word or a whole number")
        if key in result:
            raise YamlError(line, f"key {key!r} is given twice: remove one")
        result[key] = _value(value_node, (*path, key), lines)
    return result


def _scalar(node: yaml.Node) -> object:
    try:
        if node.tag == "tag:yaml.org,2002:float":
            return Decimal(node.value.replace("_", ""))
        return _SCALARS.construct_object(node)
    except (InvalidOperation, ValueError, yaml.YAMLError) as error:
        raise YamlError(node.start_mark.line + 1, f"cannot read {node.value!r}: {error}") from error
