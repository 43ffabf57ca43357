"""`jongnyang token …`: which programs may ask, in whose name."""

import click
import sqlalchemy as sa

from app.access import people
from app.access.models import Account, ApiToken
from app.access.people import LONGEST_TOKEN_DAYS
from app.access.people_commands import as_json, begin, district_of, in_district, instant, place_of, show, with_scopes
from app.console import Command, Group, actor, language, say
from app.problems import Problem
from app.texts import Refused, Text
from app.times import now

DEFAULT_DAYS = 365

TOKEN_ADDED = Text(
    "{login} 계정의 토큰 {name}을(를) 만들었습니다({until}까지). 지금 한 번만 보입니다.",
    "Added the token {name} of {login}, valid until {until}. It is shown only now.",
)
TOKEN_REVOKED = Text("{login} 계정의 토큰 {name}을(를) 폐기했습니다.", "Revoked the token {name} of {login}.")
NO_TOKEN = Text(
    "{login} 계정에 쓸 수 있는 토큰 {name}이(가) 없습니다. jongnyang token list로 확인하세요.",
    "{login} has no live token {name}. See jongnyang token list.",
)


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
    "--days",
    type=click.IntRange(1, LONGEST_TOKEN_DAYS),
    default=DEFAULT_DAYS,
    show_default=True,
    help="How long it is valid.",
)
@in_district
def add_token(login: str, name: str, scopes: tuple[str, ...], days: int, code: str | None) -> None:
    """Add a token and print it, this once, on standard output."""
    with begin() as session:
        place = place_of(session, login, code)
        secret, until = people.make_token(session, place, login, name, scopes, days, actor(), now())
    told = TOKEN_ADDED.fill(login=login, name=name, until=instant(until))
    click.echo(told.said(language()), err=True)  # so that $(…) takes the token alone
    click.echo(secret)


@token.command("list", cls=Command, ko="토큰 목록을 보입니다(비밀값 제외).", example="jongnyang token list --json")
@in_district
@as_json
def list_tokens(code: str | None, json_: bool) -> None:
    """List the tokens of a district, without the secrets."""
    with begin() as session:
        place = district_of(session, code)
        same = sa.and_(Account.district_id == ApiToken.district_id, Account.id == ApiToken.account_id)
        rows = session.execute(
            sa.select(ApiToken, Account.login)
            .join(Account, same)
            .where(ApiToken.district_id == place.id)
            .order_by(Account.login, ApiToken.name, ApiToken.id)
        )
        show([_token_row(found, login) for found, login in rows], json_)


@token.command("revoke", cls=Command, ko="토큰을 폐기합니다.", example="jongnyang token revoke kim nightly-export")
@click.argument("login")
@click.argument("name")
@in_district
def revoke_token(login: str, name: str, code: str | None) -> None:
    """Refuse a token from now on."""
    with begin() as session:
        place = place_of(session, login, code)
        try:
            people.revoke_token(session, place, login, name, actor(), now())
        except Problem as problem:
            raise Refused(NO_TOKEN.fill(login=login, name=name)) from problem
    say(TOKEN_REVOKED.fill(login=login, name=name))


def _token_row(found: ApiToken, login: str) -> dict[str, str | None]:
    return {
        "login": login,
        "name": found.name,
        "scopes": found.scopes,
        "expires": instant(found.expires_at),
        "revoked": instant(found.revoked_at),
    }
