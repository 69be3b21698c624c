from __future__ import annotations

from pathlib import Path

import pytest

from jieyong.embedded import broker
from jieyong.embedded.broker import BrokerKind, BrokerMissingError, prepare, render


def test_places_replace_the_samples_and_limits_stay() -> None:
    sample = ["# a comment", "listener 1883 127.0.0.1", "max_queued_messages 0", "listener 8883"]
    assert render(sample, {"listener": "5000 127.0.0.1"}).splitlines() == [
        "# a comment",
        "max_queued_messages 0",
        "# Set by jieyong/embedded/broker.py:",
        "listener 5000 127.0.0.1",
    ]


def test_a_setting_is_not_taken_for_one_that_begins_alike() -> None:
    assert "log_dest_other x" in render(["log_dest_other x"], {"log_dest": "stderr"})


def _without_mosquitto(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(broker, "_DAEMON_DIRS", ())


def test_without_mosquitto_amqtt_is_taken_and_says_what_that_means(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _without_mosquitto(monkeypatch, tmp_path)
    found = prepare(tmp_path, port=18830)
    assert (found.kind, found.protocol, found.port) == (BrokerKind.AMQTT, "3.1.1", 18830)
    assert "keeps everything in memory" in found.durability
    with pytest.raises(BrokerMissingError, match="apt install mosquitto"):
        prepare(tmp_path, kind=BrokerKind.MOSQUITTO)


def test_mosquitto_gets_our_limits_on_loopback_in_the_state_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "mosquitto"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    _without_mosquitto(monkeypatch, program.parent)

    found = prepare(tmp_path / "var", port=18831)

    home = tmp_path / "var" / "broker"
    assert found.kind is BrokerKind.MOSQUITTO
    assert found.command == (str(program), "-c", str(home / "mosquitto.conf"))
    assert home.stat().st_mode & 0o777 == 0o700
    lines = [
        line
        for line in (home / "mosquitto.conf").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert [line for line in lines if line.startswith("listener")] == ["listener 18831 127.0.0.1"]
    assert f"persistence_location {home}/" in lines
    assert "persistence true" in lines
    assert "max_queued_messages 0" in lines
    assert "max_inflight_messages 1000" in lines
    assert any(line.startswith("max_queued_bytes ") for line in lines)


def test_a_free_port_is_found(tmp_path: Path) -> None:
    assert prepare(tmp_path, kind=BrokerKind.AMQTT).port > 1023
