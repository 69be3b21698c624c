from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import simulators
from simulators.__main__ import parser

README = Path(simulators.__file__).with_name("README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"`python -m simulators ([^`]+)`", README)


def test_there_are_commands() -> None:
    assert {command.split()[0] for command in COMMANDS} == {
        *("county", "run", "history", "modbus-load", "mqtt-load", "jt808-load"),
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_is_one(command: str) -> None:
    assert callable(parser().parse_args(shlex.split(command)).command)


def test_every_module_is_named() -> None:
    here = Path(simulators.__file__).parent
    parts = {p.name for p in here.glob("*.py")} | {
        f"{p.name}/" for p in here.iterdir() if p.is_dir()
    }
    left_out = {"__init__.py", "__main__.py", "plant.py", "__pycache__/"}
    assert {part for part in parts - left_out if f"`{part}`" not in README} == set()
