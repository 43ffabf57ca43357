"""`jongnyang-gateway replay`."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateways.commands.common import config_of, config_option, fail, lang_option
from gateways.devices.portlog import log_files
from gateways.devices.replaying import Replay, WouldBook
from gateways.messages import Lang, language, say


@click.command(epilog="Example: jongnyang-gateway replay --config /etc/jongnyang/gateway.toml /var/log/jongnyang")
@config_option
@click.argument("portlog", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object per record on standard output.")
@lang_option
def replay(config_path: Path, portlog: Path, as_json: bool, lang: Lang | None) -> None:
    """Run a recorded port log (a file, or its folder) through parsers and session; show what would have been booked.

    Neither spool nor server are touched. The log holds no list of cards: each counts as a household's.
    """
    chosen = language(lang)
    replayed = Replay(config_of(config_path, chosen))
    records = 0
    for booked in replayed.run(_lines(portlog, chosen)):
        records += 1
        click.echo(json.dumps(_as_json(booked)) if as_json else _in_words(booked, chosen))
    if not replayed.known:
        ports = ", ".join(sorted(replayed.other_ports)) or "-"
        raise fail(say(chosen, "replay_nothing", path=portlog, ports=ports))
    click.echo(say(chosen, "replayed", lines=replayed.lines, records=records, broken=replayed.broken), err=True)


def _lines(path: Path, lang: Lang) -> Iterator[str]:
    files = log_files(path) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        raise fail(say(lang, "replay_missing", path=path))
    for file in files:
        with file.open(encoding="ascii", errors="replace") as lines:
            yield from lines


def _as_json(booked: WouldBook) -> dict[str, Any]:
    draft = asdict(booked.draft)
    return {"at_ms": int(draft.pop("at") * 1000), "meter": booked.meter, **draft}


def _in_words(booked: WouldBook, lang: Lang) -> str:
    draft = booked.draft
    card = say(lang, "card", last4=draft.card.last4) if draft.card else say(lang, "no_card")
    return f"{draft.at:12.3f} s  {booked.meter}  {say(lang, draft.outcome, grams=draft.net_g)}  {card}"
