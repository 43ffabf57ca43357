"""`jongnyang backup …` and `jongnyang restore …`."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from app.backup import archive, folder, service, words
from app.backup.manifest import Manifest
from app.backup.service import Made, Proof
from app.console import Command, Group, actor, language, read_settings, say, say_json
from app.settings import Settings, with_driver
from app.texts import Refused, Text
from app.times import format_instant

FOLDER = Path("var/backups")
PROVEN = ("faults", "flaws", "remarks")
EVERY_S = 10.0  # between two lines about how far it is
SO_FAR = Text("  {size} …", "  {size} …")
NOT_BOTH = Text(
    "--verify(시험) 또는 --into URL(복원) 가운데 하나를 지정하세요.",
    "Say either --verify (a trial) or --into URL (for real).",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))


class BackupGroup(Group):
    """`jongnyang backup FOLDER` means `jongnyang backup make FOLDER`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(
    "backup",
    cls=BackupGroup,
    ko="서비스를 멈추지 않고 데이터베이스를 파일 하나로 백업합니다. make는 생략할 수 있습니다.",
    example="jongnyang backup /srv/backups --keep 14\njongnyang backup check /srv/backups/jongnyang-….zip\n"
    "jongnyang restore /srv/backups/jongnyang-….zip --verify",
)
def backup() -> None:
    """Back the database up into one file while the service runs; `make` may be left out."""


@backup.command(
    "make",
    cls=Command,
    ko="FOLDER(기본 var/backups)에 백업 파일 하나를 만듭니다.",
    example="jongnyang backup make /srv/backups --keep 14 --json\njongnyang backup",
)
@click.argument("target", metavar="[FOLDER]", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
@click.option(
    "--keep", type=click.IntRange(min=1), metavar="N", help="Then remove all but the newest N of this database."
)
@json_option
def make(target: Path, keep: int | None, as_json: bool) -> None:
    """Make one file in FOLDER (default: var/backups)."""
    settings = read_settings()
    made = service.back_up(settings, target, keep, _step, _Progress())
    if as_json:
        say_json(_summary(made.path, made.manifest) | {"removed": [str(path) for path in made.removed]})
    else:
        _tell_made(made, settings)


@backup.command(
    "list", cls=Command, ko="폴더의 백업을 오래된 것부터 보입니다.", example="jongnyang backup list /srv/backups --json"
)
@click.argument("target", metavar="[FOLDER]", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
@json_option
def list_(target: Path, as_json: bool) -> None:
    """Show the backups of a folder, oldest first; what cannot be read comes first of all."""
    found = folder.listed(target)
    if as_json:
        say_json([_summary(each.path, each.manifest) for each in found])
        return
    for each in found:
        say(each.problem or _filled(words.LISTED, each.path, each.manifest))
    if not found:
        say(words.NO_BACKUPS.fill(folder=target))


@backup.command(
    "check",
    cls=Command,
    ko="백업 파일이 만들 때 그대로인지 체크섬을 확인합니다(복원 시험은 restore --verify).",
    example="jongnyang backup check /srv/backups/jongnyang-20261122T093005.120Z.zip",
)
@file_argument
@json_option
def check(file: Path, as_json: bool) -> None:
    """Hold FILE against its checksums; `restore --verify` proves more."""
    manifest = archive.check(file, _Progress())
    if as_json:
        say_json(_summary(file, manifest))
    else:
        say(_filled(words.WHOLE, file, manifest))


@click.command(
    cls=Command,
    ko="백업을 비어 있는 데이터베이스에 복원하거나(--into), 복원되는지 시험합니다(--verify). 어긋나면 1로 끝납니다.",
    example="jongnyang restore jongnyang-20261122T093005.120Z.zip --verify\n"
    "jongnyang restore jongnyang-20261122T093005.120Z.zip --into postgresql://jongnyang@db/jongnyang_new",
)
@file_argument
@click.option("--into", metavar="URL", help="An empty database: sqlite:///FILE or postgresql://USER@HOST/NAME.")
@click.option("--verify", is_flag=True, help="Restore into a database that is thrown away, and compare.")
@click.option("--server", metavar="URL", help="With --verify: the server to try it on; default: that of the service.")
@json_option
def restore(file: Path, into: str | None, verify: bool, server: str | None, as_json: bool) -> None:
    """Bring FILE into an empty database (--into), or try whether it comes back (--verify); ends with 1 if not."""
    if verify == bool(into) or (server and not verify):
        raise Refused(NOT_BOTH)
    settings = read_settings()
    if into:
        proof = service.restore(settings, file, with_driver(into), actor(), _step, _Progress())
    else:
        proof = service.verify(settings, file, server and with_driver(server), _step, _Progress())
    if as_json:
        say_json(_summary(file, proof.manifest) | {name: _said(getattr(proof, name)) for name in PROVEN})
    else:
        _tell_proof(file, proof, verify)
    if proof.faults or proof.flaws:
        raise click.exceptions.Exit(1)


def _tell_made(made: Made, settings: Settings) -> None:
    say(_filled(words.MADE, made.path, made.manifest))
    for path in made.removed:
        say(words.REMOVED.fill(file=path))
    say(words.KEEP_BESIDES.fill(secret=words.SECRET_FILE if settings.embedded else words.SECRET_SETTING))


def _tell_proof(file: Path, proof: Proof, verify: bool) -> None:
    for text in (*proof.faults, *proof.flaws):
        say(text)
    if proof.faults:
        say(words.DIFFERS.fill(file=file, count=len(proof.faults)))
    elif proof.flaws:
        say(words.FLAWED.fill(file=file))
    else:
        say(_filled(words.PROVED if verify else words.RESTORED, file, proof.manifest))
    for text in proof.remarks:
        say(text)
    if not verify:
        say(_filled(words.NEXT, file, proof.manifest))


def _filled(text: Text, path: Path, manifest: Manifest | None) -> Text:
    assert manifest
    return text.fill(
        file=path,
        size=_size(path.stat().st_size),
        taken_at=format_instant(manifest.taken_at),
        revision=manifest.revision,
        tables=len(manifest.tables),
        rows=manifest.rows,
        discharges=manifest.discharges.rows,
        grams=manifest.grams,
        source=manifest.source,
    )


def _summary(path: Path, manifest: Manifest | None) -> dict[str, Any]:
    """The manifest and the file's name and size; without a manifest where it could not be read."""
    content = msgspec.to_builtins(manifest) if manifest else None
    return {"file": str(path), "bytes": path.stat().st_size, "manifest": content}


def _said(texts: Sequence[Text]) -> list[str]:
    return [text.said(language()) for text in texts]


def _step(text: Text) -> None:
    """On standard error, so that standard output stays the answer."""
    click.echo(text.said(language()), err=True)


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


class _Progress:
    """How much has come along: one line that moves in a terminal, elsewhere a line now and then."""

    def __init__(self) -> None:
        self._bytes = 0
        self._moving = sys.stderr.isatty()
        self._next = 0.0

    def __call__(self, count: int) -> None:
        self._next = self._next or time.monotonic() + EVERY_S
        self._bytes += count
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + (0.2 if self._moving else EVERY_S)
            line = SO_FAR.fill(size=_size(self._bytes)).said(language())
            click.echo(f"\r{line}\x1b[K" if self._moving else line, nl=not self._moving, err=True)
