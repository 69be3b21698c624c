from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLANNED = ("api", "dashboards")
BUILT = (
    "collector",
    "fleet",
    "jieyong",
    "metering",
    "notify",
    "registry",
    "reporting",
    "rules",
    "simulators",
    "storage",
)
LONGEST_MODULE = 400
LARGEST_FILE = 300_000


def tracked() -> list[Path]:
    """The files of the project: git's list, or the tree where it came without git."""
    command = ("git", "-C", str(ROOT), "ls-files", "-z", "--cached")
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        files = [path for path in ROOT.rglob("*") if path.is_file() and not _ignored(path)]
    else:
        files = [ROOT / name for name in listed.split("\0") if name]
    return sorted(path for path in files if path.exists())


def _ignored(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    hidden = any(part.startswith(".") and part not in (".ci", ".gitignore") for part in parts)
    return (
        hidden or any(part in ("var", "__pycache__") for part in parts) or "egg-info" in str(path)
    )


FILES = tracked()
TEXTS = {path: path.read_bytes() for path in FILES}
MODULES = [path for path in FILES if path.suffix == ".py"]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_list_of_files_is_not_empty() -> None:
    assert ROOT / "pyproject.toml" in FILES
    assert len(MODULES) > 50


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_no_module_is_too_long(module: Path) -> None:
    lines = TEXTS[module].count(b"\n")
    assert lines <= LONGEST_MODULE, f"{lines} lines: a module is missing"


# Written so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": rb"(?<![\w.])/(?:work|root|home/\w+|opt/trixie\S*)/",
    "a host of a package index": rb"artifact[-]?registry|pkg\.dev\b|pythonhosted\.|/simple/?\s*$",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE" + rb" KEY",
    "an unfinished merge": rb"(?m)^(?:<{7}|>{7}) ",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [
        f"{_name(path)}: {match.group().decode(errors='replace')}"
        for path, text in TEXTS.items()
        if (match := pattern.search(text)) is not None
    ]
    assert found == []


def test_no_two_advisory_locks_are_one() -> None:
    """Who waits for one must not wait for the other: each key stands once in the program."""
    written = re.compile(r"\b0x(?:6a69|4a59)[0-9a-f_]*", re.IGNORECASE)
    found = [
        key.lower().replace("_", "")
        for path in tracked()
        if path.suffix == ".py" and path.parts[len(ROOT.parts)] != "tests"
        for key in written.findall(path.read_text("utf-8"))
    ]
    assert len(found) > 10
    assert sorted({key for key in found if found.count(key) > 1}) == []


def test_no_file_is_binary_or_bulk() -> None:
    assert [_name(path) for path, text in TEXTS.items() if b"\0" in text] == []
    assert [_name(path) for path, text in TEXTS.items() if len(text) > LARGEST_FILE] == []


def test_the_lock_has_a_hash_for_each_package_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    body = "\n".join(line for line in lock.splitlines() if not line.startswith("#"))
    assert "://" not in body
    assert "index-url" not in body
    packages = re.split(r"\n(?=[a-z0-9])", body)
    assert len(packages) > 40
    for package in packages:
        head = package.splitlines()[0]
        assert re.match(r"[a-z0-9._-]+==\S+", head), head
        assert "--hash=sha256:" in package, head


def test_the_lock_names_every_dependency_of_the_project() -> None:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(item for extra in extras for item in extra)]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for requirement in wanted:
        name = re.split(r"[\[<>=;!~ ]", requirement)[0]
        assert re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE), f"make lock: {name}"


@pytest.mark.parametrize("room", PLANNED)
def test_a_room_not_built_holds_one_readme_and_nothing_else(room: str) -> None:
    inside = [_name(path) for path in FILES if path.is_relative_to(ROOT / room)]
    assert inside == [f"{room}/README.md"]
    text = (ROOT / room / "README.md").read_text(encoding="utf-8")
    heading, paragraph = text.strip().split("\n\n")
    assert heading.startswith(f"# {room}: ")
    assert paragraph.startswith("Not built yet.")


@pytest.mark.parametrize("room", BUILT)
def test_a_built_room_says_what_it_is(room: str) -> None:
    assert (ROOT / room / "__init__.py").exists()
    assert (ROOT / room / "README.md").read_text(encoding="utf-8").startswith(f"# {room}: ")


def test_tools_know_exactly_the_rooms_that_are_built() -> None:
    tool = PYPROJECT["tool"]
    rooms = sorted({p.relative_to(ROOT).parts[0] for p in MODULES} - {"tests"})
    assert rooms == sorted(BUILT)
    assert sorted(tool["setuptools"]["packages"]) == rooms
    assert sorted(tool["importlinter"]["root_packages"]) == rooms
    assert sorted(tool["mypy"]["packages"]) == sorted([*rooms, "tests"])


def test_the_arrows_are_those_of_the_architecture() -> None:
    layers = " ".join(PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"])
    named = set(re.findall(r"\w+", layers))
    assert named == {*PLANNED, *BUILT} - {"simulators"}
    assert {room for room in PLANNED if f"({room})" in layers} == set(PLANNED)
    simulators, only_jieyong = PYPROJECT["tool"]["importlinter"]["contracts"][1:]
    assert sorted(simulators["forbidden_modules"]) == sorted({*BUILT} - {"simulators"})
    assert sorted(only_jieyong["source_modules"]) == sorted({*BUILT} - {"simulators", "jieyong"})


def test_every_directory_of_python_files_is_a_package() -> None:
    # Without __init__.py neither mypy nor import-linter looks inside.
    directories = {path.parent for path in MODULES} - {ROOT}
    assert [_name(d) for d in sorted(directories) if d / "__init__.py" not in TEXTS] == []


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PYPROJECT["project"]["license"] == "Apache-2.0"


def test_the_pipeline_is_a_script_whose_targets_and_variables_exist() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for call in re.findall(r"^\s*make ([a-z ]+)", text, re.MULTILINE):
        for target in call.split():
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    tests = b"".join(TEXTS[path] for path in MODULES if path.is_relative_to(ROOT / "tests"))
    for variable in re.findall(r"JIEYONG_\w+(?==)", text):
        assert variable.encode() in tests, f"{variable} is set, but no test reads it"
