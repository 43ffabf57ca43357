"""`jongnyang volumes`: what was thrown away, on the terminal, as JSON or as CSV."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import click
from marshmallow import ValidationError

from app.console import Group, language, open_database, say, say_json
from app.db import Database
from app.metering.reported.commands import anomalies
from app.metering.reported.models import LEVELS
from app.metering.volumes import places, tables
from app.metering.volumes.answers import Answer, every_row
from app.metering.volumes.asking import LEDGER, SOURCES
from app.metering.volumes.model import PER, Place
from app.metering.volumes.schemas import VolumeArguments, VolumeSchema
from app.metering.volumes.slots import BY
from app.registry.districts import the_district
from app.texts import Refused, Text
from app.times import now

NO_COMPLEX = Text(
    "단지 {code}은(는) 등록되어 있지 않습니다. 단지 목록: jongnyang volumes --by complex",
    "Complex {code} is not registered. To see which are: jongnyang volumes --by complex",
)
NO_DONG = Text(
    "동 {code}은(는) 등록되어 있지 않습니다. 동 목록: jongnyang volumes --by dong",
    "Dong {code} is not registered. To see which are: jongnyang volumes --by dong",
)
NOTHING = Text(
    "이 기간에 해당하는 자료가 없습니다. 기간(--month, --from, --to)과 출처(--source)를 확인하세요.",
    "There is nothing for this time. Check --month, --from, --to and --source.",
)
BROKEN_RANGE = Text(
    "기간을 알 수 없습니다. --month 2026-10 또는 --from 2026-10-01 --to 2026-10-31처럼 하나만 적고, "
    "시작일은 종료일보다 늦지 않게 하세요.",
    "The range cannot be read. Write --month 2026-10, or --from 2026-10-01 --to 2026-10-31 with the first day no later "
    "than the last; not both.",
)
TWO_PLACES = Text("--complex와 --dong 가운데 하나만 주세요.", "Give one of --complex and --dong.")
HEADINGS = {
    "name": Text("이름", "name"),
    "start": Text("부터", "from"),
    "count": Text("건수", "count"),
    "grams": Text("중량(g)", "grams"),
    "won": Text("금액(원)", "won"),
    "grams_per_household_day": Text("g/세대·일", "g/hh·day"),
    "reporting": Text("종량기 보고", "meters"),
    "places_reporting": Text("보고 장소", "places"),
    "usual_grams": Text("평소(g)", "usual g"),
    "condition": Text("상태", "condition"),
}
CONDITIONS = {
    "complete": Text("정상", "complete"),
    "fall": Text("실제 감소", "real fall"),
    "silent_meter": Text("종량기 무응답", "silent meter"),
    "outage": Text("게이트웨이 두절", "outage"),
    "no_meters": Text("종량기 없음", "no meters"),
    "too_early": Text("집계 중", "too early"),
}
LEDGER_TABLE = (
    *("name", "start", "count", "grams", "grams_per_household_day", "reporting", "usual_grams"),
    "condition",
)
REPORTED_TABLE = ("name", "start", "count", "grams", "won", "places_reporting")


@click.group(
    "volumes",
    cls=Group,
    invoke_without_command=True,
    ko="배출량을 봅니다: 무엇이 언제 어디서 배출되었고, 종량기가 듣고 있었는지.",
    example="jongnyang volumes --by complex --month 2026-10\n"
    "jongnyang volumes --by day --complex W0G001 --month 2026-10 --csv > october.csv\n"
    "jongnyang volumes --source jeju --by dong --month 2018-02 --json",
)
@click.option(
    "--by",
    type=click.Choice([*PER, *BY]),
    default="day",
    show_default=True,
    help="A row for each of these.",
)
@click.option("--month", metavar="YYYY-MM", help="A calendar month; default: the last 31 days.")
@click.option("--from", "from_", metavar="YYYY-MM-DD", help="First day.")
@click.option("--to", metavar="YYYY-MM-DD", help="Last day, included.")
@click.option("--complex", "complex_", metavar="CODE", help="Only this complex.")
@click.option("--dong", metavar="CODE", help="Only this dong.")
@click.option("--source", type=click.Choice(SOURCES), default=LEDGER, show_default=True, help="Whose figures.")
@click.option("--level", type=click.Choice(LEVELS), help="Of a source that published several; default: the narrowest.")
@click.option("--district", metavar="CODE", help="District, where there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.pass_context
def volumes(context: click.Context, /, as_json: bool, as_csv: bool, **options: Any) -> None:
    """Show what was thrown away, where and when, and whether the meters were listening."""
    if context.invoked_subcommand is not None:
        return
    arguments = _arguments(options)
    with open_database() as database:
        asked = _asked(database, options, arguments)
        with database.reading() as connection:
            schema = VolumeSchema()
            rows = [schema.dump(row) for row in every_row(connection, asked)]
    if as_json:
        say_json([tables.flat(row) for row in rows])
    elif as_csv:
        click.echo("".join(tables.as_csv(rows, asked.columns)), nl=False)
    elif rows:
        _show(rows, LEDGER_TABLE if asked.source == LEDGER else REPORTED_TABLE)
    else:
        say(NOTHING)


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    given = {name: options[name] for name in ("month", "to", "source", "level")} | {"from": options["from_"]}
    given["per" if options["by"] in PER else "by"] = options["by"]
    try:
        found: dict[str, Any] = VolumeArguments().load({name: value for name, value in given.items() if value})
    except ValidationError as error:
        raise Refused(BROKEN_RANGE) from error
    return found | {"compare": True}


def _asked(database: Database, options: dict[str, Any], arguments: dict[str, Any]) -> Answer:
    if options["complex_"] and options["dong"]:
        raise Refused(TWO_PLACES)
    with database.session() as session:
        district = the_district(session, options["district"])
        place: Place | None = Place("district", 0, district.code, district.name)
        if code := options["complex_"]:
            place, refusal = places.complex_by_code(session, district.id, code), NO_COMPLEX
        elif code := options["dong"]:
            place, refusal = places.dong_by_code(session, district.id, code), NO_DONG
        if place is None:
            raise Refused(refusal.fill(code=code))
    return Answer(district.id, place, arguments, now())


def _show(rows: list[dict[str, Any]], columns: Sequence[str]) -> None:
    """A table whose columns line up, Hangul being twice as wide as a digit."""
    spoken = language()
    lines = [[HEADINGS[name].said(spoken) for name in columns]]
    lines += [[_cell(tables.flat(row), name, spoken) for name in columns] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(map(_padded, line, widths, columns)).rstrip())


def _cell(row: dict[str, Any], name: str, spoken: str) -> str:
    if name == "reporting":
        return f"{row['meters_reporting']}/{row['meters']}"
    if name == "places_reporting":
        return f"{row['places_reporting']}/{row['places']}"
    if name == "condition":
        return CONDITIONS[row["condition"]].said(spoken)
    value = row[name]
    return f"{value:,}" if isinstance(value, (int, float)) else (value or "–")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, column: str) -> str:
    space = " " * (width - _width(text))
    return text + space if column in ("name", "start", "condition") else space + text


volumes.add_command(anomalies)
