"""`jongnyang-gateway simulate`."""

import signal
import threading
import time
from pathlib import Path
from typing import Any, Final

import click

from gateways.commands.common import fail, lang_option
from gateways.commands.words import in_words
from gateways.link.api import ServerError
from gateways.link.keys import KeyFileError
from gateways.messages import Lang, language, say
from gateways.simulate import FleetError, Simulation, SimulationSettings, load_fleet
from gateways.simulate.devices import PROTOCOLS, USUAL, MixError
from gateways.simulate.faults import FAULTS, Faults, parse_rates

_ALL: Final = "all"


def _protocols(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
    names = PROTOCOLS if text == _ALL else tuple(filter(None, text.split(",")))
    if unknown := sorted(set(names) - set(PROTOCOLS)):
        raise click.BadParameter(f"{unknown[0]!r}: {_ALL}, {', '.join(PROTOCOLS)}")
    return names


def _rates(_context: click.Context, _parameter: click.Parameter, text: str) -> dict[str, float]:
    try:
        return parse_rates(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(
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
@click.option(
    "--protocols",
    default=",".join(USUAL),
    show_default=True,
    callback=_protocols,
    help=f"Mix of devices: {_ALL}, or some of {', '.join(PROTOCOLS)}.",
)
@click.option(
    "--faults",
    "rates",
    default="",
    callback=_rates,
    help=f"NAME=RATE,…: events a minute at each port or gateway; {_ALL}, {', '.join(FAULTS)}.",
)
@click.option("--seed", type=int, help="Repeat the same residents and faults.")
@lang_option
def simulate(
    fleet_path: Path,
    truth: Path | None,
    duration: float | None,
    rates: dict[str, float],
    lang: Lang | None,
    **options: Any,
) -> None:
    """Run meters as pseudo-terminals that speak the real frames, with real gateways on the other side.

    Keys, spools and weights are kept in the state folder: the next run goes on where this one ended.
    """
    chosen = language(lang)
    try:
        fleet = load_fleet(fleet_path)
    except FleetError as error:
        raise fail(say(chosen, "no_fleet", path=fleet_path, problem=error)) from error
    settings = SimulationSettings(
        fleet=fleet,
        truth_path=truth,
        faults=Faults(rates, options["seed"] or 0),
        on_booked=lambda line: click.echo(in_words(line, chosen)),
        **options,
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
    except MixError as error:
        raise fail(say(lang, "bad_mix", problem=error)) from error
    except (ServerError, KeyFileError) as error:
        raise fail(say(lang, "claim_failed", problem=error)) from error
    finally:
        simulation.stop()
    click.echo(say(lang, "simulated", drops=drops))


def _wait(simulation: Simulation, count: int | None, duration: float | None, stopped: threading.Event) -> None:
    until = time.monotonic() + duration if duration is not None else float("inf")
    while not stopped.wait(0.2) and time.monotonic() < until:
        if count is not None and simulation.drops >= count and simulation.wait_drained(1.0):
            return
