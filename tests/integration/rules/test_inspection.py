"""Findings of walking inspectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.audit import Act
from registry.refusal import RefusedError
from rules.cases import inspection
from rules.cases.inspection import Finding, photo_of, recorded, report
from rules.cases.opening import keep
from rules.cases.photo import Photo
from rules.derive.span import Look
from rules.kinds.model import Sort
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load, versions
from storage.times import us_of
from tests.integration.rules.world import ACT, ZONE, Conn, add_room, at, look

SET = Path("rules/sets/inspection.yaml").read_text("utf-8")
NINE = 9 * 60.0
DAY = 1440.0
JPEG = b"\xff\xd8\xff\xe0 a photo"
WHO = Act("巡查员甲", at(NINE + 30))
SEEN = Finding(
    "r", "inspected-cooling", at(NINE), "面板设定 22.5 ℃", Decimal("22.5"), Photo("p.jpg", JPEG)
)


@pytest.fixture
def room(conn: Conn) -> None:
    add_room(conn)
    told = SET.replace("    reading: ℃", "    route: energy\n    reading: ℃")
    load(conn, ACT, read_rule_set(told, "i.yaml", ZONE))


def put(conn: Conn, finding: Finding = SEEN, act: Act = WHO) -> int:
    return report(conn, act, finding, versions(conn), ZONE)


@pytest.mark.usefixtures("room")
def test_what_was_seen_is_a_doubt_and_is_told(conn: Conn) -> None:
    number = put(conn)
    doubt = conn.execute("SELECT rule_code, sort, subject_id, since, opened_at, state FROM doubt")
    assert doubt.fetchall() == [("inspected-cooling", "room", 1, at(NINE), at(NINE + 30), "asked")]
    found = recorded(conn, number)
    assert found is not None
    assert (found.inspector, found.words, found.reading, found.unit) == (
        *("巡查员甲", "面板设定 22.5 ℃"),
        *(Decimal("22.5"), "℃"),
    )
    sha256 = hashlib.sha256(JPEG).hexdigest()
    assert (found.photo, found.sha256, found.type, found.size) == (
        *("p.jpg", sha256, "image/jpeg", len(JPEG)),
    )
    assert photo_of(conn, number) == Photo("p.jpg", JPEG)
    body = "局 301 室\n自 2026-07-06 09:00 起：巡查发现。\n请核实并说明情况（疑点编号 1）。"
    told = conn.execute("SELECT key, route, title, body FROM note").fetchall()
    assert told == [("doubt-1", "energy@i", "疑点：空调制冷设定温度", body)]
    audit = conn.execute("SELECT principal, action, subject, detail FROM audit_log ORDER BY id")
    assert audit.fetchall()[-1] == (
        *("巡查员甲", "doubt.report", "1"),
        {"room": "r", "rule": "inspected-cooling", "photo": sha256},
    )


@pytest.mark.usefixtures("room")
def test_it_is_told_and_escalated_however_late_it_is_reported(conn: Conn) -> None:
    text = SET.replace("notice: {after: 5d}", "notice: {after: 5d, route: up}")
    load(conn, ACT, read_rule_set(text.replace("    reading: ℃", "    route: energy"), "i", ZONE))
    put(conn, Finding("r", "inspected-cooling", at(NINE), "22 ℃"), Act("甲", at(20 * DAY)))
    assert conn.execute("SELECT count(*) FROM note").fetchone() == (1,)
    look(conn, at(40 * DAY))
    assert conn.execute("SELECT route FROM note ORDER BY key").fetchall() == [
        ("energy@i",),
        ("up@i",),
    ]


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(
    ("finding", "why"),
    [
        (Finding("rr", "inspected-light", at(NINE), "亮"), "房间 rr 不存在；相近的有 r"),
        (
            Finding("r", "lamp", at(NINE), "亮"),
            "没有巡查类别 lamp；可用：.*inspected-light（",
        ),
        (Finding("r", "inspected-light", at(NINE + 31), "亮"), "晚于现在"),
        (Finding("r", "inspected-light", at(NINE), "  "), "请写明见到的情况"),
        (Finding("r", "inspected-light", at(NINE), "亮", Decimal(3)), "没有读数"),
        (Finding("r", "inspected-cooling", at(NINE), "亮", Decimal("NaN")), "不是合理的读数"),
        (Finding("r", "inspected-light", at(NINE), "亮", None, Photo("a", b"x")), "a 不是照片"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_left(
    conn: Conn, finding: Finding, why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        put(conn, finding)
    assert conn.execute("SELECT count(*) FROM doubt").fetchone() == (0,)


@pytest.mark.usefixtures("room")
def test_the_same_thing_is_reported_once(conn: Conn) -> None:
    put(conn)
    with pytest.raises(RefusedError, match="同一时间的“空调制冷设定温度”已经报过"):
        put(conn)
    put(conn, Finding("r", "长明灯、无人亮灯", at(NINE), "灯亮着"))
    put(conn, Finding("r", "inspected-cooling", at(NINE + 10), "仍为 22.5 ℃"))
    assert conn.execute("SELECT count(*) FROM doubt").fetchone() == (3,)


@pytest.mark.usefixtures("room")
def test_rooms_that_the_rule_exempts_are_refused(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid) VALUES ('building', 1, 'ward', '[,)')"
    )
    with pytest.raises(RefusedError, match="该房间不作“空调制冷设定温度”检查：病房（楼）"):
        put(conn)
    put(conn, Finding("r", "inspected-water", at(NINE), "水龙头未关"))


def test_without_such_rules_it_is_said_how_to_get_them(conn: Conn) -> None:
    add_room(conn)
    with pytest.raises(RefusedError, match=r"rules/sets/inspection\.yaml"):
        put(conn)


@pytest.mark.usefixtures("room")
def test_data_do_not_withdraw_what_a_person_saw(conn: Conn) -> None:
    put(conn)
    with conn.transaction():
        keep(conn, Sort.ROOM, [Look(1, us_of(at(0)), us_of(at(DAY)))], at(DAY))
    assert conn.execute("SELECT state FROM doubt").fetchall() == [("asked",)]


@pytest.mark.usefixtures("room")
def test_what_was_seen_cannot_be_edited(conn: Conn) -> None:
    put(conn)
    for statement in (
        "UPDATE inspection SET words = 'z'",
        "DELETE FROM inspection",
        "UPDATE inspection_photo SET content = 'z'",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            conn.execute(statement.encode())


@pytest.mark.usefixtures("room")
def test_nothing_is_left_of_a_report_that_breaks_off(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as context:
        context.setattr(inspection, "tell", die)
        with pytest.raises(RuntimeError):
            put(conn)
    assert conn.execute("SELECT count(*) FROM doubt").fetchone() == (0,)
    assert put(conn) > 0


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    (tmp_path / "i.yaml").write_text(SET, "utf-8")
    (tmp_path / "p.jpg").write_bytes(JPEG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(cli.app, list(words), catch_exceptions=False)


def test_an_inspector_reports_and_others_look_at_it(
    conn: Conn, run: Callable[..., Result], tmp_path: Path
) -> None:
    add_room(conn)
    assert "启用 7 条" in run("rules", "load", "i.yaml").output
    said = run(
        *("doubt", "report", "--room", "r", "--kind", "空调制冷设定温度"),
        *("--at", "2026-07-06 09:00", "--words", "面板设定 22.5 ℃", "--reading", "22.5"),
        *("--photo", "p.jpg", "--by", "甲"),
    )
    assert "疑点 1：待说明" in said.output
    shown = run("doubt", "show", "1").output
    for part in ("巡查时见到：面板设定 22.5 ℃。", "22.5 ℃", "甲", "p.jpg（image/jpeg"):
        assert part in shown
    days = ("--from", "2026-07-01", "--to", "2026-07-31")
    (table,) = json.loads(run("doubt", "list", *days, "--json").output)
    ((room, title),) = [(row["room"], row["title"]) for row in table["rows"]]
    assert (room, title) == ("301 室", "空调制冷设定温度")
    assert "局" in run("doubt", "list", "--sum", *days).output
    run("doubt", "photo", "1", "back.jpg")
    assert (tmp_path / "back.jpg").read_bytes() == JPEG
    with pytest.raises(RefusedError, match="已存在"):
        run("doubt", "photo", "1", "back.jpg")
    run("doubt", "explain", "1", "已调高", "--by", "乙")
    assert "已说明" in run("doubt", "show", "1").output
