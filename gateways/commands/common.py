"""What the commands share."""

from pathlib import Path

import click

from gateways.config import ConfigError, GatewayConfig, load_config
from gateways.devices.ports import may_swap, steady_name
from gateways.messages import Lang, say

lang_option = click.option("--lang", type=click.Choice(["ko", "en"]), help="Language; default from LANG, else Korean.")
config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), required=True, help="The gateway's TOML file."
)


def fail(text: str) -> click.ClickException:
    """Return the exception that ends a command with exit 1 and `text` on standard error."""
    return click.ClickException(text)


def config_of(path: Path, lang: Lang) -> GatewayConfig:
    """Read the config file, or end the command with exit 1 and every error on a line of its own."""
    try:
        return load_config(path)
    except ConfigError as error:
        click.echo(error.in_words(lang), err=True)
        raise SystemExit(1) from error


def doubt_of_name(port: str, lang: Lang) -> str | None:
    """Return a note on a port whose name may go to another device, with a name that stays; None if it stays itself."""
    if not may_swap(port):
        return None
    return say(lang, "port_may_change", port=port, better=steady_name(port) or "/dev/serial/by-path/…")
