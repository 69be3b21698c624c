"""Logging: one format for our lines and those of libraries, for people or for machines."""

from __future__ import annotations

import logging
import sys
from typing import Final, Literal, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

Form = Literal["console", "json"]
Level = Literal["debug", "info", "warning", "error"]

# Chatty at their own "info": a line for every packet or request.
_QUIET: Final = ("amqtt", "asyncio", "pymodbus", "transitions", "urllib3")

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


def configure(level: Level = "info", form: Form = "console", stream: TextIO | None = None) -> None:
    """Send every log line of this process to one stream; may be called again to change it.

    Lines of libraries that use :mod:`logging` and Python's warnings come out in the same shape.

    Args:
        level: the least level that is written.
        form: ``console`` for people (colours only on a terminal), ``json`` for machines: one object
            a line. Both stamp UTC in ISO 8601.
        stream: where to; standard error when None, so that standard output stays for results.
    """
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(form, colors=target.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Not cached: module loggers made before this call must follow it.
        cache_logger_on_first_use=False,
    )


def _renderers(form: Form, *, colors: bool) -> tuple[Processor, ...]:
    # Both without the values of local variables: passwords are among them.
    if form == "console":
        plain = structlog.dev.plain_traceback
        return (structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain),)
    frames = ExceptionDictTransformer(show_locals=False)
    return (
        structlog.processors.ExceptionRenderer(frames),
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    )
