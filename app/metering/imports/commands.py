"""`jongnyang import households`, `history`, `undo`: what changes who held a card, so that the ledger follows."""

from pathlib import Path

import click

from app.console import Command, actor, open_database, say
from app.db import Database
from app.metering.imports import service
from app.registry.commands import file_options, take_in
from app.registry.imports.report import Report
from app.registry.imports.service import Order
from app.registry.imports.words import counted
from app.texts import Text
from app.times import now

UNDONE = Text("되돌렸습니다: 가져오기 {batch} ({counts})", "Import {batch} was taken back ({counts}).")


@click.command(
    "households",
    cls=Command,
    ko="세대와 카드를 가져옵니다. 열: complex_code,building,unit,card_number,moved_in"
    "[,moved_out,resident_name,phone,email]",
    example="jongnyang import households households.csv --dry-run",
)
@file_options
def households(file: Path, dry_run: bool, json_: bool, district: str | None) -> None:
    """Take in households and cards:
    complex_code,building,unit,card_number,moved_in[,moved_out,resident_name,phone,email].
    """
    take_in(_households, file, dry_run, json_, district)


@click.command(
    "history",
    cls=Command,
    ko="이전 시스템의 월별 내역을 가져옵니다. 열: complex_code,building,unit,month,grams,count,won[,balance_won]",
    example="jongnyang import history history.csv --dry-run",
)
@file_options
def history(file: Path, dry_run: bool, json_: bool, district: str | None) -> None:
    """Take in months of an earlier system: complex_code,building,unit,month,grams,count,won[,balance_won]."""
    take_in(_history, file, dry_run, json_, district)


@click.command("undo", cls=Command, ko="가져오기 하나를 통째로 되돌립니다.", example="jongnyang import undo W0G/3")
@click.argument("batch_id")
def undo(batch_id: str) -> None:
    """Take an import back as a whole: BATCH_ID as “import list” shows it."""
    with open_database() as database:
        batch, counts = service.take_back(database, batch_id, actor(), now())
    say(UNDONE.fill(batch=batch, counts=counted(counts)))


def _households(database: Database, order: Order) -> Report:
    return service.take_in(database, "households", order)


def _history(database: Database, order: Order) -> Report:
    return service.take_in(database, "history", order)
