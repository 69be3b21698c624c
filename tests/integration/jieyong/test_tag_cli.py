"""`jieyong tag …` as officers use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from jieyong import cli
from registry.audit import lines
from registry.refusal import RefusedError
from tests.integration.registry.imports import bring
from tests.unit.registry.samples import document

Run = Callable[..., str]
EVENT = ("--tag", "event", "--since", "2026-10-01", "--until", "2026-10-04", "--reason", "国庆")


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command on the small inventory, whose room r-1 is a server room."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    content = document()
    content["rooms"][0]["tags"] = ["server-room"]
    with psycopg.connect(database, autocommit=True) as conn:
        bring(conn, content)

    def words(*given: object) -> str:
        said = ["tag", *map(str, given)]
        result = CliRunner().invoke(cli.app, said, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return words


def rows(output: str) -> list[dict[str, Any]]:
    (table,) = json.loads(output)
    found: list[dict[str, Any]] = table["rows"]
    return found


def test_a_tag_is_entered_seen_below_and_withdrawn(run: Run, database: str) -> None:
    said = run("enter", "--institution", "i-1", *EVENT, "--by", "张三")
    assert said == "已录入，编号 2：财政局 重大活动。\n"
    own, inherited = rows(run("list", "--room", "r-1", "--day", "2026-10-03", "--json"))[::-1]
    assert own["name"] == "机房"
    assert (own["code"], own["since"], own["reason"]) == ("r-1", "不限", "设备清单")
    assert inherited == {
        "tag": "event",
        "name": "重大活动",
        "kind": "机构",
        "code": "i-1",
        "from": "财政局",
        "since": "2026-10-01 00:00",
        "until": "2026-10-04 00:00",
        "reason": "国庆",
    }
    assert len(rows(run("list", "--room", "r-1", "--day", "2026-10-04", "--json"))) == 1

    assert "国庆" in run("list")
    assert run("withdraw", 2, "--reason", "录错", "--by", "李四") == "已撤销 2：财政局 重大活动。\n"
    assert rows(run("list", "--json")) == []
    (kept,) = rows(run("list", "--withdrawn", "--json"))
    assert (kept["number"], kept["by"], kept["withdrawn_by"]) == ("2", "张三", "李四")
    with psycopg.connect(database) as conn:
        assert [line.principal for line in lines(conn, "i-1")] == ["李四", "张三"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("building", "b-1"),
        ("room", "r-2"),
        ("place", "p-1"),
        ("vehicle", "川A D1234"),
    ],
)
def test_each_kind_of_thing_takes_one(run: Run, kind: str, said: str) -> None:
    tag = "emergency-response"
    since, until = ("--since", "2026-07-01 08:00"), ("--until", "2026-07-02")
    run("enter", f"--{kind}", said, "--tag", tag, *since, *until, "--reason", "防汛")
    (row,) = (
        one
        for one in rows(run("list", f"--{kind}", said, "--day", "2026-07-01", "--json"))
        if one["tag"] == tag
    )
    assert row["since"] == "2026-07-01 08:00"


def test_the_words_are_listed(run: Run) -> None:
    (word,) = (one for one in rows(run("words", "--json")) if one["tag"] == "landscape-lighting")
    assert (word["name"], word["of"]) == ("景观照明", "建筑、房间、计量点")
    assert "机房" in run("words")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("enter", *EVENT), "请写 --institution（机构）、--building（建筑）"),
        (("enter", "--room", "r-1", "--place", "p-1", *EVENT), "只能写一个对象"),
        (("enter", "--room", "r-9", *EVENT), "没有编码为“r-9”的房间"),
        (("enter", "--vehicle", "v-1", *EVENT), "“重大活动”只用于机构、建筑、房间、计量点"),
        (("list", "--day", "2026-10-01"), "请写明对象"),
        (("list", "--room", "r-1", "--withdrawn"), "不写对象"),
        (("withdraw", 1, "--reason", "x"), "没有这个编号的、未撤销的标签"),
    ],
)
def test_what_is_wrong_is_refused(run: Run, given: tuple[object, ...], words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        run(*given)
    assert words in str(caught.value)
    assert rows(run("list", "--withdrawn", "--json")) == []
