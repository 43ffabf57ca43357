"""`jongnyang user …` and `jongnyang token …`: who may log in, and which programs may ask."""

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
from app.access.rules import ROLES, SCOPES
from app.console import Command, Group, language, open_database, say, say_json
from app.texts import Refused, Text
from app.times import format_instant, now

DEFAULT_DAYS = 365

ADDED = Text(
    "{district}에 {login} 계정을 만들었습니다. 권한: {scopes}.", "Added {login} of {district}. Scopes: {scopes}."
)
DISABLED = Text(
    "{login} 계정을 정지했습니다. 지금부터 로그인과 토큰이 모두 거절됩니다.",
    "Disabled {login}. Sessions and tokens are refused from now on.",
)
ENABLED = Text("{login} 계정을 다시 쓸 수 있습니다.", "Enabled {login} again.")
CHANGED = Text(
    "{login} 계정의 비밀번호를 바꾸었습니다. 열려 있던 로그인은 모두 끝났습니다.",
    "Changed the password of {login}. Their sessions have ended.",
)
TOKEN_ADDED = Text(
    "{login} 계정의 토큰 {name}을(를) 만들었습니다({until}까지). 지금 한 번만 보입니다.",
    "Added the token {name} of {login}, valid until {until}. It is shown only now.",
)
TOKEN_REVOKED = Text("{login} 계정의 토큰 {name}을(를) 폐기했습니다.", "Revoked the token {name} of {login}.")
PASSWORD = Text("비밀번호", "Password")
AGAIN = Text("비밀번호 확인", "Once more")
NONE = Text("없음", "none")
NO_DISTRICT = Text(
    "아직 등록된 자치구가 없습니다. 단지를 먼저 가져오세요: jongnyang import complexes FILE",
    "No district is registered yet. Import its complexes first: jongnyang import complexes FILE",
)
WHICH_DISTRICT = Text(
    "자치구가 여럿입니다: {codes}. --district CODE로 하나를 지정하세요.",
    "There are several districts: {codes}. Name one with --district CODE.",
)
UNKNOWN_DISTRICT = Text(
    "등록되지 않은 자치구 코드입니다: {code}. 등록된 코드: {codes}.",
    "No district has the code {code}. Registered: {codes}.",
)
NO_ACCOUNT = Text(
    "{district}에 {login} 계정이 없습니다. jongnyang user list로 확인하세요.",
    "There is no account {login} in {district}. See jongnyang user list.",
)
NO_TOKEN = Text(
    "{login} 계정에 쓸 수 있는 토큰 {name}이(가) 없습니다. jongnyang token list로 확인하세요.",
    "{login} has no live token {name}. See jongnyang token list.",
)

in_district = click.option("--district", "code", metavar="CODE", help="The district; needed where there are several.")
as_json = click.option("--json", "json_", is_flag=True, help="Print a list of objects, for programs.")
with_scopes = click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help=f"Can be given repeatedly: {', '.join(SCOPES)}."
)
from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group(
    "user",
    cls=Group,
    ko="로그인할 수 있는 사람",
    example='jongnyang user add kim --name "김하나" --scope metering:read',
)
def user() -> None:
    """People who may log in."""


@user.command(
    "add",
    cls=Command,
    ko="계정을 만듭니다. 비밀번호는 물어봅니다.",
    example='jongnyang user add kim --name "김하나" --scope metering:read\n'
    "pass show jongnyang/kim | jongnyang user add kim --scope metering:read --password-stdin",
)
@click.argument("login")
@click.option("--name", default="", help="What pages call them; the login if left out.")
@with_scopes
@click.option("--role", type=click.Choice(list(ROLES)), default="viewer", show_default=True)
@from_stdin
@in_district
def add_user(login: str, name: str, role: str, scopes: tuple[str, ...], password_stdin: bool, code: str | None) -> None:
    """Add a person; the password is asked for."""
    password = _ask_password(password_stdin)
    with _session() as session:
        place = _district(session, code)
        person = accounts.Person(login, name, role, password, scopes or None)
        account = accounts.add_account(session, place.id, person, now())
        say(ADDED.fill(login=login, district=place.name, scopes=", ".join(sorted(accounts.scopes_of(account)))))


@user.command("list", cls=Command, ko="계정 목록을 보입니다.", example="jongnyang user list --json")
@in_district
@as_json
def list_users(code: str | None, json_: bool) -> None:
    """List the people of a district."""
    with _session() as session:
        place = _district(session, code)
        rows = session.scalars(sa.select(Account).where(Account.district_id == place.id).order_by(Account.login))
        _show([_user_row(account) for account in rows], json_)


