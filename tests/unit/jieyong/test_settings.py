from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource

from jieyong.settings import Settings
from jieyong.settings_file import SettingsError, load_settings
from jieyong.settings_keys import keys, sections
from jieyong.settings_reference import PAGE, SAMPLE, page, sample


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("JIEYONG_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Path:
    path = Path("some.toml")
    path.write_text(text, encoding="utf-8")
    return path


def errors_of(text: str = "") -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(text))
    assert str(caught.value) == "\n".join(caught.value.errors)
    return caught.value.errors


def error_of(text: str = "") -> str:
    (error,) = errors_of(text)
    return error


def test_without_file_and_environment_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert settings.state_dir == Path("var")
    assert settings.database.conninfo() is None


def test_the_file_in_the_working_directory_is_read() -> None:
    Path("jieyong.toml").write_text("[spool]\nmax_bytes = 123456\n")
    assert load_settings().spool.max_bytes == 123_456


def test_a_named_file_stands_instead_of_it() -> None:
    Path("jieyong.toml").write_text("[spool]\nmax_bytes = 123456\n")
    settings = load_settings(written("[spool]\ndrain_ms = 7\n"))
    assert (settings.spool.max_bytes, settings.spool.drain_ms) == (4 * 1024**3, 7)


def test_the_environment_stands_above_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_SPOOL__DRAIN_MS", "9")
    monkeypatch.setenv("JIEYONG_STATE_DIR", "/srv/state")
    settings = load_settings(written('state_dir = "x"\n[spool]\ndrain_ms = 7\ndrain_rows = 5\n'))
    assert settings.state_dir == Path("/srv/state")
    assert (settings.spool.drain_ms, settings.spool.drain_rows) == (9, 5)


def test_every_key_has_a_variable_that_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate(keys()):
        monkeypatch.setenv(key.variable, str(number))
    reached = EnvSettingsSource(Settings)()
    for number, key in enumerate(keys()):
        holder = reached if len(key.path) == 1 else reached[key.path[0]]
        assert holder[key.path[-1]] == str(number), key.dotted


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_SPOOL__DRAIN_MS", "")
    monkeypatch.setenv("DATABASE_URL", "")
    assert load_settings() == Settings()


def test_database_url_stands_above_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_DATABASE__URL", "postgresql://b/b")
    monkeypatch.setenv("DATABASE_URL", "postgresql://c/c")
    settings = load_settings(written('[database]\nurl = "postgresql://a/a"\ntimescale = "off"\n'))
    assert settings.database.conninfo() == "postgresql://c/c"
    assert settings.database.timescale == "off"


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush now\r\nsecond line\n")
    text = (
        f'[database]\nurl = "postgresql://me@db/x"\npassword_file = "{secret}"\n'
        f'[mqtt]\npassword_file = "{secret}"\n'
    )
    settings = load_settings(written(text))
    assert settings.mqtt.read_password() == "hush now"
    assert "password='hush now'" in str(settings.database.conninfo())


def test_secrets_are_not_shown() -> None:
    settings = load_settings(
        written('[database]\nurl = "postgresql://a:hush@b/c"\n[mqtt]\npassword = "hush"\n')
    )
    assert "hush" not in repr(settings)
    assert "hush" not in settings.model_dump_json()
    assert settings.mqtt.password == SecretStr("hush")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("state_dirr = 1", "some.toml:1: state_dirr is no setting (did you mean state_dir?)"),
        (
            "\n[spool]\nmax_byte = 1",
            "some.toml:3: spool.max_byte is no setting (did you mean spool.max_bytes?)",
        ),
        ("[spol]\nmax_bytes = 1", "some.toml:1: spol is no setting (did you mean spool?)"),
        ("[qqqq]\nx = 1", "some.toml:1: qqqq is no setting: docs/settings.md lists them all"),
        ("log.levl = 'info'", "some.toml:1: log.levl is no setting (did you mean log.level?)"),
        (
            "[spool]\ndrain_ms = 'soon'",
            "some.toml:2: spool.drain_ms = 'soon': Input should be a valid integer",
        ),
        ("spool = 5", "some.toml:1: spool: Input should be a valid dictionary"),
        (
            "time_zone = 'Asia/Shanghei'",
            "some.toml:1: time_zone = 'Asia/Shanghei': Asia/Shanghei is no time zone; write one",
        ),
        (
            "[mqtt]\nca_file = 'x'",
            "some.toml:1: mqtt: mqtt: ca_file, cert_file and key_file have no effect; set tls",
        ),
        ("[spool\n", "some.toml: is not TOML: "),
    ],
)
def test_a_mistake_in_the_file(text: str, message: str) -> None:
    assert error_of(text).startswith(message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("JIEYONG_STATEDIR", "x", " is no setting (did you mean JIEYONG_STATE_DIR?)"),
        ("JIEYONG_SPOOL__MAX", "1", " is no setting (did you mean JIEYONG_SPOOL__MAX_BYTES?)"),
        ("JIEYONG_SPOOL", '{"max_bytes": 99999}', " is no setting"),
        ("JIEYONG_SPOOL", "{", " is no setting"),
        ("JIEYONG_SPOOL__MAX_BYTES", "x", ": spool.max_bytes = 'x': Input should be a valid int"),
    ],
)
def test_a_mistake_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    assert error_of().startswith(f"environment: {name}{message}")


def test_the_variables_of_the_tests_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEST_ENGINES", "PG15_BIN", "TIMESCALE_ROOT", "REQUIRE"):
        monkeypatch.setenv(f"JIEYONG_{name}", "x")
    assert load_settings() == Settings()


def test_all_mistakes_come_at_once_and_no_secret_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_NONSENSE", "hush")
    text = 'x = "hush"\n[database]\nurl = ["hush"]\n[mqtt]\nport = 0\npassword = ["hush"]\n'
    found = errors_of(text)
    assert len(found) == 5
    assert not any("hush" in error for error in found)


def test_a_named_file_must_exist() -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: cannot be read \(No such file"):
        load_settings(Path("none.toml"))


def test_settings_do_not_change_underfoot() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().state_dir = Path("y")


def test_every_key_says_what_it_is() -> None:
    assert [key.dotted for key in keys() if len(key.field.description or "") < 10] == []
    assert all(model.__doc__ for model in sections().values())


def test_the_sample_is_the_models() -> None:
    assert SAMPLE.read_text(encoding="utf-8") == sample(), (
        "out of date: python -m jieyong.settings_reference"
    )


def test_the_sample_as_it_is_and_with_everything_uncommented_gives_the_defaults() -> None:
    text = sample()
    assert load_settings(written(text)) == Settings()
    uncommented = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert load_settings(written(uncommented)) == Settings()
    found = tomllib.loads(uncommented)
    for key in keys():
        holder = found if len(key.path) == 1 else found[key.path[0]]
        assert (key.path[-1] in holder) == (key.field.default is not None), key.dotted


def test_the_page_is_the_models() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "out of date: python -m jieyong.settings_reference"
    for key in keys():
        assert f"| `{key.path[-1]}` |" in text


def test_the_example_on_the_page_is_valid() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert load_settings(written(example)).mqtt.host == "broker.example"
