"""Invitations, recoveries, roles and tokens: what an administrator may do, and what nobody may."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from flask import Flask

from app.access import log_ins, own, people
from app.access.links import VALID
from app.access.models import Account, AccountLink, AuditEntry
from app.access.people import LONGEST_TOKEN_DAYS
from app.access.people_queries import people_page, person_detail
from app.access.profiles import Profile
from app.access.rules import ROLES
from app.db import Database
from app.problems import Problem
from app.texts import Refused
from app.times import now
from tests.access.people import PASSWORD, add_person, database_of, log_in
from tests.builders import Town

LEE = Profile("이하나", "viewer", "lee@example.com", "010-1234-5678")
NEW = "another password"


@pytest.fixture
def town(app: Flask) -> Town:
    return Town(database_of(app), code="W0K")


def invite(database: Database, login: str = "lee", profile: Profile = LEE, district: int = 1) -> str:
    with database.begin() as session:
        return people.invite(session, district, login, profile, "kim", now()).token


def accept(database: Database, token: str, password: str = NEW) -> str:
    with database.begin() as session:
        return own.accept(session, token, password, now()).login


def account(database: Database, login: str) -> Account:
    with database.begin() as session:
        return session.scalars(sa.select(Account).where(Account.login == login)).one()


def test_an_invited_person_sets_a_password_by_the_link(database: Database) -> None:
    token = invite(database)
    assert log_ins.check_password(database, "lee", "", now()) is None
    assert accept(database, token) == "lee"
    assert log_ins.check_password(database, "lee", NEW, now()) is not None


def test_a_link_works_once_and_for_its_time(database: Database) -> None:
    token = invite(database)
    with database.begin() as session, pytest.raises(Refused, match="has expired"):
        own.accept(session, token, NEW, now() + VALID["invitation"])
    with pytest.raises(Refused, match="10 to 256"):
        accept(database, token, "short")
    accept(database, token)
    with pytest.raises(Refused, match="used already"):
        accept(database, token)


def test_a_newer_link_ends_the_older(database: Database) -> None:
    older = invite(database)
    with database.begin() as session:
        newer = people.invite_again(session, 1, "lee", "kim", now()).token
    with pytest.raises(Refused):
        accept(database, older)
    accept(database, newer)
    with database.begin() as session, pytest.raises(Refused, match="has a password already"):
        people.invite_again(session, 1, "lee", "kim", now())


def test_only_a_hash_of_the_link_is_stored(database: Database) -> None:
    token = invite(database)
    with database.begin() as session:
        stored = session.scalars(sa.select(AccountLink)).one()
        assert len(stored.token_hash) == 32
        assert token not in str(vars(stored))


def at_once(*calls: Callable[[], object]) -> list[str]:
    """What becomes of calls that begin at the same time: `done`, or the class of what they raise."""
    together, outcomes = Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        together.wait()
        try:
            call()
            outcomes.append("done")
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_two_who_use_one_link_at_once_one_sets_the_password(database: Database) -> None:
    token = invite(database)
    assert at_once(*[lambda: accept(database, token)] * 2) == ["Refused", "done"]


def test_of_two_who_invite_one_login_at_once_one_succeeds(database: Database) -> None:
    assert at_once(*[lambda: invite(database)] * 2) == ["Refused", "done"]


def test_two_administrators_cannot_disable_each_other_at_once(database: Database) -> None:
    add_person(database, "lee")

    def disable(login: str, actor: str) -> None:
        with database.begin() as session:
            people.disable(session, 1, login, actor, now())

    assert at_once(lambda: disable("kim", "lee"), lambda: disable("lee", "kim")) == ["Refused", "done"]


def test_recovery_voids_password_second_factor_and_sessions(app: Flask, database: Database) -> None:
    add_person(database, "lee")
    client = app.test_client()
    log_in(client, "lee")
    with database.begin() as session:
        token = people.recover(session, 1, "lee", "kim", now()).token
    assert client.get("/api/v1/me").status_code == 401
    assert log_ins.check_password(database, "lee", PASSWORD, now()) is None
    assert account(database, "lee").totp_secret is None
    accept(database, token)
    assert log_ins.pending_of(account(database, "lee")).secret  # the second factor is set up anew


@pytest.mark.parametrize("actor", ["kim", "kim/export"])
@pytest.mark.parametrize("what", [people.recover, people.disable])
def test_nobody_recovers_or_disables_themselves(database: Database, actor: str, what: Callable[..., object]) -> None:
    add_person(database, "lee")
    with database.begin() as session, pytest.raises(Refused, match="Ask another administrator"):
        what(session, 1, "kim", actor, now())


def test_the_last_administrator_stays_one(database: Database) -> None:
    invite(database, "invited", LEE._replace(role="administrator"))  # who never came is none
    add_person(database, "weak", scopes=("metering:read",))  # nor who may not manage accounts
    with database.begin() as session, pytest.raises(Refused, match="last administrator"):
        people.disable(session, 1, "kim", "cli:root", now())
    with database.begin() as session, pytest.raises(Refused, match="last administrator"):
        people.change(session, 1, "kim", Profile("Kim", "operator"), "cli:root", now())
    add_person(database, "lee")
    with database.begin() as session:
        people.disable(session, 1, "kim", "cli:root", now())
    assert account(database, "kim").disabled_at


def test_a_disabled_account_is_neither_invited_nor_recovered_and_its_link_is_dead(database: Database) -> None:
    token = invite(database)
    with database.begin() as session:
        people.disable(session, 1, "lee", "kim", now())
    with database.begin() as session, pytest.raises(Refused, match="Enable the account first"):
        people.recover(session, 1, "lee", "kim", now())
    with database.begin() as session:
        people.enable(session, 1, "lee", "kim", now())
    with pytest.raises(Refused):
        accept(database, token)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (Profile("A", "manager"), "needs one complex"),
        (Profile("A", "manager", all_complexes=True), "needs one complex"),
        (Profile("A", "manager", complexes=("W0K999",)), "No complex has the code W0K999"),
        (Profile("A", "manager", complexes=("W0K001",), vendor="V1"), "Only the role of a vendor"),
        (Profile("A", "contractor"), "choose all of them"),
        (Profile("A", "contractor", complexes=("W0K001",), all_complexes=True), "one of both"),
        (Profile("A", "operator", complexes=("W0K001",)), "no complexes of its own"),
        (Profile("A", "vendor"), "Enter its code"),
        (Profile("A", "vendor", vendor="V1"), "No vendor has the code V1"),
    ],
)
def test_a_role_and_its_reach_must_fit(database: Database, town: Town, profile: Profile, message: str) -> None:
    with pytest.raises(Refused, match=message):
        invite(database, profile=profile, district=town.district.id)


def test_complexes_of_another_district_do_not_exist(database: Database, town: Town) -> None:
    with pytest.raises(Refused, match=f"No complex has the code {town.complex.code}"):
        invite(database, profile=Profile("A", "manager", complexes=(town.complex.code,)))


def test_another_role_has_another_reach(app: Flask, database: Database, town: Town) -> None:
    district, code = town.district.id, town.complex.code
    add_person(database, "park", "W0K", role="contractor", complex_ids=(town.complex.id,))
    client = app.test_client()
    log_in(client, "park")
    assert client.get("/api/v1/me").json["complexes"] == [{"code": code, "name": town.complex.name}]
    with database.begin() as session:
        people.change(session, district, "park", Profile("P", "contractor", all_complexes=True), "cli", now())
    assert (client.get("/api/v1/me").json["reach"], client.get("/api/v1/me").json["complexes"]) == ("district", None)
    with database.begin() as session:
        people.change(session, district, "park", Profile("P", "operator"), "cli", now())
    assert client.get("/api/v1/me").status_code == 401  # an operator needs a second factor first


def test_tokens_are_held_to_scopes_and_time(database: Database) -> None:
    for scopes, days, message in (
        (("access:admin",), 1, "may not access:admin"),
        ((), 1, "one scope at least"),
        (("metering:read",), 0, "1 to 400 days"),
        (("metering:read",), LONGEST_TOKEN_DAYS + 1, "1 to 400 days"),
    ):
        add_person(database, f"lee{days}{len(scopes)}", role="viewer")
        with database.begin() as session, pytest.raises(Refused, match=message):
            people.make_token(session, 1, f"lee{days}{len(scopes)}", "export", scopes, days, "kim", now())


def test_what_is_booked_names_who_did_what_and_hides_personal_details(database: Database) -> None:
    accept(database, invite(database))
    with database.begin() as session:
        people.change(session, 1, "lee", LEE._replace(name="이두리", role="operator"), "kim", now())
        people.make_token(session, 1, "lee", "export", ["metering:read"], 30, "kim", now())
        people.revoke_token(session, 1, "lee", "export", "kim", now())
        rows = session.execute(sa.select(AuditEntry).order_by(AuditEntry.id)).scalars().all()
    assert [(row.action, row.actor, row.subject) for row in rows] == [
        ("account.added", "kim", "lee"),
        ("account.invited", "kim", "lee"),
        ("account.password_set", "lee", "lee"),
        ("account.changed", "kim", "lee"),
        ("token.made", "kim", "lee/export"),
        ("token.revoked", "kim", "lee/export"),
    ]
    booked = " ".join(f"{row.before} {row.after}" for row in rows)
    assert '"role": "viewer"' in booked
    assert not [detail for detail in ("이하나", "이두리", "lee@example.com", "5678") if detail in booked]


def test_another_district_has_nobody_of_ours(database: Database) -> None:
    add_person(database, "park", "W0K")
    with database.begin() as session:
        assert [row["login"] for row in people_page(session, 1, now())] == ["kim"]
        for call in (
            lambda: person_detail(session, 1, "park", now()),
            lambda: people.disable(session, 1, "park", "kim", now()),
            lambda: people.recover(session, 1, "park", "kim", now()),
            lambda: people.end_sessions(session, 1, "park", "kim", now()),
            lambda: people.make_token(session, 1, "park", "x", ["metering:read"], 1, "kim", now()),
        ):
            with pytest.raises(Problem, match="not-found"):
                call()


def test_people_are_paged_searched_and_chosen_by_role(database: Database) -> None:
    for login, role in (("lee", "viewer"), ("lim_1", "contractor"), ("limx1", "viewer")):
        add_person(database, login, role=role)
    with database.begin() as session:

        def found(**asked: object) -> list[str]:
            return [row["login"] for row in people_page(session, 1, now(), **asked)]

        assert found(limit=2) == ["kim", "lee"]
        assert found(after="lee", limit=2) == ["lim_1", "limx1"]
        assert found(search="M_1") == ["lim_1"]  # no pattern of SQL
        assert found(role="viewer") == ["lee", "limx1"]


def test_the_state_of_an_account_says_why_it_does_not_open(database: Database) -> None:
    add_person(database, "invited", password=None)
    add_person(database, "locked")
    add_person(database, "disabled")
    with database.begin() as session:
        change = sa.update(Account).values
        session.execute(change(locked_until=now() + timedelta(minutes=1)).where(Account.login == "locked"))
        session.execute(change(disabled_at=now()).where(Account.login == "disabled"))
        states = {row["login"]: row["state"] for row in people_page(session, 1, now())}
    assert states == {"kim": "active", "invited": "invited", "locked": "locked", "disabled": "disabled"}


def test_every_role_has_a_second_factor_or_sees_a_part_only() -> None:
    assert {name for name, role in ROLES.items() if not role.second_factor} == {"manager", "contractor", "vendor"}


@pytest.mark.parametrize(
    "contact", [("Kim\nPay here: http://x", None, None), ("K" * 101, None, None), ("Kim", "a@b\r\nBcc: c", None)]
)
def test_what_others_read_in_their_messages_is_one_line_of_a_name(
    database: Database, contact: tuple[str, str | None, str | None]
) -> None:
    with database.begin() as session, pytest.raises(Refused, match="each in one line"):
        people.set_contact(session, people.account_of(session, 1, "kim"), *contact, "kim", now())
    with pytest.raises(Refused, match="each in one line"):
        invite(database, profile=Profile(contact[0], "viewer", *contact[1:]))
