"""The command `jongnyang-gateway`."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import structlog

from gateways.api import Server, ServerError
from gateways.box import Box, SpoolInUseError
from gateways.clock import Clock, boot_id, rfc3339, system_time
from gateways.config import EXAMPLE, ConfigError, load_config
from gateways.frames import FrameStats, TagRead, WeightSample
from gateways.frames.cas22 import Cas22Parser
from gateways.frames.rdm6300 import Rdm6300Parser
from gateways.keys import KeyFileError, save_key
from gateways.messages import Lang, language, say
from gateways.meter import Booked
from gateways.simulate import FleetError, Simulation, SimulationSettings, load_fleet
from gateways.simulate.process import BookedLine
from gateways.spool import Spool
from gateways.uplink import spool_status

_PARSERS: Final[dict[str, Callable[[], Rdm6300Parser | Cas22Parser]]] = {
    "rdm6300": Rdm6300Parser,
    "id20la": Rdm6300Parser,
    "cas_22": Cas22Parser,
}
_PARENT_CHECK_S: Final = 0.5

_lang_option = click.option("--lang", type=click.Choice(["ko", "en"]), help="Language; default from LANG, else Korean.")
_config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), required=True, help="The gateway's TOML file."
)


@click.group()
def main() -> None:
    """The gateway at the bins: reads cards and scales, keeps every discharge, sends it to the service."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _fail(text: str) -> click.ClickException:
    return click.ClickException(text)


@main.command(epilog="Example: jongnyang-gateway run --config /etc/jongnyang/gateway.toml")
@_config_option
@_lang_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per record on standard output.")
@click.option("--grace", "grace_s", default=5.0, show_default=True, help="Seconds for sessions under way when stopped.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when the starting process is gone.")
def run(config_path: Path, lang: Lang | None, as_json: bool, grace_s: float, exit_with_parent: bool) -> None:
    """Serve the meters of a config file until SIGTERM or Ctrl-C.

    Records appear on standard output as they become durable, the log on standard error.
    """
    chosen = language(lang)

    def show(line: BookedLine) -> None:
        _print(msgspec.json.encode(line).decode() if as_json else _in_words(line, chosen))

    try:
        box = Box(load_config(config_path), lambda booked: show(_line(booked)))
    except ConfigError as error:
        raise _fail(f"{error}\n\n{EXAMPLE}") from error
    except (KeyFileError, SpoolInUseError) as error:
        raise _fail(str(error)) from error
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: box.stop())
    if exit_with_parent:
        _watch_parent(box.stop)
    box.run(grace_s)


def _watch_parent(stop: Callable[[], None]) -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_S)
        stop()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _line(booked: Booked) -> BookedLine:
    card = booked.draft.card
    return BookedLine(
        at=rfc3339(system_time()),
        meter=booked.meter,
        seq=booked.seq,
        outcome=booked.draft.outcome,
        net_g=booked.draft.net_g,
        last4=card.last4 if card else None,
    )


def _print(text: str) -> None:
    # Whoever read the lines may be gone; the records are in the spool all the same.
    try:
        click.echo(text)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the rest of the process


def _in_words(line: BookedLine, lang: Lang) -> str:
    at = datetime.fromisoformat(line.at).astimezone().strftime("%H:%M:%S")
    card = say(lang, "card", last4=line.last4) if line.last4 else say(lang, "no_card")
    return f"{at}  {line.meter}  {say(lang, line.outcome, grams=line.net_g)}  {card}"


@main.command(
    epilog="Example: jongnyang-gateway claim --url https://meters.example.go.kr --code 7F3K-9QWD --key-file gateway.key"
)
@click.option("--url", required=True, help="The service's address.")
@click.option("--code", required=True, help="The one-time code from the service's gateway page.")
@click.option("--key-file", type=click.Path(path_type=Path), required=True, help="Where to keep the key (mode 0600).")
@click.option("--hardware-id", help="Default: this machine's id.")
@_lang_option
def claim(url: str, code: str, key_file: Path, hardware_id: str | None, lang: Lang | None) -> None:
    """Give this box its identity: exchange a one-time code for its key."""
    chosen = language(lang)
    if key_file.exists():
        raise _fail(say(chosen, "key_exists", path=key_file))
    server = Server(url, Clock())
    try:
        key = server.claim(code, hardware_id or _machine_id())
    except ServerError as error:
        raise _fail(say(chosen, "claim_failed", problem=error)) from error
    finally:
        server.close()
    save_key(key_file, key)
    click.echo(say(chosen, "claimed", gateway=key.gateway, path=key_file))


def _machine_id() -> str:
    path = Path("/etc/machine-id")
    return (path.read_text(encoding="ascii").strip() if path.exists() else "") or boot_id()


