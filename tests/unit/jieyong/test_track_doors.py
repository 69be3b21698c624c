"""Commands that can come by stored places show them behind `registry.track_reading` alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = ("fleet", "jieyong", "metering", "registry", "storage")
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
PLACE = re.compile(r"\bSELECT\b.*\b(?:\w+_)?lat\b", re.DOTALL)
"""In a statement: it reads latitudes."""


def imported(name: str) -> set[str]:
    found = set[str]()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found & FILES.keys()


def reached(name: str) -> set[str]:
    found, waiting = set[str](), [name]
    while waiting:
        new = imported(waiting.pop()) - found
        found |= new
        waiting += new
    return found


def reads_places(name: str) -> bool:
    return any(
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and PLACE.search(node.value) is not None
        for node in ast.walk(TREES[name])
    )


def named(name: str) -> set[str]:
    return {node.id for node in ast.walk(TREES[name]) if isinstance(node, ast.Name)}


def test_every_command_that_can_come_by_places_goes_through_the_door() -> None:
    sources = {name for name in FILES if name.startswith("fleet.") and reads_places(name)}
    commands = {
        name
        for name in FILES
        if name.startswith("jieyong.commands.")
        and "session" in named(name)
        and reached(name) & sources
    }
    assert {"jieyong.commands.fleet", "jieyong.commands.fence"} <= commands
    assert {name for name in commands if not named(name) & {"track_of", "tracks_of"}} == set()
