"""Reading the settings, and saying what is wrong with them: every mistake, and where it stands."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError as MalformedVariableError

from jieyong.settings import PREFIX, Settings
from jieyong.settings_keys import Key, keys, sections

DEFAULT_FILE: Final = Path("jieyong.toml")

_NOT_OURS: Final = re.compile(r"JIEYONG_(TEST_\w+|PG15_BIN|TIMESCALE_ROOT|REQUIRE)")
"""Variables of the test suite and of CI."""


class SettingsError(Exception):
    """The settings cannot be used.

    Attributes:
        errors: every mistake: where it stands, what it is, and what to do.
    """

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings from a file and the environment.

    Args:
        path: the TOML file; None takes ``jieyong.toml`` of the working directory if there is one.

    Raises:
        SettingsError: a file that was named is missing, or anything in it or in the environment is
            wrong; holds every mistake.
    """
    file = _read(path)
    errors = [*_unknown_in(file), *_unknown_variables(os.environ)]
    try:
        settings = Settings(**file.content)
    except ValidationError as error:
        found = error.errors(include_url=False)
        errors += [_located(file, e) for e in found if e["type"] != "extra_forbidden"]
    except MalformedVariableError as error:
        # A whole section as JSON: not a way we offer, so it was named above already.
        errors = errors or [f"environment: {error}"]
    if errors:
        raise SettingsError(errors)
    return settings


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    content: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def where(self, path: tuple[str, ...]) -> str:
        line = self.lines.get(path)
        return f"{self.name}:{line}" if line else self.name


def _read(path: Path | None) -> _File:
    chosen = path or DEFAULT_FILE
    if path is None and not chosen.exists():
        return _File("settings", {}, {})
    try:
        text = chosen.read_text(encoding="utf-8")
        return _File(str(chosen), tomllib.loads(text), _lines(text))
    except OSError as error:
        advice = "copy jieyong.sample.toml, or leave --config out"
        raise SettingsError([f"{chosen}: cannot be read ({error.strerror}): {advice}"]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        advice = "compare with jieyong.sample.toml"
        raise SettingsError([f"{chosen}: is not TOML: {error}; {advice}"]) from error


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Find the lines of keys and sections; TOML's own parser does not tell them."""
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            section = tuple(header[1].split("."))
            found.setdefault(section, number)
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            found.setdefault((*section, *key[1].split(".")), number)
    return found


def _unknown_in(file: _File) -> Iterator[str]:
    known = {key.path for key in keys()}
    for path in _paths(file.content):
        if path not in known:
            near = _near(".".join(path), {".".join(p) for p in known} | sections().keys())
            yield f"{file.where(path)}: {'.'.join(path)} is no setting{near}"


def _paths(content: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, value in content.items():
        if name not in sections():
            yield (name,)
        elif isinstance(value, dict):
            yield from ((name, inner) for inner in value)


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = {key.variable for key in keys()}
    for name in sorted(environ):
        written = name.upper()
        if not written.startswith(PREFIX) or _NOT_OURS.fullmatch(written):
            continue
        if written not in known:
            yield f"environment: {name} is no setting{_near(written, known)}"


def _near(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ": docs/settings.md lists them all"


def _located(file: _File, error: ErrorDetails) -> str:
    path = tuple(str(part) for part in error["loc"])
    key = next((k for k in keys() if k.path == path[: len(k.path)]), None)
    message = error["msg"].removeprefix("Value error, ")
    if key is None:
        return f"{file.where(path)}: {'.'.join(path) or 'settings'}: {message}"
    shown = "" if key.secret else f" = {error['input']!r}"
    return f"{_origin(file, key)}: {key.dotted}{shown}: {message}"


def _origin(file: _File, key: Key) -> str:
    if key.dotted == "database.url" and os.environ.get("DATABASE_URL"):
        return "environment: DATABASE_URL"
    named = [name for name in os.environ if name.upper() == key.variable and os.environ[name]]
    return f"environment: {named[0]}" if named else file.where(key.path)
