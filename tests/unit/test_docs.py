from __future__ import annotations

import functools
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith((".", "var")) for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CONTINUED = re.compile(r"\\\n(?:> )?\s*")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for language, block in FENCE.findall(CONTINUED.sub(" ", page.read_text("utf-8"))):
            if language == "console":
                for line in block.splitlines():
                    if line.startswith("$ "):
                        yield _name(page), line.removeprefix("$ ")
            elif language in ("sh", "bash"):
                for line in block.splitlines():
                    if line.strip() and not line.startswith("#"):
                        yield _name(page), line


COMMANDS = sorted(set(_commands()))


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_there_are_pages_and_commands_to_look_at() -> None:
    assert ROOT / "README.md" in PAGES
    assert ("README.md", "make demo") in COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        where = (page.parent / path).resolve() if path else page
        assert where.exists(), f"{_name(page)}: {target} leads nowhere"
        if anchor:
            assert anchor in _anchors(where), f"{_name(page)}: no heading for #{anchor}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=str)
def test_every_command_shown_exists(page: str, command: str) -> None:
    program, *arguments = shlex.split(command, comments=True)
    if program == "make":
        targets = [word for word in arguments if "=" not in word]
        assert targets, f"{page}: {command} names no target"
        assert set(targets) <= make_targets(), f"{page}: {command}"
    elif program == "cp":
        assert (ROOT / arguments[0]).exists(), f"{page}: {command}"
    elif program.rpartition("/")[2] == "jieyong":
        _parse_jieyong(page, arguments)
    else:
        pytest.fail(f"{page}: teach this test to check `{command}`, or leave it out")


# The tree of all commands, once: to build it takes a tenth of a second.
_jieyong = functools.cache(lambda: get_command(import_module("jieyong.cli").app))


def _parse_jieyong(page: str, arguments: list[str]) -> None:
    """Parse as the command line would, and run nothing."""
    command = _jieyong()
    while isinstance(command, TyperGroup) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        assert name in command.commands, f"{page}: jieyong has no command {name!r}"
        command = command.commands[name]
    command.make_context("jieyong", arguments).close()


def test_the_two_commands_of_both_readmes_are_the_same() -> None:
    english, chinese = (
        [command for page, command in _commands() if page == name]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese


def test_the_python_of_the_readme_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = project["requires-python"].removeprefix(">=")
    assert f"Python ≥ {least}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"Python {least} 以上" in (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readmes_hold_no_measured_figures(name: str) -> None:
    # They come from the benches' own output, never from a hand.
    text = (ROOT / name).read_text(encoding="utf-8")
    unit = r"(?:ms|µs|rows/s|msg/s|polls/s|MiB|GiB|行/秒|条/秒|毫秒|%)"
    assert not re.findall(rf"\d[\d.,]*\s*{unit}", text)


def test_the_glossary_has_a_chinese_term_for_every_english_one_and_none_twice() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    terms = [[cell.strip() for cell in row] for row in rows if row[0].strip() != "Term"]
    assert len(terms) > 40
    for english, chinese, meaning in terms:
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        assert meaning, english
    names = sorted(english for english, _, _ in terms)
    assert not [one for one, other in pairwise(names) if one == other]
