from __future__ import annotations

from collector.damper import QUIET_S, Damper


def test_the_first_is_told_at_once_and_the_rest_together_later() -> None:
    damper = Damper()
    assert damper.add("busy", 2, now_s=0) == 2
    assert damper.add("busy", 3, now_s=1) == 0
    assert damper.add("busy", 4, now_s=QUIET_S - 1) == 0
    assert damper.add("busy", 5, now_s=QUIET_S) == 12
    assert damper.add("busy", 1, now_s=2 * QUIET_S) == 1


def test_subjects_do_not_silence_each_other() -> None:
    damper = Damper()
    assert damper.add("busy", 1, now_s=0) == 1
    assert damper.add("clock", 1, now_s=1) == 1
