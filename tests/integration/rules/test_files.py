"""Files of rules that are followed while workers run."""

from __future__ import annotations

import getpass
import os
import shutil
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import structlog

from jieyong.doctor.finding import Level
from jieyong.doctor.rules import check_rules
from jieyong.settings import Settings
from jieyong.workers.rules import CREW
from jieyong.workers.tally import new_tally
from rules.work.files import LOCK, RuleFiles, followed
from rules.work.settings import RulesSettings
from storage.due_hand import Hand
from storage.settings import DatabaseSettings
from tests.integration.rules.world import RULES, ZONE, Conn, at

WHO = "jieyong rules work (op)"


@pytest.fixture
def files(tmp_path: Path) -> RuleFiles:
    (tmp_path / "a.yaml").write_text(RULES, "utf-8")
    (tmp_path / "a.test.yaml").write_text("rules: a.yaml", "utf-8")
    return RuleFiles([tmp_path], WHO, ZONE)


def in_force(conn: Conn) -> list[str]:
    query = "SELECT code FROM rule WHERE upper_inf(valid) ORDER BY 1"
    return [code for (code,) in conn.execute(query)]


def loads(conn: Conn) -> list[tuple[str, str]]:
    query = "SELECT code, loaded_by FROM rule_set ORDER BY id"
    return conn.execute(query).fetchall()


