"""People and their programs: who is asking, and with which scopes and reach.

A token has 256 random bits, so its plain SHA-256 is enough to find it and tells nobody the token. Every request reads
the account anew: whoever is disabled is out at once.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import g
from sqlalchemy.orm import Session

from app.access.models import Account, AccountComplex, ApiToken
from app.access.passwords import hash_password
from app.access.reach import WHOLE, Reach
from app.access.rules import LOGGED_IN, ROLES, SCOPES
from app.db import Database
from app.ids import allocate
from app.problems import Problem
from app.texts import Refused, Text

TOKEN_PREFIX = "jn_"  # noqa: S105 - what every token begins with, so that secret scanners find one that leaks
LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")

# Access lies below the registry; this is all it has to know of a district.
district = sa.table("district", sa.column("id", sa.Integer), sa.column("code", sa.Text), sa.column("name", sa.Text))

POOR_LOGIN = Text(
    "로그인 이름은 2~64자의 영문 소문자, 숫자, . _ @ - 로 만들고 첫 글자는 영문 소문자나 숫자여야 합니다.",
    "A login has 2 to 64 characters: small letters, digits and . _ @ -, with a letter or digit first.",
)
TAKEN = Text(
    "로그인 이름 {login}은(는) 이미 쓰이고 있습니다. 다른 이름을 쓰십시오.",
    "The login {login} is taken. Choose another one.",
)
TOKEN_EXISTS = Text(
    "{login}에게 토큰 {name}이(가) 이미 있습니다. 먼저 폐기하십시오.",
    "{login} has a token {name} already. Revoke it first.",
)
BEYOND_ACCOUNT = Text(
    "{login} 계정에 {scopes} 권한이 없으므로 토큰에도 줄 수 없습니다.",
    "{login} may not {scopes}, so a token of theirs may not either.",
)
NO_SCOPE = Text("{unknown}은(는) 없는 권한입니다. 권한: {scopes}.", "{unknown} is no scope. There are {scopes}.")


@dataclass(frozen=True)
class Identity:
    """Who makes a request. `actor` is the name that goes on what they change: LOGIN, or LOGIN/TOKEN of a program."""

    district_id: int
    account_id: int
    login: str
    name: str
    actor: str
    scopes: frozenset[str]
    role: str = "administrator"
    reach: Reach = WHOLE
    session_id: str = ""

    is_authenticated = is_active = True  # what Flask-Login asks; a disabled account never becomes an Identity
    is_anonymous = False

    def get_id(self) -> str:
        """What the session remembers."""
        return self.session_id

    def may(self, rule: str) -> bool:
        """Whether a route with this rule is open to them."""
        return rule == LOGGED_IN or rule in self.scopes


def current_identity() -> Identity:
    """Who makes this request; raises the Problem `not-authenticated` on a route that is open to all."""
    identity: Identity | None = g.get("identity")
    if identity is None:
        raise Problem("not-authenticated")
    return identity


def current_district_id() -> int:
    """The only district whose rows this request may touch."""
    return current_identity().district_id


def current_reach() -> Reach:
    """How far whoever makes this request sees; every read and write of the request stays inside."""
    return current_identity().reach


def current_actor() -> str:
    """The name to write beside what this request changes."""
    return current_identity().actor


def of_token(database: Database, token: str, now: datetime) -> Identity | None:
    """The account of a live API token; it may do what the token and the account both may."""
    live = sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now)
    owned = sa.and_(Account.district_id == ApiToken.district_id, Account.id == ApiToken.account_id)
    statement = (
        reading_identity(ApiToken.name.label("token"), ApiToken.scopes.label("token_scopes"))
        .join(ApiToken, owned)
        .where(ApiToken.token_hash == _token_hash(token), ApiToken.revoked_at.is_(None), live)
        .where(Account.disabled_at.is_(None))
    )
    with database.reading() as connection:
        rows = connection.execute(statement).all()
    return identity_of(rows, token=rows[0].token, token_scopes=rows[0].token_scopes) if rows else None


def reading_identity(*more: Any) -> sa.Select[*tuple[Any, ...]]:
    """What `identity_of` wants to know of accounts, and `more` columns: a row for each complex, or one without any."""
    a = Account
    wanted = (a.district_id, a.id, a.login, a.name, a.role, a.scopes, a.vendor_id, a.all_complexes, a.totp_confirmed_at)
    mine = sa.and_(AccountComplex.district_id == a.district_id, AccountComplex.account_id == a.id)
    return sa.select(*wanted, AccountComplex.complex_id, *more).select_from(a).outerjoin(AccountComplex, mine)


def identity_of(
    rows: Sequence[Any], session_id: str = "", token: str = "", token_scopes: str | None = None
) -> Identity:
    """The identity that the rows of one account make, of its session or of its token."""
    account = rows[0]
    scopes = scopes_of(account)
    if token_scopes is not None:
        scopes &= frozenset(token_scopes.split())
    return Identity(
        account.district_id,
        account.id,
        account.login,
        account.name,
        f"{account.login}/{token}" if token else account.login,
        scopes,
        account.role,
        _reach(account, frozenset(row.complex_id for row in rows if row.complex_id is not None)),
        session_id,
    )


def _reach(account: Any, complex_ids: frozenset[int]) -> Reach:
    if account.role == "vendor":
        return Reach(frozenset(), account.vendor_id)
    if "complex" not in ROLES[account.role].reaches or account.all_complexes:
        return WHOLE
    return Reach(complex_ids)


class Person(NamedTuple):
    """Whom to add. Without a password they set it by a link; `scopes` None leaves them all that the role may do.

    `complex_ids` are a manager's or contractor's, `vendor_id` a vendor's; `all_complexes` only a contractor's.
    """

    login: str
    name: str
    role: str
    password: str | None = None
    scopes: Iterable[str] | None = None
    complex_ids: Iterable[int] = ()
    vendor_id: int | None = None
    all_complexes: bool = False
    email: str | None = None
    phone: str | None = None


def add_account(session: Session, district_id: int, person: Person, now: datetime) -> Account:
    """A new account; raises Refused for a login that is taken, an unknown scope or a poor password."""
    if not LOGIN.fullmatch(person.login):
        raise Refused(POOR_LOGIN)
    id_ = allocate(session, district_id, "account")[0]  # whoever adds another one waits here, and then sees this login
    taken = sa.select(Account.id).where(Account.district_id == district_id, Account.login == person.login)
    if session.scalar(taken) is not None:
        raise Refused(TAKEN.fill(login=person.login))
    account = Account(
        district_id=district_id,
        id=id_,
        login=person.login,
        name=person.name.strip() or person.login,
        role=person.role,
        scopes=None if person.scopes is None else join_scopes(person.scopes),
        vendor_id=person.vendor_id,
        all_complexes=person.all_complexes,
        email=person.email,
        phone=person.phone,
        password_hash="" if person.password is None else hash_password(person.login, person.password),
        created_at=now,
    )
    session.add(account)
    session.flush()
    for complex_id in person.complex_ids:
        session.add(AccountComplex(district_id=district_id, account_id=account.id, complex_id=complex_id))
    session.flush()
    return account


def lock_account(session: Session, district_id: int, account_id: int) -> Account | None:
    """The account as it is now; until the transaction ends, nobody else who asks this way gets it."""
    one = (Account.district_id == district_id, Account.id == account_id)
    return session.scalar(sa.select(Account).where(*one).with_for_update().execution_options(populate_existing=True))


def scopes_of(account: Any) -> frozenset[str]:
    """What an account may do: all that its role may, or the part that is left to it."""
    role = ROLES[account.role].scopes
    return role if account.scopes is None else role & frozenset(account.scopes.split())


def add_token(
    session: Session, account: Account, name: str, scopes: Iterable[str], now: datetime, expires_at: datetime | None
) -> str:
    """A new API token of an account. It is returned here and never again; only its hash is stored."""
    if live_token(session, account, name) is not None:
        raise Refused(TOKEN_EXISTS.fill(login=account.login, name=name))
    wanted = join_scopes(scopes)
    missing = sorted(set(wanted.split()) - scopes_of(account))
    if missing:
        raise Refused(BEYOND_ACCOUNT.fill(login=account.login, scopes=", ".join(missing)))
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(
        ApiToken(
            district_id=account.district_id,
            id=allocate(session, account.district_id, "api_token")[0],
            account_id=account.id,
            name=name,
            token_hash=_token_hash(token),
            scopes=wanted,
            created_at=now,
            expires_at=expires_at,
        )
    )
    session.flush()
    return token


def live_token(session: Session, account: Account, name: str) -> ApiToken | None:
    """The account's token of this name that is not revoked."""
    return session.scalar(
        sa.select(ApiToken).where(
            ApiToken.district_id == account.district_id,
            ApiToken.account_id == account.id,
            ApiToken.name == name,
            ApiToken.revoked_at.is_(None),
        )
    )


def join_scopes(scopes: Iterable[str]) -> str:
    """Scopes as they are stored: sorted, between blanks. Raises Refused for an unknown one."""
    wanted = set(scopes)
    unknown = sorted(wanted - set(SCOPES))
    if unknown:
        raise Refused(NO_SCOPE.fill(unknown=", ".join(unknown), scopes=", ".join(SCOPES)))
    return " ".join(sorted(wanted))


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
