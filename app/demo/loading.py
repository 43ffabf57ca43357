"""Puts the demo's town into a database, by the imports that a district office would use; again, it changes nothing."""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Database
from app.demo import desks, fleet
from app.demo.district import invented, with_meters
from app.demo.people import LOGIN, Demo, let_in
from app.demo.town import DISTRICT, METERS_SINCE, SITES, Site, gateway_code, homes, meters
from app.registry.districts import the_district
from app.registry.imports.service import Order, import_complexes, import_households
from app.registry.imports.sheets import File
from app.registry.models import Complex, District, Gateway, Household, ImportBatch
from app.registry.service import add_gateway, install_meter
from app.texts import Refused, Text

COMPLEX_FILE, HOUSEHOLD_FILE = "demo-complexes.csv", "demo-households.csv"
DISTRICT_FILE = "demo-district-households.csv"

NOT_EMPTY = Text(
    "데모가 아닌 세대나 게이트웨이가 이미 있어 데모를 넣지 않았습니다: {url}. "
    "다른 데이터베이스를 지정하세요: JONGNYANG_DATABASE_URL=sqlite:///var/demo.db",
    "The demo was not loaded, for there are households or gateways of others: {url}. "
    "Name another database: JONGNYANG_DATABASE_URL=sqlite:///var/demo.db",
)


def load(database: Database, var: Path, now: datetime, full: bool = False, secret_key: str = "") -> Demo:
    """Load what is missing, `full` the whole district, and write `demo.json` and `fleet.json` into `var`.

    `secret_key` is the service's, which seals the second factors of the demo's accounts.
    Raises Refused, changing nothing, for a database with households or gateways that are not the demo's.
    """
    if not _is_loaded(database, HOUSEHOLD_FILE):
        _refuse_others(database)
        _import_complexes(database, SITES, now)
        _import_households(database, SITES, HOUSEHOLD_FILE, now)
    sites = [*SITES, *_rest_of_district(database, now)] if full else SITES
    with database.begin() as session:
        district = the_district(session, DISTRICT)
        for site in sites:
            _add_gateway(session, district, site, now)
    demo = let_in(database, var, secret_key, now)
    desks.furnish(database, now)
    fleet.prepare(database, var, now)
    return demo


def _rest_of_district(database: Database, now: datetime) -> list[Site]:
    """The complexes besides the three, with their households; made up where no K-eco list has brought any."""
    if not _others(database):
        _import_complexes(database, invented(), now)
    sites = with_meters(_others(database))
    if not _is_loaded(database, DISTRICT_FILE):
        _import_households(database, sites, DISTRICT_FILE, now)
    return sites


def _others(database: Database) -> list[tuple[str, str, int]]:
    """Code, name and declared households of the other complexes where somebody lives."""
    three = [site.code for site in SITES]
    with database.begin() as session:
        district = the_district(session, DISTRICT)
        found = session.execute(
            sa.select(Complex.code, Complex.name, Complex.declared_households)
            .where(Complex.district_id == district.id, Complex.code.not_in(three), Complex.declared_households > 0)
            .order_by(Complex.code)
        )
        return [(code, name, households) for code, name, households in found if households]


def _is_loaded(database: Database, file_name: str) -> bool:
    mark = (ImportBatch.file_name == file_name, ImportBatch.undone_at.is_(None))
    with database.begin() as session:
        return session.scalar(sa.select(ImportBatch.id).where(*mark).limit(1)) is not None


def _refuse_others(database: Database) -> None:
    own = [gateway_code(site.code) for site in SITES]
    with database.begin() as session:
        gateway = session.scalar(sa.select(Gateway.id).where(Gateway.code.not_in(own)).limit(1))
        household = session.scalar(sa.select(Household.id).limit(1))
    if gateway is not None or household is not None:
        raise Refused(NOT_EMPTY.fill(url=database.engine.url.render_as_string()))


def _import_complexes(database: Database, sites: Sequence[Site], now: datetime) -> None:
    """Import the complexes that no K-eco list has brought yet; what the registry says of the others is left alone."""
    ours = sa.and_(District.id == Complex.district_id, District.code == DISTRICT)
    with database.begin() as session:
        known = set(session.scalars(sa.select(Complex.code).join(District, ours)))
    if new := [site for site in sites if site.code not in known]:
        with _file(COMPLEX_FILE, map(_complex_row, new)) as path:
            import_complexes(database, Order(File.opened(path), LOGIN, now, district=DISTRICT))


def _import_households(database: Database, sites: Sequence[Site], name: str, now: datetime) -> None:
    with _file(name, (row for site in sites for row in _household_rows(site))) as path:
        import_households(database, Order(File.opened(path), LOGIN, now, district=DISTRICT))


@contextmanager
def _file(name: str, rows: Iterable[dict[str, Any]]) -> Iterator[Path]:
    lines = list(rows)
    with tempfile.TemporaryDirectory(prefix="jongnyang-demo-") as folder:
        path = Path(folder, name)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(lines)
        yield path


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
            "resident_name": home.resident,
            "phone": home.phone,
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
