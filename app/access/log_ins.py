"""The way in: login and password, then a code where the account has a second factor; and what stops guessing.

Between the two steps stands a `Pending`, sealed into the browser's cookie for ten minutes. It opens nothing but the
second step, and nothing at all once the password has changed.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit, passwords, second_factor, sessions
from app.access.accounts import district, lock_account
from app.access.models import Account
from app.access.rules import ROLES
from app.access.sealing import seal, unseal
from app.access.sessions import Origin
from app.db import Database

LOCK_AFTER = 10  # failures in a row, wrong passwords and wrong codes together
LOCKED_FOR = timedelta(minutes=15)
STEP_WITHIN = timedelta(minutes=10)
PURPOSE = "log-in"
SERVICE = "service"  # who locks an account: nobody knows who guessed


class Pending(msgspec.Struct):
    """Whose password was right, and the second factor that is offered to them, if one is to be set up."""

    district_id: int
    account_id: int
    password: str  # its stamp
    secret: str | None = None


class Step(NamedTuple):
    """What the service knows at the second step: its own secret, from where, and when."""

    secret_key: str
    origin: Origin
    now: datetime


def check_password(database: Database, login: str, password: str, now: datetime) -> Account | None:
    """The account of this login (or DISTRICT/LOGIN) if the password is right and it may log in, else None.

    An unknown login costs one password check too. A wrong password counts towards the lock.
    """
    with database.session() as session:
        found = session.scalars(_named(login)).all()
    if not found:
        passwords.fits("", password)
    for account in found:  # one, unless two districts use the same login
        if passwords.fits(account.password_hash, password) and _may_enter(account, now):
            _renew(database, account, password)
            return account
    with database.begin() as session:
        for account in found:
            _count_failure(session, account, now)
    return None


def password_opens(session: Session, account: Account, password: str, now: datetime) -> bool:
    """Whether the password is right where somebody who is in already gives it once more; the caller holds the row."""
    if not _may_enter(account, now):
        return False
    right = passwords.fits(account.password_hash, password)
    if not right:
        _count_failure(session, account, now)
    return right


def pending_of(account: Account) -> Pending:
    """The second step of an account whose password was right; with a new secret where the second factor is missing."""
    secret = second_factor.new_secret() if account.totp_confirmed_at is None else None
    return Pending(account.district_id, account.id, passwords.stamp(account.password_hash), secret)


def needs_code(account: Account) -> bool:
    """Whether a password alone does not open the account."""
    return account.totp_confirmed_at is not None or ROLES[account.role].second_factor


def seal_pending(pending: Pending, secret_key: str, now: datetime) -> str:
    """The pending log-in for the browser to keep."""
    return seal(secret_key, PURPOSE, msgspec.json.encode(pending), now).decode()


def unseal_pending(sealed: str, secret_key: str, now: datetime) -> Pending | None:
    """What `seal_pending` sealed, for ten minutes."""
    content = unseal(secret_key, PURPOSE, sealed.encode(), now, STEP_WITHIN)
    return None if content is None else msgspec.json.decode(content, type=Pending)


def enter(session: Session, pending: Pending, step: Step, code: str | None = None) -> str | None:
    """Begin a session and return its id; None for a code that does not open, which counts towards the lock.

    Without a code only an account opens that needs none. The first code of an offered second factor confirms it.
    """
    account = lock_account(session, pending.district_id, pending.account_id)
    if account is None or not _may_enter(account, step.now):
        return None
    if passwords.stamp(account.password_hash) != pending.password:
        return None
    if needs_code(account) and not _code_opens(session, account, pending, step, code or ""):
        _count_failure(session, account, step.now)
        return None
    account.failed_log_ins = 0
    account.locked_until = None
    account.last_log_in_at = step.now
    session_id = sessions.start(session, account, step.origin, step.now)
    entry = audit.Entry("account.logged_in", "account", account.id, account.login)
    audit.book(session, account.district_id, entry, account.login, step.now)
    return session_id


def leave(session: Session, district_id: int, account_id: int, session_id: str, actor: str, now: datetime) -> None:
    """End a session."""
    sessions.end_one(session, district_id, session_id, actor, now)
    entry = audit.Entry("account.logged_out", "account", account_id, actor)
    audit.book(session, district_id, entry, actor, now)


def name_in_app(session: Session, district_id: int, account_id: int) -> str:
    """DISTRICT/LOGIN: how an app that keeps several second factors calls this one."""
    owned = sa.and_(district.c.id == Account.district_id, Account.district_id == district_id, Account.id == account_id)
    code, login = session.execute(sa.select(district.c.code, Account.login).join_from(Account, district, owned)).one()
    return f"{code}/{login}"


def _code_opens(session: Session, account: Account, pending: Pending, step: Step, code: str) -> bool:
    if account.totp_confirmed_at is not None:
        return second_factor.use_code(account, step.secret_key, code, step.now)
    if pending.secret is None or not second_factor.confirm(account, step.secret_key, pending.secret, code, step.now):
        return False
    entry = audit.Entry("account.second_factor_set", "account", account.id, account.login)
    audit.book(session, account.district_id, entry, account.login, step.now)
    return True


def _named(login: str) -> sa.Select[Account]:
    code, slash, name = login.strip().replace("\0", "").rpartition("/")
    statement = sa.select(Account).where(Account.login == name.lower()).order_by(Account.district_id)
    if slash:
        statement = statement.join(district, district.c.id == Account.district_id).where(district.c.code == code)
    return statement


def _may_enter(account: Account, now: datetime) -> bool:
    return account.disabled_at is None and (account.locked_until is None or account.locked_until <= now)


def _count_failure(session: Session, account: Account, now: datetime) -> None:
    """One failure more, unless the account is locked already; the tenth locks it, which the audit log tells."""
    one: Any = (Account.district_id == account.district_id, Account.id == account.id)
    unlocked = sa.or_(Account.locked_until.is_(None), Account.locked_until <= now)
    more = sa.update(Account).where(*one, unlocked).values(failed_log_ins=Account.failed_log_ins + 1)
    failures = session.scalar(more.returning(Account.failed_log_ins))
    if failures is None or failures < LOCK_AFTER:
        return
    session.execute(sa.update(Account).where(*one).values(failed_log_ins=0, locked_until=now + LOCKED_FOR))
    entry = audit.Entry("account.locked", "account", account.id, account.login, after={"failures": failures})
    audit.book(session, account.district_id, entry, SERVICE, now)


def _renew(database: Database, account: Account, password: str) -> None:
    """Store the hash anew where Argon2's parameters have changed since; `account` gets it too."""
    old = account.password_hash
    new = passwords.renewed(old, password)
    if new is None:
        return
    same = (Account.district_id == account.district_id, Account.id == account.id, Account.password_hash == old)
    with database.begin() as session:
        session.execute(sa.update(Account).where(*same).values(password_hash=new))
    account.password_hash = new
