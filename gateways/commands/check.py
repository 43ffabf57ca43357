"""`jongnyang-gateway check`."""

from collections.abc import Iterator
from pathlib import Path

import click

from gateways.commands.common import config_of, doubt_of_name, lang_option
from gateways.config import EXAMPLE, GatewayConfig, MeterConfig
from gateways.messages import Lang, language, say


@click.command(epilog="Example: jongnyang-gateway check --config /etc/jongnyang/gateway.toml")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="The gateway's TOML file.")
@click.option("--example", is_flag=True, help="Print a complete config file to begin with.")
@lang_option
def check(config_path: Path | None, example: bool, lang: Lang | None) -> None:
    """Say that the config file can be used, or everything that is wrong in it, by line. Opens no port.

    Exit 0: it can; what looks doubtful is told on standard error. Exit 1: it cannot.
    """
    chosen = language(lang)
    if example:
        click.echo(EXAMPLE, nl=False)
        return
    if config_path is None:
        raise click.UsageError("--config / --example")
    config = config_of(config_path, chosen)
    click.echo(say(chosen, "check_ok", path=config_path, meters=len(config.meters), server=config.server))
    for meter in config.meters:
        click.echo(say(chosen, "check_meter", meter=meter.meter, kilograms=f"{meter.capacity_g / 1000:g}"))
        for device, driver, port in _devices(meter):
            click.echo(f"  {say(chosen, device)}: {driver} {port}")
    for doubt in _doubts(config, chosen):
        click.echo(doubt, err=True)


def _devices(meter: MeterConfig) -> Iterator[tuple[str, str, str]]:
    """Each device with what it speaks and where."""
    yield "reader", meter.reader.protocol, meter.reader.port
    yield "scale", meter.scale.protocol, meter.scale.port
    yield "lid", meter.lid.driver, meter.lid.port
    if meter.display.port:
        yield "display", meter.display.language, meter.display.port


def _doubts(config: GatewayConfig, lang: Lang) -> Iterator[str]:
    for port in (port for meter in config.meters for _, _, port in _devices(meter)):
        if note := doubt_of_name(port, lang):
            yield note
        if not Path(port).exists():
            yield say(lang, "port_not_there", port=port)
    if not config.key_file.exists():
        yield say(lang, "not_claimed", path=config.key_file)
