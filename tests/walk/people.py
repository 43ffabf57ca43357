"""Who walks: one person of each role, programs with one scope each, and nobody; each comes with an API token.

A token opens every route as its account would, so no log-in and no limit of log-ins stands in the way.
"""

import hashlib
from typing import Any, NamedTuple

import pytest

from app.access.accounts import TOKEN_PREFIX
from app.access.rules import LOGGED_IN, ROLES, SCOPES
from app.db import Base, Database
from tests.walk.world import FOREIGN, MOMENT, OWN, Side, row_of

FIRST_ID = 500  # above every row of the world


class Walker(NamedTuple):
    """`reach` is the kind: district, complex or vendor. Who sees a complex or vendor sees that of `home`."""

    name: str
    role: str
    reach: str = "district"
    home: Side = OWN
    scopes: frozenset[str] = frozenset()
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def may(self, rule: str) -> bool:
        """Whether scope or log-in suffice for the rule."""
        return bool(self.token) and (rule == LOGGED_IN or rule in self.scopes)

    def sees(self, side: Side) -> bool:
        """Whether what belongs to a side exists for them."""
        return side == self.home if self.reach != "district" else side.district_id == self.home.district_id


def _of(name: str, role: str, reach: str = "district", home: Side = OWN, scopes: tuple[str, ...] = ()) -> Walker:
    allowed = ROLES[role].scopes & frozenset(scopes) if scopes else ROLES[role].scopes
    return Walker(name, role, reach, home, allowed, f"{TOKEN_PREFIX}{name.replace(' ', '-')}")


ADMINISTRATOR = _of("administrator", "administrator")
MANAGER = _of("manager", "manager", "complex")
CONTRACTOR = _of("contractor", "contractor", "complex")
VENDOR = _of("vendor", "vendor", "vendor")
WHOLE = (*(_of(role, role) for role in ("operator", "viewer", "auditor")), _of("contractor of all", "contractor"))
STRANGER = _of("stranger", "administrator", home=FOREIGN)  # may do everything, in another district
PROGRAMS = tuple(
    _of(scope, "administrator", scopes=(scope,)) for scope in SCOPES if scope in ROLES["administrator"].scopes
)
NOBODY = Walker("nobody", "")
WALKERS = (ADMINISTRATOR, *WHOLE, MANAGER, CONTRACTOR, VENDOR, STRANGER, *PROGRAMS, NOBODY)


def both_databases(walkers: tuple[Walker, ...], on_postgresql: tuple[Walker, ...] = ()) -> pytest.MarkDecorator:
    """Runs a test for each walker; on PostgreSQL, which answers the same statements, for some."""
    found = [("sqlite", walker) for walker in walkers] + [("postgresql", walker) for walker in on_postgresql]
    names = [f"{walker.name}-{database}" for database, walker in found]
    return pytest.mark.parametrize(("walk", "walker"), found, ids=names, indirect=["walk"], scope="session")


def add(database: Database) -> None:
    """Write their accounts, complexes and tokens."""
    tables = Base.metadata.tables
    with database.engine.begin() as connection:
        for number, walker in enumerate(WALKERS):
            if not walker.token:
                continue
            key = {"district_id": walker.home.district_id, "account_id": FIRST_ID + number}
            account = row_of(walker.home, tables["account"]) | _account(walker, FIRST_ID + number)
            connection.execute(tables["account"].insert().values(account))
            if walker.reach == "complex":
                connection.execute(tables["account_complex"].insert().values(key | {"complex_id": walker.home.id}))
            token = row_of(walker.home, tables["api_token"]) | key | _token(walker, FIRST_ID + number)
            connection.execute(tables["api_token"].insert().values(token))


def _account(walker: Walker, id_: int) -> dict[str, Any]:
    return {
        "id": id_,
        "login": f"walker{id_}",
        "name": walker.name,
        "role": walker.role,
        "vendor_id": walker.home.id if walker.reach == "vendor" else None,
        "all_complexes": walker.role == "contractor" and walker.reach == "district",
        "totp_confirmed_at": MOMENT,
        "email": None,
        "phone": None,
    }


def _token(walker: Walker, id_: int) -> dict[str, Any]:
    hashed = hashlib.sha256(walker.token.encode()).digest()
    return {"id": id_, "name": "walk", "token_hash": hashed, "scopes": " ".join(sorted(walker.scopes))}