@user.command("disable", cls=Command, ko="계정을 정지합니다. 토큰도 거절됩니다.", example="jongnyang user disable kim")
@click.argument("login")
@in_district
def disable_user(login: str, code: str | None) -> None:
    """Refuse a person and their tokens from now on."""
    with _session() as session:
        account = _account(session, login, code)
        account.disabled_at = account.disabled_at or now()
        say(DISABLED.fill(login=login))


@user.command("enable", cls=Command, ko="정지한 계정을 다시 풉니다.", example="jongnyang user enable kim")
@click.argument("login")
@in_district
def enable_user(login: str, code: str | None) -> None:
    """Let a disabled person in again."""
    with _session() as session:
        _account(session, login, code).disabled_at = None
        say(ENABLED.fill(login=login))


@user.command(
    "password",
    cls=Command,
    ko="비밀번호를 바꿉니다. 열려 있던 로그인은 모두 끝납니다.",
    example="jongnyang user password kim",
)
@click.argument("login")
@from_stdin
@in_district
def change_password(login: str, password_stdin: bool, code: str | None) -> None:
    """Give a person another password, which ends their sessions."""
    password = _ask_password(password_stdin)
    with _session() as session:
        accounts.set_password(_account(session, login, code), password)
        say(CHANGED.fill(login=login))


@click.group(
    "token",
    cls=Group,
    ko="프로그램이 API를 쓰는 열쇠",
    example="jongnyang token add kim nightly-export --scope metering:read --days 90",
)
def token() -> None:
    """Keys with which programs use the API in a person's name."""


@token.command(
    "add",
    cls=Command,
    ko="토큰을 만들어 표준 출력에 한 번만 보입니다.",
    example="TOKEN=$(jongnyang token add kim nightly-export --scope metering:read --days 90)\n"
    'curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8000/api/v1/quarantine',
)
@click.argument("login")
@click.argument("name")
@with_scopes
@click.option(
    "--days", type=click.IntRange(1, 3650), default=DEFAULT_DAYS, show_default=True, help="How long it is valid."
)
@in_district
def add_token(login: str, name: str, scopes: tuple[str, ...], days: int, code: str | None) -> None:
    """Add a token and print it, this once, on standard output."""
    until = now() + timedelta(days=days)
    with _session() as session:
        secret = accounts.add_token(session, _account(session, login, code), name, scopes, now(), until)
    told = TOKEN_ADDED.fill(login=login, name=name, until=_instant(until))
    click.echo(told.said(language()), err=True)  # so that $(…) takes the token alone
    click.echo(secret)


@token.command("list", cls=Command, ko="토큰 목록을 보입니다(비밀값 제외).", example="jongnyang token list --json")
@in_district
@as_json
def list_tokens(code: str | None, json_: bool) -> None:
    """List the tokens of a district, without the secrets."""
    with _session() as session:
        place = _district(session, code)
        same = sa.and_(Account.district_id == ApiToken.district_id, Account.id == ApiToken.account_id)
        rows = session.execute(
            sa.select(ApiToken, Account.login)
            .join(Account, same)
            .where(ApiToken.district_id == place.id)
            .order_by(Account.login, ApiToken.name, ApiToken.id)
        )
        _show([_token_row(found, login) for found, login in rows], json_)


@token.command("revoke", cls=Command, ko="토큰을 폐기합니다.", example="jongnyang token revoke kim nightly-export")
@click.argument("login")
@click.argument("name")
@in_district
def revoke_token(login: str, name: str, code: str | None) -> None:
    """Refuse a token from now on."""
    with _session() as session:
        found = accounts.live_token(session, _account(session, login, code), name)
        if found is None:
            raise Refused(NO_TOKEN.fill(login=login, name=name))
        found.revoked_at = now()
        say(TOKEN_REVOKED.fill(login=login, name=name))


@contextmanager
def _session() -> Iterator[Session]:
    with open_database() as database, database.begin() as session:
        yield session


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
    again = AGAIN.said(language())
    typed: str = click.prompt(PASSWORD.said(language()), hide_input=True, confirmation_prompt=again)
    return typed


def _user_row(account: Account) -> dict[str, str | None]:
    return {
        "login": account.login,
        "name": account.name,
        "role": account.role,
        "scopes": " ".join(sorted(accounts.scopes_of(account))),
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


def _show(rows: list[dict[str, str | None]], json_: bool) -> None:
    """Rows as JSON, or as columns that begin below each other."""
    if json_:
        say_json(rows)
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
