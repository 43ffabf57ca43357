"""`jongnyang user …`: who may log in, and how far they see."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from unicodedata import east_asian_width

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import accounts, people
from app.access.accounts import district
from app.access.links import Link
from app.access.models import Account
from app.access.people_queries import people_page
from app.access.profiles import Profile
from app.access.rules import ROLES, SCOPES
from app.console import Command, Group, actor, language, open_database, say, say_json
from app.texts import Refused, Text
from app.times import format_instant, now

EVERYBODY = 1_000_000  # more accounts than a district ever has

ADDED = Text(
    "{district}에 {login} 계정을 만들었습니다. 역할: {role}. 권한: {scopes}.",
    "Added {login} of {district} as {role}. Scopes: {scopes}.",
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
INVITED = Text(
    "{login} 계정을 초대했습니다. 서비스 주소 뒤에 아래 경로를 붙여 본인에게만 전하십시오. "
    "{until}까지 한 번 쓸 수 있습니다.",
    "Invited {login}. Add this path to the service's address and give it to nobody else. It works once, until {until}.",
)
RECOVERED = Text(
    "{login} 계정의 비밀번호, 2차 인증, 로그인을 모두 지웠습니다. 서비스 주소 뒤에 아래 경로를 붙여 본인에게만 "
    "전하십시오. {until}까지 한 번 쓸 수 있습니다.",
    "Voided password, second factor and sessions of {login}. Add this path to the service's address and give it to "
    "nobody else. It works once, until {until}.",
)
PASSWORD = Text("비밀번호", "Password")
AGAIN = Text("비밀번호 확인", "Once more")
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

View = TypeVar("View", bound=Callable[..., Any])

in_district = click.option("--district", "code", metavar="CODE", help="The district; needed where there are several.")
as_json = click.option("--json", "json_", is_flag=True, help="Print a list of objects, for programs.")
with_scopes = click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help=f"Can be given repeatedly: {', '.join(SCOPES)}."
)
from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


def with_profile(command: View) -> View:
    """The options that say who somebody is, as the argument `profile`."""
    for option in reversed(
        (
            click.option("--name", default="", help="What pages call them; the login if left out."),
            click.option("--role", type=click.Choice(list(ROLES)), default="viewer", show_default=True),
            click.option("--complex", "complexes", multiple=True, metavar="CODE", help="Can be given repeatedly."),
            click.option("--all-complexes", is_flag=True, help="For a contractor who looks after every complex."),
            click.option("--vendor", metavar="CODE", help="For the role of a vendor."),
            click.option("--email"),
            click.option("--phone"),
        )
    ):
        command = option(command)
    return command


@click.group(
    "user",
    cls=Group,
    ko="로그인할 수 있는 사람",
    example='jongnyang user invite kim --name "김하나" --role operator',
)
def user() -> None:
    """People who may log in."""


@user.command(
    "add",
    cls=Command,
    ko="계정을 만듭니다. 비밀번호는 물어봅니다.",
    example='jongnyang user add kim --name "김하나" --role manager --complex W0G001 --complex W0G002\n'
    "pass show jongnyang/kim | jongnyang user add kim --role viewer --password-stdin",
)
@click.argument("login")
@with_profile
@with_scopes
@from_stdin
@in_district
def add_user(login: str, scopes: tuple[str, ...], password_stdin: bool, code: str | None, **profile: Any) -> None:
    """Add a person; the password is asked for. A second factor, where the role needs one, is set up at the log-in."""
    password = _ask_password(password_stdin)
    with begin() as session:
        place = district_of(session, code)
        account = people.add(
            session, place.id, login, _profile(login, **profile), actor(), now(), password, scopes or None
        )
        granted = ", ".join(sorted(accounts.scopes_of(account)))
        say(ADDED.fill(login=login, district=place.name, role=account.role, scopes=granted))


@user.command(
    "invite",
    cls=Command,
    ko="계정을 만들고, 비밀번호를 정할 일회용 링크를 표준 출력에 보입니다(72시간).",
    example='jongnyang user invite kim --name "김하나" --role operator',
)
@click.argument("login")
@with_profile
@in_district
def invite_user(login: str, code: str | None, **profile: Any) -> None:
    """Add a person who sets their password by a one-time link (72 hours), printed on standard output."""
    with begin() as session:
        place = district_of(session, code)
        link = people.invite(session, place.id, login, _profile(login, **profile), actor(), now())
    _show_link(INVITED, login, link)


@user.command(
    "recover",
    cls=Command,
    ko="비밀번호와 2차 인증을 지우고, 다시 정할 일회용 링크를 보입니다(24시간). 마지막 관리자도 이렇게 복구합니다.",
    example="jongnyang user recover kim",
)
@click.argument("login")
@in_district
def recover_user(login: str, code: str | None) -> None:
    """Void password and second factor and print a one-time link (24 hours): the way back of the last administrator."""
    with begin() as session:
        link = people.recover(session, place_of(session, login, code), login, actor(), now())
    _show_link(RECOVERED, login, link)


@user.command("list", cls=Command, ko="계정 목록을 보입니다.", example="jongnyang user list --json")
@in_district
@as_json
def list_users(code: str | None, json_: bool) -> None:
    """List the people of a district."""
    with begin() as session:
        found = people_page(session, district_of(session, code).id, now(), limit=EVERYBODY)
    show([_user_row(person) for person in found], json_)


@user.command("disable", cls=Command, ko="계정을 정지합니다. 토큰도 거절됩니다.", example="jongnyang user disable kim")
@click.argument("login")
@in_district
def disable_user(login: str, code: str | None) -> None:
    """Refuse a person and their tokens from now on."""
    with begin() as session:
        people.disable(session, place_of(session, login, code), login, actor(), now())
    say(DISABLED.fill(login=login))


@user.command("enable", cls=Command, ko="정지하거나 잠긴 계정을 다시 풉니다.", example="jongnyang user enable kim")
@click.argument("login")
@in_district
def enable_user(login: str, code: str | None) -> None:
    """Let a disabled or locked person in again."""
    with begin() as session:
        people.enable(session, place_of(session, login, code), login, actor(), now())
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
    with begin() as session:
        people.set_password(session, place_of(session, login, code), login, password, actor(), now())
    say(CHANGED.fill(login=login))


@contextmanager
def begin() -> Iterator[Session]:
    """A transaction on the database of the settings."""
    with open_database() as database, database.begin() as session:
        yield session


def district_of(session: Session, code: str | None) -> Any:
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


def place_of(session: Session, login: str, code: str | None) -> int:
    """The id of the district where somebody has this login; raises Refused."""
    place = district_of(session, code)
    mine = (Account.district_id == place.id, Account.login == login)
    if session.scalar(sa.select(Account.id).where(*mine)) is None:
        raise Refused(NO_ACCOUNT.fill(login=login, district=place.name))
    id_: int = place.id
    return id_


def _profile(login: str, name: str, complexes: tuple[str, ...], **fields: Any) -> Profile:
    return Profile(name=name.strip() or login, complexes=complexes, **fields)


def _show_link(told: Text, login: str, link: Link) -> None:
    click.echo(told.fill(login=login, until=instant(link.expires_at)).said(language()), err=True)
    click.echo(link.path)


def _ask_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    again = AGAIN.said(language())
    typed: str = click.prompt(PASSWORD.said(language()), hide_input=True, confirmation_prompt=again)
    return typed


def _user_row(person: dict[str, Any]) -> dict[str, str | None]:
    return {
        "login": person["login"],
        "name": person["name"],
        "role": person["role"],
        "state": person["state"],
        "complexes": " ".join(place["code"] for place in person["complexes"]),
        "vendor": person["vendor"] and person["vendor"]["code"],
        "scopes": " ".join(person["scopes"]),
        "created": instant(person["created_at"]),
        "disabled": instant(person["disabled_at"]),
    }


def show(rows: list[dict[str, str | None]], json_: bool) -> None:
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


def instant(moment: datetime | None) -> str | None:
    """A moment as commands print it."""
    return format_instant(moment) if moment else None
