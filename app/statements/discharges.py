"""The discharges that statements follow from, as the ledger read when their run was made."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Instant
from app.metering.corrections import Number
from app.metering.records import WEIGHED
from billing.days import month_after

Row = dict[str, Any]
Tenant = tuple[int, int]  # household and tenancy
TOGETHER = 200  # households of one statement
OF_HOUSEHOLDS = """
    WITH touched AS (
        SELECT d.gateway_id, d.epoch_no, d.seq, d.service_day FROM discharge d
        WHERE d.district_id = :district AND d.household_id IN :households
          AND d.service_day >= :first AND d.service_day < :end
        UNION SELECT c.gateway_id, c.epoch_no, c.seq, c.service_day FROM discharge_correction c
        WHERE c.district_id = :district AND c.household_id IN :households
          AND c.service_day >= :first AND c.service_day < :end)
    SELECT d.gateway_id, d.epoch_no, d.seq, d.service_day, d.occurred_at, m.code AS meter,
           d.net_g AS weighed_g, c.net_g AS corrected_g, c.revision,
           CASE WHEN c.revision IS NULL THEN d.outcome ELSE c.outcome END AS outcome,
           CASE WHEN c.revision IS NULL THEN d.net_g ELSE c.net_g END AS grams,
           CASE WHEN c.revision IS NULL THEN d.household_id ELSE c.household_id END AS household_id,
           CASE WHEN c.revision IS NULL THEN d.tenancy_id ELSE c.tenancy_id END AS tenancy_id
    FROM touched t
    JOIN discharge d ON d.district_id = :district AND d.gateway_id = t.gateway_id AND d.epoch_no = t.epoch_no
     AND d.seq = t.seq AND d.service_day = t.service_day
    JOIN meter m ON m.district_id = d.district_id AND m.id = d.meter_id
    LEFT JOIN discharge_correction c ON c.district_id = d.district_id AND c.gateway_id = d.gateway_id
     AND c.epoch_no = d.epoch_no AND c.seq = d.seq
     AND c.revision = (SELECT max(l.revision) FROM discharge_correction l
                       WHERE l.district_id = d.district_id AND l.gateway_id = d.gateway_id
                         AND l.epoch_no = d.epoch_no AND l.seq = d.seq AND l.booked_at <= :at)
    WHERE d.booked_at <= :at
      AND CASE WHEN c.revision IS NULL THEN d.billable ELSE c.billable AND NOT c.voided END
    ORDER BY d.service_day, d.occurred_at, d.gateway_id, d.epoch_no, d.seq
"""
STATEMENT = (
    sa.text(OF_HOUSEHOLDS)
    .bindparams(
        *(sa.bindparam(name, type_=sa.Date()) for name in ("first", "end")),
        sa.bindparam("at", type_=Instant()),
        sa.bindparam("households", expanding=True),
    )
    .columns(service_day=sa.Date(), occurred_at=Instant())
)


def of_tenancies(
    session: Session, district_id: int, tenants: Collection[Tenant], month: date, at: datetime
) -> dict[Tenant, list[Row]]:
    """The billable discharges of households' tenancies in a month, as the ledger read at `at`, in the order of time.

    Each: number, service_day, occurred_at, meter (code), grams, and where it was corrected `weighed_g` as first booked.
    """
    found: dict[Tenant, list[Row]] = {tenant: [] for tenant in tenants}
    households = sorted({household_id for household_id, _ in tenants})
    when = {"first": month, "end": month_after(month), "at": at}
    for first in range(0, len(households), TOGETHER):
        whose = {"district": district_id, "households": households[first : first + TOGETHER]}
        for row in session.execute(STATEMENT, whose | when).mappings():
            tenant = row["household_id"], row["tenancy_id"]
            if tenant in found and row["outcome"] in WEIGHED and row["grams"] is not None:
                found[tenant].append(_discharge(row))
    return found


def _discharge(row: Any) -> Row:
    number = str(Number(row["gateway_id"], row["epoch_no"], row["seq"]))
    said = {name: row[name] for name in ("service_day", "occurred_at", "meter", "grams")}
    return said | {"number": number, "weighed_g": None if row["revision"] is None else row["weighed_g"]}
