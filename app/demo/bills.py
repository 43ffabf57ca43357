"""The months that the demo has behind it: tariffs and terms, what was closed, and a last month under review.

Gangseo-gu publishes no rate for food waste: 130 won/kg is that of Gangbuk-gu (news1 5397530), the complex that is
billed as a whole has Guro-gu's 75 (greenpostkorea 26705). Both are assumptions and say so. What is there is left alone.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Database
from app.demo.people import LOGIN
from app.demo.town import DISTRICT, SITES
from app.metering.models import ComplexDay
from app.registry.districts import the_district
from app.registry.models import Household, Tenancy
from app.registry.places import complex_of
from app.statements import runs
from app.statements.models import StatementRun
from app.statements.terms import classes, tariffs, terms
from app.statements.terms.models import Tariff as TariffRow
from app.statements.terms.terms import Terms
from billing.days import midnight, month_after, month_of, service_day
from billing.tariffs import Tariff, Tier

OPERATOR = f"{LOGIN}-operator"
ASSUMED = "데모 가정: 강서구는 단가를 공표하지 않음 (강북구 130원/kg, news1 5397530)"
SHARED = "데모 가정: 구로구 단지별 균등 배분 75원/kg (greenpostkorea 26705)"
RELIEVED = "데모 가정: 기초생활수급 가구 50% 감면"
WON_PER_KG, WON_SHARED, RELIEF = Decimal(130), Decimal(75), Decimal(50)
EVERY = 40  # the how-manieth household of the first complex is relieved
TERMS = {SITES[0].code: Terms("household", "shared", "weight"), SITES[2].code: Terms("complex", "held", "equal")}
PREVIEWED, CLOSED = timedelta(days=2, hours=9), timedelta(days=8, hours=9)  # after the end of the month


def bill(database: Database, now: datetime) -> None:
    """Close every whole month of the history but the last one, of which a preview is under review."""
    with database.begin() as session:
        district_id = the_district(session, DISTRICT).id
        first = _first_whole_month(session, district_id)
        last = month_after(month_of(service_day(now)), -1)
        if first is None or first > last or _is_any(session, StatementRun, district_id):
            return
        _agree_on_terms(session, district_id, first, now)
    month = first
    while month < last:
        ended = midnight(month_after(month))
        runs.preview_month(database, district_id, month, None, OPERATOR, ended + PREVIEWED)
        runs.finalise_month(database, district_id, month, None, OPERATOR, ended + CLOSED)
        month = month_after(month)
    runs.preview_month(database, district_id, last, None, OPERATOR, now)


def _agree_on_terms(session: Session, district_id: int, first: date, now: datetime) -> None:
    if _is_any(session, TariffRow, district_id):
        return
    wanted = [
        tariffs.Wanted("household", "general", _flat(first, WON_PER_KG), ASSUMED),
        tariffs.Wanted("household", "basic_livelihood", _flat(first, WON_PER_KG, RELIEF), RELIEVED),
        tariffs.Wanted("complex", "general", _flat(first, WON_SHARED), SHARED),
    ]
    for each in wanted:
        tariffs.add(session, district_id, each, OPERATOR, now)
    for code, of_complex in TERMS.items():
        terms.change(session, district_id, [code], first, of_complex, "데모", OPERATOR, now)
    for tenancy_id in _tenancies(session, district_id)[::EVERY]:
        classes.set_class(session, district_id, tenancy_id, first, "basic_livelihood", "데모", OPERATOR, now)


def _flat(first: date, won_per_kg: Decimal, relief: Decimal = Decimal(0)) -> Tariff:
    return Tariff(0, first, (Tier(0, won_per_kg),), relief_percent=relief)


def _tenancies(session: Session, district_id: int) -> list[int]:
    """Those of the first complex that go on, by unit."""
    complex_ = complex_of(session, district_id, SITES[0].code)
    lives = sa.and_(Household.district_id == Tenancy.district_id, Household.id == Tenancy.household_id)
    asked = sa.select(Tenancy.id).join(Household, lives).where(Tenancy.district_id == district_id)
    mine = asked.where(Household.complex_id == complex_.id, Tenancy.valid_to.is_(None))
    return list(session.scalars(mine.order_by(Tenancy.id)))


def _first_whole_month(session: Session, district_id: int) -> date | None:
    day = session.scalar(sa.select(sa.func.min(ComplexDay.service_day)).where(ComplexDay.district_id == district_id))
    return None if day is None else day if day.day == 1 else month_after(month_of(day))


def _is_any(session: Session, model: type[TariffRow] | type[StatementRun], district_id: int) -> bool:
    return session.scalar(sa.select(model.id).where(model.district_id == district_id).limit(1)) is not None
