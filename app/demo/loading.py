"""Puts the demo's town into a database, by the imports that a district office would use; again, it changes nothing."""

import csv
import secrets
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import accounts
from app.access.models import Account
from app.db import Database
from app.demo import fleet
from app.demo.files import read_private, write_private
from app.demo.town import DISTRICT, METERS_SINCE, SITES, Site, gateway_code, homes, meters
from app.registry.districts import the_district
from app.registry.imports.service import Order, import_complexes, import_households
from app.registry.models import Complex, District, Gateway, Household, ImportBatch
from app.registry.service import add_gateway, install_meter
from app.texts import Refused, Text

LOGIN = "demo"
NAME = "데모"
SCOPES = ("metering:read", "metering:correct")
COMPLEX_FILE, HOUSEHOLD_FILE = "demo-complexes.csv", "demo-households.csv"
ACCOUNT_FILE = "demo.json"

NOT_EMPTY = Text(
    "데모가 아닌 세대나 게이트웨이가 이미 있어 데모를 넣지 않았습니다: {url}. "
    "다른 데이터베이스를 지정하세요: JONGNYANG_DATABASE_URL=sqlite:///var/demo.db",
    "The demo was not loaded, for there are households or gateways of others: {url}. "
    "Name another database: JONGNYANG_DATABASE_URL=sqlite:///var/demo.db",
)


class Demo(NamedTuple):
    """How to look at the demo."""

    login: str
    password: str


def load(database: Database, var: Path, now: datetime, full: bool = False) -> Demo:
    """Load what is missing, and write `demo.json` and `fleet.json` into `var`.

    Raises Refused, changing nothing, for a database with households or gateways that are not the demo's.
    """
    if not _is_loaded(database):
        _refuse_others(database)
        _import_town(database, now)
    with database.begin() as session:
        district = the_district(session, DISTRICT)
        for site in SITES:
            _add_gateway(session, district, site, now)
    demo = Demo(LOGIN, _password(var))
    _let_in(database, demo, now)
    fleet.prepare(database, var, now)
    return demo


def _is_loaded(database: Database) -> bool:
    mark = (ImportBatch.file_name == HOUSEHOLD_FILE, ImportBatch.undone_at.is_(None))
    with database.begin() as session:
        return session.scalar(sa.select(ImportBatch.id).where(*mark).limit(1)) is not None


def _refuse_others(database: Database) -> None:
    own = [gateway_code(site.code) for site in SITES]
    with database.begin() as session:
        gateway = session.scalar(sa.select(Gateway.id).where(Gateway.code.not_in(own)).limit(1))
        household = session.scalar(sa.select(Household.id).limit(1))
    if gateway is not None or household is not None:
        raise Refused(NOT_EMPTY.fill(url=database.engine.url.render_as_string()))


def _import_town(database: Database, now: datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="jongnyang-demo-") as folder:
        complexes, households = Path(folder, COMPLEX_FILE), Path(folder, HOUSEHOLD_FILE)
        if new := _new_sites(database):
            _write(complexes, map(_complex_row, new))
            import_complexes(database, Order(complexes, LOGIN, now, district=DISTRICT))
        _write(households, (row for site in SITES for row in _household_rows(site)))
        import_households(database, Order(households, LOGIN, now, district=DISTRICT))


def _new_sites(database: Database) -> list[Site]:
    """The complexes that no K-eco list has brought yet; what the registry says of the others is left alone."""
    ours = sa.and_(District.id == Complex.district_id, District.code == DISTRICT)
    with database.begin() as session:
        known = set(session.scalars(sa.select(Complex.code).join(District, ours)))
    return [site for site in SITES if site.code not in known]


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    lines = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def _complex_row(site: Site) -> dict[str, Any]:
    return {
        "aptCode": site.code,
        "aptName_x": site.listed_name,
        "aptName_y": site.name,
        "aptMemo": site.memo,
        "cityCode_x": DISTRICT,
        "citySidoName": "서울특별시",
        "citySggName": "강서구",
        "equipName": "개별계량장비",
        "chargeName": "후불",
        "roadAddr1": site.address,
        "roadAddr2": site.address_detail,
        "hbgvCode": site.dong_code,
        "ctznCnt": site.households,
        "regDate": site.registered_at,
        "xlatlng": site.longitude,
        "ylatlng": site.latitude,
    }


def _household_rows(site: Site) -> Iterable[dict[str, Any]]:
    for home in homes(site):
        yield {
            "complex_code": site.code,
            "building": home.building,
            "unit": home.unit,
            "card_number": home.card,
            "moved_in": home.moved_in.isoformat(),
        }


def _add_gateway(session: Session, district: District, site: Site, now: datetime) -> None:
    code = gateway_code(site.code)
    if session.scalar(sa.select(Gateway.id).where(Gateway.district_id == district.id, Gateway.code == code)):
        return
    place = session.scalars(
        sa.select(Complex).where(Complex.district_id == district.id, Complex.code == site.code)
    ).one()
    gateway = add_gateway(session, district.id, code, now)
    for meter, name in meters(site).items():
        install_meter(session, gateway, place, meter, METERS_SINCE, name)


def _password(var: Path) -> str:
    """The demo account's password: made once, then the same in every run."""
    path = var / ACCOUNT_FILE
    kept = read_private(path).get("password")
    if isinstance(kept, str) and len(kept) >= accounts.MIN_PASSWORD:
        return kept
    password = secrets.token_hex(8)
    write_private(path, {"login": LOGIN, "password": password})
    return password


def _let_in(database: Database, demo: Demo, now: datetime) -> None:
    """See to it that the printed password fits; an account that was disabled stays so."""
    if accounts.log_in(database, f"{DISTRICT}/{demo.login}", demo.password):
        return
    with database.begin() as session:
        district = the_district(session, DISTRICT)
        same = (Account.district_id == district.id, Account.login == demo.login)
        account = session.scalar(sa.select(Account).where(*same))
        if account is None:
            accounts.add_account(session, district.id, demo.login, NAME, demo.password, SCOPES, now)
        elif account.disabled_at is None:
            accounts.set_password(account, demo.password)
