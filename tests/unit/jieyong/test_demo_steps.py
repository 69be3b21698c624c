from __future__ import annotations

import inspect
import io
import re

from rich.console import Console

from jieyong.demo import run
from jieyong.demo.steps import TOTAL, progress


def prepared(*, terminal: bool) -> str:
    """What a whole preparation prints."""
    out = io.StringIO()
    with progress(Console(file=out, force_terminal=terminal, width=100)) as steps:
        for number in range(TOTAL):
            with steps.step(f"part {number}"):
                steps.rows(1_000, 2_000)
    return out.getvalue()


def test_a_terminal_shows_a_bar_that_reaches_its_end() -> None:
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", prepared(terminal=True))
    assert f"{TOTAL}/{TOTAL}" in shown
    assert "━" in shown


def test_a_log_gets_one_line_a_step_and_no_bar() -> None:
    lines = prepared(terminal=False).splitlines()
    assert [line for line in lines if line] == [f"preparing: part {n}" for n in range(TOTAL)]


def test_the_bar_counts_as_many_steps_as_a_demo_has() -> None:
    source = inspect.getsource(run)
    assert source.count("with steps.step(") == TOTAL
