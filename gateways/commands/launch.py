"""`jongnyang-gateway launch`."""

from pathlib import Path

import click

from gateways.commands.common import config_option
from gateways.link.launch import launch as become_gateway


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example: jongnyang-gateway launch --config /etc/jongnyang/gateway.toml",
)
@config_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def launch(config_path: Path, arguments: tuple[str, ...]) -> None:
    """Run the gateway in its newest proven release; what systemd starts. Other options go on to `run`."""
    become_gateway(config_path, list(arguments))