def test_what_changes_is_loaded_once_and_in_whose_name(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    for minute in range(3):
        files.step(conn, at(minute))
    RuleFiles([tmp_path], WHO, ZONE).step(conn, at(3))
    assert in_force(conn) == ["cold", "lamp", "night"]
    assert loads(conn) == [("tests", WHO)]
    audit = conn.execute("SELECT action, principal FROM audit_log").fetchall()
    assert audit == [("rules.load", WHO)]
    text = RULES.replace("for: 15m", "for: 20m").replace("code: lamp", "code: light")
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    files.step(conn, at(10))
    assert in_force(conn) == ["cold", "light", "night"]
    assert conn.execute("SELECT count(*) FROM rule WHERE code = 'cold'").fetchone() == (2,)


def test_a_broken_file_changes_nothing_that_runs_and_says_why(
    conn: Conn, files: RuleFiles, tmp_path: Path, database: str
) -> None:
    files.step(conn, at(0))
    (tmp_path / "a.yaml").write_text(RULES.replace("for: 15m", "for: soon"), "utf-8")
    other = "code: other\ntitle: 另\nrules: [{code: dark, kind: lighting.never_off, title: 长明灯,"
    other += " for: 36h, severity: notice, source: 惯例}]\n"
    (tmp_path / "b.yaml").write_text(other, "utf-8")
    with structlog.testing.capture_logs() as logged:
        files.step(conn, at(1))
    # The good one beside it is loaded; of the broken one all goes on.
    assert in_force(conn) == ["cold", "dark", "lamp", "night"]
    broken, good = followed(conn)
    why = f"{tmp_path / 'a.yaml'}:7: rule cold: for is soon"
    assert (broken.error or "").startswith(why)
    assert (broken.set_code, broken.loaded_at, broken.read_at) == ("tests", at(0), at(1))
    assert (good.set_code, good.error) == ("other", None)
    (line,) = [one for one in logged if one["event"] == "rules_file_refused"]
    assert line["why"].startswith(why)
    found = list(check_rules(database, DatabaseSettings(), lambda: at(2), [tmp_path]))
    told = {one.where: one for one in found}
    assert told[f"rule file {tmp_path / 'a.yaml'}"].level is Level.PROBLEM
    assert told[f"rule file {tmp_path / 'a.yaml'}"].what.startswith(why)
    assert told[f"rule file {tmp_path / 'b.yaml'}"].level is Level.OK
    assert CREW.beside(conn, at(2)).wrong == (f"rule file {tmp_path / 'a.yaml'} is refused",)
    (tmp_path / "a.yaml").write_text(RULES, "utf-8")
    files.step(conn, at(3))
    assert [one.error for one in followed(conn)] == [None, None]


def test_a_file_that_goes_away_leaves_its_rules_in_force(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    named = RuleFiles([tmp_path / "a.yaml"], WHO, ZONE)
    named.step(conn, at(0))
    (tmp_path / "a.yaml").unlink()
    named.step(conn, at(1))
    assert in_force(conn) == ["cold", "lamp", "night"]
    (one,) = followed(conn)
    assert "No such file" in (one.error or "")
    files.step(conn, at(2))
    assert in_force(conn) == ["cold", "lamp", "night"]
    assert followed(conn) == []


def test_a_directory_that_goes_away_leaves_its_rules_in_force(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    (tmp_path / "sets").mkdir()
    (tmp_path / "a.yaml").rename(tmp_path / "sets" / "a.yaml")
    below = RuleFiles([tmp_path / "sets"], WHO, ZONE)
    below.step(conn, at(0))
    shutil.rmtree(tmp_path / "sets")
    below.step(conn, at(1))
    assert in_force(conn) == ["cold", "lamp", "night"]
    (one,) = followed(conn)
    assert one.path == str(tmp_path / "sets")
    assert "No such file or directory" in (one.error or "")


def test_two_files_of_one_set_do_not_replace_each_other(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    (tmp_path / "b.yaml").write_text(RULES.replace("code: lamp", "code: light"), "utf-8")
    files.step(conn, at(0))
    assert in_force(conn) == ["cold", "lamp", "night"]
    assert f"rule set tests stands in {tmp_path / 'a.yaml'} already" in (
        followed(conn)[1].error or ""
    )


def test_a_rule_of_another_set_is_refused_and_the_file_says_so(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    (tmp_path / "b.yaml").write_text(RULES.replace("code: tests", "code: other"), "utf-8")
    files.step(conn, at(0))
    assert "已属于规则集 tests" in (followed(conn)[1].error or "")
    assert loads(conn) == [("tests", WHO)]


def test_one_program_loads_and_the_others_look_again(
    conn: Conn, files: RuleFiles, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        files.step(conn, at(0))
        assert in_force(conn) == []
    files.step(conn, at(1))
    assert in_force(conn) == ["cold", "lamp", "night"]


def test_the_doctor_names_what_no_worker_has_read(tmp_path: Path, database: str) -> None:
    (one,) = check_rules(database, DatabaseSettings(), lambda: at(0), [tmp_path])
    assert (one.level, one.where) == (Level.WARNING, f"rules.watch {tmp_path}")


def test_a_worker_follows_what_the_settings_name(
    conn: Conn, files: RuleFiles, tmp_path: Path, database: str
) -> None:
    os.utime(tmp_path / "a.yaml", (0, 0))
    settings = Settings(rules=RulesSettings(watch=tmp_path))
    with psycopg.connect(database, autocommit=True) as notes:
        CREW.begin(conn, Hand(notes), settings)(new_tally())
    assert in_force(conn) == ["cold", "lamp", "night"]
    ((_, who),) = loads(conn)
    assert who == f"jieyong rules work ({getpass.getuser()})"


def test_what_is_refused_for_what_is_not_there_yet_is_tried_again(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    text = RULES.replace("for: 15m,", "for: 15m, institutions: [later],")
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    files.step(conn, at(0))
    assert in_force(conn) == []
    conn.execute("INSERT INTO institution (code, name) VALUES ('later', '新局')")
    files.step(conn, at(0.5))
    assert in_force(conn) == []
    files.step(conn, at(1))
    assert in_force(conn) == ["cold", "lamp", "night"]
    assert [one.error for one in followed(conn)] == [None]


def test_a_rule_can_move_from_one_file_to_another(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    files.step(conn, at(0))
    lines = RULES.splitlines(keepends=True)
    (tmp_path / "a.yaml").write_text("".join(lines[:-2]), "utf-8")
    other = "code: another\ntitle: 另\nrules:\n" + "".join(lines[-2:])
    # The first by name: read before the file that holds the rule lets go of it.
    (tmp_path / "0.yaml").write_text(other, "utf-8")
    for minute in (1, 2):
        files.step(conn, at(minute))
    assert in_force(conn) == ["cold", "lamp", "night"]
    assert [one.error for one in followed(conn)] == [None, None]


def test_a_file_that_is_being_written_is_not_taken_yet(
    conn: Conn, files: RuleFiles, tmp_path: Path
) -> None:
    """Half of it may be a rule set with half of its rules: the others would end."""
    files.step(conn, at(0))
    lines = RULES.splitlines(keepends=True)
    (tmp_path / "a.yaml").write_text("".join(lines[:-2]), "utf-8")
    written = at(5).timestamp()
    os.utime(tmp_path / "a.yaml", (written, written))
    files.step(conn, at(5) + timedelta(seconds=1))
    assert in_force(conn) == ["cold", "lamp", "night"]
    (tmp_path / "a.yaml").write_text(RULES, "utf-8")
    os.utime(tmp_path / "a.yaml", (written, written))
    files.step(conn, at(5) + timedelta(seconds=2))
    assert in_force(conn) == ["cold", "lamp", "night"]
    assert loads(conn) == [("tests", WHO)]
