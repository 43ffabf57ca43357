"""`jongnyang-gateway probe`."""

import json
from collections.abc import Iterator
from typing import Any, Final

import click

from gateways.commands.common import fail, lang_option
from gateways.devices.ports import may_swap, steady_name
from gateways.devices.probing import Candidate, Findings, PortUnusableError
from gateways.devices.probing import probe as find_out
from gateways.messages import Lang, language, say

_SHOWN_CANDIDATES: Final = 3
_NAMED_ERRORS: Final = ("missing", "in_use", "denied", "unplugged")


@click.command(epilog="Example: jongnyang-gateway probe /dev/serial/by-id/usb-FTDI_A1-if00-port0 --ask")
@click.argument("port")
@click.option("--seconds", type=click.FloatRange(0.1), default=5.0, show_default=True, help="How long to listen.")
@click.option("--ask", is_flag=True, help="Send the questions of devices that only answer.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@lang_option
def probe(port: str, seconds: float, ask: bool, as_json: bool, lang: Lang | None) -> None:
    """Guess what is on a serial port: protocol, line settings, and what it says. Cards show their last four digits.

    Listens only; a device that waits for questions needs --ask. Exit 1 if nothing was found out.
    """
    chosen = language(lang)
    if not as_json:
        click.echo(say(chosen, "probe_listening", port=port, seconds=f"{seconds:g}"), err=True)
    try:
        findings = find_out(port, seconds, ask=ask)
    except PortUnusableError as error:
        raise fail(_unusable(port, str(error), chosen)) from error
    if as_json:
        click.echo(json.dumps(_as_json(port, findings), ensure_ascii=False))
    elif findings.candidates:
        click.echo("\n".join(_lines(port, findings, chosen)))
    if not findings.candidates:
        raise fail(_nothing(port, findings, ask, chosen))


def _unusable(port: str, error: str, lang: Lang) -> str:
    key = f"probe_{error}" if error in _NAMED_ERRORS else "probe_unusable"
    return say(lang, key, port=port, error=error.removeprefix("io: "))


def _nothing(port: str, findings: Findings, ask: bool, lang: Lang) -> str:
    hint = "" if ask else say(lang, "probe_try_ask")
    if not findings.byte_count:
        return say(lang, "probe_silent", port=port, hint=hint)
    printable = round(100 * findings.printable)
    return say(lang, "probe_no_frame", port=port, bytes=findings.byte_count, printable=printable, hint=hint)


def _lines(port: str, findings: Findings, lang: Lang) -> Iterator[str]:
    shown = findings.candidates[:_SHOWN_CANDIDATES]
    for rank, candidate in enumerate(shown, 1):
        yield say(
            lang,
            "probe_candidate",
            rank=rank,
            protocol=candidate.protocol.name,
            kind=say(lang, candidate.protocol.kind),
            line=_line(candidate),
            frames=candidate.frames,
            percent=round(100 * candidate.score),
        )
        yield from (f"     {json.dumps(reading, ensure_ascii=False)}" for reading in candidate.readings)
    if len(shown) > 1:
        yield say(lang, "probe_more")
    yield "\n" + say(lang, "probe_write")
    yield table(port, shown[0], say(lang, "probe_check_unit"))


def _line(candidate: Candidate) -> str:
    line = candidate.line
    return f"{line.baudrate} {line.bytesize}{line.parity}{line.stopbits}"


def table(port: str, candidate: Candidate, unit_note: str) -> str:
    """Return the TOML table for the config file: only what differs from the protocol's usual settings."""
    protocol, options = candidate.protocol, candidate.options
    steady = steady_name(port) if may_swap(port) else None
    values: dict[str, Any] = {"port": steady or port, "protocol": protocol.name}
    for name in ("baudrate", "bytesize", "parity", "stopbits"):
        if getattr(candidate.line, name) != getattr(protocol.line, name):
            values[name] = getattr(candidate.line, name)
    values |= {name: value for name in ("checksum", "framing") if (value := getattr(options, name)) is not None}
    values |= {"identity": candidate.identity} if candidate.identity else {}
    values |= {} if protocol.sends_stability else {"stability": "inferred"}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    lines += [f'unit = "{options.unit}"  # {unit_note}'] if options.unit else []
    return "\n".join([f"[meters.{protocol.kind}]", *lines])


def _as_json(port: str, findings: Findings) -> dict[str, Any]:
    return {
        "port": port,
        "bytes": findings.byte_count,
        "printable": round(findings.printable, 2),
        "candidates": [
            {
                "protocol": candidate.protocol.name,
                "kind": candidate.protocol.kind,
                "line": _line(candidate),
                "score": candidate.score,
                "asked": candidate.asked,
                "frames": candidate.frames,
                "rejects": candidate.rejects,
                "noise_bytes": candidate.noise_bytes,
                "identity": candidate.identity,
                "readings": candidate.readings,
                "toml": table(port, candidate, say("en", "probe_check_unit")),
            }
            for candidate in findings.candidates
        ],
    }
