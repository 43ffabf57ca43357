"""`jongnyang-gateway status`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from gateways.commands.common import config_of, config_option, doubt_of_name, fail, lang_option
from gateways.health.overview import MeterView, Overview, PortView, Trouble, overview
from gateways.messages import Lang, language, say

ERRORS: Final = frozenset(
    ("missing", "in_use", "denied", "unplugged", "moved", "stuck", "wrong_device", "no_frames", "identity_unanswered")
)


@click.command(epilog="Example: jongnyang-gateway status --config /etc/jongnyang/gateway.toml --json")
@config_option
@lang_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(config_path: Path, lang: Lang | None, as_json: bool) -> None:
    """Show how the gateway does: process, ports, what waits for the server, clock, disk, cards, faults.

    Exit 0: all is well. Exit 1: something needs somebody (`trouble` in the JSON), or the config cannot be used.
    """
    chosen = language(lang)
    config = config_of(config_path, chosen)
    try:
        seen = overview(config)
    except FileNotFoundError as error:
        raise fail(say(chosen, "no_spool", path=config.spool)) from error
    except PermissionError as error:
        raise fail(say(chosen, "no_permission", path=error.filename)) from error
    click.echo(msgspec.json.encode(seen).decode() if as_json else "\n".join(_lines(seen, chosen)))
    if seen.trouble:
        raise SystemExit(1)


def _lines(seen: Overview, lang: Lang) -> Iterator[str]:
    never, unknown = say(lang, "never"), say(lang, "unknown")
    known = {name: unknown if value is None else value for name, value in msgspec.structs.asdict(seen).items()}
    yield say(lang, "status_process" if seen.running else "status_no_process", **known)
    if seen.running:
        yield say(lang, "status_clock", quality=say(lang, f"clock_{seen.clock or 'unset'}"), now=known["now"])
    yield say(lang, "status_spool", **known)
    last = never if seen.last_contact is None else seen.last_contact
    yield say(lang, "status_contact", last=last, age=_age(seen.last_contact_age_s, lang))
    acknowledged = never if seen.last_acknowledged is None else seen.last_acknowledged
    yield say(lang, "status_acknowledged", last=acknowledged, age=_age(seen.last_acknowledged_age_s, lang))
    yield say(lang, "status_disk", spool=_megabytes(seen.spool_bytes), free=_megabytes(seen.free_bytes))
    yield say(lang, "status_cards", count=seen.cards.count, age=_age(seen.cards.age_s, lang))
    if seen.commands:
        yield say(lang, "status_commands", commands=", ".join(seen.commands))
    for meter in seen.meters:
        yield from _meter_lines(meter, lang)
    for trouble in seen.trouble:
        yield say(lang, "status_trouble", text=_in_words(trouble, lang))


def _meter_lines(meter: MeterView, lang: Lang) -> Iterator[str]:
    kilograms = "-" if meter.gross_g is None else f"{meter.gross_g / 1000:.2f}"
    fill = "-" if meter.fill_percent is None else meter.fill_percent
    yield say(
        lang, "status_meter", meter=meter.meter, kilograms=kilograms, fill=fill, lid=say(lang, f"lid_{meter.lid}")
    )
    for device, port in meter.ports.items():
        yield _port_line(device, port, lang)


def _port_line(device: str, port: PortView, lang: Lang) -> str:
    rejects = ", ".join(f"{reason} {count}" for reason, count in sorted(port.rejects.items())) or "0"
    text = say(
        lang,
        "status_port",
        device=say(lang, device),
        path=port.path,
        state=say(lang, "port_open" if port.open else "port_closed"),
        frames=port.frames,
        rejects=rejects,
        noise=port.noise_bytes,
        error=_error(port.last_error, lang),
    )
    note = doubt_of_name(port.path, lang)
    return f"{text}\n    {note}" if note else text


def _in_words(trouble: Trouble, lang: Lang) -> str:
    values = dict(trouble.values)
    if "device" in values:
        values |= {"device": say(lang, str(values["device"])), "error": _error(str(values["error"]), lang)}
    return say(lang, trouble.key, **values)


def _error(code: str | None, lang: Lang) -> str:
    """Say what a port's `last_error` means; the system's own text stays as it is."""
    if not code:
        return "-"
    return say(lang, f"error_{code}") if code in ERRORS else code


def _age(seconds: int | None, lang: Lang) -> str:
    return "-" if seconds is None else say(lang, "age", seconds=seconds)


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.1f}"
