"""`jongnyang billing`: previews, closing, statements. Other modules add theirs (app.cli.ADDED)."""

import click

from app.console import Group


@click.group(cls=Group, ko="수수료 고지: 미리보기, 마감, 고지서", example="jongnyang billing preview 2026-10")
def billing() -> None:
    """Bill a month: preview, close, statements."""
