"""`jongnyang import …`: files of others into the registry, and back out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.console import Command, Group, actor, language, open_database, say, say_json
from app.db import Database
from app.registry.imports import service
from app.registry.imports.queries import Past, past_imports
from app.registry.imports.rendering import as_text
from app.registry.imports.report import Report, as_json
from app.registry.imports.sheets import File
from app.registry.imports.words import KINDS, shown
from app.texts import Text
from app.times import format_instant, now

NO_IMPORTS = Text(
    "아직 가져온 파일이 없습니다. 첫 파일: jongnyang import complexes FILE --dry-run",
    "Nothing was imported yet. The first file: jongnyang import complexes FILE --dry-run",
)
PAST = Text(
    "{batch}  {when}  {who}  {kind}  {name}  신규 {created:,}, 수정 {updated:,}{undone}",
    "{batch}  {when}  {who}  {kind}  {name}  created {created:,}, updated {updated:,}{undone}",
)
TAKEN_BACK = Text("  (되돌림: {when} {who})", "  (taken back: {when} {who})")
NOTHING = Text("", "")


@click.group("import", cls=Group, ko="파일 가져오기와 되돌리기", example="jongnyang import complexes FILE --dry-run")
def imports() -> None:
    """Take files in, and take them back as a whole."""


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command takes that reads a file."""
    for option in (
        click.option("--district", metavar="CODE", help="District (cityCode) that the file must belong to."),
        click.option("--json", "json_", is_flag=True, help="Print the report as JSON."),
        click.option("--dry-run", is_flag=True, help="Print the same report and change nothing."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@imports.command(
    "complexes",
    cls=Command,
    ko="K-eco 단지 목록(data.go.kr 3045421)을 가져옵니다.",
    example="jongnyang import complexes gangseo_complexes.csv --dry-run",
)
@file_options
def complexes(file: Path, dry_run: bool, json_: bool, district: str | None) -> None:
    """Take in a K-eco list of complexes (data.go.kr 3045421)."""
    take_in(service.import_complexes, file, dry_run, json_, district)


@imports.command("list", cls=Command, ko="지금까지의 가져오기를 보입니다.", example="jongnyang import list")
@click.option("--json", "json_", is_flag=True, help="Print it as JSON.")
def list_command(json_: bool) -> None:
    """Show what was imported, the latest last."""
    with open_database() as database, database.begin() as session:
        past = past_imports(session)
    if json_:
        say_json([_past_json(each) for each in past])
        return
    for each in past:
        say(_past_text(each))
    if not past:
        say(NO_IMPORTS)


def take_in(
    import_file: Callable[[Database, service.Order], Report],
    file: Path,
    dry_run: bool,
    json_: bool,
    district: str | None,
) -> None:
    """Take a file in and print the report."""
    with open_database() as database:
        report = import_file(database, service.Order(File.opened(file), actor(), now(), dry_run, district))
    if json_:
        say_json(as_json(report, language()))
    else:
        click.echo(as_text(report, language()))


def _past_text(past: Past) -> Text:
    undone = TAKEN_BACK.fill(when=shown(past.undone_at), who=past.undone_by) if past.undone_at else NOTHING
    values = past._asdict() | {"when": shown(past.imported_at), "who": past.actor, "undone": undone}
    return PAST.fill(**values | {"kind": KINDS.get(past.kind, Text(past.kind, past.kind))})


def _past_json(past: Past) -> dict[str, Any]:
    times = {
        "imported_at": format_instant(past.imported_at),
        "undone_at": format_instant(past.undone_at) if past.undone_at else None,
    }
    return past._asdict() | times
