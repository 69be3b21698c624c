"""The broker of the demo: mosquitto when it is installed, else amqtt from its wheel."""

from __future__ import annotations

import enum
import os
import shutil
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import structlog

from jieyong import ready
from jieyong.supervise import Child

log = structlog.get_logger()

SAMPLE: Final = Path(__file__).resolve().parents[2] / "collector" / "mqtt" / "mosquitto.conf"
"""Our configuration of mosquitto: limits and persistence stand there, places are set here."""

# Debian keeps daemons where only root's PATH looks.
_DAEMON_DIRS: Final = ("/usr/sbin", "/usr/local/sbin")
_HOST: Final = "127.0.0.1"


class BrokerMissingError(Exception):
    """Neither broker is installed."""


class BrokerKind(enum.StrEnum):
    """Which program serves."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker ready to be started.

    Attributes:
        kind: which program it is.
        host: always loopback.
        port: where it will listen.
        protocol: the highest version of MQTT it speaks, as ``mqtt.protocol`` writes it.
        durability: what becomes of acknowledged messages when it ends, in words for people.
        command: starts it in the foreground.
    """

    kind: BrokerKind
    host: str
    port: int
    protocol: Literal["5", "3.1.1"]
    durability: str
    command: tuple[str, ...]

    def child(self, name: str = "broker") -> Child:
        """Return it as a child for the supervisor."""
        return Child(name, self.command, ready=ready.mqtt(self.host, self.port))


def find_mosquitto() -> Path | None:
    """Return mosquitto's program, if it is installed."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_DAEMON_DIRS))
    found = shutil.which("mosquitto", path=path)
    return None if found is None else Path(found)


def prepare(state_dir: Path, port: int = 0, kind: BrokerKind | None = None) -> Broker:
    """Write what the broker needs and say how to start it.

    Args:
        state_dir: its configuration and sessions go to ``state_dir/broker``.
        port: 0 takes one that is free now.
        kind: None prefers mosquitto.

    Raises:
        BrokerMissingError: the kind asked for, or both, are not installed.
        OSError: the state directory cannot be written.
    """
    program = find_mosquitto()
    chosen = kind or (BrokerKind.AMQTT if program is None else BrokerKind.MOSQUITTO)
    home = state_dir.resolve() / "broker"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    port = port or _free_port()
    broker = _mosquitto(home, port, program) if chosen is BrokerKind.MOSQUITTO else _amqtt(port)
    log.info("broker_chosen", kind=broker.kind, port=port, durability=broker.durability)
    return broker


def _mosquitto(home: Path, port: int, program: Path | None) -> Broker:
    if program is None:
        raise BrokerMissingError("mosquitto is not installed: `apt install mosquitto`")
    configuration = home / "mosquitto.conf"
    places = {
        "listener": f"{port} {_HOST}",
        "persistence_location": f"{home}/",
        "log_dest": "stderr",
    }
    if os.geteuid() == 0:
        # It would become the user `mosquitto`, who cannot write our state directory, and the
        # kernel would forget to end it with us (jieyong/tether.py). It listens on loopback only.
        places["user"] = "root"
    sample = SAMPLE.read_text(encoding="utf-8")
    configuration.write_text(render(sample.splitlines(), places), encoding="utf-8")
    return Broker(
        BrokerKind.MOSQUITTO,
        _HOST,
        port,
        "5",
        "mosquitto keeps sessions and messages on disk, written at a clean stop and at its "
        "autosave interval: if the broker itself is killed, what it acknowledged since then and "
        "the collector has not taken yet is lost",
        (str(program), "-c", str(configuration)),
    )


def _amqtt(port: int) -> Broker:
    if find_spec("amqtt") is None:
        raise BrokerMissingError(
            "no broker is installed: `make install` brings amqtt, `apt install mosquitto` the "
            "better one"
        )
    return Broker(
        BrokerKind.AMQTT,
        _HOST,
        port,
        "3.1.1",
        "amqtt speaks MQTT 3.1.1 only, keeps everything in memory, and does not send again what "
        "was under way when the collector's connection ended: that, and all that waits when the "
        "broker ends, is lost; install mosquitto for more",
        (sys.executable, "-m", "jieyong.embedded.amqtt_server", _HOST, str(port)),
    )


def render(sample: Iterable[str], places: Mapping[str, str]) -> str:
    """Return a mosquitto configuration with some settings replaced.

    Args:
        sample: lines of a configuration.
        places: setting → value; the sample's own lines for these are dropped, ours come last.
    """
    kept = [line for line in sample if line.split(maxsplit=1)[:1] not in [[key] for key in places]]
    ours = [f"{key} {value}" for key, value in places.items()]
    return "\n".join((*kept, "# Set by jieyong/embedded/broker.py:", *ours, ""))


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listener:
        return int(listener.getsockname()[1])
