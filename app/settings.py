"""Everything that the environment decides, read once into one frozen object."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
DEFAULT_DATABASE_URL = "sqlite:///var/jongnyang.db"


class SettingsError(ValueError):
    """A setting is missing or unusable; the message names it and says what to do."""


@dataclass(frozen=True)
class Settings:
    """How this process runs. Sizes in bytes, times in seconds."""

    database_url: str = DEFAULT_DATABASE_URL
    secret_key: str = field(default="", repr=False)
    bind: str = "127.0.0.1:8000"
    workers: int = 1
    threads: int = 16  # waiting requests share a commit: more of them make it cheaper
    max_body: int = 2 * 1024 * 1024
    metrics_token: str = field(default="", repr=False)
    release_key: str = ""  # the maker's public key, base64url: releases are then checked when they are added
    log_level: str = "INFO"
    secure_cookies: bool = False
    pg_bin: str = ""  # the folder of pg_dump and pg_restore, where backups must not look for them
    public_url: str = ""  # under which people reach the service, for links in messages
    mail_url: str = field(default="", repr=False)  # Apprise's address of the mail server, {email} in it
    sms_url: str = field(default="", repr=False)  # the same of an SMS gateway, with {phone} or {e164}
    trusted_proxies: int = 0  # how many proxies before the service write X-Forwarded-For and X-Forwarded-Proto
    webhook_hosts: tuple[str, ...] = ()  # HOST or HOST:PORT to which messages may be posted

    @property
    def embedded(self) -> bool:
        """Whether the data live in a local SQLite file."""
        return self.database_url.startswith("sqlite")


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `JONGNYANG_…`; the embedded mode makes its own secret in `var/`.

    Raises SettingsError where a number is no number or a production secret is missing.
    """
    url = environment.get("JONGNYANG_DATABASE_URL") or DEFAULT_DATABASE_URL
    embedded = url.startswith("sqlite")
    return Settings(
        database_url=with_driver(url),
        secret_key=environment.get("JONGNYANG_SECRET_KEY") or _embedded_secret(embedded),
        bind=environment.get("JONGNYANG_BIND") or Settings.bind,
        # One writer is faster than two on SQLite: a second process raised p99 twentyfold (design § 6).
        workers=1 if embedded else _integer(environment, "JONGNYANG_WORKERS", 2),
        threads=_integer(environment, "JONGNYANG_THREADS", Settings.threads),
        max_body=_integer(environment, "JONGNYANG_MAX_BODY", Settings.max_body),
        metrics_token=environment.get("JONGNYANG_METRICS_TOKEN", ""),
        release_key=environment.get("JONGNYANG_RELEASE_KEY", ""),
        log_level=_level(environment.get("JONGNYANG_LOG_LEVEL") or Settings.log_level),
        secure_cookies=environment.get("JONGNYANG_SECURE_COOKIES", "") == "1",
        pg_bin=environment.get("JONGNYANG_PG_BIN", ""),
        public_url=_web_address(environment, "JONGNYANG_PUBLIC_URL"),
        mail_url=_template(environment, "JONGNYANG_MAIL_URL", "{email}"),
        sms_url=_template(environment, "JONGNYANG_SMS_URL", "{phone}", "{e164}"),
        trusted_proxies=_integer(environment, "JONGNYANG_TRUSTED_PROXIES", Settings.trusted_proxies, least=0),
        webhook_hosts=tuple(environment.get("JONGNYANG_WEBHOOK_HOSTS", "").lower().replace(",", " ").split()),
    )


def with_driver(url: str) -> str:
    """The URL as SQLAlchemy reads it, with the driver that is installed."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _level(name: str) -> str:
    if name.upper() not in LEVELS:
        raise SettingsError(f"JONGNYANG_LOG_LEVEL must be one of {', '.join(LEVELS)}, not {name!r}.")
    return name.upper()


def _integer(environment: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise SettingsError(f"{name} must be a whole number of at least {least}, not {text!r}.")
    return int(text)


def _web_address(environment: Mapping[str, str], name: str) -> str:
    text = environment.get(name, "").rstrip("/")
    if text and not text.startswith(("https://", "http://")):
        raise SettingsError(f"{name} must begin with https://, not {text!r}.")
    return text


def _template(environment: Mapping[str, str], name: str, *places: str) -> str:
    """An address with a password in it, so it is not repeated in the refusal."""
    text = environment.get(name, "")
    if text and not ("://" in text and any(place in text for place in places)):
        raise SettingsError(f"{name} must be an address of Apprise with {' or '.join(places)} in it.")
    return text


def _embedded_secret(embedded: bool) -> str:
    if not embedded:
        raise SettingsError(
            "JONGNYANG_SECRET_KEY is not set. A service on PostgreSQL needs its own: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    path = Path("var/secret_key")
    if not path.exists() or not path.stat().st_size:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Complete or not there: a second process must never read half a secret.
        descriptor, written = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        Path(written).replace(path)
    return path.read_text()
