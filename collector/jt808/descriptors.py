"""Room for as many connections as the settings allow: the system's limit of open files."""

from __future__ import annotations

from typing import Final

import structlog

log = structlog.get_logger()

OTHERS: Final = 100
"""Files that are open besides: spool, database, logs."""


def room() -> tuple[int, int] | None:
    """Return the limit of open files and how far we may raise it; None where there is none."""
    try:
        import resource  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def make_room(connections: int) -> None:
    """Raise the limit of open files as far as is needed and allowed."""
    limits = room()
    if limits is None:
        return
    soft, hard = limits
    wanted = connections + OTHERS
    if soft >= wanted:
        return
    import resource  # noqa: PLC0415

    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning(
            "jt808_too_few_files",
            connections=connections,
            open_files=most,
            advice="raise the limit of open files (ulimit -n, LimitNOFILE) or lower "
            "jt808.connections",
        )
