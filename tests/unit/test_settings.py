"""Settings: everything from the environment, read once, with no secret by default outside the embedded mode."""

import dataclasses
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from app.settings import DEFAULT_DATABASE_URL, Settings, SettingsError, from_environment

POSTGRES = "postgresql://jongnyang@db/jongnyang"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own, where `var/` may be made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_setting_the_service_is_embedded_and_local() -> None:
    settings = from_environment({})
    assert settings.database_url == DEFAULT_DATABASE_URL == "sqlite:///var/jongnyang.db"
    assert settings.embedded
    assert (settings.bind, settings.workers, settings.threads) == ("127.0.0.1:8000", 1, 16)
    assert (settings.metrics_token, settings.secure_cookies, settings.log_level) == ("", False, "INFO")


def test_the_embedded_mode_makes_its_secret_once_for_its_owner_alone(empty_folder: Path) -> None:
    first = from_environment({}).secret_key
    kept = empty_folder / "var" / "secret_key"
    assert len(first) >= 43  # 32 random bytes or more
    assert kept.read_text() == first
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert from_environment({}).secret_key == first


def test_two_installations_have_different_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        secrets.add(from_environment({}).secret_key)
    assert len(secrets) == 2


def test_a_secret_that_is_given_is_used_and_none_is_written(empty_folder: Path) -> None:
    assert from_environment({"JONGNYANG_SECRET_KEY": "given"}).secret_key == "given"
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize("secret", [{}, {"JONGNYANG_SECRET_KEY": ""}])
def test_postgresql_without_a_secret_is_refused_by_name_and_with_what_to_type(
    empty_folder: Path, secret: dict[str, str]
) -> None:
    with pytest.raises(SettingsError, match=r"JONGNYANG_SECRET_KEY is not set.*python3 -c"):
        from_environment({"JONGNYANG_DATABASE_URL": POSTGRES, **secret})
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("sqlite:////srv/jongnyang.db", "sqlite:////srv/jongnyang.db"),
        ("", DEFAULT_DATABASE_URL),
    ],
)
def test_the_database_is_named_with_the_driver_that_is_installed(given: str, used: str) -> None:
    settings = from_environment({"JONGNYANG_DATABASE_URL": given, "JONGNYANG_SECRET_KEY": "given"})
    assert settings.database_url == used
    assert settings.embedded == used.startswith("sqlite")


def test_sqlite_is_served_by_one_worker_whatever_the_environment_says() -> None:
    many = {"JONGNYANG_WORKERS": "4", "JONGNYANG_SECRET_KEY": "given"}
    assert from_environment(many).workers == 1
    assert from_environment(many | {"JONGNYANG_DATABASE_URL": POSTGRES}).workers == 4
    del many["JONGNYANG_WORKERS"]
    assert from_environment(many | {"JONGNYANG_DATABASE_URL": POSTGRES}).workers == 2


@pytest.mark.parametrize("name", ["JONGNYANG_WORKERS", "JONGNYANG_THREADS", "JONGNYANG_MAX_BODY"])
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", " ", "1e3", "²"])
def test_a_number_that_is_none_is_refused_by_name(name: str, text: str) -> None:
    environment = {"JONGNYANG_DATABASE_URL": POSTGRES, "JONGNYANG_SECRET_KEY": "given", name: text}
    with pytest.raises(SettingsError, match=name):
        from_environment(environment)


