"""The written reference of the settings, made from the models so that it cannot disagree with them.

``python -m jieyong.settings_reference`` writes ``jieyong.sample.toml`` and the tables of
``docs/settings.md`` anew; a test fails when they are out of date.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, SecretStr

from jieyong.settings_keys import Key, keys, sections

ROOT: Final = Path(__file__).parents[1]
SAMPLE: Final = ROOT / "jieyong.sample.toml"
PAGE: Final = ROOT / "docs" / "settings.md"

_BEGIN: Final = "<!-- made by python -m jieyong.settings_reference -->\n"
_BOUNDS: Final = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}
_LENGTHS: Final = {MinLen: ("length ≥", "min_length"), MaxLen: ("length ≤", "max_length")}
_WORDS: Final = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret",
}


def sample() -> str:
    """Return the sample file: every key commented out, at its default."""
    lines = [
        "# Settings of Jieyong. Copy this file to jieyong.toml and uncomment what shall differ;",
        "# every key stands here with its default. An environment variable goes above the file:",
        "# JIEYONG_SPOOL__MAX_BYTES is max_bytes of [spool]. See docs/settings.md.",
        *_sample_keys(()),
    ]
    for section, model in sections().items():
        lines += ["", f"# {_about(model)}", f"[{section}]", *_sample_keys((section,))]
    return "\n".join(lines) + "\n"


def tables() -> str:
    """Return the tables of docs/settings.md."""
    parts = ["## At the top of the file", "", *_table(())]
    for section, model in sections().items():
        parts += ["", f"## [{section}]", "", _about(model), "", *_table((section,))]
    return "\n".join(parts) + "\n"


def page(old: str) -> str:
    """Return the page with its tables replaced; what stands above them is written by hand."""
    return old.partition(_BEGIN)[0] + _BEGIN + "\n" + tables()


def main() -> None:
    """Write both files."""
    SAMPLE.write_text(sample(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _of(section: tuple[str, ...]) -> Iterable[Key]:
    return (key for key in keys() if key.path[:-1] == section)


def _sample_keys(section: tuple[str, ...]) -> Iterable[str]:
    for key in _of(section):
        yield ""
        yield f"# {_sentence(key)}"
        default = _default(key)
        yield f"#{key.path[-1]} = {default}" if default else f"#{key.path[-1]} ="


def _table(section: tuple[str, ...]) -> Iterable[str]:
    yield "| Key | Value | Default | What it is |"
    yield "|---|---|---|---|"
    for key in _of(section):
        default = f"`{_default(key)}`" if _default(key) else "none"
        text = _sentence(key).replace("|", "\\|")
        yield f"| `{key.path[-1]}` | {_value(key)} | {default} | {text} |"


def _about(model: type[BaseModel]) -> str:
    paragraph = inspect.getdoc(model) or ""
    return " ".join(paragraph.split("\n\n")[0].split())


def _sentence(key: Key) -> str:
    text = " ".join((key.field.description or "").split()).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _default(key: Key) -> str:
    """Return the default as TOML writes it, ``""`` for none."""
    value = key.field.default
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return json.dumps(str(value), ensure_ascii=False)


def _value(key: Key) -> str:
    limits = [
        f"{sign} {getattr(limit, name)}"
        for limit in key.field.metadata
        for kind, (sign, name) in (_BOUNDS | _LENGTHS).items()
        if isinstance(limit, kind)
    ]
    return ", ".join([_type(key.field.annotation), *limits])


def _type(annotation: Any) -> str:  # noqa: ANN401 - an annotation may be anything
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(a, ensure_ascii=False)}`" for a in arguments)
    if origin in {types.UnionType, typing.Union}:
        return " or ".join(_type(a) for a in arguments if a is not type(None))
    return _WORDS[annotation]


if __name__ == "__main__":
    main()
