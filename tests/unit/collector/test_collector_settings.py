from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.settings import MqttSettings, SpoolSettings


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"topic": "a/b"}, "exactly one level must be `\\+`"),
        ({"topic": "a/+/+"}, "exactly one level must be `\\+`"),
        ({"topic": "a/+/#"}, "`#` is not allowed"),
        ({"topic": "a/+/x+"}, "exactly one level must be `\\+`"),
        ({"topic": "a/x+/b"}, "exactly one level must be `\\+`"),
        ({"password": "x", "password_file": "/y"}, "not both"),
        ({"tls": True, "cert_file": "/x"}, "belong together"),
        ({"ca_file": "/x"}, "set tls = true"),
        ({"share_group": "a/b"}, "share_group"),
        ({"protocol": "3.1"}, "protocol"),
        ({"prot": 1883}, "Extra inputs"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_do(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MqttSettings.model_validate(given)


def test_the_password_comes_from_its_file_without_its_line_end(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"p w\xc3\xa4\r\nsecond line\n")
    settings = MqttSettings.model_validate({"username": "u", "password_file": secret})
    assert settings.read_password() == "p wä"
    inline = MqttSettings.model_validate({"username": "u", "password": "geheim"})
    assert inline.read_password() == "geheim"
    assert "geheim" not in repr(inline)
    assert MqttSettings().read_password() is None


def test_the_spool_keeps_room_for_its_own_deletes() -> None:
    with pytest.raises(ValidationError, match="min_free_bytes"):
        SpoolSettings(min_free_bytes=0)