def test_every_setting_can_be_given() -> None:
    settings = from_environment(
        {
            "JONGNYANG_DATABASE_URL": POSTGRES,
            "JONGNYANG_SECRET_KEY": "given",
            "JONGNYANG_BIND": "0.0.0.0:80",
            "JONGNYANG_WORKERS": "3",
            "JONGNYANG_THREADS": "5",
            "JONGNYANG_MAX_BODY": "1000",
            "JONGNYANG_METRICS_TOKEN": "scrape",
            "JONGNYANG_RELEASE_KEY": "maker",
            "JONGNYANG_LOG_LEVEL": "DEBUG",
            "JONGNYANG_SECURE_COOKIES": "1",
            "JONGNYANG_PUBLIC_URL": "https://jongnyang.example.kr/",
            "JONGNYANG_MAIL_URL": "mailtos://mail.example.kr?to={email}",
            "JONGNYANG_SMS_URL": "jsons://sms.example.kr/{phone}",
            "JONGNYANG_WEBHOOK_HOSTS": "Hooks.example.kr, 127.0.0.1:9000",
            "JONGNYANG_PG_BIN": "/opt/postgresql/bin",
            "JONGNYANG_TRUSTED_PROXIES": "1",
        }
    )
    assert dataclasses.asdict(settings) == {
        "database_url": "postgresql+psycopg://jongnyang@db/jongnyang",
        "secret_key": "given",
        "bind": "0.0.0.0:80",
        "workers": 3,
        "threads": 5,
        "max_body": 1000,
        "metrics_token": "scrape",
        "release_key": "maker",
        "log_level": "DEBUG",
        "secure_cookies": True,
        "public_url": "https://jongnyang.example.kr",
        "mail_url": "mailtos://mail.example.kr?to={email}",
        "sms_url": "jsons://sms.example.kr/{phone}",
        "webhook_hosts": ("hooks.example.kr", "127.0.0.1:9000"),
        "pg_bin": "/opt/postgresql/bin",
        "trusted_proxies": 1,
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("JONGNYANG_PUBLIC_URL", "jongnyang.example.kr"),
        ("JONGNYANG_MAIL_URL", "mailtos://user:secret@mail.example.kr"),
        ("JONGNYANG_SMS_URL", "secret {phone}"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_by_name_and_without_its_password(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name) as refusal:
        from_environment({name: text})
    assert "secret" not in str(refusal.value)


def test_a_setting_that_is_empty_counts_as_not_given() -> None:
    empty = dict.fromkeys(("JONGNYANG_BIND", "JONGNYANG_THREADS", "JONGNYANG_LOG_LEVEL"), "")
    assert from_environment(empty) == from_environment({})


def test_settings_cannot_be_changed_once_they_are_read() -> None:
    settings = Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.bind = "0.0.0.0:80"  # type: ignore[misc]


def test_the_environment_of_others_is_not_read(empty_folder: Path) -> None:
    assert from_environment({"DATABASE_URL": POSTGRES, "SECRET_KEY": "x", "PORT": "1"}) == from_environment({})


def run(monkeypatch: pytest.MonkeyPatch, *words: str, **environment: str) -> tuple[int, str]:
    for name in ("JONGNYANG_DATABASE_URL", "JONGNYANG_SECRET_KEY", "JONGNYANG_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(main, words)
    return answer.exit_code, answer.stderr


def test_a_wrong_setting_is_told_in_the_terminals_language(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = run(monkeypatch, "--lang", "en", "serve", JONGNYANG_THREADS="many")
    assert (code, told) == (
        2,
        "A setting cannot be used: JONGNYANG_THREADS must be a whole number of at least 1, not 'many'.\n",
    )
    code, told = run(monkeypatch, "--lang", "ko", "serve", JONGNYANG_THREADS="many")
    assert code == 2
    assert told.startswith("설정을 쓸 수 없습니다: JONGNYANG_THREADS")


@pytest.mark.parametrize("url", ["mysql://h/d", "nonsense", "sqlite"])
def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    code, told = run(monkeypatch, "--lang", "en", "serve", JONGNYANG_DATABASE_URL=url, JONGNYANG_SECRET_KEY="given")
    assert (code, told.split(".")[0]) == (2, "JONGNYANG_DATABASE_URL cannot be used")


def test_serving_before_the_database_is_set_up_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, empty_folder: Path
) -> None:
    code, told = run(monkeypatch, "--lang", "en", "serve")
    assert code == 2
    assert "jongnyang db upgrade" in told
    assert not (empty_folder / "var" / "jongnyang.db").exists()


def test_sqlite_is_not_served_by_several_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = run(monkeypatch, "--lang", "en", "serve", "--workers", "2")
    assert code == 2
    assert "SQLite is served by one worker only" in told
