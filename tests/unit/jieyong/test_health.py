from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from jieyong.health import Health, Heartbeat, Part, Probe, Verdict


def _says(*, ok: bool, reason: str = "") -> Probe:
    return lambda: Verdict(ok, reason)


@pytest.mark.parametrize(
    ("loop_ok", "database_ok", "live", "ready"),
    [(True, True, True, True), (True, False, True, False), (False, True, False, False)],
)
def test_live_and_ready_are_told_apart(
    *, loop_ok: bool, database_ok: bool, live: bool, ready: bool
) -> None:
    health = Health({"loop": _says(ok=loop_ok)}, {"database": _says(ok=database_ok)})

    report = health.report()

    assert (report.live, report.ready) == (live, ready)


def test_the_report_gives_a_reason_for_each_part() -> None:
    health = Health(
        {"loop": _says(ok=True, reason="turning")},
        {"database": _says(ok=False, reason="away for 12 s")},
    )

    assert health.report().to_dict() == {
        "live": True,
        "ready": False,
        "parts": [
            {"name": "loop", "ok": True, "reason": "turning"},
            {"name": "database", "ok": False, "reason": "away for 12 s"},
        ],
    }


def test_a_broken_probe_counts_as_not_ok_and_hides_no_other() -> None:
    def broken() -> Verdict:
        raise KeyError("depth")

    health = Health({}, {"spool": broken, "database": _says(ok=True, reason="up")})
    with capture_logs() as lines:
        report = health.report()

    assert not report.ready
    assert report.parts[0] == Part(
        "spool", ok=False, reason="the probe itself failed: KeyError('depth')"
    )
    assert report.parts[1] == Part("database", ok=True, reason="up")
    assert [line["event"] for line in lines] == ["health_probe_failed"]


def test_a_heartbeat_that_stops_is_seen() -> None:
    now = 100.0
    heart = Heartbeat(lambda: now, allowed_s=5.0)
    now = 104.0
    heart.beat()
    now = 109.0
    assert heart.probe() == Verdict(ok=True, reason="last beat 5.0 s ago")
    now = 109.5
    verdict = heart.probe()
    assert not verdict.ok
    assert "no beat for 5.5 s (5 s are allowed)" in verdict.reason
