"""In a process of its own: the limit of open files belongs to the whole process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import resource, sys
from collector.jt808.descriptors import make_room
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
make_room(connections)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def after(soft: int, hard: int, connections: int) -> tuple[str, str]:
    command = [sys.executable, "-c", SCRIPT, str(soft), str(hard), str(connections)]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4]
    )
    *told, limits = ran.stdout.splitlines()
    return limits, "".join(told)


def test_the_limit_is_raised_as_far_as_is_needed() -> None:
    assert after(256, 1024, 500) == ("600 1024", "")


def test_a_limit_that_is_enough_stays() -> None:
    assert after(700, 1024, 500) == ("700 1024", "")


def test_what_may_not_be_raised_far_enough_is_told() -> None:
    limits, told = after(256, 512, 500)
    assert limits == "512 512"
    assert "jt808_too_few_files" in told
