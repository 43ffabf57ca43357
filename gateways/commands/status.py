"""`jongnyang-gateway status`."""

import json
from pathlib import Path
from typing import Any

import click

from gateways.clock import Clock, rfc3339
from gateways.commands.common import config_option, fail, lang_option
from gateways.config import ConfigError, load_config
from gateways.messages import Lang, language, say
from gateways.spool import Spool
from gateways.uplink import spool_status


@click.command(epilog="Example: jongnyang-gateway status --config /etc/jongnyang/gateway.toml --json")
@config_option
@lang_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(config_path: Path, lang: Lang | None, as_json: bool) -> None:
    """Show what waits for the server, beside the running gateway or without it."""
    chosen = language(lang)
    try:
        path = load_config(config_path).spool
    except ConfigError as error:
        raise fail(error.in_words(chosen)) from error
    if not path.exists():
        raise fail(say(chosen, "no_spool", path=path))
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
