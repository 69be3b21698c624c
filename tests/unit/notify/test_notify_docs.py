"""docs/notify.md against what is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from notify.model import ChannelKind, Severity
from notify.reading import parse_routes
from notify.send.webhook import content_of
from notify.text import written
from registry.document import InventoryError
from tests.unit.notify.samples import note

PAGE = (Path(__file__).parents[3] / "docs" / "notify.md").read_text(encoding="utf-8")


def test_the_example_is_one() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found = parse_routes(example, "docs/notify.md")
    assert found.routes["energy"].at_once is Severity.WARNING


def test_every_kind_stands_there_with_its_bounds() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert [kind for kind, _, _ in rows] == [*ChannelKind]
    for kind, per_minute, longest in rows:
        place = "path" if kind == "file" else "address_file"
        text = f"channels: [{{code: a, kind: {kind}, {place}: b}}]\nroutes: []\n"
        found = parse_routes(text, "it").channels["a"]
        assert (found.per_minute, found.longest) == (int(per_minute), int(longest))


@pytest.mark.parametrize(("section", "key"), [("channels", "channel"), ("routes", "route")])
def test_the_keys_that_are_known_stand_there(section: str, key: str) -> None:
    other = "routes" if section == "channels" else "channels"
    known: set[str] = set()
    for kind in ("file", "webhook"):
        text = f"{section}: [{{code: a, kind: {kind}, zzz: 1}}]\n{other}: []\n"
        with pytest.raises(InventoryError) as caught:
            parse_routes(text, "it")
        known |= set(re.findall(r"known are (.*)", str(caught.value))[0].split(", "))
    known -= {"kind"} if section == "routes" else set()
    table = PAGE.partition(f"### A {key}\n")[2].partition("\n\n| Kind")[0].partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(documented) == sorted(known)


def test_the_fields_of_a_webhook_stand_there() -> None:
    content = content_of(written([note()], 2000), [note()])
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    notes = content["notes"]
    assert isinstance(notes, list)
    fields = {*content, *notes[0]}
    assert set(re.findall(r'"(\w+)":', example)) == fields
