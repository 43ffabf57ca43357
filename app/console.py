"""What every command of the terminal shares: the language, the database, and how something that went wrong is told."""

import getpass
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask
from flask_babel import Babel, force_locale

from app.db import Database, alembic_config, current_revision, head_revision
from app.problems import Problem
from app.settings import Settings, SettingsError, from_environment
from app.texts import LANGUAGES, Refused, Text, language_of

NOT_MIGRATED = Text(
    "데이터베이스가 아직 준비되지 않았습니다: {url}. 먼저 실행하세요: jongnyang db upgrade",
    "The database is not set up yet: {url}. Run first: jongnyang db upgrade",
)
BEHIND = Text(
    "데이터베이스가 이 프로그램보다 오래되었습니다({found}, 최신 {head}). 실행하세요: jongnyang db upgrade",
    "The database is older than this program ({found}, newest {head}). Run: jongnyang db upgrade",
)
AHEAD = Text(
    "데이터베이스가 이 프로그램보다 새것입니다({found}). 프로그램을 최신 판으로 올리세요.",
    "The database is newer than this program ({found}). Install the newer program.",
)
UNREACHABLE = Text(
    "데이터베이스에 연결할 수 없습니다: {error}. 서버와 JONGNYANG_DATABASE_URL을 확인하세요.",
    "The database cannot be used: {error}. Check that it runs, and JONGNYANG_DATABASE_URL.",
)
BAD_URL = Text(
    "JONGNYANG_DATABASE_URL을 쓸 수 없습니다. sqlite:///파일 또는 postgresql://사용자@서버/이름 형식으로 적어 주세요.",
    "JONGNYANG_DATABASE_URL cannot be used. Write it as sqlite:///FILE or postgresql://USER@HOST/NAME.",
)
AT_THE_SAME_TIME = Text(
    "같은 때에 다른 변경이 먼저 저장되어 이번 것은 저장하지 않았습니다. 다시 실행하세요.",
    "Something else was stored at the same time, so this was not. Run it again.",
)
BAD_SETTING = Text("설정을 쓸 수 없습니다: {error}", "A setting cannot be used: {error}")
MIGRATION = Text("마이그레이션을 할 수 없습니다: {error}", "The migration cannot be done: {error}")
NO_FILE = Text(
    "파일에 접근할 수 없습니다: {error}. 경로와 권한을 확인하세요.",
    "A file cannot be used: {error}. Check its path and permissions.",
)


class Failed(click.ClickException):
    """Ends the program with 2 after telling, on standard error, what happened and what to do."""

    exit_code = 2

    def __init__(self, texts: Sequence[Text]) -> None:
        super().__init__("\n".join(text.said(language()) for text in texts))

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), file=file, err=True)


class Told:
    """A command whose help speaks Korean where the reader does (`ko`), and ends with an example."""

    def __init__(self, *args: Any, ko: str, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ko = ko
        self.example = example

    def get_short_help_str(self: Any, limit: int = 45) -> str:
        english: str = click.Command.get_short_help_str(self, limit=200)
        return self.ko.split("\n")[0] if language() == "ko" else english

    def format_help_text(self: Any, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(self.ko if language() == "ko" else self.help)

    def format_epilog(self: Any, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("예" if language() == "ko" else "Example"):
            formatter.write("".join(f"  {line}\n" for line in self.example.split("\n")))


class Command(Told, click.Command):
    """A command with Korean help and an example."""


class Group(Told, click.Group):
    """A group of commands with Korean help and an example."""


def language() -> str:
    """The reader's language: `--lang`, else the terminal's."""
    context = click.get_current_context(silent=True)
    chosen = context.find_root().obj if context else None
    return chosen if isinstance(chosen, str) else language_of(os.environ)


def actor() -> str:
    """Whoever types the command, by the name that the machine knows: what goes on what they change."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def say(text: Text) -> None:
    """Print a sentence in the reader's language."""
    click.echo(text.said(language()))


def say_json(value: Any) -> None:
    """Print a value for a program to read."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def read_settings() -> Settings:
    """The settings of this process, their database being one of the two that there are."""
    settings = from_environment()
    if sa.make_url(settings.database_url).get_backend_name() not in ("sqlite", "postgresql"):
        raise Refused(BAD_URL)
    return settings


@contextmanager
def open_database(settings: Settings | None = None) -> Iterator[Database]:
    """The database of the settings, reachable and migrated; raises Refused otherwise."""
    settings = settings or read_settings()
    url = sa.make_url(settings.database_url)
    if settings.embedded and url.database and not Path(url.database).exists():
        raise Refused(NOT_MIGRATED.fill(url=url.render_as_string()))
    database = Database(settings.database_url, pool_size=1)
    try:
        _check_revision(database)
        yield database
    finally:
        database.dispose()


def _check_revision(database: Database) -> None:
    with database.engine.connect().execution_options(read_only=True) as connection:
        found = current_revision(connection)
    head = head_revision()
    if found == head:
        return
    if not found:
        raise Refused(NOT_MIGRATED.fill(url=database.engine.url.render_as_string()))
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    raise Refused((BEHIND if found in known else AHEAD).fill(found=found, head=head))


def _problem(problem: Problem) -> Text:
    """A problem of the API, and what of it the reader needs: the field or the code."""
    app = _catalogues()
    told = {}
    with app.app_context():
        for spoken in LANGUAGES:
            with force_locale(spoken):
                told[spoken] = f"{problem.kind.title} {problem.kind.detail}{_more(problem)}"
    return Text(**told)


def _more(problem: Problem) -> str:
    """Each further member on a line of its own, and each field that is wrong."""
    members = {name: value for name, value in problem.extra.items() if name != "errors"}
    wrong = problem.extra.get("errors", {})
    members |= wrong if isinstance(wrong, dict) else {"errors": wrong}
    return "".join(f"\n{name}: {value}" for name, value in members.items())


@cache
def _catalogues() -> Flask:
    """An app for its catalogues, which are the translations of problems."""
    app = Flask("app")
    Babel(app)
    return app


def explain(error: Exception) -> Sequence[Text]:
    """What to tell about an error that people can do something about; nothing for a fault of the program."""
    match error:
        case Refused():
            return error.texts
        case Problem():
            return [_problem(error)]
        case SettingsError():
            return [BAD_SETTING.fill(error=error)]
        case sa.exc.ArgumentError():
            return [BAD_URL]
        case sa.exc.IntegrityError():
            return [AT_THE_SAME_TIME]
        case sa.exc.DBAPIError():
            return [UNREACHABLE.fill(error=str(error.orig).strip().split("\n")[0].rstrip("."))]
        case CommandError():
            return [MIGRATION.fill(error=error)]
        case BrokenPipeError():  # whoever read it, as `head` does, has seen enough
            return []
        case OSError():
            return [NO_FILE.fill(error=error)]
    return []
