"""What is signed, in a folder of its own: whole or not there, the same whenever it is written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from registry.refusal import RefusedError
from reporting.life.life import State
from reporting.send import folder as sending
from reporting.send.folder import key_of, write_folder
from tests.unit.reporting.test_sheets import paper


def test_it_holds_all_and_says_what(tmp_path: Path) -> None:
    one = paper()
    made = write_folder(tmp_path, one)
    assert made == tmp_path / "czj_2026Q3_r2_abababababababab"
    told = json.loads((made / "manifest.json").read_text("utf-8"))
    names = ["report.csv", "report.json", "report.xlsx"]
    assert sorted(told["files"]) == names
    assert sorted(path.name for path in made.iterdir()) == ["manifest.json", *names]
    for name, said in told["files"].items():
        assert hashlib.sha256((made / name).read_bytes()).hexdigest() == said
    assert (told["revision"], told["signed_sha256"]) == (2, one.sha256)
    assert told["signatures"]["head"] == {"name": "赵局长", "day": "2026-10-09"}
    assert [path.name for path in tmp_path.iterdir()] == [made.name]


def test_written_again_it_stays_as_it_is(tmp_path: Path) -> None:
    made = write_folder(tmp_path, paper())
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    assert write_folder(tmp_path, paper()) == made
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before


@pytest.mark.parametrize("name", ["report.csv", "manifest.json"])
def test_something_else_of_its_name_is_refused(tmp_path: Path, name: str) -> None:
    made = write_folder(tmp_path, paper())
    (made / name).write_text("{}", "utf-8")
    with pytest.raises(RefusedError, match="已有其他内容"):
        write_folder(tmp_path, paper())


@pytest.mark.parametrize("state", [State.DRAFT, State.HANDED_IN, State.RETURNED])
def test_what_is_not_signed_or_is_returned_does_not_leave(tmp_path: Path, state: State) -> None:
    one = paper()
    with pytest.raises(RefusedError, match="三人签字后"):
        write_folder(tmp_path, replace(one, draft=replace(one.draft, state=state)))
    assert [*tmp_path.iterdir()] == []


def test_one_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setitem(sending._WRITERS, "report.json", fail)
    with pytest.raises(OSError, match="disk full"):
        write_folder(tmp_path, paper())
    assert [*tmp_path.iterdir()] == []
    with pytest.raises(RefusedError, match="不是目录"):
        write_folder(tmp_path / "x", paper())


def test_a_code_with_a_path_in_it_is_no_path() -> None:
    one = paper()
    key = key_of(replace(one, draft=replace(one.draft, institution="../a b/局")))
    assert key == "___a_b_局_2026Q3_r2_abababababababab"
