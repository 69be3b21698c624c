"""The container files, read and held against the project: nothing here runs a container."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from collector.settings import Jt808Settings
from jieyong.cli import app
from jieyong.settings import HttpSettings
from jieyong.settings_file import load_settings
from tests.brokers import SAMPLE

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def _substituted(text: str) -> str:
    """Put the defaults of ``${NAME:-default}`` in, as compose does without the variable."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def _mounts(service: dict[str, Any]) -> list[list[str]]:
    return [_substituted(mount).split(":") for mount in service.get("volumes", [])]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_of_a_named_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.search(r":\d", image), f"{image}: not pinned"


@pytest.mark.parametrize("name", SERVICES)
def test_mounts_come_from_files_that_are_there_or_from_declared_volumes(name: str) -> None:
    for source, target, *mode in _mounts(SERVICES[name]):
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == ["ro"], f"{source} is ours: mount it read-only"
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_and_dependencies_are_declared(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    used = re.findall(
        r"/run/secrets/(\w+)", str([service.get(k) for k in ("environment", "command")])
    )
    assert set(used) <= set(service.get("secrets", [])), "a secret is used but not handed in"


def test_every_secret_is_a_file_that_git_ignores() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "secrets/" in ignored
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./secrets/")


def test_nothing_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or key.endswith("_FILE"), key
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), key


@pytest.mark.parametrize("name", OURS)
def test_commands_parse_on_our_command_line(name: str) -> None:
    command, arguments = get_command(app), list(SERVICES[name]["command"])
    while isinstance(command, TyperGroup):
        command = command.commands[arguments.pop(0)]
    command.make_context(name, arguments).close()


@pytest.mark.parametrize("name", OURS)
def test_the_environment_is_one_our_settings_take(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    service = SERVICES[name]
    for key, value in service["environment"].items():
        monkeypatch.setenv(key, value)
    settings = load_settings()
    assert settings.mqtt.host in SERVICES
    assert settings.database.url is not None
    assert "@database/" in settings.database.url.get_secret_value()
    targets = [target for _, target, *_ in _mounts(service)]
    assert str(settings.inventory) in targets
    assert f"JIEYONG_STATE_DIR={targets[0]}\n" in DOCKERFILE
    grace = int(service["stop_grace_period"].removesuffix("s"))
    assert grace > settings.spool.stop_s


def test_health_is_asked_on_the_ports_of_the_settings() -> None:
    http = HttpSettings()
    ports = {
        "modbus": http.modbus_port,
        "mqtt": http.mqtt_port,
        "jt808": http.jt808_port,
        "metering": http.metering_port,
        "fleet": http.fleet_port,
        "rules": http.rules_port,
        "notify": http.notify_port,
    }
    for name, port in ports.items():
        test = SERVICES[name]["healthcheck"]["test"]
        assert f"http://127.0.0.1:{port}/health/live" in test[-1]
        compile(test[-1], name, "exec")


def test_the_broker_gets_our_limits_a_log_in_and_every_address(tmp_path: Path) -> None:
    shell, flag, script = SERVICES["broker"]["command"]
    assert (shell, flag) == ("sh", "-c")
    made = tmp_path / "mosquitto.conf"
    script = _substituted(script).replace("/etc/jieyong/mosquitto.conf", str(SAMPLE))
    rendering, run = script.replace("/tmp/mosquitto.conf", str(made)).split(" && ")
    assert run == f"exec mosquitto -c {made}"

    subprocess.run(["sh", "-c", rendering], check=True)

    lines = [line for line in made.read_text().splitlines() if line and line[0] != "#"]
    assert "listener 1883" in lines
    assert "allow_anonymous false" in lines
    assert "allow_anonymous true" not in lines
    assert "password_file /run/secrets/mosquitto_passwords" in lines
    assert "persistence_location /mosquitto/data/" in lines
    assert ["broker", "/mosquitto/data"] in _mounts(SERVICES["broker"])
    kept = [line for line in SAMPLE.read_text().splitlines() if line.startswith("max_")]
    assert len(kept) >= 3
    assert set(kept) <= set(lines)


def test_only_two_are_reached_from_outside_and_by_default_from_this_machine() -> None:
    published = {
        name: [_substituted(port) for port in s["ports"]]
        for name, s in SERVICES.items()
        if "ports" in s
    }
    assert published == {"broker": ["127.0.0.1:1883:1883"], "jt808": ["127.0.0.1:8808:8808"]}
    assert Jt808Settings().port == 8808


def test_the_image_copies_what_is_there_and_every_room_that_is_built() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        source.rstrip("/")
        for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, f"{source} does not reach the build"
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert rooms <= set(copied)


def test_the_image_runs_a_supported_python_as_an_unprivileged_user() -> None:
    version = re.search(r"^FROM python:3\.(\d+)-slim", DOCKERFILE, re.MULTILINE)
    assert version is not None
    assert int(version[1]) >= 11
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)
    assert 'ENTRYPOINT ["jieyong"]' in DOCKERFILE
