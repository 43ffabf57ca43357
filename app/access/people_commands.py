"""`jongnyang user …` and `jongnyang token …`: who may log in, and which programs may ask."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unicodedata import east_asian_width

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import accounts
from app.access.accounts import district
from app.access.models import Account, ApiToken
from app.access.rules import SCOPES
from app.db import Database, current_revision, head_revision
from app.settings import SettingsError, from_environment
from app.texts import Refused, Text, language_of
from app.times import format_instant, now

DEFAULT_DAYS = 365

ADDED = Text(
    "{district}에 {login} 계정을 만들었습니다. 권한: {scopes}.", "Added {login} of {district}. Scopes: {scopes}."
)
DISABLED = Text(
    "{login} 계정을 정지했습니다. 세션과 토큰은 지금부터 쓸 수 없습니다.",
    "Disabled {login}. Sessions and tokens are refused from now on.",
)
ENABLED = Text("{login} 계정을 다시 쓸 수 있습니다.", "Enabled {login} again.")
CHANGED = Text(
    "{login}의 비밀번호를 바꾸었습니다. 세션이 끝났습니다.",
    "Changed the password of {login}. Their sessions have ended.",
)
TOKEN_ADDED = Text(
    "{login}의 토큰 {name}을(를) 만들었습니다. {until}까지 쓸 수 있습니다. 지금 한 번만 보여 드립니다.",
    "Added the token {name} of {login}, valid until {until}. It is shown only now.",
)
TOKEN_REVOKED = Text("{login}의 토큰 {name}을(를) 폐기했습니다.", "Revoked the token {name} of {login}.")
PASSWORD = Text("비밀번호", "Password")
AGAIN = Text("비밀번호 확인", "Once more")
NONE = Text("없음", "none")
NO_DISTRICT = Text(
    "자치구가 아직 없습니다. 먼저 jongnyang import complexes 로 단지를 들여오십시오.",
    "There is no district yet. Bring in its complexes first: jongnyang import complexes FILE.",
)
WHICH_DISTRICT = Text(
    "자치구가 여러 곳입니다. --district 로 하나를 정하십시오: {codes}.",
    "There are several districts. Name one by --district: {codes}.",
)
UNKNOWN_DISTRICT = Text(
    "자치구 {code}이(가) 없습니다. 등록된 자치구: {codes}.", "There is no district {code}. There are {codes}."
)
NO_ACCOUNT = Text(
    "{district}에 {login} 계정이 없습니다. jongnyang user list 로 확인하십시오.",
    "There is no account {login} in {district}. See jongnyang user list.",
)
NO_TOKEN = Text(
    "{login}에게 쓸 수 있는 토큰 {name}이(가) 없습니다. jongnyang token list 로 확인하십시오.",
    "{login} has no live token {name}. See jongnyang token list.",
)
NOT_MIGRATED = Text(
    "데이터베이스가 최신 상태가 아닙니다. 먼저 jongnyang db upgrade 를 실행하십시오.",
    "The database is not up to date. Run jongnyang db upgrade first.",
)

in_district = click.option(
    "--district", "code", metavar="CODE", help="The district's code; needed if there are several."
)
as_json = click.option("--json", "as_json", is_flag=True, help="A list of objects, for programs.")
with_scopes = click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help=f"May be given more than once: {', '.join(SCOPES)}."
)
from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


class TellingGroup(click.Group):
    """Says what was refused in the language of the terminal instead of failing with a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except Refused as refused:
            raise click.ClickException("\n".join(map(_said, refused.texts))) from refused
        except SettingsError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=TellingGroup)
def user() -> None:
    """People who may log in.

    \b
    Examples:
      jongnyang user add kim --name "Kim Hana" --scope metering:read
      jongnyang user list
      jongnyang user disable kim
    """


@user.command("add")
@click.argument("login")
@click.option("--name", default="", help="How pages call them; the login if left out.")
@with_scopes
@from_stdin
@in_district
def add_user(login: str, name: str, scopes: tuple[str, ...], password_stdin: bool, code: str | None) -> None:
    """Add a person; the password is asked for.

    \b
    Examples:
      jongnyang user add kim --name "Kim Hana" --scope metering:read
      pass show jongnyang/kim | jongnyang user add kim --scope metering:read --password-stdin
    """
    password = _ask_password(password_stdin)
    with _session() as session:
        place = _district(session, code)
        account = accounts.add_account(session, place.id, login, name, password, scopes, now())
        _tell(ADDED.fill(login=login, district=place.name, scopes=account.scopes or NONE))


@user.command("list")
@in_district
@as_json
def list_users(code: str | None, as_json: bool) -> None:
    """List the people of a district.

    \b
    Example:
      jongnyang user list --json
    """
    with _session() as session:
        place = _district(session, code)
        rows = session.scalars(sa.select(Account).where(Account.district_id == place.id).order_by(Account.login))
        _show([_user_row(account) for account in rows], as_json)


@user.command("disable")
@click.argument("login")
@in_district
def disable_user(login: str, code: str | None) -> None:
    """Refuse a person and their tokens from now on.

    \b
    Example:
      jongnyang user disable kim
    """
    with _session() as session:
        account = _account(session, login, code)
        account.disabled_at = account.disabled_at or now()
        _tell(DISABLED.fill(login=login))