@main.command(
    epilog='Example: jongnyang-gateway decode --protocol cas_22 --hex "53 54 2C 47 53 2C 31 C4 2C 30 30 30 30 31 33 2E'
    ' 35 20 6B 67 0D 0A"'
)
@click.option("--protocol", type=click.Choice(sorted(_PARSERS)), required=True)
@click.option("--hex", "hex_text", help="The bytes in hexadecimal, blanks allowed.")
@click.option("--file", "file", type=click.File("rb"), help="A file of raw bytes, - for standard input.")
@_lang_option
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
        raise _fail(say(chosen, "nothing_decoded", protocol=protocol, reasons=_reasons(parser.stats)))


def _from_hex(text: str, lang: Lang) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise _fail(say(lang, "not_hex", text=text)) from error


def _reasons(stats: FrameStats) -> str:
    rejects = [f"{reason} {count}" for reason, count in sorted(stats.rejects.items())]
    return ", ".join([*rejects, f"noise {stats.noise_bytes} B"])


def _describe(reading: TagRead | WeightSample) -> dict[str, Any]:
    if isinstance(reading, TagRead):
        return {"kind": "card", "id": reading.number}
    fault = {"fault": reading.fault} if reading.fault else {}
    return {"kind": "weight", "grams": reading.grams, "stable": reading.stable, **fault}


@main.command(epilog="Example: jongnyang-gateway status --config /etc/jongnyang/gateway.toml --json")
@_config_option
@_lang_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(config_path: Path, lang: Lang | None, as_json: bool) -> None:
    """Show what waits for the server, beside the running gateway or without it."""
    chosen = language(lang)
    try:
        path = load_config(config_path).spool
    except ConfigError as error:
        raise _fail(str(error)) from error
    if not path.exists():
        raise _fail(say(chosen, "no_spool", path=path))
    values = _spool_values(path)
    if as_json:
        click.echo(json.dumps(values))
    else:
        last = values["last_contact"] or say(chosen, "never")
        click.echo(say(chosen, "status", **{**values, "last_contact": last}))


def _spool_values(path: Path) -> dict[str, Any]:
    spool = Spool(path, read_only=True)
    try:
        waiting = spool_status(spool, Clock())
        last = spool.last_contact()
        return {
            "depth": waiting.depth,
            "oldest_age_s": waiting.oldest_age_s,
            "epoch": spool.epoch(),
            "next_seq": spool.next_seq(),
            "last_contact": rfc3339(last) if last else None,
        }
    finally:
        spool.close()


@main.command(
    epilog="Example: jongnyang-gateway simulate --meters 20 --households 500 --rate 60 --url http://127.0.0.1:8000"
)
@click.option("--meters", type=click.IntRange(1), help="At most so many meters of the fleet.")
@click.option("--households", type=click.IntRange(1), help="At most so many cards of the fleet.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=30.0, help="Visits a minute; default 30.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The service's address.")
@click.option("--fleet", "fleet_path", type=click.Path(path_type=Path), default="var/fleet.json", show_default=True)
@click.option("--speed", type=click.FloatRange(1), default=1.0, show_default=True, help="How fast time passes.")
@click.option("--state-dir", type=click.Path(path_type=Path), default="var/gateways", show_default=True)
@click.option("--truth", type=click.Path(path_type=Path), help="Log of true weights; default in the state folder.")
@click.option("--count", type=click.IntRange(1), help="End after so many discharges, all delivered.")
@click.option("--duration", type=click.FloatRange(0), help="End after so many seconds.")
@click.option("--seed", type=int, help="Repeat the same residents.")
@_lang_option
def simulate(fleet_path: Path, truth: Path | None, duration: float | None, lang: Lang | None, **options: Any) -> None:
    """Run meters as pseudo-terminals that speak the real frames, with real gateways on the other side.

    Keys, spools and weights are kept in the state folder: the next run goes on where this one ended.
    """
    chosen = language(lang)
    try:
        fleet = load_fleet(fleet_path)
    except FleetError as error:
        raise _fail(say(chosen, "no_fleet", path=fleet_path, problem=error)) from error
    settings = SimulationSettings(
        fleet=fleet, truth_path=truth, on_booked=lambda line: click.echo(_in_words(line, chosen)), **options
    )
    _simulate(Simulation(settings), settings, duration, chosen)


def _simulate(simulation: Simulation, settings: SimulationSettings, duration: float | None, lang: Lang) -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    try:
        simulation.start()
        fleet = simulation.fleet
        values = {"meters": fleet.meters, "gateways": len(fleet.gateways), "cards": fleet.cards}
        click.echo(say(lang, "simulating", url=settings.url, **values))
        _wait(simulation, settings.count, duration, stopped)
        drops = simulation.drops
    except (ServerError, KeyFileError) as error:
        raise _fail(say(lang, "claim_failed", problem=error)) from error
    finally:
        simulation.stop()
    click.echo(say(lang, "simulated", drops=drops))


def _wait(simulation: Simulation, count: int | None, duration: float | None, stopped: threading.Event) -> None:
    until = time.monotonic() + duration if duration is not None else float("inf")
    while not stopped.wait(0.2) and time.monotonic() < until:
        if count is not None and simulation.drops >= count and simulation.wait_drained(1.0):
            return


if __name__ == "__main__":
    main()
