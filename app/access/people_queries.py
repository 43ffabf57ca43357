"""Reads of accounts, always of one district. Rows come back plain: dicts of what pages and the API show."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import sessions
from app.access.accounts import scopes_of
from app.access.models import Account, AccountComplex, AccountLink, AccountSession, ApiToken
from app.access.profiles import complexes, vendors
from app.problems import Problem

LAST_LOG_INS = 10

Row = dict[str, Any]


def people_page(
    session: Session,
    district_id: int,
    now: datetime,
    after: str = "",
    search: str = "",
    role: str = "",
    limit: int = 100,
) -> list[Row]:
    """People by login, those above `after`, whose login or name holds `search`; each as `_person` describes it."""
    statement = sa.select(Account).where(Account.district_id == district_id, Account.login > after)
    if search:
        like = (column.icontains(search, autoescape=True) for column in (Account.login, Account.name))
        statement = statement.where(sa.or_(*like))
    if role:
        statement = statement.where(Account.role == role)
    found = session.scalars(statement.order_by(Account.login).limit(limit)).all()
    return _described(session, district_id, found, now)


def person_detail(session: Session, district_id: int, login: str, now: datetime) -> Row:
    """One person as in the list, and their live sessions, last log-ins, tokens, and until when a link of theirs opens.

    Raises the Problem `not-found`.
    """
    account = session.scalar(sa.select(Account).where(Account.district_id == district_id, Account.login == login))
    if account is None:
        raise Problem("not-found")
    (row,) = _described(session, district_id, [account], now)
    return row | {
        "sessions": session_list(session, district_id, account.id, now),
        "log_ins": log_in_list(session, district_id, account.id),
        "tokens": token_list(session, district_id, account.id, now),
        "link_until": _link_until(session, account, now),
    }


def session_list(
    session: Session, district_id: int, account_id: int, now: datetime, session_id: str | None = None
) -> list[Row]:
    """The sessions of an account that still open the service, the newest first; `current` is that with the id."""
    mine = (AccountSession.district_id == district_id, AccountSession.account_id == account_id)
    statement = sa.select(AccountSession).where(*mine, sessions.living(now))
    own = None if session_id is None else sessions.hash_of(session_id)
    return [
        _log_in(row) | {"current": bytes(row.id_hash) == own}
        for row in session.scalars(statement.order_by(AccountSession.started_at.desc()))
    ]


def log_in_list(session: Session, district_id: int, account_id: int) -> list[Row]:
    """The last log-ins of an account, the newest first."""
    mine = (AccountSession.district_id == district_id, AccountSession.account_id == account_id)
    statement = sa.select(AccountSession).where(*mine).order_by(AccountSession.started_at.desc())
    return [_log_in(row) for row in session.scalars(statement.limit(LAST_LOG_INS))]


def token_list(session: Session, district_id: int, account_id: int, now: datetime) -> list[Row]:
    """The tokens of an account by name, without the secrets: those that live, and those that did."""
    mine = (ApiToken.district_id == district_id, ApiToken.account_id == account_id)
    found = session.scalars(sa.select(ApiToken).where(*mine).order_by(ApiToken.name, ApiToken.id))
    return [
        {
            "name": token.name,
            "scopes": token.scopes.split(),
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
            "live": token.revoked_at is None and (token.expires_at is None or token.expires_at > now),
        }
        for token in found
    ]


def complex_list(session: Session, district_id: int, ids: Iterable[int]) -> list[Row]:
    """Code and name of complexes, by code."""
    place = sa.select(complexes.c.code, complexes.c.name).where(complexes.c.district_id == district_id)
    rows = session.execute(place.where(complexes.c.id.in_(list(ids))).order_by(complexes.c.code))
    return [dict(row._mapping) for row in rows]


def vendor_row(session: Session, district_id: int, vendor_id: int | None) -> Row | None:
    """Code and name of a vendor."""
    mine = (vendors.c.district_id == district_id, vendors.c.id == vendor_id)
    found = session.execute(sa.select(vendors.c.code, vendors.c.name).where(*mine)).first()
    return None if found is None else dict(found._mapping)


def _described(session: Session, district_id: int, found: Iterable[Account], now: datetime) -> list[Row]:
    accounts = list(found)
    places = _complexes(session, district_id, [account.id for account in accounts])
    mine = sa.select(vendors.c.id, vendors.c.code, vendors.c.name).where(vendors.c.district_id == district_id)
    wanted = mine.where(vendors.c.id.in_([account.vendor_id for account in accounts if account.vendor_id]))
    shops = {row.id: {"code": row.code, "name": row.name} for row in session.execute(wanted)}
    return [
        _person(account, now) | {"complexes": places.get(account.id, []), "vendor": shops.get(account.vendor_id)}
        for account in accounts
    ]


def _complexes(session: Session, district_id: int, account_ids: list[int]) -> dict[int, list[Row]]:
    same = sa.and_(complexes.c.district_id == AccountComplex.district_id, complexes.c.id == AccountComplex.complex_id)
    statement = (
        sa.select(AccountComplex.account_id, complexes.c.code, complexes.c.name)
        .join(complexes, same)
        .where(AccountComplex.district_id == district_id, AccountComplex.account_id.in_(account_ids))
    )
    found: dict[int, list[Row]] = {}
    for row in session.execute(statement.order_by(complexes.c.code)):
        found.setdefault(row.account_id, []).append({"code": row.code, "name": row.name})
    return found


def _person(account: Account, now: datetime) -> Row:
    """`state` is `active`, `invited` (no password yet), `locked` (too many failures) or `disabled`."""
    shown = ("login", "name", "role", "email", "phone", "all_complexes", "created_at", "disabled_at", "last_log_in_at")
    return {name: getattr(account, name) for name in shown} | {
        "scopes": sorted(scopes_of(account)),
        "second_factor": account.totp_confirmed_at is not None,
        "state": _state(account, now),
        "locked_until": account.locked_until if account.locked_until and account.locked_until > now else None,
    }


def _state(account: Account, now: datetime) -> str:
    if account.disabled_at is not None:
        return "disabled"
    if not account.password_hash:
        return "invited"
    return "locked" if account.locked_until is not None and account.locked_until > now else "active"


def _log_in(row: AccountSession) -> Row:
    return {name: getattr(row, name) for name in ("started_at", "seen_at", "ended_at", "ended_by", "address", "agent")}


def _link_until(session: Session, account: Account, now: datetime) -> datetime | None:
    mine = (AccountLink.district_id == account.district_id, AccountLink.account_id == account.id)
    open_ = (AccountLink.used_at.is_(None), AccountLink.expires_at > now)
    return session.scalar(sa.select(sa.func.max(AccountLink.expires_at)).where(*mine, *open_))


def complex_choices(session: Session, district_id: int) -> list[Row]:
    """Code and name of every complex of the district, by name."""
    places = sa.select(complexes.c.code, complexes.c.name).where(complexes.c.district_id == district_id)
    return [dict(row._mapping) for row in session.execute(places.order_by(complexes.c.name, complexes.c.code))]
