from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.mqtt.check import check_broker
from collector.mqtt.source import MqttSource
from collector.settings import MqttSettings
from tests.brokers import Mosquitto, free_port, running_mosquitto
from tests.integration.collector.mqtt.publisher import TERMINALS, publisher
from tests.integration.collector.mqtt.sources import Sink, running
from tests.processes import until

pytestmark = pytest.mark.needs_mosquitto


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a server's and a client's certificate of it."""
    directory = tmp_path_factory.mktemp("certificates")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: TLS to the broker is not tested")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=directory, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-nodes")
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca")
    for name in ("server", "client"):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (directory / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.crt")
        run("x509", "-req", "-in", f"{name}.csr", *signed, "-extfile", f"{name}.ext")
    return directory


@pytest.fixture
def secure(certificates: Path, tmp_path: Path) -> Iterator[tuple[Mosquitto, int]]:
    """A broker with a plain port and one that wants TLS, our certificate and a log-in."""
    port = free_port()
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "collector", "geheim"], check=True)
    passwords.chmod(0o644)
    extra = f"""
listener {port} 127.0.0.1
cafile {certificates}/ca.crt
certfile {certificates}/server.crt
keyfile {certificates}/server.key
require_certificate true
password_file {passwords}
"""
    with running_mosquitto(tmp_path, extra) as broker:
        yield broker, port


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_tls_with_our_certificate_and_a_password_from_a_file(
    secure: tuple[Mosquitto, int], certificates: Path, tmp_path: Path, protocol: str
) -> None:
    _, port = secure
    secret = tmp_path / "secret"
    secret.write_text("geheim\n", encoding="utf-8")
    config = MqttSettings.model_validate(
        {
            "port": port,
            "protocol": protocol,
            "tls": True,
            "ca_file": certificates / "ca.crt",
            "cert_file": certificates / "client.crt",
            "key_file": certificates / "client.key",
            "username": "collector",
            "password_file": secret,
        }
    )
    sink = Sink()
    async with running(config, sink.accept) as source:
        with publisher(port, certificates) as sender:
            sender.number(0, 3000)
            await until(lambda: source.stats.acknowledged == 3000, "all are acknowledged")
    assert sink.seqs == list(range(3000))
    assert [f.level for f in check_broker(config)] == ["ok"] * 4


async def test_a_broker_whose_certificate_is_not_ours_is_not_trusted(
    secure: tuple[Mosquitto, int],
) -> None:
    _, port = secure
    config = MqttSettings.model_validate({"port": port, "tls": True, "reconnect_max_s": 0.3})
    source = MqttSource(config, TERMINALS, Sink().accept)
    stop = asyncio.Event()
    task = asyncio.create_task(source.run(stop))
    await until(lambda: source.stats.disconnects["unreachable"] >= 2, "it was tried twice")
    stop.set()
    await task
    (finding,) = check_broker(config)
    assert "certificate" in finding.what
