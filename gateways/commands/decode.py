"""`jongnyang-gateway decode`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from gateways.commands.common import fail, lang_option
from gateways.frames import DeviceProtocol, Options, Parser, Reading, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from gateways.frames.weights import GRAMS
from gateways.messages import Lang, language, say


@click.command(
    epilog='Example: jongnyang-gateway decode --protocol cas_22 --hex "53 54 2C 47 53 2C 31 C4 2C 30 30 30 30 31 33 2E'
    ' 35 20 6B 67 0D 0A"'
)
@click.option("--protocol", type=click.Choice(list(PROTOCOLS)), required=True)
@click.option("--hex", "hex_text", help="The bytes in hexadecimal, blanks allowed.")
@click.option("--file", "file", type=click.File("rb"), help="A file of raw bytes, - for standard input.")
@click.option("--unit", type=click.Choice(list(GRAMS)), help="What the scale shows, for a protocol that sends no unit.")
@click.option(
    "--checksum/--no-checksum",
    default=None,
    help="Whether a Toledo scale sends a check byte; without this option, what follows its frames tells.",
)
@click.option("--framing", type=click.Choice(["BB", "AA"]), help="First byte of a UHF module's frames; default both.")
@lang_option
def decode(
    protocol: str,
    hex_text: str | None,
    file: Any,
    unit: str | None,
    checksum: bool | None,
    framing: str | None,
    lang: Lang | None,
) -> None:
    """Show what bytes from a reader or a scale mean: one JSON object a line. Exit 1 if no frame is valid."""
    chosen = language(lang)
    if (hex_text is None) == (file is None):
        raise click.UsageError("--hex / --file")
    data = _from_hex(hex_text, chosen) if hex_text is not None else file.read()
    parser = _parser(PROTOCOLS[protocol], Options(unit, checksum, framing), data)
    readings = parser.feed(data)
    if PROTOCOLS[protocol].needs_unit and unit is None and any(_has_grams(reading) for reading in readings):
        raise fail(say(chosen, "decode_needs_unit", protocol=protocol, units=", ".join(GRAMS)))
    _show(readings)
    if not readings:
        raise fail(say(chosen, "nothing_decoded", protocol=protocol, reasons=_reasons(parser, len(data))))


def _from_hex(text: str, lang: Lang) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise fail(say(lang, "not_hex", text=text)) from error


def _parser(protocol: DeviceProtocol, options: Options, data: bytes) -> Parser:
    """The parser for these options; what they leave open is told by the bytes, or means nothing."""
    if options.checksum is None:
        options = replace(options, checksum=protocol.infer(data).checksum)
    if protocol.needs_unit and options.unit is None:
        # Faults and replies have no unit; a weight read with this one is not shown.
        options = replace(options, unit="kg")
    return protocol.make(options)


def _has_grams(reading: Reading) -> bool:
    return isinstance(reading, WeightSample) and reading.grams is not None


def _show(readings: Sequence[Reading]) -> None:
    for reading in readings:
        click.echo(json.dumps(_describe(reading)))


def _reasons(parser: Parser, length: int) -> str:
    rejects = [f"{reason} {count}" for reason, count in sorted(parser.stats.rejects.items())]
    unfinished = length - parser.stats.noise_bytes
    rest = [f"unfinished {unfinished} B"] if unfinished else []
    return ", ".join([*rejects, f"noise {parser.stats.noise_bytes} B", *rest])


def _describe(reading: Reading) -> dict[str, Any]:
    if isinstance(reading, TagRead):
        return {"kind": "card", "id": reading.number}
    if isinstance(reading, WeightSample):
        fault = {"fault": reading.fault} if reading.fault else {}
        return {"kind": "weight", "grams": reading.grams, "stable": reading.stable, **fault}
    value = {"value": reading.value} if reading.value is not None else {}
    return {"kind": "reply", "name": reading.name, **value}
