"""`jongnyang vendor …`: manufacturers and sales points, one by one or from a file."""

from datetime import datetime
from pathlib import Path

import click

from app.console import Command, Group, actor, say, say_json
from app.registry.gateway_commands import district_option
from app.registry.models import VENDOR_KINDS
from app.registry.terminal import as_json, day_type, dry_run_option, in_district, printable
from app.registry.vendors import queries, service
from app.registry.vendors.files import take_in
from app.texts import Text
from app.times import now

MOST = 100_000
KINDS = {"manufacturer": Text("제작업체", "manufacturer"), "sales_point": Text("지정판매소", "sales point")}
ADDED = Text("업체 {code} {name}을(를) 등록했습니다.", "Vendor {code} {name} was added.")
ENDED = Text("업체 {code}의 지정을 {day}에 끝냈습니다.", "Vendor {code} ends on {day}.")
TAKEN_IN = Text("행 {rows}개 중 {added}개 등록, {skipped}개 건너뜀", "{rows} rows: {added} added, {skipped} skipped")
DRY_RUN = Text("미리 보기라서 아무것도 바꾸지 않았습니다.", "This was a dry run: nothing was changed.")
LISTED = Text("{code}  {kind}  {name}  {address}{ended}", "{code}  {kind}  {name}  {address}{ended}")
UNTIL = Text("  (~{day})", "  (until {day})")
NO_VENDORS = Text(
    "해당하는 업체가 없습니다. 등록: jongnyang vendor add --help",
    "There is no such vendor. Add one: jongnyang vendor add --help",
)
kind_option = click.option("--kind", type=click.Choice(VENDOR_KINDS), required=True)


@click.group("vendor", cls=Group, ko="업체: 봉투 제작업체와 지정판매소", example="jongnyang vendor list")
def vendors() -> None:
    """Manufacturers of bags and designated sales points."""


@vendors.command(
    cls=Command, ko="업체를 등록합니다.", example="jongnyang vendor add SP-9469 '등촌마트' --kind sales_point"
)
@click.argument("code")
@click.argument("name")
@kind_option
@click.option("--business-number", default="", help="Ten digits.")
@click.option("--representative", default="")
@click.option("--phone", default="")
@click.option("--email", default="")
@click.option("--address", default="")
@district_option
def add(code: str, name: str, kind: str, district: str | None, **fields: str) -> None:
    """Add a vendor."""
    with in_district(district) as (session, district_id):
        service.add(session, district_id, code, kind, {"name": name} | fields, actor(), now())
    say(ADDED.fill(code=code, name=name))


@vendors.command(
    cls=Command, ko="업체의 지정을 끝냅니다.", example="jongnyang vendor end SP-9469 --on 2026-12-31 --reason 폐업"
)
@click.argument("code")
@click.option("--on", "day", type=day_type, required=True, help="From this day on it is none.")
@click.option("--reason", required=True)
@district_option
def end(code: str, day: datetime, reason: str, district: str | None) -> None:
    """A vendor is one no longer from a day on."""
    with in_district(district) as (session, district_id):
        service.end(session, district_id, code, day.date(), reason, actor(), now())
    say(ENDED.fill(code=code, day=day.date()))


@vendors.command(
    "import",
    cls=Command,
    ko="업체 목록(CSV: name,address[,src_id,business_number,representative,phone,email,memo])을 가져옵니다.",
    example="jongnyang vendor import sales_points.csv --kind sales_point --dry-run",
)
@click.argument("file", type=click.Path(path_type=Path))
@kind_option
@dry_run_option
@district_option
def import_command(file: Path, kind: str, dry_run: bool, district: str | None) -> None:
    """Take in a list: name,address[,src_id,business_number,representative,phone,email,memo]."""
    with in_district(district) as (session, district_id):
        taken = take_in(session, district_id, file, kind, actor(), now())
        for told in taken.told:
            say(told)
        say(TAKEN_IN.fill(rows=taken.rows, added=len(taken.codes), skipped=taken.rows - len(taken.codes)))
        if dry_run:
            say(DRY_RUN)
            session.rollback()


@vendors.command("list", cls=Command, ko="업체를 보입니다.", example="jongnyang vendor list --kind sales_point --json")
@click.option("--kind", type=click.Choice(VENDOR_KINDS))
@as_json
@district_option
def list_command(kind: str | None, json_: bool, district: str | None) -> None:
    """Show the vendors."""
    with in_district(district) as (session, district_id):
        rows = queries.vendor_page(session, district_id, kind=kind or "", limit=MOST)
    if json_:
        say_json(printable(rows))
        return
    for row in rows:
        ended = UNTIL.fill(day=row["ended_on"]) if row["ended_on"] else ""
        say(LISTED.fill(**row | {"kind": KINDS[row["kind"]], "address": row["address"] or "", "ended": ended}))
    if not rows:
        say(NO_VENDORS)
