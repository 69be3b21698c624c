"""What officers are asked about accounts that could not be divided."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from jieyong import cli
from metering.bills.ways import undivided_text


def test_who_is_asked_is_told_which_commands_answer() -> None:
    text = undivided_text(["510003", "510004"])
    assert "户号 510003、510004 的" in text
    assert "jieyong bill meters 510003" in text


@pytest.mark.parametrize("command", re.findall(r"jieyong ((?:[a-z]+ ?)+)", undivided_text(["1"])))
def test_every_command_it_names_is_there(command: str) -> None:
    words = command.replace("enter meter", "enter").split()
    done = CliRunner().invoke(cli.app, [*words, "--help"])
    assert done.exit_code == 0
    assert f"jieyong {' '.join(words)}" in done.output or words[-1] in done.output
