"""YAML text as nodes that know their line: the one way in for every file that people write."""

from __future__ import annotations

from typing import Final

import yaml

_DEPTH: Final = 32


class YamlError(ValueError):
    """The text is not the YAML we read: ``line`` and ``what`` say where and why."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line
        self.what = what


def compose(text: str, *, aliases: bool = True) -> yaml.Node | None:
    """Parse one document; None when it is empty.

    Args:
        text: the document.
        aliases: whether ``*name`` may stand for what was written before. Who follows every node
            does without: a few lines of them unfold without end.

    Raises:
        YamlError: it is no YAML, nested too deep, or has an alias where there may be none.
    """
    try:
        _check(text, aliases)
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ", ".join(w for w in (error.context, error.problem) if w)
        raise YamlError(mark.line + 1 if mark else 1, f"this is not YAML: {words}") from error
    except yaml.YAMLError as error:
        raise YamlError(1, f"this is not YAML: {' '.join(str(error).split())}") from error
    return node


def _check(text: str, aliases: bool) -> None:
    """Refuse deep nesting, on which composing would overflow the C stack and kill the process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH:
                raise YamlError(_line(event), "nested too deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent) and not aliases:
            raise YamlError(
                _line(event), f"*{event.anchor}: write it out, aliases are not read here"
            )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
