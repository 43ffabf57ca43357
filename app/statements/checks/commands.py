"""`jongnyang billing board`: how far a month is, and what blocks closing it."""

from datetime import datetime
from typing import Any

import click

from app.access.reach import WHOLE
from app.console import Command, open_database, read_settings, say, say_json
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.statements.board import Board, newest_open
from app.statements.board import board as read_board
from app.statements.checks import words
from app.texts import Text, listed
from app.times import format_instant, now
from billing.units import kilograms

HEAD = Text("{month}  {states}", "{month}  {states}")
STATE = Text("{name} {count}", "{name} {count}")
LINE = Text(
    "{complex}  {name}  {state}  세대 {households}  {kilograms} kg  {won}원  {blocks}",
    "{complex}  {name}  {state}  {households} households  {kilograms} kg  {won} won  {blocks}",
)
WARNED = Text("    {warnings}", "    {warnings}")
NOTHING = Text("", "")
BLOCKED = Text("막힘: {what}", "blocked: {what}")
UNKNOWN = Text("-", "-")


@click.command(
    cls=Command,
    ko="월 마감 현황: 단지마다 상태, 막는 것, 확인할 것",
    example="jongnyang billing board 2026-10 --blocked",
)
@click.argument("month", type=click.DateTime(["%Y-%m"]), required=False)
@click.option("--blocked", is_flag=True, help="Only complexes that cannot be closed yet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
@district_option
def board(month: datetime | None, blocked: bool, as_json: bool, district: str | None) -> None:
    """How far each complex is; the newest month that is not closed unless MONTH says which."""
    moment = now()
    with open_database(read_settings()) as database, database.session() as session:
        district_id = the_district(session, district).id
        first_day = month.date() if month else newest_open(session, district_id, WHOLE, moment)
        found = read_board(session, district_id, first_day, WHOLE, moment)
    rows = [row for row in found.rows if row["blocks"] or not blocked]
    if as_json:
        return say_json(_plain(found, rows))
    counts = (STATE.fill(name=words.STATES[state], count=count) for state, count in found.states.items() if count)
    say(HEAD.fill(month=f"{found.month:%Y-%m}", states=listed(counts)))
    for row in rows:
        say(_line(row))
        if row["warnings"]:
            warned = (STATE.fill(name=words.KINDS[kind], count=count) for kind, count in row["warnings"].items())
            say(WARNED.fill(warnings=listed(warned)))
    return None


def _line(row: dict[str, Any]) -> Text:
    blocks = listed(words.BLOCKS[slug] for slug in row["blocks"])
    return LINE.fill(
        **{"complex": row["complex"], "name": row["complex_name"], "state": words.STATES[row["state"]]},
        **{"households": row["households"], "won": UNKNOWN if row["won"] is None else f"{row['won']:,}"},
        kilograms=UNKNOWN if row["grams"] is None else kilograms(row["grams"]),
        blocks=BLOCKED.fill(what=blocks) if row["blocks"] else NOTHING,
    )


def _plain(found: Board, rows: list[dict[str, Any]]) -> dict[str, Any]:
    items = [row | {"review_until": row["review_until"] and format_instant(row["review_until"])} for row in rows]
    told = {"month": f"{found.month:%Y-%m}", "states": found.states, "warnings": found.warnings, "sums": found.sums}
    return told | {"ready": found.ready, "items": items}
