"""`jongnyang user` and `jongnyang token`, as typed in a terminal."""

import json
import re
from collections.abc import Callable, Iterator

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask import Flask

from app.access import log_ins, own
from app.access.models import AuditEntry
from app.access.people_commands import _width, user
from app.access.token_commands import token
from app.cli import main
from app.console import Told
from app.times import now
from tests.access.people import PAGE, PASSWORD, add_person, database_of, running_app
from tests.builders import Town

Type = Callable[..., Result]


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with running_app(database_url) as app:
        add_person(database_of(app), scopes=("metering:read", "metering:correct"))
        yield app


@pytest.fixture
def typed(app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Type:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")

    def run(line: str, stdin: str = "", language: str = "en_US.UTF-8") -> Result:
        monkeypatch.setenv("LC_ALL", language)
        return CliRunner().invoke(main, line.split(), input=stdin)

    return run


def may_log_in(app: Flask, login: str, password: str) -> bool:
    return log_ins.check_password(database_of(app), login, password, now()) is not None


def test_a_person_is_added_with_a_password_typed_twice(app: Flask, typed: Type) -> None:
    added = typed("user add lee --name Lee --scope metering:read", f"{PASSWORD}\n{PASSWORD}\n")
    assert added.exit_code == 0
    assert "Added lee of District W0G as viewer. Scopes: metering:read." in added.stdout
    assert may_log_in(app, "lee", PASSWORD)


def test_a_password_can_be_piped_in(app: Flask, typed: Type) -> None:
    assert typed("user add lee --password-stdin", "piped password\n").exit_code == 0
    assert may_log_in(app, "lee", "piped password")


@pytest.mark.parametrize(
    ("line", "password", "message"),
    [
        ("user add kim", PASSWORD, "The login kim is taken."),
        ("user add Kim!", PASSWORD, "A login has 2 to 64 characters"),
        ("user add lee", "short", "A password has 10 to 256 characters."),
        ("user add lee-hana-park", "Lee-Hana-Park", "The password is the login."),
        ("user add lee --scope all", PASSWORD, "all is no scope. There are metering:read"),
        ("user add lee --district X", PASSWORD, "No district has the code X. Registered: W0G."),
        ("user password nobody", PASSWORD, "There is no account nobody in District W0G."),
        ("user disable nobody", "", "There is no account nobody in District W0G."),
        ("token revoke kim nothing", "", "kim has no live token nothing."),
        (
            "token add kim all --scope access:admin",
            "",
            "kim may not access:admin, so a token of theirs may not either.",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(typed: Type, line: str, password: str, message: str) -> None:
    before = typed("user list --json").stdout
    answer = typed(line + (" --password-stdin" if password else ""), password + "\n")
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert typed("user list --json").stdout == before


def test_the_terminal_is_answered_in_its_language(typed: Type) -> None:
    answer = typed("user disable nobody", language="ko_KR.UTF-8")
    assert "District W0G에 nobody 계정이 없습니다." in answer.stderr


def test_a_district_must_be_named_where_there_are_several(app: Flask, typed: Type) -> None:
    add_person(database_of(app), code="W0K")
    assert "There are several districts: W0G, W0K." in typed("user list").stderr
    assert typed("user list --district W0K").exit_code == 0


def test_people_are_listed_without_their_hashes(app: Flask, typed: Type) -> None:
    add_person(database_of(app), "lee", scopes=())
    people = json.loads(typed("user list --json").stdout)
    assert [(row["login"], row["scopes"]) for row in people] == [("kim", "metering:correct metering:read"), ("lee", "")]
    assert "argon2" not in typed("user list").stdout


def test_columns_line_up_under_hangul(typed: Type) -> None:
    typed("user add lee --name 이하나 --password-stdin", PASSWORD)
    header, *rows = typed("user list").stdout.splitlines()
    starts = {_width(row[: row.index("20")]) for row in rows}
    assert starts == {header.index("created")}


def test_disabling_shuts_out_and_enabling_lets_in_again(app: Flask, typed: Type) -> None:
    assert typed("user disable kim").exit_code == 0
    assert not may_log_in(app, "kim", PASSWORD)
    assert typed("user enable kim").exit_code == 0
    assert may_log_in(app, "kim", PASSWORD)


def test_somebody_is_invited_with_a_role_and_a_reach_by_a_link_that_is_printed_alone(app: Flask, typed: Type) -> None:
    town = Town(database_of(app), code="W0K")
    line = f"user invite park --name Park --role manager --complex {town.complex.code} --district W0K"
    invited = typed(line)
    assert invited.exit_code == 0
    assert "Invited park." in invited.stderr
    assert app.test_client().get(invited.stdout.strip(), headers=PAGE).status_code == 200
    (person,) = json.loads(typed("user list --json --district W0K").stdout)
    assert (person["role"], person["complexes"], person["state"]) == ("manager", "W0K001", "invited")
    refused = typed(line.replace("park", "lim").replace("W0K001", "W0K777"))
    assert (refused.exit_code, "No complex has the code W0K777" in refused.stderr) == (2, True)


def test_the_last_administrator_is_recovered_on_the_server_and_by_nobody_else(app: Flask, typed: Type) -> None:
    add_person(database_of(app), "chief")
    assert "last administrator" in typed("user disable chief").stderr
    recovered = typed("user recover chief")
    assert not may_log_in(app, "chief", PASSWORD)
    with database_of(app).begin() as session:
        own.accept(session, recovered.stdout.strip().rpartition("/")[2], "another password", now())
    assert may_log_in(app, "chief", "another password")


def test_what_is_typed_is_booked_with_who_typed_it(app: Flask, typed: Type) -> None:
    typed("user invite lee --role viewer")
    typed("token add kim export --scope metering:read")
    typed("user disable lee")
    with database_of(app).begin() as session:
        rows = session.execute(sa.select(AuditEntry.action, AuditEntry.actor, AuditEntry.via)).all()
    assert {row.action for row in rows} == {"account.added", "account.invited", "token.made", "account.disabled"}
    assert {(row.actor[:4], row.via) for row in rows} == {("cli:", "command")}


def test_a_changed_password_counts(app: Flask, typed: Type) -> None:
    assert typed("user password kim --password-stdin", "another password\n").exit_code == 0
    assert not may_log_in(app, "kim", PASSWORD)
    assert may_log_in(app, "kim", "another password")


def test_a_token_is_printed_alone_works_and_can_be_revoked(app: Flask, typed: Type) -> None:
    added = typed("token add kim export --scope metering:read --days 3")
    secret = added.stdout.strip()
    assert secret.startswith("jn_")
    client = app.test_client()
    assert client.get("/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    listed = typed("token list --json").stdout
    assert secret not in listed
    assert [(row["login"], row["name"], row["revoked"]) for row in json.loads(listed)] == [("kim", "export", None)]
    assert typed("token revoke kim export").exit_code == 0
    assert client.get("/", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_missing_secret_key_is_named(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JONGNYANG_SECRET_KEY")
    assert "JONGNYANG_SECRET_KEY is not set" in typed("user list").stderr


@pytest.mark.parametrize("group", [user, token])
def test_every_command_shows_an_example_and_speaks_korean(group: click.Group) -> None:
    for command in (group, *group.commands.values()):
        assert isinstance(command, Told)
        assert command.example.startswith(("jongnyang ", "TOKEN=$(jongnyang "))
        assert re.search("[가-힣]", command.ko)
