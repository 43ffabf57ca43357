"""`jongnyang-gateway run`."""

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import msgspec

from gateways.booked import BookedLine
from gateways.box import Box, SpoolInUseError
from gateways.clock import rfc3339, system_time
from gateways.commands.common import config_of, config_option, fail, lang_option
from gateways.commands.words import in_words
from gateways.health.notify import Notifier
from gateways.link.keys import KeyFileError
from gateways.messages import Lang, language, say
from gateways.meter import Booked

_PARENT_CHECK_S: Final = 0.5


@click.command(epilog="Example: jongnyang-gateway run --config /etc/jongnyang/gateway.toml")
@config_option
@lang_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per record on standard output.")
@click.option("--grace", "grace_s", default=5.0, show_default=True, help="Seconds for sessions under way when stopped.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when the starting process is gone.")
def run(config_path: Path, lang: Lang | None, as_json: bool, grace_s: float, exit_with_parent: bool) -> None:
    """Serve the meters of a config file until SIGTERM or Ctrl-C.

    Records appear on standard output as they become durable, the log on standard error.
    """
    chosen = language(lang)

    def show(line: BookedLine) -> None:
        _print(msgspec.json.encode(line).decode() if as_json else in_words(line, chosen))

    config = config_of(config_path, chosen)
    try:
        box = Box(config, lambda booked: show(_line(booked)), Notifier.from_environment())
    except KeyFileError as error:
        raise fail(error.in_words(chosen)) from error
    except SpoolInUseError as error:
        raise fail(say(chosen, "spool_in_use", path=config.spool)) from error
    except sqlite3.OperationalError as error:
        raise fail(say(chosen, "spool_unusable", path=config.spool, problem=error)) from error
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