@user.command("enable")
@click.argument("login")
@in_district
def enable_user(login: str, code: str | None) -> None:
    """Let a disabled person in again.

    \b
    Example:
      jongnyang user enable kim
    """
    with _session() as session:
        _account(session, login, code).disabled_at = None
        _tell(ENABLED.fill(login=login))


@user.command("password")
@click.argument("login")
@from_stdin
@in_district
def change_password(login: str, password_stdin: bool, code: str | None) -> None:
    """Give a person another password, which ends their sessions.

    \b
    Example:
      jongnyang user password kim
    """
    password = _ask_password(password_stdin)
    with _session() as session:
        accounts.set_password(_account(session, login, code), password)
        _tell(CHANGED.fill(login=login))


@click.group(cls=TellingGroup)
def token() -> None:
    """Keys with which programs use the API in a person's name.

    \b
    Examples:
      jongnyang token add kim nightly-export --scope metering:read --days 90
      jongnyang token revoke kim nightly-export
    """


@token.command("add")
@click.argument("login")
@click.argument("name")
@with_scopes
@click.option(
    "--days", type=click.IntRange(1, 3650), default=DEFAULT_DAYS, show_default=True, help="How long it is valid."
)
@in_district
def add_token(login: str, name: str, scopes: tuple[str, ...], days: int, code: str | None) -> None:
    """Add a token and print it, this once, on standard output.

    \b
    Examples:
      jongnyang token add kim nightly-export --scope metering:read --days 90
      curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8000/api/v1/...
    """
    until = now() + timedelta(days=days)
    with _session() as session:
        account = _account(session, login, code)
        secret = accounts.add_token(session, account, name, scopes, now(), until)
    _tell(TOKEN_ADDED.fill(login=login, name=name, until=_instant(until)))
    click.echo(secret)


@token.command("list")
@in_district
@as_json
def list_tokens(code: str | None, as_json: bool) -> None:
    """List the tokens of a district, without the secrets.

    \b
    Example:
      jongnyang token list --json
    """
    with _session() as session:
        place = _district(session, code)
        same = sa.and_(Account.district_id == ApiToken.district_id, Account.id == ApiToken.account_id)
        rows = session.execute(
            sa.select(ApiToken, Account.login)
            .join(Account, same)
            .where(ApiToken.district_id == place.id)
            .order_by(Account.login, ApiToken.name, ApiToken.id)
        )
        _show([_token_row(found, login) for found, login in rows], as_json)


@token.command("revoke")
@click.argument("login")
@click.argument("name")
@in_district
def revoke_token(login: str, name: str, code: str | None) -> None:
    """Refuse a token from now on.

    \b
    Example:
      jongnyang token revoke kim nightly-export
    """
    with _session() as session:
        found = accounts.live_token(session, _account(session, login, code), name)
        if found is None:
            raise Refused(NO_TOKEN.fill(login=login, name=name))
        found.revoked_at = now()
        _tell(TOKEN_REVOKED.fill(login=login, name=name))


@contextmanager
def _session() -> Iterator[Session]:
    """A session that commits at the end, on a database that is up to date."""
    database = Database(from_environment().database_url)
    try:
        with database.engine.connect() as connection:
            if current_revision(connection) != head_revision():
                raise Refused(NOT_MIGRATED)
        with database.begin() as session:
            yield session
    finally:
        database.dispose()


def _district(session: Session, code: str | None) -> Any:
    """The district of this code, or the only one."""
    rows = {row.code: row for row in session.execute(sa.select(district).order_by(district.c.code))}
    codes = ", ".join(rows)
    if not rows:
        raise Refused(NO_DISTRICT)
    if code is None and len(rows) > 1:
        raise Refused(WHICH_DISTRICT.fill(codes=codes))
    if code is not None and code not in rows:
        raise Refused(UNKNOWN_DISTRICT.fill(code=code, codes=codes))
    return rows[code] if code is not None else next(iter(rows.values()))


def _account(session: Session, login: str, code: str | None) -> Account:
    place = _district(session, code)
    found = session.scalar(sa.select(Account).where(Account.district_id == place.id, Account.login == login))
    if found is None:
        raise Refused(NO_ACCOUNT.fill(login=login, district=place.name))
    return found


def _ask_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = click.prompt(_said(PASSWORD), hide_input=True, confirmation_prompt=_said(AGAIN))
    return typed


def _user_row(account: Account) -> dict[str, str | None]:
    return {
        "login": account.login,
        "name": account.name,
        "scopes": account.scopes,
        "created": _instant(account.created_at),
        "disabled": _instant(account.disabled_at),
    }


def _token_row(found: ApiToken, login: str) -> dict[str, str | None]:
    return {
        "login": login,
        "name": found.name,
        "scopes": found.scopes,
        "expires": _instant(found.expires_at),
        "revoked": _instant(found.revoked_at),
    }


def _show(rows: list[dict[str, str | None]], as_json: bool) -> None:
    """Rows as JSON, or as columns that begin below each other."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    lines = [list(rows[0])] if rows else []
    lines += [[value or "-" for value in row.values()] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _width(text: str) -> int:
    """How many columns of a terminal the text takes; a Hangul syllable takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _instant(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None


def _said(text: Text) -> str:
    return text.said(language_of(os.environ))


def _tell(text: Text) -> None:
    click.echo(_said(text), err=True)
