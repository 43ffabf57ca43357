"""The demo's accounts, one of each role: passwords and second factors are made once and kept in `demo.json`."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import accounts, passwords, second_factor
from app.access.models import Account
from app.access.rules import ROLES
from app.access.sealing import seal, unseal
from app.db import Database
from app.demo.files import read_private, write_private
from app.demo.town import DISTRICT, SITES
from app.ids import allocate
from app.registry.districts import the_district
from app.registry.models import Complex, District, Vendor
from app.texts import Text

ACCOUNT_FILE = "demo.json"
LOGIN = "demo"
VENDOR = "DEMO-1"
NAMES = {
    "administrator": Text("관리자", "administrator"),
    "operator": Text("운영자", "operator"),
    "viewer": Text("조회자", "viewer"),
    "manager": Text("관리사무소", "apartment manager"),
    "contractor": Text("유지보수 업체", "contractor"),
    "vendor": Text("지정판매소", "sales point"),
    "auditor": Text("감사자", "auditor"),
}
SHOWN = Text(
    "{role}: {login}  비밀번호 {password}  인증 번호 {code}", "{role}: {login}  password {password}  code {code}"
)
WITHOUT_CODE = Text("필요 없음", "not needed")


class Demo(NamedTuple):
    """How to look at the demo: everybody has the same password, and whose role needs it a second factor's secret."""

    login: str
    password: str
    secrets: dict[str, str]

    def said(self, now: datetime) -> Iterator[Text]:
        """A line for each account, with the code of this moment."""
        for role, name in NAMES.items():
            login = login_of(role)
            secret = self.secrets.get(login)
            code = WITHOUT_CODE if secret is None else second_factor.code_at(secret, now)
            yield SHOWN.fill(role=name, login=login, password=self.password, code=code)


def login_of(role: str) -> str:
    """The login of the demo's person with this role; the administrator's is the demo's own."""
    return LOGIN if role == "administrator" else f"{LOGIN}-{role}"


def kept(var: Path) -> Demo | None:
    """What an earlier run left in `var`, or None."""
    found = read_private(var / ACCOUNT_FILE)
    password, factors = found.get("password"), found.get("secrets")
    if not isinstance(password, str) or len(password) < passwords.SHORTEST or not isinstance(factors, dict):
        return None
    return Demo(LOGIN, password, factors)


def let_in(database: Database, var: Path, secret_key: str, now: datetime) -> Demo:
    """See to it that what is printed opens the accounts; one that was disabled stays so."""
    demo = kept(var) or _made(var)
    with database.begin() as session:
        district = the_district(session, DISTRICT)
        mine = sa.select(Account).where(Account.district_id == district.id)
        found = {account.login: account for account in session.scalars(mine)}
        chief = found.get(LOGIN)
        right = chief is not None and passwords.fits(chief.password_hash, demo.password)
        # One hash for all of them: seven of Argon2 would take the time of a start.
        password = chief.password_hash if chief and right else passwords.hash_password(LOGIN, demo.password)
        for role in NAMES:
            account = found.get(login_of(role)) or _add(session, district, role, now)
            if account.disabled_at is None:
                _open(account, password, demo.secrets.get(account.login), secret_key, now)
    return demo


def _made(var: Path) -> Demo:
    password = read_private(var / ACCOUNT_FILE).get("password")
    if not isinstance(password, str) or len(password) < passwords.SHORTEST:
        password = secrets.token_hex(8)
    factors = {login_of(role): second_factor.new_secret() for role in NAMES if ROLES[role].second_factor}
    demo = Demo(LOGIN, password, factors)
    write_private(var / ACCOUNT_FILE, demo._asdict())
    return demo


def _add(session: Session, district: District, role: str, now: datetime) -> Account:
    mine = sa.select(Complex.id).where(Complex.district_id == district.id, Complex.code == SITES[0].code)
    person = accounts.Person(
        login_of(role),
        f"데모 {NAMES[role].ko}",
        role,
        complex_ids=session.scalars(mine) if role == "manager" else (),
        vendor_id=_vendor(session, district) if role == "vendor" else None,
        all_complexes=role == "contractor",
    )
    return accounts.add_account(session, district.id, person, now)


def _vendor(session: Session, district: District) -> int:
    mine = sa.select(Vendor.id).where(Vendor.district_id == district.id, Vendor.code == VENDOR)
    found = session.scalar(mine)
    if found is not None:
        return found
    id_ = allocate(session, district.id, "vendor")[0]
    session.add(Vendor(district_id=district.id, id=id_, kind="sales_point", code=VENDOR, name="데모 지정판매소"))
    session.flush()
    return id_


def _open(account: Account, password: str, secret: str | None, secret_key: str, now: datetime) -> None:
    """Password and second factor as printed; nothing is written where they are."""
    account.password_hash = password
    account.failed_log_ins, account.locked_until = 0, None
    sealed = account.totp_secret
    if secret is None or (sealed and unseal(secret_key, second_factor.PURPOSE, sealed) == secret.encode()):
        return
    account.totp_secret = seal(secret_key, second_factor.PURPOSE, secret.encode(), now)
    account.totp_confirmed_at, account.totp_last_step = now, None
