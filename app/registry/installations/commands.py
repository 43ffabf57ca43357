"""`jongnyang installation …`: what was installed by year and kind, and what is to be."""

from pathlib import Path

import click

from app.console import Command, Group, actor, say, say_json
from app.registry.gateway_commands import district_option
from app.registry.installations import queries, service
from app.registry.installations.files import read_counts
from app.registry.installations.models import KINDS, STATES
from app.registry.terminal import as_json, dry_run_option, in_district, printable
from app.texts import Text
from app.times import now

MOST = 1_000  # applications in a list
NAMES = {"meter": Text("RFID 종량기", "meters"), "reducer": Text("대형감량기", "reducers")}
TAKEN_IN = Text(
    "연도별 설치 대수 {rows}건 중 {changed}건을 새로 등록하거나 고쳤습니다.",
    "{rows} counts of years, {changed} of them new or other than before.",
)
DRY_RUN = Text("미리 보기라서 아무것도 바꾸지 않았습니다.", "This was a dry run: nothing was changed.")
TARGET = Text("{year}년 {kind} 목표를 {units:,}대로 정했습니다.", "The target of {year} is {units:,} {kind}.")
YEAR = Text(
    "{kind}  {until}{year}년  설치 {installed:,}  누적 {cumulative:,}  목표 {target}",
    "{kind}  {until}{year}  installed {installed:,}  in all {cumulative:,}  target {target}",
)
NO_YEARS = Text(
    "아직 설치 기록이 없습니다. 이전 기록: jongnyang installation import FILE",
    "Nothing was installed yet. Earlier years: jongnyang installation import FILE",
)
LISTED = Text(
    "#{id}  {complex}  {kind} {units}  {state} {on_day}", "#{id}  {complex}  {units} {kind}  {state} {on_day}"
)
NO_APPLICATIONS = Text("신청이 없습니다.", "There is no application.")


@click.group("installation", cls=Group, ko="설치 사업: 연도별 대수, 목표, 신청", example="jongnyang installation table")
def installations() -> None:
    """The programme: what was installed by year, targets and applications."""


@installations.command(
    "import",
    cls=Command,
    ko="이전 시스템의 연도별 설치 대수를 가져옵니다: CSV(kind,year,units[,until]) 또는 구의 설치 현황표(탭 구분).",
    example="jongnyang installation import installed.csv --dry-run",
)
@click.argument("file", type=click.Path(path_type=Path))
@dry_run_option
@district_option
def import_command(file: Path, dry_run: bool, district: str | None) -> None:
    """Take in what was installed by year: CSV (kind,year,units[,until]) or the district's own table with tabs."""
    counts = read_counts(file)
    with in_district(district) as (session, district_id):
        changed = service.set_counts(session, district_id, counts, actor(), now())
        say(TAKEN_IN.fill(rows=len(counts), changed=changed))
        if dry_run:
            say(DRY_RUN)
            session.rollback()


@installations.command(
    cls=Command, ko="한 해의 설치 목표를 정합니다.", example="jongnyang installation target meter 2027 70"
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("year", type=int)
@click.argument("units", type=int)
@district_option
def target(kind: str, year: int, units: int, district: str | None) -> None:
    """Set how many are to be installed in a year."""
    with in_district(district) as (session, district_id):
        service.set_target(session, district_id, kind, year, units, actor(), now())
    say(TARGET.fill(kind=NAMES[kind], year=year, units=units))


@installations.command(cls=Command, ko="연도별 설치 대수를 보입니다.", example="jongnyang installation table --json")
@as_json
@district_option
def table(json_: bool, district: str | None) -> None:
    """Show what was installed by year and kind, with targets."""
    with in_district(district) as (session, district_id):
        found = queries.table(session, district_id)
    if json_:
        say_json({kind: [year._asdict() | {"share": year.share} for year in years] for kind, years in found.items()})
        return
    for kind, years in found.items():
        for year in years:
            more = {"kind": NAMES[kind], "until": "~" if year.until else "", "target": year.target or "–"}
            say(YEAR.fill(**year._asdict() | more))
    if not any(found.values()):
        say(NO_YEARS)


@installations.command(
    "list", cls=Command, ko="신청을 보입니다.", example="jongnyang installation list --state applied"
)
@click.option("--state", type=click.Choice(STATES))
@as_json
@district_option
def list_command(state: str | None, json_: bool, district: str | None) -> None:
    """Show the applications of complexes, the newest first."""
    with in_district(district) as (session, district_id):
        rows = queries.application_page(session, district_id, state=state or "", limit=MOST)
    if json_:
        say_json(printable(rows))
        return
    for row in rows:
        say(LISTED.fill(**row | {"kind": NAMES[row["kind"]]}))
    if not rows:
        say(NO_APPLICATIONS)
