"""`jongnyang rollups …` and `jongnyang quarantine …`."""

import json
from typing import Any

import click

from app.console import Command, Group, actor, open_database, say, say_json
from app.db import Database
from app.metering import queries
from app.metering import service as metering
from app.metering.effective import Difference
from app.registry.districts import the_district
from app.texts import Refused, Text
from app.times import format_instant

AGREE = Text("집계가 원장과 일치합니다.", "The rollups agree with the ledger.")
DIFFER = Text(
    "집계 {count}건이 원장과 다릅니다. 다시 만들려면: jongnyang rollups rebuild",
    "{count} rollup rows differ from the ledger. To write them anew: jongnyang rollups rebuild",
)
DIFFERENCE = Text("{table} {key}: 집계 {stored}, 원장 {ledger}", "{table} {key}: stored {stored}, ledger {ledger}")
REBUILT = Text("{table}: {rows}행을 다시 만들었습니다.", "{table}: wrote {rows} rows anew.")
NOTHING = Text("보류된 기록이 없습니다.", "Nothing is in quarantine.")
KEPT = Text(
    "{id}  {received_at}  {gateway} 번호 {seq}  {code}: {detail}",
    "{id}  {received_at}  {gateway} number {seq}  {code}: {detail}",
)
RELEASED = Text("보류 {id}번을 원장에 기록했습니다: {number}", "Released {id} into the ledger: {number}")
DISCARDED = Text("보류 {id}번을 원장에 넣지 않기로 했습니다.", "Discarded {id}; the record itself is kept.")
NOT_JSON = Text(
    "--corrected는 JSON 객체여야 합니다. 예: '{{\"net_g\": 410}}'",
    "--corrected takes a JSON object such as '{{\"net_g\": 410}}'.",
)

district_option = click.option("--district", metavar="CODE", help="District, where there are several.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
SHOWN = 20


@click.group(cls=Group, ko="집계를 원장과 대조하거나 다시 만듭니다.", example="jongnyang rollups check")
def rollups() -> None:
    """Compare the rollups with the ledger, or write them anew."""


@rollups.command(
    cls=Command, ko="집계를 원장과 대조합니다. 다르면 1로 끝납니다.", example="jongnyang rollups check --json"
)
@district_option
@json_option
def check(district: str | None, as_json: bool) -> None:
    """Compare the rollups with the ledger; ends with 1 where they differ."""
    with open_database() as database:
        found = metering.check_rollups(database, _district_id(database, district))
    if as_json:
        say_json([_plain(difference) for difference in found])
    else:
        _tell(found)
    if found:
        raise click.exceptions.Exit(1)


def _tell(found: list[Difference]) -> None:
    for difference in found[:SHOWN]:
        say(DIFFERENCE.fill(**_plain(difference)))
    say(DIFFER.fill(count=len(found)) if found else AGREE)


def _plain(difference: Difference) -> dict[str, Any]:
    return difference._asdict() | {"key": [str(part) for part in difference.key]}


@rollups.command(
    cls=Command, ko="원장에서 집계를 다시 만듭니다. 그동안 수신은 기다립니다.", example="jongnyang rollups rebuild"
)
@district_option
def rebuild(district: str | None) -> None:
    """Write the rollups anew from the ledger; ingest waits meanwhile."""
    with open_database() as database:
        written = metering.rebuild_rollups(database, _district_id(database, district), actor())
    for table, rows in written.items():
        say(REBUILT.fill(table=table, rows=rows))


@click.group(cls=Group, ko="받아들일 수 없어 보류된 기록", example="jongnyang quarantine list")
def quarantine() -> None:
    """Records that could not be accepted, kept as they came."""


@quarantine.command(
    "list", cls=Command, ko="보류된 기록을 보입니다.", example="jongnyang quarantine list --state all --json"
)
@click.option("--state", type=click.Choice(["open", "decided", "all"]), default="open", show_default=True)
@click.option("--after", type=click.IntRange(0, 2**31 - 1), default=0, metavar="ID", help="Go on after this record.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@district_option
@json_option
def list_(state: str, after: int, limit: int, district: str | None, as_json: bool) -> None:
    """Show quarantined records, oldest first."""
    with open_database() as database, database.session() as session:
        items = queries.quarantine_page(session, the_district(session, district).id, state, after, limit)
    if as_json:
        say_json([{name: _printable(value) for name, value in item.items()} for item in items])
        return
    for item in items:
        say(KEPT.fill(**(item | {"received_at": format_instant(item["received_at"])})))
    if not items:
        say(NOTHING)


@quarantine.command(
    cls=Command,
    ko="보류된 기록을 원장에 기록합니다. 틀린 항목은 --corrected로 고칩니다.",
    example="jongnyang quarantine release 12 --note '종량기 등록 후' --actor kim\n"
    "jongnyang quarantine release 13 --note '수기 확인' --actor kim --corrected '{\"net_g\": 410}'",
)
@click.argument("quarantine_id", type=click.IntRange(1, 2**31 - 1), metavar="ID")
@click.option("--note", required=True, help="Why; it stays with the record.")
@click.option("--actor", required=True, help="Who decided.")
@click.option("--corrected", default="{}", metavar="JSON", help="Fields to correct, as in the record.")
@district_option
def release(quarantine_id: int, note: str, actor: str, corrected: str, district: str | None) -> None:
    """Book a quarantined record after all."""
    fields = _object(corrected)
    with open_database() as database:
        district_id = _district_id(database, district)
        number = metering.release_record(database, district_id, quarantine_id, note, actor, fields)
    say(RELEASED.fill(id=quarantine_id, number=number))


@quarantine.command(
    cls=Command,
    ko="보류된 기록을 원장에 넣지 않기로 합니다.",
    example="jongnyang quarantine discard 12 --note '시험 기록' --actor kim",
)
@click.argument("quarantine_id", type=click.IntRange(1, 2**31 - 1), metavar="ID")
@click.option("--note", required=True, help="Why; it stays with the record.")
@click.option("--actor", required=True, help="Who decided.")
@district_option
def discard(quarantine_id: int, note: str, actor: str, district: str | None) -> None:
    """Decide that a quarantined record stays out of the ledger."""
    with open_database() as database:
        metering.discard(database, _district_id(database, district), quarantine_id, note, actor)
    say(DISCARDED.fill(id=quarantine_id))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(NOT_JSON.fill())
    return value


def _printable(value: Any) -> Any:
    return value if isinstance(value, (str, int, type(None))) else format_instant(value)


def _district_id(database: Database, code: str | None) -> int:
    with database.session() as session:
        return the_district(session, code).id
