"""What an import refuses, or figures that were published would silently mean something else."""

from __future__ import annotations

import pytest

from registry.catalogue import Catalogue
from registry.changes import Action
from registry.document import InventoryError
from tests.integration.registry.imports import Conn, bring, counts, dump_all
from tests.unit.registry.samples import Document, catalogue, document, profile


def refused(conn: Conn, content: Document, known: Catalogue | None = None) -> str:
    before = dump_all(conn)
    with pytest.raises(InventoryError) as caught:
        bring(conn, content, day=1, known=known)
    assert dump_all(conn) == before
    (problem,) = caught.value.problems
    assert problem.line > 1
    return problem.message


def test_another_serial_number_is_another_meter(conn: Conn) -> None:
    content = document()
    content["devices"][0]["serial_no"] = "A1"
    bring(conn, content)
    content["devices"][0]["serial_no"] = "B2"
    content["rooms"][0]["name"] = "not imported either"
    message = refused(conn, content)
    assert "device m-1: serial_no is A1 in the database and B2 here" in message
    assert "give it a new code at the same place" in message


def test_a_serial_number_once_known_is_not_forgotten(conn: Conn) -> None:
    content = document()
    content["devices"][0]["serial_no"] = "A1"
    bring(conn, content)
    assert not bring(conn, document(), day=1)
    content = document()
    content["devices"][0]["unit"] = 9
    bring(conn, content, day=2)
    assert conn.execute("SELECT serial_no, unit FROM device WHERE code = 'm-1'").fetchone() == (
        "A1",
        9,
    )


@pytest.mark.parametrize(
    ("section", "column", "value", "advice"),
    [
        ("buildings", "institution", "i-2", "a building that passes to another institution"),
        ("rooms", "building", "b-2", "a room does not move"),
        ("places", "measures", "water", "is a new place with a new code"),
        ("vehicles", "institution", "i-2", "a vehicle that passes to another institution"),
    ],
)
def test_what_never_changes_is_refused_with_advice(
    conn: Conn, section: str, column: str, value: str, advice: str
) -> None:
    content = document()
    content["institutions"].append({"code": "i-2", "name": "教育局"})
    content["buildings"].append({"code": "b-2", "name": "二号楼", "institution": "i-2"})
    bring(conn, content)
    content[section][0][column] = value
    assert advice in refused(conn, content)


def test_a_profile_that_changed_without_a_new_version_is_refused(conn: Conn) -> None:
    bring(conn, document())
    known = catalogue(profile("meter", sha256="other"))
    assert "raise the version" in refused(conn, document(), known)


def test_a_new_version_of_a_profile_adds_points_and_removes_none(conn: Conn) -> None:
    bring(conn, document())
    known = catalogue(profile("meter", 2, points={"energy": "kWh", "frequency": "Hz"}))
    changes = bring(conn, document(), day=1, known=known)
    assert changes.counts() == {
        ("profile", Action.CREATED): 1,
        ("device", Action.CHANGED): 2,
        ("point", Action.CREATED): 2,
    }
    assert changes.codes("point", Action.CREATED) == ("m-1/frequency", "m-2/frequency")
    assert counts(conn)["point"] == 6
    assert conn.execute(
        "SELECT DISTINCT p.version FROM device d JOIN profile p ON p.id = d.profile_id"
    ).fetchall() == [(2,)]


def test_a_point_may_be_renamed_for_people_but_keeps_its_meaning(conn: Conn) -> None:
    bring(conn, document())
    old = catalogue()["meter"].points
    relabelled = profile("meter", 2)
    object.__setattr__(relabelled, "points", (type(old[0])("energy", "电能", "kWh", "counter"),))
    changes = bring(conn, document(), day=1, known=catalogue(relabelled))
    assert changes.codes("point", Action.CHANGED) == ("m-1/energy", "m-2/energy")
    assert conn.execute("SELECT DISTINCT label FROM point WHERE name = 'energy'").fetchall() == [
        ("电能",)
    ]
    content = document()
    content["devices"].pop()
    known = catalogue(profile("meter", 3, points={"energy": "Wh"}))
    assert "point m-1/energy is a counter in kWh, and profile meter@3 makes it a gauge in Wh" in (
        refused(conn, content, known)
    )


def test_every_refusal_comes_in_one_run(conn: Conn) -> None:
    content = document()
    for each in content["devices"]:
        each["serial_no"] = each["code"]
    bring(conn, content)
    for each in content["devices"]:
        each["serial_no"] = "X" + each["code"]
    with pytest.raises(InventoryError) as caught:
        bring(conn, content, day=1)
    assert len(caught.value.problems) == 2
