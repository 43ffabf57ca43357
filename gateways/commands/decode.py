"""`jongnyang-gateway decode`."""

import json
from collections.abc import Callable
from typing import Any, Final

import click

from gateways.commands.common import fail, lang_option
from gateways.frames import FrameStats, TagRead, WeightSample
from gateways.frames.cas22 import Cas22Parser
from gateways.frames.rdm6300 import Rdm6300Parser
from gateways.messages import Lang, language, say

_PARSERS: Final[dict[str, Callable[[], Rdm6300Parser | Cas22Parser]]] = {
    "rdm6300": Rdm6300Parser,
    "id20la": Rdm6300Parser,
    "cas_22": Cas22Parser,
}


@click.command(
    epilog='Example: jongnyang-gateway decode --protocol cas_22 --hex "53 54 2C 47 53 2C 31 C4 2C 30 30 30 30 31 33 2E'
    ' 35 20 6B 67 0D 0A"'
)
@click.option("--protocol", type=click.Choice(sorted(_PARSERS)), required=True)
@click.option("--hex", "hex_text", help="The bytes in hexadecimal, blanks allowed.")
@click.option("--file", "file", type=click.File("rb"), help="A file of raw bytes, - for standard input.")
@lang_option
def decode(protocol: str, hex_text: str | None, file: Any, lang: Lang | None) -> None:
    """Show what bytes from a reader or a scale mean: one JSON object a line. Exit 1 if no frame is valid."""
    chosen = language(lang)
    if (hex_text is None) == (file is None):
        raise click.UsageError("--hex / --file")
    parser = _PARSERS[protocol]()
    readings: list[TagRead] | list[WeightSample] = parser.feed(
        _from_hex(hex_text, chosen) if hex_text is not None else file.read()
    )
    for reading in readings:
        click.echo(json.dumps(_describe(reading)))
    if not readings:
        raise fail(say(chosen, "nothing_decoded", protocol=protocol, reasons=_reasons(parser.stats)))


def _from_hex(text: str, lang: Lang) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise fail(say(lang, "not_hex", text=text)) from error


def _reasons(stats: FrameStats) -> str:
    rejects = [f"{reason} {count}" for reason, count in sorted(stats.rejects.items())]
    return ", ".join([*rejects, f"noise {stats.noise_bytes} B"])


def _describe(reading: TagRead | WeightSample) -> dict[str, Any]:
    if isinstance(reading, TagRead):
        return {"kind": "card", "id": reading.number}
    fault = {"fault": reading.fault} if reading.fault else {}
    return {"kind": "weight", "grams": reading.grams, "stable": reading.stable, **fault}
