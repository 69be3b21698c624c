from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

from jieyong.commands import audit_words

ROOT = Path(__file__).parents[3]
ZONE = ZoneInfo("Asia/Shanghai")
OF_METERS = ("meter", "ratio", "entry", "replace", "move", "main")


def test_whatever_is_recorded_of_a_meter_has_a_name() -> None:
    text = "".join(path.read_text() for path in (ROOT / "metering" / "facts").glob("*.py"))
    recorded = {
        code for code in re.findall(r'"([a-z_]+\.[a-z]+)"', text) if code.split(".")[0] in OF_METERS
    }
    assert len(recorded) >= 9
    assert [code for code in sorted(recorded) if audit_words.action(code) == code] == []


def test_what_was_said_is_told_with_local_times_and_without_what_is_empty() -> None:
    content = {
        "at": "2026-10-31T16:00:00+00:00",
        "id": 3,
        "kind": "final",
        "value": "88.5",
        "note": "",
        "formula": [None, "{a} + {b}"],
        "odd": "x",
    }
    assert audit_words.detail(content, ZONE) == (
        "编号 3，时间 2026-11-01 00:00，类别 拆表止数，读数 88.5，公式 无 → {a} + {b}，odd x"
    )


def test_a_code_without_a_name_stays_what_it_is() -> None:
    assert audit_words.action("x.y") == "x.y"
