"""How a role listens to its bench: one request a line, one JSON answer a line, the end at EOF."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Answer = Callable[[str], Mapping[str, Any]]


def settings() -> dict[str, Any]:
    """Return what the bench handed over on the command line."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    return given


def tell(answer: Mapping[str, Any]) -> None:
    """Send one answer."""
    print(json.dumps(answer), flush=True)


async def listen(answer: Answer) -> None:
    """Say that we are ready, then answer until the bench closes the pipe."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tell({"ready": True})
    while line := await reader.readline():
        tell(answer(line.decode().strip()))


def usage() -> dict[str, float]:
    """CPU seconds of this process with all its threads, and the most memory it ever held, MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss: that begins with what the process that started us held.
    status = Path("/proc/self/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return {"cpu_s": used.ru_utime + used.ru_stime, "rss_mib": int(peak) / 1024}
