"""What the desks of the demo begin with: who answers for faults, a bin that a resident complained of, certificates of
the scales, the district's own table of installations, and a complex that has applied for more.

The units by year are those that Gangseo-gu published; everything else is made up. What is there already is left alone.
"""

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import WHOLE
from app.db import Database
from app.demo.people import LOGIN
from app.demo.town import DISTRICT, SITES, meters
from app.fleet.faults import rules as duties
from app.fleet.faults import service as faults
from app.registry.certificates import service as certificates
from app.registry.districts import the_district
from app.registry.installations import service as programme
from app.registry.installations.models import InstallationCount
from billing.days import service_day

# Installed until 2017 and in each year after it; the targets are those of the year that followed.
INSTALLED = {"meter": {2017: 283, 2018: 127, 2019: 204, 2020: 110}, "reducer": {2017: 12, 2018: 3, 2019: 11, 2020: 11}}
TARGETS = {"meter": 70, "reducer": 13}
MANAGER, CONTRACTOR, OPERATOR = f"{LOGIN}-manager", f"{LOGIN}-contractor", f"{LOGIN}-operator"
DAYS_AGO = (30, 200, 400, 690, 760)  # of the last inspection, scale by scale: the last ones are due soon and overdue
COMPLAINT = "카드를 대도 덮개가 열리지 않는다고 합니다."


def furnish(database: Database, now: datetime) -> None:
    """Fill the desks once; a second time changes nothing."""
    with database.begin() as session:
        district_id = the_district(session, DISTRICT).id
        counted = sa.select(InstallationCount.year).where(InstallationCount.district_id == district_id)
        if session.scalar(counted.limit(1)) is not None:
            return
        _keep_the_programme(session, district_id, now)
        _certify(session, district_id, now)
        duties.set_duty(session, district_id, duties.Wanted(None, None, CONTRACTOR, OPERATOR), LOGIN, now)
        bin_ = next(iter(meters(SITES[0])))
        faults.report_fault(session, district_id, WHOLE, bin_, "lock", COMPLAINT, MANAGER, now)


def _keep_the_programme(session: Session, district_id: int, now: datetime) -> None:
    counts = [
        programme.Count(kind, year, units, until=year == min(by_year))
        for kind, by_year in INSTALLED.items()
        for year, units in by_year.items()
    ]
    programme.set_counts(session, district_id, counts, LOGIN, now)
    for kind, units in TARGETS.items():
        programme.set_target(session, district_id, kind, max(INSTALLED[kind]) + 1, units, LOGIN, now)
    site, today = SITES[0], service_day(now)
    wish = programme.Wish(site.code, "meter", 1, site.households, "두보하이츠 관리사무소", today - timedelta(days=20))
    application = programme.apply(session, district_id, wish, MANAGER, now)
    step = programme.Step("selected", today - timedelta(days=6))
    programme.take_step(session, district_id, application.id, step, OPERATOR, now)


def _certify(session: Session, district_id: int, now: datetime) -> None:
    """A certificate for each scale but the last of each complex, which has none yet."""
    for site in SITES:
        for code, days in zip(list(meters(site))[:-1], DAYS_AGO, strict=False):
            inspected_on: date = service_day(now) - timedelta(days=days)
            seen = certificates.Inspection(
                f"DEMO-{inspected_on:%y%m}-{code[-4:]}", inspected_on, "한국계량측정협회(데모)"
            )
            certificates.record(session, district_id, code, seen, OPERATOR, now)
