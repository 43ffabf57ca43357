"""What everybody does with their own account. Each use case takes a session and leaves committing to its caller."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access import accounts, audit, links, log_ins, passwords, people, second_factor, sessions
from app.access.accounts import Identity
from app.access.models import Account
from app.problems import Problem
from app.texts import Refused, Text

WRONG_PASSWORD = Text(
    "지금 쓰는 비밀번호가 맞지 않습니다. 다시 입력하십시오.", "That is not the present password. Enter it once more."
)
NOT_THE_SAME = Text(
    "새 비밀번호 두 개가 서로 다릅니다. 같게 입력하십시오.", "The new passwords differ. Enter the same one twice."
)
WRONG_CODE = Text(
    "인증 번호가 맞지 않습니다. 앱에 지금 보이는 번호를 입력하십시오.",
    "The code does not fit. Enter the one that the app shows now.",
)
BY_TOKEN = Text(
    "API 토큰으로는 계정을 바꿀 수 없습니다. 로그인하십시오.",
    "An API token does not change its owner's account. Log in.",
)
DEAD_LINK = Text(
    "이 링크는 이미 쓰였거나 기한이 지났습니다. 관리자에게 새 링크를 받으십시오.",
    "This link was used already or has expired. Ask an administrator for a new one.",
)


def refuse_token(me: Identity) -> None:
    """Raise Refused for a program: its scopes say nothing of its owner's account, which opens with a log-in alone."""
    if not me.session_id:
        raise Refused(BY_TOKEN)


def change_contact(
    session: Session, me: Identity, name: str, email: str | None, phone: str | None, now: datetime
) -> None:
    """Another name, e-mail address or telephone number."""
    people.set_contact(session, _mine(session, me), name, email, phone, me.actor, now)


def check_password(session: Session, me: Identity, password: str, now: datetime) -> bool:
    """Whether the password is the reader's; a wrong one counts towards the lock, so the caller commits either way."""
    return log_ins.password_opens(session, _mine(session, me), password, now)


def change_password(session: Session, me: Identity, new: str, now: datetime) -> None:
    """Another password; the other sessions end."""
    account = _mine(session, me)
    account.password_hash = passwords.hash_password(account.login, new)
    _end_others(session, me, account, now)
    _book(session, account, "password_changed", me.actor, now)


def change_second_factor(
    session: Session, me: Identity, secret_key: str, secret: str, code: str, now: datetime
) -> None:
    """Another second factor, confirmed by its first code; the other sessions end."""
    account = _mine(session, me)
    if not second_factor.confirm(account, secret_key, secret, code, now):
        raise Refused(WRONG_CODE)
    _end_others(session, me, account, now)
    _book(session, account, "second_factor_set", me.actor, now)


def end_other_sessions(session: Session, me: Identity, now: datetime) -> int:
    """End all sessions but the one that asks; how many there were."""
    account = _mine(session, me)
    ended = sessions.end(session, me.district_id, account.id, me.actor, now, besides=me.session_id)
    _book(session, account, "sessions_ended", me.actor, now, after={"sessions": ended})
    return ended


def accept(session: Session, token: str, password: str, now: datetime) -> Account:
    """Set the password of an invited or recovered account by its link, which works once. Raises Refused."""
    found = links.find(session, token, now)
    account = None if found is None else accounts.lock_account(session, found.district_id, found.id)
    if account is None or not links.use(session, token, now):
        raise Refused(DEAD_LINK)
    account.password_hash = passwords.hash_password(account.login, password)
    sessions.end(session, account.district_id, account.id, account.login, now)
    _book(session, account, "password_set", account.login, now)
    return account


def _mine(session: Session, me: Identity) -> Account:
    account = accounts.lock_account(session, me.district_id, me.account_id)
    if account is None:
        raise Problem("not-found")
    return account


def _end_others(session: Session, me: Identity, account: Account, now: datetime) -> None:
    sessions.end(session, me.district_id, account.id, me.actor, now, besides=me.session_id)
    links.end(session, account, now)


def _book(session: Session, account: Account, done: str, actor: str, now: datetime, **fields: Any) -> None:
    entry = audit.Entry(f"account.{done}", "account", account.id, account.login, **fields)
    audit.book(session, account.district_id, entry, actor, now)
