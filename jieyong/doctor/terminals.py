"""Check of the port that terminals connect to."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from collector.jt808.descriptors import OTHERS, room
from collector.settings import Jt808Settings
from jieyong.doctor.finding import Finding, ok, problem, warning

_WITHIN_S = 3.0


def check_jt808(settings: Jt808Settings) -> Iterator[Finding]:
    """Look whether the gateway listens, or could, and has files for its connections."""
    where = f"terminals at {settings.host}:{settings.port}"
    yield _port(settings, where)
    limits = room()
    if limits is not None and 0 <= limits[1] < settings.connections + OTHERS:
        what = f"{limits[1]} files may be open, {settings.connections} connections are allowed"
        advice = "raise the limit (LimitNOFILE, ulimit -Hn) or lower jt808.connections"
        yield warning(what, where, advice)


def _port(settings: Jt808Settings, where: str) -> Finding:
    if settings.port == 0:
        return warning("any port is taken: terminals cannot know it", where, "set jt808.port")
    if _answers(settings):
        return ok("something listens", where)
    try:
        socket.create_server((settings.host, settings.port)).close()
    except OSError as error:
        what = f"cannot be listened on: {error.strerror or error}"
        return problem(what, where, "check jt808.host and jt808.port, and who else has the port")
    return ok("free; nothing listens before `jieyong collect jt808` runs", where)


def _answers(settings: Jt808Settings) -> bool:
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 - compared
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, settings.port), timeout=_WITHIN_S),
    ):
        return True
    return False
