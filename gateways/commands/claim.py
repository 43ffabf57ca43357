"""`jongnyang-gateway claim`."""

from pathlib import Path

import click

from gateways.api import Server, ServerError
from gateways.clock import Clock, boot_id
from gateways.commands.common import fail, lang_option
from gateways.keys import save_key
from gateways.messages import Lang, language, say


@click.command(
    epilog="Example: jongnyang-gateway claim --url https://meters.example.go.kr --code 7F3K-9QWD --key-file gateway.key"
)
@click.option("--url", required=True, help="The service's address.")
@click.option("--code", required=True, help="The one-time code from the service's gateway page.")
@click.option("--key-file", type=click.Path(path_type=Path), required=True, help="Where to keep the key (mode 0600).")
@click.option("--hardware-id", help="Default: this machine's id.")
@lang_option
def claim(url: str, code: str, key_file: Path, hardware_id: str | None, lang: Lang | None) -> None:
    """Give this box its identity: exchange a one-time code for its key."""
    chosen = language(lang)
    if key_file.exists():
        raise fail(say(chosen, "key_exists", path=key_file))
    server = Server(url, Clock())
    try:
        key = server.claim(code, hardware_id or _machine_id())
    except ServerError as error:
        raise fail(say(chosen, "claim_failed", problem=error)) from error
    finally:
        server.close()
    save_key(key_file, key)
    click.echo(say(chosen, "claimed", gateway=key.gateway, path=key_file))


def _machine_id() -> str:
    path = Path("/etc/machine-id")
    return (path.read_text(encoding="ascii").strip() if path.exists() else "") or boot_id()
