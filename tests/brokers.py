"""A private Mosquitto for tests, with the limits of our sample configuration."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "collector" / "mqtt" / "mosquitto.conf"


class Mosquitto:
    """One broker on a loopback port of its own; its persistence lies in the given directory.

    Attributes:
        port: where it listens; the same after a restart.
    """

    def __init__(self, directory: Path, extra: str = "") -> None:
        self.port = free_port()
        self._directory = directory
        self._conf = directory / "mosquitto.conf"
        self._conf.write_text(
            render(SAMPLE.read_text(encoding="utf-8"), directory, self.port, extra)
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with (self._directory / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary(), "-c", str(self._conf)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto did not start:\n{self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it cleanly: its persistence is saved."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it stand still."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """Return what it logged."""
        return (self._directory / "mosquitto.log").read_text(errors="replace")

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        for _ in range(30):  # mosquitto forgets a TERM that comes before its main loop begins
            self._process.send_signal(how)
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                continue
            self._process = None
            return
        raise TimeoutError(f"mosquitto does not end: {self.log()[-2000:]}")


def binary() -> str:
    """Return the path of mosquitto; skip the test by name, or fail it where CI requires it."""
    found = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if found is not None:
        return found
    if "mosquitto" in os.environ.get("JIEYONG_REQUIRE", "").split(","):
        pytest.fail("JIEYONG_REQUIRE names mosquitto, but it is not installed")
    pytest.skip("mosquitto is not installed: MQTT against a real broker is not tested")


@contextmanager
def running_mosquitto(directory: Path, extra: str = "") -> Iterator[Mosquitto]:
    """Yield a running broker and leave nothing behind.

    Args:
        directory: for its configuration, log and persistence.
        extra: further lines of configuration.
    """
    binary()
    broker = Mosquitto(directory, extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def render(sample: str, directory: Path, port: int, extra: str = "") -> str:
    """Return the sample configuration with a port and a directory of our own."""
    text, listeners = re.subn(r"(?m)^listener .*$", f"listener {port} 127.0.0.1", sample)
    text, places = re.subn(
        r"(?m)^persistence_location .*$", f"persistence_location {directory}/", text
    )
    if (listeners, places) != (1, 1):
        raise ValueError("the sample configuration must have one listener and one location")
    # As root it would become user `mosquitto`, who may not write to a test's directory.
    user = "user root\n" if os.geteuid() == 0 else ""
    return f"{text}\n{user}{extra}\n"


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Tell whether somebody takes connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
