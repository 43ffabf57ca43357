"""Checks of the fleet: looks at each district and judges what it sees, once or until somebody stops it."""

from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from app.db import UNAVAILABLE, Database
from app.fleet.faults import remembering
from app.fleet.faults.rules import read_policy
from app.fleet.faults.watching import Summary, check
from app.metering.fault_watch.observing import observe
from app.metering.fault_watch.verdicts import verdicts
from app.registry.models import District

TRAFFIC = "traffic"
TRAFFIC_EVERY = timedelta(minutes=10)  # it is counted by the hour: more often, there is nothing new to see

log = structlog.get_logger()


def check_district(database: Database, district_id: int, now: datetime) -> Summary:
    """Look at a district outside of any writing, then judge what was seen in one short transaction."""
    with database.reading() as connection:
        judged = remembering.last_judged(connection, district_id, TRAFFIC)
        with_traffic = judged is None or not timedelta(0) <= now - judged < TRAFFIC_EVERY
        observed = observe(connection, district_id, now, with_traffic)
    with database.begin() as session:
        counted_from = remembering.begin(session, district_id, now)
        one_in = read_policy(session, district_id).one_in
        seen = verdicts(observed, one_in, counted_from, now)
        done = check(session, district_id, observed.devices(), seen, counted_from, now)
        if with_traffic:
            remembering.mark(session, [district_id], TRAFFIC, now, now)
    return done


def check_all(database: Database, now: datetime) -> dict[int, Summary]:
    """Check every district, by its id. One whose check fails for a busy database is checked again the next time."""
    with database.reading() as connection:
        districts = connection.scalars(sa.select(District.id).order_by(District.id)).all()
    done = {}
    for district_id in districts:
        try:
            done[district_id] = check_district(database, district_id, now)
        except UNAVAILABLE as error:
            log.warning("check of faults put off", district_id=district_id, error=str(error))
    return done
