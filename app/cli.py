"""The command `jongnyang`. Each group of commands lives with its domain; COMMANDS names them."""

import os
from importlib import import_module
from typing import Any

import click

from app import __version__
from app.console import Command, Failed, Group, Told, explain, read_settings, say
from app.db import current_revision, downgrade, head_revision, make_engine, upgrade
from app.texts import LANGUAGES, Text, language_of

# Command: module and attribute. A module is loaded when its command is used, so that `serve` starts light.
COMMANDS = {
    "serve": "app.serve:serve",
    "audit": "app.access.audit_commands:audits",
    "backup": "app.backup.commands:backup",
    "restore": "app.backup.commands:restore",
    "demo": "app.demo.commands:demo",
    "import": "app.registry.commands:imports",
    "gateway": "app.registry.gateway_commands:gateways",
    "household": "app.metering.households.commands:households",
    "card": "app.fleet.card_commands:cards",
    "meter": "app.metering.devices.commands:meters",
    "reducer": "app.metering.devices.commands:reducers",
    "installation": "app.registry.installations.commands:installations",
    "vendor": "app.registry.vendors.commands:vendors",
    "fault": "app.metering.fault_commands:faults",
    "message": "app.fleet.messages.commands:messages",
    "user": "app.access.people_commands:user",
    "token": "app.access.token_commands:token",
    "rollups": "app.metering.commands:rollups",
    "quarantine": "app.metering.commands:quarantine",
    "volumes": "app.metering.volumes.commands:volumes",
    "billing": "app.statements.commands:billing",
}

# Commands of a group that lives below their domain, and so cannot import it.
ADDED = {
    "billing": {
        "tariff": "app.statements.terms.commands:tariff",
        "terms": "app.statements.terms.commands:terms_group",
        "class": "app.statements.terms.commands:class_group",
        "weights": "app.statements.terms.commands:weigh",
        "limits": "app.statements.terms.commands:limits",
        "what-if": "app.statements.terms.commands:compare",
        "estimate": "app.statements.estimates.commands:estimates",
        "dispute": "app.statements.disputes.commands:disputes",
        "board": "app.statements.checks.commands:board",
        "pay": "app.statements.payments.commands:pay",
        "payments": "app.statements.payments.commands:payments",
        "arrears": "app.statements.payments.commands:arrears",
        "revenue": "app.statements.payments.commands:revenue",
        "export": "app.reports.fees.commands:export",
        "check-file": "app.reports.fees.commands:check_file",
        "adjust": "app.statements.corrections.commands:adjust",
        "void": "app.statements.corrections.commands:void",
        "reissue": "app.statements.corrections.commands:reissue",
        "late": "app.statements.corrections.commands:late_group",
    },
    "meter": {"certify": "app.registry.certificates.commands:certify"},
    "import": {
        "households": "app.metering.imports.commands:households",
        "history": "app.metering.imports.commands:history",
        "undo": "app.metering.imports.commands:undo",
        "volumes": "app.metering.reported.commands:import_volumes",
    },
    "gateway": {
        "open-lid": "app.fleet.commands:open_lid",
        "rotate": "app.fleet.commands:rotate",
        "sync-cards": "app.fleet.commands:sync_cards",
        "roll-back": "app.fleet.commands:roll_back",
        "update": "app.fleet.commands:update",
        "release": "app.fleet.commands:release",
        "revoke-key": "app.fleet.commands:revoke_key",
        "rate": "app.fleet.commands:rate",
        "commands": "app.fleet.commands:list_commands",
        "events": "app.fleet.commands:events",
        "show": "app.fleet.commands:show",
    },
}

UPGRADED = Text("데이터베이스가 최신입니다: {revision}", "The database is at the newest migration: {revision}")
DOWNGRADED = Text("데이터베이스를 {revision}(으)로 되돌렸습니다.", "The database was taken back to {revision}.")
REVISION = Text("데이터베이스: {found}\n프로그램: {head}", "database: {found}\nprogram: {head}")
REALLY = Text(
    "되돌리면 그 뒤에 생긴 표의 자료가 사라집니다. 계속할까요?",
    "This removes the data of every table that came later. Go on?",
)
NONE = Text("(준비되지 않음)", "(not set up)")


def _load(place: str) -> click.Command:
    module, attribute = place.split(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


class Main(Told, click.Group):
    """Loads the commands of COMMANDS, and tells people about errors without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command = _load(COMMANDS[cmd_name])
        for name, place in ADDED.get(cmd_name, {}).items():
            assert isinstance(command, click.Group)
            command.add_command(_load(place), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except Exception as error:
            texts = explain(error)
            if not texts:
                raise
            raise Failed(texts) from error


@click.group(
    cls=Main,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    ko="음식물쓰레기 종량 서비스. 설정은 JONGNYANG_… 환경 변수에서 읽습니다.",
    example="jongnyang db upgrade\njongnyang serve",
)
@click.version_option(__version__, message="jongnyang %(version)s")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of messages; default: that of the terminal.")
@click.pass_context
def main(ctx: click.Context, lang: str | None) -> None:
    """Food-waste metering. Settings come from the environment, as JONGNYANG_…"""
    ctx.obj = lang or language_of(os.environ)


@main.group(cls=Group, ko="데이터베이스 준비와 갱신", example="jongnyang db upgrade")
def db() -> None:
    """Set up the database and keep it current."""


@db.command("upgrade", cls=Command, ko="최신 마이그레이션까지 올립니다.", example="jongnyang db upgrade")
def upgrade_command() -> None:
    """Bring the database to the newest migration."""
    upgrade(read_settings().database_url)
    say(UPGRADED.fill(revision=head_revision()))


@db.command(
    "downgrade",
    cls=Command,
    ko="마이그레이션을 되돌립니다(자료가 사라집니다).",
    example="jongnyang db downgrade 0002_access",
)
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade_command(revision: str, yes: bool) -> None:
    """Take the database back to REVISION; "base" removes everything."""
    if not yes:
        click.confirm(REALLY.said(click.get_current_context().find_root().obj), abort=True)
    downgrade(read_settings().database_url, revision)
    say(DOWNGRADED.fill(revision=revision))


@db.command("revision", cls=Command, ko="데이터베이스와 프로그램의 판을 보입니다.", example="jongnyang db revision")
def revision_command() -> None:
    """Show at which migration the database and the program are."""
    engine = make_engine(read_settings().database_url)
    with engine.connect().execution_options(read_only=True) as connection:
        found = current_revision(connection)
    engine.dispose()
    say(REVISION.fill(found=found or NONE, head=head_revision()))
