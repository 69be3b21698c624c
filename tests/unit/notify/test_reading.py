from __future__ import annotations

import os
from datetime import time, timedelta
from pathlib import Path

import pytest

from notify.current import CurrentRoutes
from notify.model import Channel, ChannelKind, Place, Quiet, Route, Severity
from notify.reading import parse_routes, read_routes
from registry.document import InventoryError

EXAMPLE = Path(__file__).parents[3] / "notify" / "examples" / "routes.yaml"
GOOD = """
channels:
  - {code: robot, kind: wecom, address_file: secrets/robot, per_minute: 10}
  - {code: mail, kind: apprise, address_variable: MAIL_URL, longest_bytes: 4000}
routes:
  - code: energy
    channels: [robot, mail]
    least: warning
    group_minutes: 10
    quiet: "22:00-07:30"
    digest: ["16:00", "08:30"]
    at_once: warning
"""


def test_a_file_of_routes_says_who_is_told_and_when() -> None:
    found = parse_routes(GOOD, "notify.yaml")
    assert found.channels == {
        "robot": Channel("robot", ChannelKind.WECOM, Place(file="secrets/robot"), 10, 2000),
        "mail": Channel("mail", ChannelKind.APPRISE, Place(variable="MAIL_URL"), 20, 4000),
    }
    assert found.routes["energy"] == Route(
        "energy",
        ("robot", "mail"),
        Severity.WARNING,
        timedelta(minutes=10),
        Quiet(time(22), time(7, 30)),
        (time(8, 30), time(16)),
        Severity.WARNING,
    )


def test_the_example_can_be_read() -> None:
    assert set(read_routes(EXAMPLE).routes) == {"energy", "vehicles"}


BAD = """channels:
  - {code: robot, kind: wecom, address_file: a, address_variable: B}
  - {code: robot, kind: wechat, address_file: a}
  - {code: hook, kind: webhook, path: "https://example.org"}
  - {code: sink, kind: file, address_file: a}
  - {code: sms, kind: apprise, address_file: a, per_minute: 0, longest_bytes: 100}
routes:
  - {code: energy, channels: [robott], quiet: "22-7"}
  - {code: night, channels: [], quiet: "22:00-07:30", digest: ["06:00", "8"], least: high}
  - {code: odd, channels: [robot, robot], at_once: warning, group: 10}
"""


def test_every_mistake_is_told_with_its_line() -> None:
    with pytest.raises(InventoryError) as caught:
        parse_routes(BAD, "notify.yaml")
    told = str(caught.value).splitlines()
    for line, words in [
        (2, "give one of address_file, address_variable"),
        (3, "the code stands above already"),
        (3, "kind wechat is not known"),
        (4, "path is not a key"),
        (5, "path is missing"),
        (6, "per_minute is 0: it must be between 1"),
        (6, "longest_bytes is 100: it must be between 240"),
        (8, "channel robott: there is no channel with this code (did you mean robot?)"),
        (8, 'quiet is 22-7: write two times, "22:00-07:30"'),
        (9, "channels names nobody"),
        (9, "digest 06:00 lies in the quiet hours"),
        (9, "digest is 8: write times"),
        (9, "least high is not known"),
        (10, "channels names one twice"),
        (10, "at_once says nothing without digest"),
        (10, "group is not a key that is known here"),
    ]:
        assert [one for one in told if one.startswith(f"notify.yaml:{line}: ") and words in one], (
            words
        )


def test_a_missing_section_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="routes is missing"):
        parse_routes("channels: []\n", "notify.yaml")
    with pytest.raises(InventoryError, match=r"notify\.routes names the file"):
        read_routes(tmp_path / "none.yaml")


def test_a_changed_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "notify.yaml"
    path.write_text(GOOD, encoding="utf-8")
    current = CurrentRoutes(path)
    before = current.get()

    def write(text: str, seconds: int) -> None:
        path.write_text(text, encoding="utf-8")
        os.utime(path, (seconds, seconds))

    write("channels: [", 1_000_000_000)
    assert current.get() == before
    path.unlink()
    assert current.get() == before
    write(GOOD.replace("code: energy", "code: water"), 1_000_000_100)
    assert set(current.get().routes) == {"water"}
