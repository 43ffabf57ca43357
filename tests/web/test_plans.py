"""The first page's reads go by key, so that they cost the same over ten years of discharges as over a day."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.db import Database
from app.fleet.models import GatewayEpoch
from app.metering import ledger
from app.metering.ledger import Row
from app.times import now
from app.web.queries import latest_discharges
from billing.days import month_of, service_day
from tests.web.bins import Bins

GATEWAYS, EACH = 3, 4000


def fill(database: Database) -> None:
    """Few gateways with many discharges each, where reading them all might look cheap."""
    at, day = now(), service_day(now())
    if not database.is_sqlite:
        ledger.Partitions(database).create({month_of(day)})
    epoch = {"district_id": 1, "epoch_no": 1, "high_seq": EACH, "missing": "[]", "missing_merged": False}
    times = {"last_occurred_at": at, "first_contact_at": at, "last_contact_at": at}
    spools = range(100, 100 + GATEWAYS)
    measured: tuple[Any, ...] = (at, None, None, at, "synced", "settled", 0, 400, 400, False, "[]", "{}", b"x", at, at)
    with database.engine.begin() as connection:
        rows = [epoch | times | {"gateway_id": spool, "epoch": f"{spool:016}"} for spool in spools]
        connection.execute(sa.insert(GatewayEpoch), rows)
        numbers = ((spool, seq) for spool in spools for seq in range(1, EACH + 1))
        ledger.write(
            connection, [Row(1, spool, 1, seq, day, 1, 1, None, None, None, *measured) for spool, seq in numbers]
        )
        connection.execute(sa.text("ANALYZE"))


def plan_of_latest(database: Database) -> str:
    """How the database finds the latest discharges."""
    plans = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM (SELECT gateway_epoch" in " ".join(statement.split()):
            cursor.execute(f"EXPLAIN {'QUERY PLAN' if database.is_sqlite else ''} {statement}", parameters)
            plans.append("\n".join(str(row) for row in cursor.fetchall()))

    sa.event.listen(database.engine, "before_cursor_execute", explain)
    with database.engine.connect() as connection:
        latest_discharges(connection, 1, service_day(now()) - timedelta(days=1))
    sa.event.remove(database.engine, "before_cursor_execute", explain)
    return plans[0]


def test_the_latest_discharges_are_found_by_their_numbers(database: Database, bins: Bins) -> None:
    fill(database)
    plan = plan_of_latest(database)
    if database.is_sqlite:
        assert "SCAN discharge" not in plan
        assert "seq>? AND seq<?" in plan
    else:
        assert "Index Cond: ((district_id = 1) AND (gateway_id = gateway_epoch.gateway_id)" in plan
        assert "(seq >= (gateway_epoch.high_seq" in plan
