"""Every option of every command against docs/commands.md: one name, one meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperOption
from typer.main import get_command

from jieyong.cli import app

PAGE = Path(__file__).parents[3] / "docs" / "commands.md"
ROW = re.compile(r"^\| (`--[^|]*) \| ([^|]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def _vocabulary() -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {
        tuple(re.findall(r"--[\w-]+", names)): (takes, tuple(words.split("、")))
        for names, takes, words in rows
    }


def _options() -> Iterator[tuple[str, TyperOption]]:
    left: list[tuple[str, Any]] = [("jieyong", get_command(app))]
    while left:
        path, command = left.pop()
        for one in command.params:
            if isinstance(one, TyperOption) and "--help" not in one.opts:
                yield path, one
        left += [(f"{path} {name}", c) for name, c in getattr(command, "commands", {}).items()]


def _names(option: TyperOption) -> tuple[str, ...]:
    return (*option.opts, *option.secondary_opts)


VOCABULARY = _vocabulary()
OPTIONS = list(_options())


def test_the_page_names_the_options_that_there_are_in_order() -> None:
    assert list(VOCABULARY) == sorted({_names(one) for _, one in OPTIONS})


@pytest.mark.parametrize("names", VOCABULARY, ids="/".join)
def test_an_option_means_the_same_in_every_command(names: tuple[str, ...]) -> None:
    takes, words = VOCABULARY[names]
    for path, one in OPTIONS:
        if _names(one) == names:
            assert one.is_flag == (takes == "–"), path
            assert any(word in (one.help or "") for word in words), f"{path}: {one.help}"
