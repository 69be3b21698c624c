from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from jieyong import logs

log = structlog.get_logger("room")


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def _json_lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_is_one_object_a_line_with_utc_time() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)

    log.info("poll_failed", device="市财政局-01", cause="timeout")

    (line,) = _json_lines(stream)
    stamp = datetime.fromisoformat(str(line.pop("timestamp")))
    assert stamp.utcoffset() == UTC.utcoffset(None)
    assert line == {
        "event": "poll_failed",
        "device": "市财政局-01",
        "cause": "timeout",
        "level": "info",
        "logger": "room",
    }
    assert "市财政局" in stream.getvalue()  # readable, not \u escapes


def test_libraries_and_warnings_come_out_in_the_same_shape() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)

    logging.getLogger("psycopg.pool").warning("pool %s is full", "main")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", DeprecationWarning, stacklevel=1)

    first, second = _json_lines(stream)
    assert first["event"] == "pool main is full"
    assert first["logger"] == "psycopg.pool"
    assert "old way" in str(second["event"])


def test_levels_are_kept_and_chatty_libraries_silenced() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)

    log.debug("below")
    logging.getLogger("amqtt.broker").info("a packet")
    log.warning("above")

    assert [line["event"] for line in _json_lines(stream)] == ["above"]


def test_a_second_call_replaces_the_first() -> None:
    old, new = io.StringIO(), io.StringIO()
    logs.configure("info", "json", old)
    logs.configure("debug", "console", new)

    log.debug("now")

    assert old.getvalue() == ""
    assert new.getvalue().count("now") == 1


@pytest.mark.parametrize("form", ["console", "json"])
def test_tracebacks_do_not_show_the_values_of_variables(form: logs.Form) -> None:
    stream = io.StringIO()
    logs.configure("info", form, stream)

    def connect(password: str) -> None:
        raise ConnectionError("refused by the server")

    try:
        connect("hunter2-from-a-file"[:7])
    except ConnectionError:
        log.exception("connect_failed")

    assert "refused by the server" in stream.getvalue()
    assert "'hunter2'" not in stream.getvalue()


def test_console_has_no_colours_off_a_terminal() -> None:
    stream = io.StringIO()
    logs.configure("info", "console", stream)

    log.info("plain")

    assert "\x1b[" not in stream.getvalue()
