"""What administrators do with the accounts of their district. Pages, API and commands all come through here.

Each use case takes a session, leaves committing to its caller, and books into the audit log. All raise the Problem
`not-found` for a login that the district does not have, and Refused for what may not be done.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import accounts, audit, links, passwords, sessions
from app.access.links import Link
from app.access.models import Account, ApiToken
from app.access.profiles import Profile, check_contact, differences, give_complexes, profile_of, reach_of, told_of
from app.problems import Problem
from app.texts import Refused, Text

LONGEST_TOKEN_DAYS = 400
ADMIN = "access:admin"

NOT_ONESELF = Text(
    "자기 계정은 여기에서 복구하거나 정지할 수 없습니다. 다른 관리자에게 부탁하십시오.",
    "Nobody recovers or disables their own account. Ask another administrator.",
)
LAST_ADMINISTRATOR = Text(
    "{login} 계정은 자치구의 마지막 관리자입니다. 먼저 다른 관리자를 두십시오.",
    "{login} is the last administrator of the district. Make somebody else one first.",
)
IS_DISABLED = Text(
    "{login} 계정은 정지되어 있습니다. 먼저 정지를 푸십시오.", "{login} is disabled. Enable the account first."
)
IS_IN = Text(
    "{login} 계정은 이미 비밀번호를 정했습니다. 잊었다면 복구하십시오.",
    "{login} has a password already. Recover the account if it is lost.",
)
NO_TOKEN_NAME = Text("토큰 이름을 1~60자로 입력하십시오.", "Give the token a name of 1 to 60 characters.")
BEYOND_MAKER = Text(
    "자기에게 없는 권한은 토큰에도 줄 수 없습니다: {scopes}. 그 권한을 빼십시오.",
    "You may not {scopes} yourself, so a token that you make may not either. Leave that out.",
)
OF_ANOTHER = Text(
    "{scope} 권한의 토큰은 본인만 만들 수 있습니다. {login} 님이 직접 만들어야 합니다.",
    "Only its owner makes a token that may {scope}. {login} has to make it.",
)
NO_SCOPES = Text("토큰의 권한을 하나 이상 고르십시오.", "Choose one scope at least for the token.")
BAD_DAYS = Text(
    "토큰은 1일에서 {most}일까지 쓸 수 있습니다. 기간을 고치십시오.",
    "A token is valid for 1 to {most} days. Correct the days.",
)


def account_of(session: Session, district_id: int, login: str) -> Account:
    """The account of this login, held until the transaction ends; raises the Problem `not-found`."""
    mine = (Account.district_id == district_id, Account.login == login)
    id_ = session.scalar(sa.select(Account.id).where(*mine))
    account = None if id_ is None else accounts.lock_account(session, district_id, id_)
    if account is None:
        raise Problem("not-found")
    return account


def add(
    session: Session,
    district_id: int,
    login: str,
    profile: Profile,
    actor: str,
    now: datetime,
    password: str | None = None,
    scopes: Iterable[str] | None = None,
) -> Account:
    """A new account. Without a password it waits to be invited."""
    complex_ids, vendor_id = reach_of(session, district_id, profile)
    person = accounts.Person(
        *(login, profile.name, profile.role, password, scopes, complex_ids.values(), vendor_id),
        *(profile.all_complexes, profile.email, profile.phone),
    )
    account = accounts.add_account(session, district_id, person, now)
    _book(session, account, "added", actor, now, after=told_of(profile._asdict()))
    return account


def invite(session: Session, district_id: int, login: str, profile: Profile, actor: str, now: datetime) -> Link:
    """A new account, and the link by which its owner sets a password."""
    account = add(session, district_id, login, profile, actor, now)
    return _link(session, account, "invitation", actor, now)


def invite_again(session: Session, district_id: int, login: str, actor: str, now: datetime) -> Link:
    """Another link for somebody who has not set a password yet; the one before ends."""
    account = _enabled(account_of(session, district_id, login))
    if account.password_hash:
        raise Refused(IS_IN.fill(login=login))
    return _link(session, account, "invitation", actor, now)


def recover(session: Session, district_id: int, login: str, actor: str, now: datetime) -> Link:
    """Void password, second factor and sessions of somebody else, and give the link by which they come back."""
    _refuse_oneself(login, actor)
    account = _enabled(account_of(session, district_id, login))
    account.password_hash = ""
    account.totp_secret = account.totp_confirmed_at = account.totp_last_step = None
    _unlock(account)
    sessions.end(session, district_id, account.id, actor, now)
    return _link(session, account, "recovery", actor, now)


def change(session: Session, district_id: int, login: str, profile: Profile, actor: str, now: datetime) -> None:
    """Another name, role, reach or contact. Raises Refused where the last administrator would be one no more."""
    administrators = _held_administrators(session, district_id)
    account = account_of(session, district_id, login)
    complex_ids, vendor_id = reach_of(session, district_id, profile)
    before = profile_of(session, account)
    if profile.role != "administrator":
        _refuse_last(account, administrators)
    for name in ("name", "role", "email", "phone", "all_complexes"):
        setattr(account, name, getattr(profile, name))
    account.vendor_id = vendor_id
    if set(before.complexes) != set(profile.complexes):
        give_complexes(session, account, complex_ids.values())
    old, new = differences(before, profile._replace(complexes=tuple(sorted(set(profile.complexes)))))
    _book(session, account, "changed", actor, now, before=old, after=new)


def set_contact(
    session: Session, account: Account, name: str, email: str | None, phone: str | None, actor: str, now: datetime
) -> None:
    """Another name, e-mail address or telephone number of an account, whose row the caller holds."""
    check_contact(name, email, phone)
    before = profile_of(session, account)
    account.name, account.email, account.phone = name, email, phone
    old, new = differences(before, profile_of(session, account))
    _book(session, account, "changed", actor, now, before=old, after=new)


def disable(session: Session, district_id: int, login: str, actor: str, now: datetime) -> None:
    """Refuse a person and their tokens from now on."""
    _refuse_oneself(login, actor)
    administrators = _held_administrators(session, district_id)
    account = account_of(session, district_id, login)
    _refuse_last(account, administrators)
    account.disabled_at = account.disabled_at or now
    sessions.end(session, district_id, account.id, actor, now)
    links.end(session, account, now)
    _book(session, account, "disabled", actor, now)


def enable(session: Session, district_id: int, login: str, actor: str, now: datetime) -> None:
    """Let a disabled person in again; a lock ends too."""
    account = account_of(session, district_id, login)
    account.disabled_at = None
    _unlock(account)
    _book(session, account, "enabled", actor, now)


def end_sessions(session: Session, district_id: int, login: str, actor: str, now: datetime) -> int:
    """End all sessions of a person; how many there were."""
    account = account_of(session, district_id, login)
    ended = sessions.end(session, district_id, account.id, actor, now)
    _book(session, account, "sessions_ended", actor, now, after={"sessions": ended})
    return ended


def set_password(session: Session, district_id: int, login: str, password: str, actor: str, now: datetime) -> None:
    """Give a person another password, which ends their sessions and links. Their tokens stay."""
    account = account_of(session, district_id, login)
    account.password_hash = passwords.hash_password(account.login, password)
    sessions.end(session, district_id, account.id, actor, now)
    links.end(session, account, now)
    _book(session, account, "password_changed", actor, now)


def make_token(
    session: Session,
    district_id: int,
    login: str,
    name: str,
    scopes: Iterable[str],
    days: int,
    actor: str,
    now: datetime,
    granted: frozenset[str] | None = None,
) -> tuple[str, datetime]:
    """A new API token of a person, and until when it is valid; only its hash is stored.

    `granted` is what whoever makes it may do; None on the server itself, where everything may be done.
    """
    account, wanted, name = account_of(session, district_id, login), set(scopes), name.strip()
    if not 1 <= len(name) <= 60 or "/" in name:
        raise Refused(NO_TOKEN_NAME)
    if not wanted:
        raise Refused(NO_SCOPES)
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise Refused(BAD_DAYS.fill(most=LONGEST_TOKEN_DAYS))
    if granted is not None:
        _refuse_beyond(login, wanted, granted, actor)
    until = now + timedelta(days=days)
    token = accounts.add_token(session, account, name, wanted, now, until)
    after = {"scopes": sorted(wanted), "valid_until": until}
    entry = audit.Entry("token.made", "token", f"{login}/{name}", f"{login}/{name}", after=after)
    audit.book(session, district_id, entry, actor, now)
    return token, until


def revoke_token(session: Session, district_id: int, login: str, name: str, actor: str, now: datetime) -> None:
    """Refuse a token from now on; raises the Problem `not-found` for one that is not there or not live."""
    found: ApiToken | None = accounts.live_token(session, account_of(session, district_id, login), name)
    if found is None:
        raise Problem("not-found")
    found.revoked_at = now
    entry = audit.Entry("token.revoked", "token", f"{login}/{name}", f"{login}/{name}")
    audit.book(session, district_id, entry, actor, now)


def _refuse_oneself(login: str, actor: str) -> None:
    if actor.partition("/")[0] == login:
        raise Refused(NOT_ONESELF)


def _refuse_beyond(login: str, wanted: set[str], granted: frozenset[str], actor: str) -> None:
    """Nobody hands on what they may not do; nor recovers themselves in the name of another administrator."""
    if missing := sorted(wanted - granted):
        raise Refused(BEYOND_MAKER.fill(scopes=", ".join(missing)))
    if ADMIN in wanted and actor.partition("/")[0] != login:
        raise Refused(OF_ANOTHER.fill(scope=ADMIN, login=login))


def _held_administrators(session: Session, district_id: int) -> list[int]:
    """Who of the administrators can log in. Others who ask wait until this transaction ends."""
    living = sa.select(Account.id).where(
        Account.district_id == district_id,
        Account.role == "administrator",
        sa.or_(Account.scopes.is_(None), Account.scopes.contains(ADMIN)),
        Account.disabled_at.is_(None),
        Account.password_hash != "",
    )
    return list(session.scalars(living.order_by(Account.id).with_for_update()))


def _refuse_last(account: Account, administrators: list[int]) -> None:
    if administrators == [account.id]:
        raise Refused(LAST_ADMINISTRATOR.fill(login=account.login))


def _enabled(account: Account) -> Account:
    if account.disabled_at is not None:
        raise Refused(IS_DISABLED.fill(login=account.login))
    return account


def _unlock(account: Account) -> None:
    account.failed_log_ins, account.locked_until = 0, None


def _link(session: Session, account: Account, purpose: str, actor: str, now: datetime) -> Link:
    link = links.make(session, account, purpose, actor, now)
    done = "invited" if purpose == "invitation" else "recovered"
    _book(session, account, done, actor, now, after={"valid_until": link.expires_at})
    return link


def _book(session: Session, account: Account, done: str, actor: str, now: datetime, **fields: Any) -> None:
    entry = audit.Entry(f"account.{done}", "account", account.id, account.login, **fields)
    audit.book(session, account.district_id, entry, actor, now)
