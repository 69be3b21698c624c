"""docs/fences.md against the commands and settings that it describes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from jieyong.cli import app
from jieyong.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs" / "fences.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ jieyong (.*)$", PAGE.replace(" \\\n     ", ""), re.MULTILINE)


def test_the_page_shows_commands() -> None:
    assert len(COMMANDS) > 12


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_is_one(line: str) -> None:
    command: Any = get_command(app)
    words = shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    with command.make_context("jieyong", words) as context:
        assert context.command.name == line.split()[1]


@pytest.mark.parametrize("key", sorted(set(re.findall(r"`((?:fences|trips)\.\w+)`", PAGE))))
def test_every_setting_of_the_page_is_one(key: str) -> None:
    section, name = key.split(".")
    assert hasattr(getattr(Settings(), section), name)


def test_the_page_names_the_defaults() -> None:
    fences = Settings().fences
    for words, value in (
        ("after 30 minutes nothing is known", fences.silent_min == 30),
        ("150 m and 12 hours", fences.asleep_h == 12),
        ("30 minutes or more outside", fences.tolerance_min == 30),
        ("half an hour around it", fences.around_order_min == 30),
        ("went 500 m or more", fences.moved_m == 500),
        ("ignition that was on for 15 minutes", fences.ignition_min == 15),
    ):
        assert words in PAGE
        assert value, words
