"""`jongnyang-gateway claim`."""

import tempfile
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from gateways.clock import Clock, boot_id, rfc3339, system_time
from gateways.commands.common import fail, lang_option
from gateways.link.api import RefusedError, Server, ServerError, UnreachableError
from gateways.link.keys import GatewayKey, save_key
from gateways.messages import Lang, language, say

_CLOCK_OFF_BY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    key_file: Path
    ca_file: Path | None = None


@click.command(
    epilog="Example: jongnyang-gateway claim --config /etc/jongnyang/gateway.toml --code 7f3k9qwd, or without a config"
    " file: --url https://meters.example.go.kr --key-file gateway.key"
)
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Take address and key file from it.")
@click.option("--url", help="The service's address.")
@click.option("--code", required=True, help="The one-time code from the service's gateway page.")
@click.option("--key-file", type=click.Path(path_type=Path), help="Where to keep the key (mode 0600).")
@click.option("--hardware-id", help="Default: this machine's id.")
@lang_option
def claim(
    config_path: Path | None,
    url: str | None,
    code: str,
    key_file: Path | None,
    hardware_id: str | None,
    lang: Lang | None,
) -> None:
    """Give this box its identity: exchange a one-time code for its key."""
    chosen = language(lang)
    target = _target(config_path, url, key_file, chosen)
    _check_key_file(target.key_file, chosen)
    clock = Clock()
    key = _claim(target, clock, code, hardware_id or _machine_id(), chosen)
    save_key(target.key_file, key)
    click.echo(say(chosen, "claimed", gateway=key.gateway, path=target.key_file))
    now = clock.now().wall
    if abs(now - system_time()) > _CLOCK_OFF_BY:
        click.echo(say(chosen, "claim_clock", found=rfc3339(system_time()), right=rfc3339(now)), err=True)


def _target(config: Path | None, url: str | None, key_file: Path | None, lang: Lang) -> _Target:
    values = _values(config, lang) if config is not None else {}
    folder = config.parent if config is not None else Path()
    wanted = url or values.get("server")
    place = key_file or (folder / values["key_file"] if "key_file" in values else None)
    if not wanted or place is None:
        raise click.UsageError(say(lang, "claim_where"))
    return _Target(wanted, place, folder / values["ca_file"] if "ca_file" in values else None)


def _values(config: Path, lang: Lang) -> dict[str, str]:
    """Read what a claim needs and no more: the rest of the file may still be in the making."""
    try:
        table = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise fail(f"{config}: {say(lang, 'config_unreadable', problem=error)}") from error
    uplink = table.get("uplink")
    values = {**table, "ca_file": uplink.get("ca_file") if isinstance(uplink, dict) else None}
    return {name: values[name] for name in ("server", "key_file", "ca_file") if isinstance(values.get(name), str)}


def _check_key_file(path: Path, lang: Lang) -> None:
    """Refuse before the code is spent: it works only once."""
    if path.exists():
        raise fail(say(lang, "key_exists", path=path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(b"room for a key")
    except OSError as error:
        raise fail(say(lang, "key_not_writable", path=path, problem=error.strerror)) from error


def _claim(target: _Target, clock: Clock, code: str, hardware_id: str, lang: Lang) -> GatewayKey:
    server = Server(target.url, clock, ca_file=target.ca_file)
    try:
        return server.claim(code.strip(), hardware_id, lang)
    except UnreachableError as error:
        raise fail(say(lang, "claim_unreachable", url=target.url, problem=error)) from error
    except ServerError as error:
        is_code = isinstance(error, RefusedError) or error.slug == "claim-refused"
        raise fail(say(lang, "claim_refused" if is_code else "claim_failed", problem=error)) from error
    finally:
        server.close()


def _machine_id() -> str:
    path = Path("/etc/machine-id")
    return (path.read_text(encoding="ascii").strip() if path.exists() else "") or boot_id()
